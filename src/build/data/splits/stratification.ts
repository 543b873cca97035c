import type { Split } from '#contract';
import { GyreError } from '#core';
import { sorted, quantileBinEdges, wilsonInterval } from '#stats';
import type { Frame } from '#tables';
import { asCategories, contingency, independence } from '../association.ts';

type TargetShare = NonNullable<Split['parts'][number]['targetShare']>;

/** A column's classes over the rows of a frame, to report how they fall on parts. */
export interface Classes {
  readonly codes: Int32Array;
  readonly names: readonly string[];
}

const mostClasses = 20;

/** A text's values or a number's few values as classes; a number with more than twenty values by quartiles. */
export function classesOf(frame: Frame, name: string): Classes {
  const column = frame.column(name);
  if (column.kind === 'text') return { codes: column.codes, names: column.dictionary };
  const distinct = [...new Set(column.values)].filter((value) => !Number.isNaN(value)).sort((left, right) => left - right);
  if (distinct.length <= mostClasses) return { codes: asCategories(column, mostClasses), names: distinct.map(String) };
  const edges = quantileBinEdges(sorted(column.values), 4);
  const names = [...edges.map((edge) => `<= ${edge}`), `> ${edges[edges.length - 1]}`];
  return { codes: asCategories(column, 4), names };
}

/** The share of each class among rows, with Wilson's 95 % interval. Rows without a class are left out. */
export function sharesOf(classes: Classes, rows: Int32Array): TargetShare {
  const counts = new Array<number>(classes.names.length).fill(0);
  let total = 0;
  for (const row of rows) {
    const code = classes.codes[row];
    if (code < 0) continue;
    counts[code]++;
    total++;
  }
  if (total === 0) return {};
  return Object.fromEntries(
    classes.names.map((name, i) => [
      name,
      { share: counts[i] / total, interval: { ...wilsonInterval(counts[i], total, 0.95), level: 0.95 } },
    ]),
  );
}

/** Tests whether the classes fall on the parts as chance would have it (chi-squared test of independence). */
export function stratificationOf(classes: Classes, column: string, parts: readonly Int32Array[]): NonNullable<Split['stratification']> {
  const partCodes = new Int32Array(classes.codes.length).fill(-1);
  parts.forEach((rows, part) => {
    for (const row of rows) partCodes[row] = part;
  });
  const table = contingency(partCodes, classes.codes);
  if (!table) {
    throw new GyreError(
      'INVALID_ARGUMENT',
      `${column} has ${classes.names.length} values, too many to stratify by; name a column of classes`,
      { column },
    );
  }
  const { pValue } = independence(table);
  const p = pValue < 0.001 ? 'p < 0.001' : `p = ${pValue.toFixed(3)}`;
  const message =
    pValue < 0.001
      ? `the shares of ${column} differ between parts more than chance explains (${p}): choose another salt, or look for keys that carry ${column}`
      : `the shares of ${column} are alike in all parts (${p})`;
  return { column, pValue, message };
}
