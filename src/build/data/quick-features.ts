import type { Matrix } from '#learners';
import type { Column, Frame } from '#tables';

/** A text column with more values than this, or than a fifth of the rows, is a key or free text. */
const mostValues = 200;

/** The rows that have a value in a column. */
export function rowsWith(frame: Frame, target: string): number[] {
  const column = frame.column(target);
  const isThere = column.kind === 'text' ? (row: number) => column.codes[row] >= 0 : (row: number) => Number.isFinite(column.values[row]);
  return Array.from({ length: frame.rows }, (_, row) => row).filter(isThere);
}

/** The columns that a quick model learns from, and those that are left out for having too many different texts. */
export function learnableColumns(sample: Frame, excluded: readonly string[]): { names: string[]; left: string[] } {
  const names: string[] = [];
  const left: string[] = [];
  for (const name of sample.names) {
    if (excluded.includes(name)) continue;
    const column = sample.column(name);
    const values = column.kind === 'text' ? new Set(column.codes).size : 0;
    (values > mostValues || values * 5 > sample.rows ? left : names).push(name);
  }
  return { names, left };
}

/** Numbers as they are, instants in milliseconds, texts by the rank of their frequency; NaN is missing. */
export function quickFeatures(sample: Frame, names: readonly string[]): Matrix {
  const values = new Float32Array(sample.rows * names.length);
  for (const [at, name] of names.entries()) {
    const numbers = asNumbers(sample.column(name));
    for (let row = 0; row < sample.rows; row++) values[row * names.length + at] = numbers(row);
  }
  return { rows: sample.rows, columns: names.length, values };
}

function asNumbers(column: Column): (row: number) => number {
  if (column.kind !== 'text') return (row) => (Number.isFinite(column.values[row]) ? column.values[row] : Number.NaN);
  const counts = new Map<number, number>();
  for (const code of column.codes) counts.set(code, (counts.get(code) ?? 0) + 1);
  const rank = new Map([...counts].sort(([, many], [, few]) => few - many).map(([code], index) => [code, index] as const));
  return (row) => (column.codes[row] < 0 ? Number.NaN : (rank.get(column.codes[row]) ?? Number.NaN));
}
