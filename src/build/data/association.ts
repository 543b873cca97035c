import type { ColumnProfile } from '#contract';
import { chiSquaredSurvival, histogramOf, momentsOf, pearson, quantileBinEdges, sorted } from '#stats';
import type { Column, Frame } from '#tables';

export type Association = NonNullable<ColumnProfile['association']>;

/**
 * How strongly a column goes with the target: Pearson's correlation for two numbers, the correlation ratio (root of eta squared) for a number and
 * categories, Cramér's V with Bergsma's bias correction (2013) for two columns of categories. Rows that miss one of the two are left out.
 * @returns undefined where it cannot be measured (a constant side, fewer than two rows)
 */
export function associationOf(frame: Frame, name: string, target: string): Association | undefined {
  const [a, b] = [frame.column(name), frame.column(target)];
  const found: Association =
    a.kind === 'text'
      ? b.kind === 'text'
        ? { measure: 'cramers_v', value: cramersV(contingency(a.codes, b.codes)) }
        : { measure: 'correlation_ratio', value: correlationRatio(a.codes, b.values) }
      : b.kind === 'text'
        ? { measure: 'correlation_ratio', value: correlationRatio(b.codes, a.values) }
        : { measure: 'pearson', value: pearson(a.values, b.values) };
  return Number.isFinite(found.value) ? found : undefined;
}

/** Counts of pairs of codes; rows with a negative code are left out. */
export interface Contingency {
  readonly cells: readonly (readonly number[])[];
  readonly total: number;
}

export function contingency(rowsCodes: ArrayLike<number>, columnsCodes: ArrayLike<number>): Contingency {
  const table = new Map<number, Map<number, number>>();
  const columns = new Set<number>();
  let total = 0;
  for (let i = 0; i < rowsCodes.length; i++) {
    const [row, column] = [rowsCodes[i], columnsCodes[i]];
    if (row < 0 || column < 0) continue;
    let counts = table.get(row);
    if (!counts) table.set(row, (counts = new Map<number, number>()));
    counts.set(column, (counts.get(column) ?? 0) + 1);
    columns.add(column);
    total++;
  }
  return { cells: [...table.values()].map((counts) => [...columns].map((column) => counts.get(column) ?? 0)), total };
}

/** Pearson's chi-squared test of independence of a table of any size. */
export function independence({ cells, total }: Contingency): { statistic: number; degreesOfFreedom: number; pValue: number } {
  const rowSums = cells.map((row) => row.reduce((sum, count) => sum + count, 0));
  const columnSums = (cells[0] ?? []).map((_, j) => cells.reduce((sum, row) => sum + row[j], 0));
  let statistic = 0;
  cells.forEach((row, i) => {
    row.forEach((count, j) => {
      const expected = (rowSums[i] * columnSums[j]) / total;
      if (expected > 0) statistic += (count - expected) ** 2 / expected;
    });
  });
  const degreesOfFreedom = (rowSums.filter((sum) => sum > 0).length - 1) * (columnSums.filter((sum) => sum > 0).length - 1);
  return { statistic, degreesOfFreedom, pValue: degreesOfFreedom > 0 ? chiSquaredSurvival(statistic, degreesOfFreedom) : 1 };
}

function cramersV(table: Contingency): number {
  const rows = table.cells.length;
  const columns = table.cells[0]?.length ?? 0;
  if (rows < 2 || columns < 2 || table.total < 2) return NaN;
  const n = table.total;
  const phi = Math.max(0, independence(table).statistic / n - ((rows - 1) * (columns - 1)) / (n - 1));
  const correctedRows = rows - (rows - 1) ** 2 / (n - 1);
  const correctedColumns = columns - (columns - 1) ** 2 / (n - 1);
  const least = Math.min(correctedRows, correctedColumns) - 1;
  // a column whose values are all different (a key) leaves nothing after the correction: nothing can be said
  return least > 1e-9 ? Math.min(1, Math.sqrt(phi / least)) : NaN;
}

function correlationRatio(codes: Int32Array, values: Float64Array): number {
  const kept = values.map((value, i) => (codes[i] < 0 ? NaN : value));
  const all = momentsOf(kept);
  if (!(all.squares > 0)) return NaN;
  const groups = new Map<number, { count: number; sum: number }>();
  for (let i = 0; i < kept.length; i++) {
    if (Number.isNaN(kept[i])) continue;
    let group = groups.get(codes[i]);
    if (!group) groups.set(codes[i], (group = { count: 0, sum: 0 }));
    group.count++;
    group.sum += kept[i] - all.mean;
  }
  if (groups.size < 2) return NaN;
  let between = 0;
  for (const { count, sum } of groups.values()) between += sum ** 2 / count;
  return Math.sqrt(Math.min(1, between / all.squares));
}

/** A column as categories: texts by their codes; numbers with more than `bins` values by quantile bins; missing is -1. */
export function asCategories(column: Column, bins = 10): Int32Array {
  if (column.kind === 'text') return column.codes;
  const distinct = new Set<number>();
  for (const value of column.values) {
    if (!Number.isNaN(value)) distinct.add(value);
    if (distinct.size > bins) break;
  }
  if (distinct.size <= bins) {
    const codeOf = new Map([...distinct].sort((left, right) => left - right).map((value, code) => [value, code]));
    return Int32Array.from(column.values, (value) => codeOf.get(value) ?? -1);
  }
  const edges = quantileBinEdges(sorted(column.values), bins);
  return Int32Array.from(column.values, (value) => (Number.isNaN(value) ? -1 : histogramOf([value], edges).indexOf(1)));
}
