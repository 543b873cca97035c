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
export { readCsv } from './csv.ts';
export type { CsvOptions, CsvRead, ReadOptions, TableRead } from './csv.ts';
export type { Delimiter } from './csv-scan.ts';
export { writeCsv } from './csv-write.ts';
export type { ColumnEvidence, LineExample } from './inference.ts';
export { readJsonLines } from './json-lines.ts';
export { parquetInfo, query, readParquet, writeParquet } from './parquet.ts';
export { positionColumn, withParquet } from './open-tables.ts';
export type { OpenTables } from './open-tables.ts';
export type { ParquetInfo } from './parquet.ts';
export { divideParquet } from './divide.ts';
export { writeParquetQuery } from './parquet-writer.ts';
export { textFormats, writeRowsText } from './text-export.ts';
export type { TextFormat } from './text-export.ts';
export { queryParquet, scanParquet, sqlName, sqlText } from './scan.ts';
export type { ParquetTables, ScanOptions } from './scan.ts';
export { joinParquet, rawParquet, withRowRange } from './row-range.ts';
export type { AddedColumn, RawColumn, RawParquet, RowRange } from './row-range.ts';
export { runSql } from './sql-process.ts';
export type { SqlLimits } from './sql-process.ts';
export type { SqlResult, SqlTable } from './sql-messages.ts';
export type { DuckOptions } from './duck.ts';
export { csvFile } from './csv-file.ts';
export type { Dialect, FileOptions, FileRead } from './csv-file.ts';
export { jsonFile } from './json-file.ts';
export { parquetFile } from './parquet-file.ts';
export type { ParquetPart, ParquetSource } from './parquet-file.ts';
export { writeRows } from './rows-writer.ts';
export type { Timestamps } from './inference.ts';
