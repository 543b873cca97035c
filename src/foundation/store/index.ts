export { copyFromFile, copyToFile } from './copy.ts';
export type { CopyRows } from './copy.ts';
export { openStore } from './open.ts';
export type { StoreOptions } from './open.ts';
export type {
  Cell,
  ColumnTypes,
  Db,
  DialectFacts,
  Migration,
  MigrationSet,
  MigrationTx,
  RowsInto,
  FoundRows,
  RowsOf,
  Store,
  Tx,
  Write,
} from './port.ts';
export { jsonValue } from './columns.ts';
export { portions } from './portions.ts';
