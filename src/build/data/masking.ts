import { maskedText } from '#contract';
import type { FailingExample } from '#contract';
import { cellOf, sqlName } from '#tables';
import type { Cell, ColumnType, Frame } from '#tables';

/** The columns whose values a reader may not see; of reports: nobody may see. */
export type MaskedColumns = ReadonlySet<string>;

export const nothingMasked: MaskedColumns = new Set();

/** The SQL of a column as a reader sees it: what is masked does not leave the engine. */
export function shownColumn({ name, type }: { readonly name: string; readonly type: ColumnType }, masked: MaskedColumns): string {
  const column = sqlName(name);
  if (!masked.has(name)) return column;
  return type === 'string'
    ? `CASE WHEN ${column} IS NULL THEN NULL ELSE '${maskedText}' END AS ${column}`
    : `NULL::${sqlTypes[type]} AS ${column}`;
}

const sqlTypes = { integer: 'BIGINT', number: 'DOUBLE', boolean: 'BOOLEAN', instant: 'TIMESTAMP_MS' } as const;

/** The number of a row as a reader of the source counts: the header is 1, the first row of data 2. */
export const rowNumber = (row: number): number => row + 2;

/** A value as reports, logs and previews may show it: of a masked column nothing but whether it is missing. */
export function maskedValue(column: string | undefined, value: Cell, masked: MaskedColumns): Pick<FailingExample, 'value' | 'masked'> {
  if (value !== null && column !== undefined && masked.has(column)) return { value: maskedText, masked: true };
  return { value: typeof value === 'boolean' ? String(value) : value };
}

/** A row as an example: its number, and its value in a column. @param firstRow the position of the frame's first row in the table */
export function exampleAt(frame: Frame, column: string | undefined, row: number, masked: MaskedColumns, firstRow = 0): FailingExample {
  const number = rowNumber(firstRow + row);
  if (column === undefined) return { row: number, value: null };
  return { row: number, column, ...maskedValue(column, cellOf(frame.column(column), frame.typeOf(column), row), masked) };
}
