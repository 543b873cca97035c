import type { ColumnProfile } from '#contract';
import { chiSquaredSurvival, momentsOf, pearson, quantileBinEdges, sorted } from '#stats';
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

/** Counts of pairs of codes, row after row; rows and columns without any pair are left out. */
export interface Contingency {
  readonly rows: number;
  readonly columns: number;
  readonly cells: Float64Array;
  readonly total: number;
}

/** A table larger than this is one of keys or free texts: nothing can be said of it. */
const mostCells = 4_000_000;

/**
 * @param rowCodes not negative; a negative code on either side leaves the pair out
 * @returns undefined when the table would have more than four million cells
 */
export function contingency(rowCodes: ArrayLike<number>, columnCodes: ArrayLike<number>): Contingency | undefined {
  const rowAt = new Map<number, number>();
  const columnAt = new Map<number, number>();
  const paired = (i: number): boolean => rowCodes[i] >= 0 && columnCodes[i] >= 0;
  for (let i = 0; i < rowCodes.length; i++) {
    if (!paired(i)) continue;
    if (!rowAt.has(rowCodes[i])) rowAt.set(rowCodes[i], rowAt.size);
    if (!columnAt.has(columnCodes[i])) columnAt.set(columnCodes[i], columnAt.size);
    if (rowAt.size * columnAt.size > mostCells) return undefined;
  }
  const columns = columnAt.size;
  const cells = new Float64Array(rowAt.size * columns);
  let total = 0;
  for (let i = 0; i < rowCodes.length; i++) {
    if (!paired(i)) continue;
    cells[(rowAt.get(rowCodes[i]) ?? 0) * columns + (columnAt.get(columnCodes[i]) ?? 0)]++;
    total++;
  }
  return { rows: rowAt.size, columns, cells, total };
}

/** Pearson's chi-squared test of independence of a table of any size. */
export function independence({ rows, columns, cells, total }: Contingency): {
  statistic: number;
  degreesOfFreedom: number;
  pValue: number;
} {
  const rowSums = new Float64Array(rows);
  const columnSums = new Float64Array(columns);
  cells.forEach((count, at) => {
    rowSums[Math.floor(at / columns)] += count;
    columnSums[at % columns] += count;
  });
  let statistic = 0;
  cells.forEach((count, at) => {
    const expected = (rowSums[Math.floor(at / columns)] * columnSums[at % columns]) / total;
    statistic += (count - expected) ** 2 / expected;
  });
  const degreesOfFreedom = (rows - 1) * (columns - 1);
  return { statistic, degreesOfFreedom, pValue: degreesOfFreedom > 0 ? chiSquaredSurvival(statistic, degreesOfFreedom) : 1 };
}

function cramersV(table: Contingency | undefined): number {
  if (!table || table.rows < 2 || table.columns < 2 || table.total < 2) return NaN;
  const { rows, columns } = table;
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
  return Int32Array.from(column.values, (value) => {
    if (Number.isNaN(value)) return -1;
    let bin = 0;
    while (bin < edges.length && value > edges[bin]) bin++;
    return bin;
  });
}
