export { cellOf, compactText, instantColumn, isMissing, kindOf, lengthOf, numberColumn, takeColumn, textColumn } from './column.ts';
export type { Cell, Column, ColumnType, InstantColumn, NumberColumn, TextColumn } from './column.ts';
export {
  appendColumn,
  concatRows,
  createFrame,
  dropColumns,
  filterRows,
  missingCount,
  selectColumns,
  sliceRows,
  takeRows,
  toRecords,
} from './frame.ts';
export type { ColumnSpec, Frame, NamedColumn, TableRecord, TableSchema } from './frame.ts';
export { frameFromRecords } from './records.ts';
export type { LooseRecord } from './records.ts';
export { parseInstant } from './instants.ts';
