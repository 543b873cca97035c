import { rocAuc } from '#stats';
import { isMissing } from '#tables';
import type { Frame } from '#tables';
import { asCategories } from '../association.ts';
import { groupsOf } from './coverage.ts';

const folds = 5;
const bins = 50;
/** A target with more values is predicted as a number. */
const mostClasses = 50;

export interface Separation {
  readonly measure: 'ROC AUC' | 'R2';
  readonly value: number;
}

/**
 * How well one column alone tells the target, out of fold: its values (numbers in 50 quantile bins) are replaced by the mean of the target
 * over the other four folds, so that a column of keys, whose values stand in one row each, tells nothing. ROC AUC (for several classes the
 * greatest of one against the rest), or R squared for a target of numbers. Rows are dealt to folds by their position.
 * @returns undefined where it cannot be measured (fewer than 20 rows with a target, one class)
 */
export function outOfFoldSeparation(frame: Frame, name: string, target: string): Separation | undefined {
  const column = frame.column(target);
  const codes = Int32Array.from(asCategories(frame.column(name), bins), (code) => code + 1);
  const { groups, names } = groupsOf(frame, target);
  const rows: number[] = [];
  for (let row = 0; row < frame.rows; row++) if (!isMissing(column, row)) rows.push(row);
  if (rows.length < 20) return undefined;
  if (column.kind !== 'text' && names.length > mostClasses) {
    const { values } = column;
    const truth = rows.map((row) => values[row]);
    const predicted = encoded(rows, codes, (row) => values[row]);
    const mean = truth.reduce((sum, value) => sum + value, 0) / truth.length;
    const total = truth.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    const left = truth.reduce((sum, value, i) => sum + (value - predicted[i]) ** 2, 0);
    return total > 0 ? { measure: 'R2', value: Math.max(0, 1 - left / total) } : undefined;
  }
  if (names.length < 2 || names.length > mostClasses) return undefined;
  const classes = names.length === 2 ? [1] : names.map((_, code) => code);
  let best = 0;
  for (const own of classes) {
    const truth = Uint8Array.from(rows, (row) => Number(groups[row] === own));
    if (truth.every((value) => value === truth[0])) continue;
    const auc = rocAuc(
      truth,
      encoded(rows, codes, (row) => Number(groups[row] === own)),
    );
    if (auc > best) best = auc;
  }
  return { measure: 'ROC AUC', value: best };
}

function encoded(rows: readonly number[], codes: Int32Array, valueOf: (row: number) => number): Float64Array {
  let size = 0;
  for (const code of codes) if (code >= size) size = code + 1;
  const sums = Array.from({ length: folds }, () => new Float64Array(size));
  const counts = Array.from({ length: folds }, () => new Float64Array(size));
  const all = { sums: new Float64Array(size), counts: new Float64Array(size) };
  const foldTotals = Array.from({ length: folds }, () => ({ sum: 0, count: 0 }));
  let total = 0;
  rows.forEach((row, i) => {
    const value = valueOf(row);
    const fold = i % folds;
    sums[fold][codes[row]] += value;
    counts[fold][codes[row]]++;
    all.sums[codes[row]] += value;
    all.counts[codes[row]]++;
    foldTotals[fold].sum += value;
    foldTotals[fold].count++;
    total += value;
  });
  return Float64Array.from(rows, (row, i) => {
    const fold = i % folds;
    const code = codes[row];
    const others = all.counts[code] - counts[fold][code];
    return others > 0
      ? (all.sums[code] - sums[fold][code]) / others
      : (total - foldTotals[fold].sum) / (rows.length - foldTotals[fold].count);
  });
}
