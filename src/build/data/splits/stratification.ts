import type { Split } from '#contract';
import { GyreError } from '#core';
import { wilsonInterval } from '#stats';
import type { Frame } from '#tables';
import { independence } from '../association.ts';
import type { Contingency } from '../association.ts';
import type { Batches } from '../quality/batches.ts';
import { valuesAtRanks } from './ranks.ts';

type TargetShare = NonNullable<Split['parts'][number]['targetShare']>;

const mostClasses = 20;
/** A table larger than this is one of keys or free texts: nothing can be said of it. */
const mostCells = 4_000_000;

/** A column's classes over the rows of a table, to report how they fall on parts and sets. */
export interface Classes {
  readonly names: readonly string[];
  /** Each row's class by its place among the names, -1 without one. New texts become classes. */
  codesOf(batch: Frame): Int32Array;
}

/** A text's values or a number's few values as classes; a number with more than twenty values by quartiles. */
export async function openClasses(batches: Batches, name: string): Promise<Classes> {
  if (batches.schema.some((column) => column.name === name && column.type === 'string')) return textClasses(name);
  const seen = new Set<number>();
  await eachNumbers(batches, name, (values) => {
    for (const value of values) if (seen.size <= mostClasses) seen.add(value);
  });
  if (seen.size <= mostClasses) {
    const distinct = [...seen].sort((left, right) => left - right);
    const codeOf = new Map(distinct.map((value, code) => [value, code]));
    return { names: distinct.map(String), codesOf: (batch) => codesBy(batch, name, (value) => codeOf.get(value) ?? -1) };
  }
  const edges = await quartiles((take) => eachNumbers(batches, name, take));
  const names = [...edges.map((edge) => `<= ${edge}`), `> ${edges[edges.length - 1]}`];
  return {
    names,
    codesOf: (batch) =>
      codesBy(batch, name, (value) => {
        const bin = edges.findIndex((edge) => value <= edge);
        return bin < 0 ? edges.length : bin;
      }),
  };
}

function textClasses(name: string): Classes {
  const names: string[] = [];
  const codeOf = new Map<string, number>();
  return {
    names,
    codesOf: (batch) => {
      const { codes, dictionary } = batch.texts(name);
      const known = new Int32Array(dictionary.length).fill(-1);
      return codes.map((code) => {
        if (code < 0) return -1;
        if (known[code] >= 0) return known[code];
        const text = dictionary[code];
        let found = codeOf.get(text);
        if (found === undefined) codeOf.set(text, (found = names.push(text) - 1));
        known[code] = found;
        return found;
      });
    },
  };
}

async function eachNumbers(batches: Batches, name: string, take: (values: Float64Array) => void): Promise<void> {
  await batches.each([name], (batch) => {
    const column = batch.column(name);
    if (column.kind !== 'text') take(column.values.filter((value) => !Number.isNaN(value)));
  });
}

function codesBy(batch: Frame, name: string, codeOf: (value: number) => number): Int32Array {
  const column = batch.column(name);
  return column.kind === 'text' ? column.codes : Int32Array.from(column.values, (value) => (Number.isNaN(value) ? -1 : codeOf(value)));
}

/** The edges between quarters of a stream of numbers: see `quantileBinEdges`. */
async function quartiles(stream: (take: (values: Float64Array) => void) => Promise<void>): Promise<number[]> {
  const parts: number[] = [];
  const values = await valuesAtRanks(stream, (count) => {
    const positions = [1, 2, 3].map((quarter) => (count - 1) * (quarter / 4));
    parts.push(...positions.map((position) => position - Math.floor(position)));
    return [...positions.flatMap((position) => [Math.floor(position), Math.ceil(position)]), count - 1];
  });
  const edges: number[] = [];
  for (const [i, part] of parts.entries()) {
    const [low, next] = [values[2 * i], values[2 * i + 1]];
    const edge = part === 0 ? low : low + part * (next - low);
    if (edge < values[values.length - 1] && edge !== edges[edges.length - 1]) edges.push(edge);
  }
  return edges;
}

/** Counts how classes fall on sides, each a part or a set. */
export interface ClassTally {
  /** @param side of each row, or -1 @param at where the rows' classes come from */
  add(codes: Int32Array, side: (row: number) => number): void;
  /** The share of each class on a side, with Wilson's 95 % interval. Rows without a class are left out. */
  sharesOn(side: number): TargetShare;
  /** The counts by side and class, in the order of their first rows; undefined where there are too many. */
  table(): Contingency | undefined;
}

export function classTally(names: readonly string[]): ClassTally {
  const sides = new Map<number, Map<number, number>>();
  const seen = new Set<number>();
  return {
    add: (codes, side) => {
      for (let row = 0; row < codes.length; row++) {
        const [code, at] = [codes[row], side(row)];
        if (code < 0 || at < 0) continue;
        seen.add(code);
        const counts = sides.get(at) ?? new Map<number, number>();
        if (counts.size === 0) sides.set(at, counts);
        counts.set(code, (counts.get(code) ?? 0) + 1);
      }
    },
    sharesOn: (side) => {
      const counts = sides.get(side) ?? new Map<number, number>();
      const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
      if (total === 0) return {};
      return Object.fromEntries(
        names.map((name, code) => {
          const count = counts.get(code) ?? 0;
          return [name, { share: count / total, interval: { ...wilsonInterval(count, total, 0.95), level: 0.95 } }];
        }),
      );
    },
    table: () => {
      const columns = [...seen];
      if (sides.size * columns.length > mostCells) return undefined;
      const cells = Float64Array.from([...sides.values()].flatMap((counts) => columns.map((code) => counts.get(code) ?? 0)));
      return { rows: sides.size, columns: columns.length, cells, total: cells.reduce((sum, count) => sum + count, 0) };
    },
  };
}

/** Tests whether the classes fall on the parts as chance would have it (chi-squared test of independence). */
export function stratificationOf(tally: ClassTally, { names }: Classes, column: string): NonNullable<Split['stratification']> {
  const table = tally.table();
  if (!table) {
    throw new GyreError('INVALID_ARGUMENT', `${column} has ${names.length} values, too many to stratify by; name a column of classes`, {
      column,
    });
  }
  const { pValue } = independence(table);
  const p = pValue < 0.001 ? 'p < 0.001' : `p = ${pValue.toFixed(3)}`;
  const message =
    pValue < 0.001
      ? `the shares of ${column} differ between parts more than chance explains (${p}): choose another salt, or look for keys that carry ${column}`
      : `the shares of ${column} are alike in all parts (${p})`;
  return { column, pValue, message };
}
