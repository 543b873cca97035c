import type { FailingExample } from '#contract';
import { cellOf } from '#tables';
import type { Cell, Frame } from '#tables';
import { maskedText } from '../masking.ts';
import type { MaskedColumns } from '../masking.ts';

/** Columns whose values are shown to nobody in reports: personal data. */
export type Masked = MaskedColumns;

export const nothingMasked: Masked = new Set();

/** The number of a row as a reader of the source counts: the header is 1, the first row of data 2. */
export const rowNumber = (row: number): number => row + 2;

/**
 * A value as reports, logs and previews may show it: of a masked column nothing but whether it is missing.
 * Everything that shows a value of a dataset goes through here.
 */
export function maskedValue(column: string | undefined, value: Cell, masked: Masked): Pick<FailingExample, 'value' | 'masked'> {
  if (value !== null && column !== undefined && masked.has(column)) return { value: maskedText, masked: true };
  return { value: typeof value === 'boolean' ? String(value) : value };
}

/** A row as an example: its number, and its value in a column. @param firstRow the position of the frame's first row in the table */
export function exampleAt(frame: Frame, column: string | undefined, row: number, masked: Masked, firstRow = 0): FailingExample {
  const number = rowNumber(firstRow + row);
  if (column === undefined) return { row: number, value: null };
  return { row: number, column, ...maskedValue(column, cellOf(frame.column(column), frame.typeOf(column), row), masked) };
}
