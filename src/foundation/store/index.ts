export { openStore } from './open.ts';
export type { StoreOptions } from './open.ts';
export type { ColumnTypes, Db, DialectFacts, Migration, MigrationSet, MigrationTx, Store, Tx, Write } from './port.ts';
export { jsonValue } from './columns.ts';
