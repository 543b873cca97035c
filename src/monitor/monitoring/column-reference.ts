import type { ColumnType } from '#contract';
import { seedOf, seeded } from '#core';
import type { DriftSample } from '#stats';
import { histogramOf, quantileBinEdges, sorted } from '#stats';
import { isMissing, lengthOf } from '#tables';
import type { Column } from '#tables';

/** How a column's values were spread when the model learned, made once for many windows. */
export type ColumnReference = { readonly missingShare: number } & (
  | {
      readonly kind: 'numeric';
      readonly values: Float64Array;
      /** Inner edges of bins with about the same number of reference values each. */
      readonly edges: readonly number[];
      readonly binned: Float64Array;
    }
  | {
      readonly kind: 'categorical';
      /** Rare categories are one, `other`. */
      readonly counts: ReadonlyMap<string, number>;
      readonly rows: number;
    }
);

/** Numbers with at most so many different values are compared as categories: a rank test has little to say about them. */
const mostDiscreteValues = 10;
/** Categories rarer than this in the reference are counted together, as are those it never saw: an index over many cells is noise. */
const leastShare = 0.005;
/** The null laws of the tests are exact up to here; more rows would cost time in every window and say nothing new. */
const mostRows = 10_000;
const bins = 10;
/** Counts rare and unknown categories; no category of data is called so, since it holds a control character. */
export const otherCategory = '\u0001other';

export function referenceOfNumbers(values: Float64Array, name: string): ColumnReference {
  const present = values.filter((value) => !Number.isNaN(value));
  const missingShare = values.length === 0 ? 0 : 1 - present.length / values.length;
  const distinct = new Set<number>();
  for (const value of present) if (distinct.size <= mostDiscreteValues) distinct.add(value);
  if (distinct.size <= mostDiscreteValues) return categories(Array.from(present, String), missingShare);
  const rising = sorted(sample(present, name));
  const edges = quantileBinEdges(rising, bins);
  return { kind: 'numeric', missingShare, values: rising, edges, binned: histogramOf(rising, edges) };
}

export function referenceOfTexts(values: readonly (string | null)[]): ColumnReference {
  const present = values.filter((value) => value !== null);
  return categories(present, values.length === 0 ? 0 : 1 - present.length / values.length);
}

/** @returns undefined for instants: time goes on, and that is no drift */
export function referenceOfColumn(column: Column, type: ColumnType, name: string): ColumnReference | undefined {
  if (type === 'instant' || column.kind === 'instant') return undefined;
  if (column.kind === 'number') return referenceOfNumbers(column.values, name);
  const texts = Array.from({ length: lengthOf(column) }, (_, row) =>
    isMissing(column, row) ? null : column.dictionary[column.codes[row]],
  );
  return referenceOfTexts(texts);
}

function categories(present: readonly string[], missingShare: number): ColumnReference {
  const all = new Map<string, number>();
  for (const value of present) all.set(value, (all.get(value) ?? 0) + 1);
  const counts = new Map<string, number>();
  for (const [value, count] of all) {
    if (count / present.length >= leastShare) counts.set(value, count);
    else counts.set(otherCategory, (counts.get(otherCategory) ?? 0) + count);
  }
  return { kind: 'categorical', missingShare, counts, rows: present.length };
}

function sample(values: Float64Array, name: string): Float64Array {
  if (values.length <= mostRows) return values;
  const random = seeded(seedOf('monitoring.reference', name));
  const kept = values.slice();
  for (let at = 0; at < mostRows; at++) {
    const other = at + random.int(kept.length - at);
    [kept[at], kept[other]] = [kept[other], kept[at]];
  }
  return kept.slice(0, mostRows);
}

/** A window's values in the terms of a reference; undefined when none is present. */
export function currentSample(reference: ColumnReference, values: readonly unknown[]): DriftSample | undefined {
  if (reference.kind === 'numeric') {
    const numbers = values.flatMap((value) => {
      const number = numberOf(value);
      return number === undefined ? [] : [number];
    });
    return numbers.length === 0 ? undefined : { kind: 'numeric', values: Float64Array.from(numbers) };
  }
  const counts = new Map<string, number>();
  for (const value of values) {
    const category = categoryOf(value);
    if (category === undefined) continue;
    const known = reference.counts.has(category) ? category : otherCategory;
    counts.set(known, (counts.get(known) ?? 0) + 1);
  }
  return counts.size === 0 ? undefined : { kind: 'categorical', counts };
}

function numberOf(value: unknown): number | undefined {
  if (typeof value === 'boolean') return Number(value);
  return typeof value === 'number' && !Number.isNaN(value) ? value : undefined;
}

function categoryOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  const number = numberOf(value);
  return number === undefined ? undefined : String(number);
}
