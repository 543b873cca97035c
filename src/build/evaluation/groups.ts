import { GyreError } from '#core';
import { quantileBinEdges, sorted } from '#stats';
import { cellOf } from '#tables';
import type { Frame } from '#tables';

/** The rows of a column's values, in an order that reads well. */
export interface Grouping {
  readonly column: string;
  readonly groups: readonly { readonly value: string; readonly rows: readonly number[] }[];
}

const missing = '(missing)';
/** Numbers of at most so many distinct values are told apart by value, others by quantile bins. */
const mostNumbers = 10;
const numberBins = 4;
const mostTexts = 50;

/**
 * Groups rows by a column: texts and booleans by value, numbers and instants by value or by quartile.
 * @returns undefined when the column has too many different texts for groups (a key, a free text)
 * @throws GyreError INVALID_ARGUMENT when there is no such column
 */
export function groupRows(frame: Frame, column: string): Grouping | undefined {
  if (!frame.has(column)) {
    throw new GyreError(
      'INVALID_ARGUMENT',
      `slices by "${column}" are asked for, but the table has ${frame.names.map((name) => `"${name}"`).join(', ')}`,
      { column },
    );
  }
  const data = frame.column(column);
  const type = frame.typeOf(column);
  if (data.kind === 'text') {
    const used = new Set(data.codes);
    used.delete(-1);
    if (used.size > mostTexts) return undefined;
    return grouped(column, frame.rows, (row) => (data.codes[row] < 0 ? undefined : data.dictionary[data.codes[row]]));
  }
  const distinct = new Set(data.values.filter((value) => !Number.isNaN(value)));
  if (distinct.size <= mostNumbers) {
    const order = (value: string): number => Number(value);
    return grouped(
      column,
      frame.rows,
      (row) => textOf(cellOf(data, type, row)),
      data.kind === 'number' && type !== 'boolean' ? order : undefined,
    );
  }
  const edges = quantileBinEdges(sorted(data.values), numberBins);
  const label = (value: number): string => (data.kind === 'instant' ? new Date(value).toISOString().slice(0, 10) : shortNumber(value));
  const labels = edges.map((edge, bin) => (bin === 0 ? `up to ${label(edge)}` : `above ${label(edges[bin - 1])} to ${label(edge)}`));
  labels.push(edges.length === 0 ? 'all values' : `above ${label(edges[edges.length - 1])}`);
  const binOf = (value: number): number => {
    const bin = edges.findIndex((edge) => value <= edge);
    return bin < 0 ? edges.length : bin;
  };
  return grouped(
    column,
    frame.rows,
    (row) => (Number.isNaN(data.values[row]) ? undefined : labels[binOf(data.values[row])]),
    (value) => labels.indexOf(value),
  );
}

function grouped(column: string, rows: number, valueOf: (row: number) => string | undefined, order?: (value: string) => number): Grouping {
  const found = new Map<string, number[]>();
  for (let row = 0; row < rows; row++) {
    const value = valueOf(row) ?? missing;
    const known = found.get(value);
    if (known === undefined) found.set(value, [row]);
    else known.push(row);
  }
  const place = (value: string): number => (value === missing ? Number.POSITIVE_INFINITY : (order?.(value) ?? 0));
  const groups = [...found].map(([value, positions]) => ({ value, rows: positions }));
  groups.sort((left, right) => place(left.value) - place(right.value) || (left.value < right.value ? -1 : 1));
  return { column, groups };
}

function textOf(cell: ReturnType<typeof cellOf>): string | undefined {
  return cell === null ? undefined : String(cell);
}

function shortNumber(value: number): string {
  return String(Number(value.toPrecision(6)));
}
