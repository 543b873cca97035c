import type { SplitColumn } from '#contract';
import { chiSquaredTest, driftTest } from '#stats';
import type { DriftSample } from '#stats';
import { cellOf, isMissing } from '#tables';
import type { Column, Frame } from '#tables';

/** Numbers with at most so many different values are tested as names. */
const mostValues = 20;
/** A text column with more different values than this share of its rows is a key or free text. */
const mostDistinctShare = 0.5;
/** With fewer missing values to be expected on a side, the chi-squared law does not hold for them. */
const leastExpected = 5;

/** Rows of a frame: all that count for the effect, and those among them that are independent of each other. */
export interface Side {
  readonly frame: Frame;
  readonly rows: Int32Array;
  readonly independent: Int32Array;
}

export type ColumnTest = Pick<SplitColumn, 'statistic' | 'pValue' | 'effect' | 'missing' | 'note'>;

/**
 * Whether a column follows the same law on two sides: Kolmogorov and Smirnov's test for numbers and instants with more than twenty
 * values, the chi-squared test for names (see `driftTest`). Where values are missing, their share is tested as well (chi-squared), and
 * the smaller of both p-values counts twice (Bonferroni). The p-value is of the independent rows, the effect of all.
 * @param tested false: there are too few independent rows, and no p-value is said
 */
export function testColumn(name: string, reference: Side, here: Side, tested: boolean): ColumnTest {
  const missing = { reference: missingShare(reference, name), here: missingShare(here, name) };
  const asNames = isOfNames(reference, name, here);
  if (asNames === undefined) return { pValue: null, missing, note: 'keys or free text: not compared' };
  const valuesOf = sampleOf(asNames);
  const effectSides = [valuesOf(reference.frame, name, reference.rows), valuesOf(here.frame, name, here.rows)] as const;
  const laws = isEmpty(effectSides[0]) || isEmpty(effectSides[1]) ? undefined : driftTest(...effectSides);
  const facts = { missing, ...(laws === undefined ? {} : { effect: laws.effect }) };
  if (!tested) return { ...facts, pValue: null, note: 'too few groups or places for a test' };
  const sides = [valuesOf(reference.frame, name, reference.independent), valuesOf(here.frame, name, here.independent)] as const;
  const values = isEmpty(sides[0]) || isEmpty(sides[1]) ? undefined : driftTest(...sides);
  const gone = missingTest(reference, here, name);
  const found = [values?.pValue, gone].filter((pValue) => pValue !== undefined);
  if (found.length === 0) return { ...facts, pValue: null, note: 'no values on one of the sides' };
  const statistic = asNames ? 'chi_squared' : 'ks';
  return { ...facts, statistic, pValue: Math.min(1, found.length * Math.min(...found)) };
}

/** Whether a column is tested as names; undefined when it is one of keys or free text. */
function isOfNames(reference: Side, name: string, here: Side): boolean | undefined {
  const column = reference.frame.column(name);
  if (column.kind === 'text') {
    const isFree = (side: Side): boolean => {
      const distinct = distinctOf(side.frame.column(name), side.rows, Infinity);
      return distinct.size > mostValues && distinct.size > mostDistinctShare * side.rows.length;
    };
    return isFree(reference) || isFree(here) ? undefined : true;
  }
  const distinct = distinctOf(column, reference.rows, mostValues);
  for (const value of distinctOf(here.frame.column(name), here.rows, mostValues)) distinct.add(value);
  return distinct.size <= mostValues;
}

/** Different values, counted no further than just above `most`. */
function distinctOf(column: Column, rows: Int32Array, most: number): Set<number> {
  const values = column.kind === 'text' ? column.codes : column.values;
  const distinct = new Set<number>();
  for (const row of rows) {
    if (!isMissing(column, row)) distinct.add(values[row]);
    if (distinct.size > most) break;
  }
  return distinct;
}

/** How rows of a column become what `driftTest` compares. */
function sampleOf(asNames: boolean): (frame: Frame, name: string, rows: Int32Array) => DriftSample {
  return (frame, name, rows) => {
    const column = frame.column(name);
    if (!asNames && column.kind !== 'text') {
      const values = new Float64Array(rows.length);
      rows.forEach((row, i) => (values[i] = column.values[row]));
      return { kind: 'numeric', values };
    }
    const type = frame.typeOf(name);
    const counts = new Map<string, number>();
    for (const row of rows) {
      if (isMissing(column, row)) continue;
      const value = String(cellOf(column, type, row));
      counts.set(value, (counts.get(value) ?? 0) + 1);
    }
    return { kind: 'categorical', counts };
  };
}

function isEmpty(sample: DriftSample): boolean {
  return sample.kind === 'categorical' ? sample.counts.size === 0 : Array.from(sample.values).every((value) => Number.isNaN(value));
}

function missingIn({ frame }: Side, name: string, rows: Int32Array): number {
  const column = frame.column(name);
  return rows.reduce((sum, row) => sum + (isMissing(column, row) ? 1 : 0), 0);
}

const missingShare = (side: Side, name: string): number => missingIn(side, name, side.rows) / side.rows.length;

/** Undefined where too few values are missing, or present, for a test of their share. */
function missingTest(reference: Side, here: Side, name: string): number | undefined {
  const gone = [missingIn(reference, name, reference.independent), missingIn(here, name, here.independent)];
  const sizes = [reference.independent.length, here.independent.length];
  const share = (gone[0] + gone[1]) / (sizes[0] + sizes[1]);
  if (Math.min(...sizes) * Math.min(share, 1 - share) < leastExpected) return undefined;
  return chiSquaredTest([gone[0], sizes[0] - gone[0]], [gone[1], sizes[1] - gone[1]]).pValue;
}
