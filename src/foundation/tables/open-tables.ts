import { GyreError } from '#core';
import { withDuck } from './duck.ts';
import type { DuckOptions } from './duck.ts';
import { toRecords } from './frame.ts';
import type { Frame, TableRecord, TableSchema } from './frame.ts';
import { queryFrame } from './parquet.ts';
import type { ParquetTables } from './scan.ts';
import { identifier, parquetAt, plainParquet } from './sql-columns.ts';

/** The column that each table has beside its own: a row's position in its file, from 0. Name columns where it is not wanted. */
export const positionColumn = '#position';

/** Parquet files as tables of one confined engine, where they are read as far as a statement asks and no further. */
export interface OpenTables {
  schemaOf(table: string): TableSchema;
  /** Runs a statement of our own; its result comes back as a frame. */
  frame(sql: string): Promise<Frame>;
  /** A small result as records. */
  records(sql: string): Promise<TableRecord[]>;
  /** The numbers of one row; what is NULL is NaN. */
  numbers(sql: string): Promise<number[]>;
  /** Columns of numbers (DOUBLE expressions), each without its NULLs and in no order: much faster than row by row. They are held in memory. */
  numbersOf(expressions: readonly string[], table: string): Promise<Float64Array[]>;
}

/**
 * Opens Parquet files as tables for one piece of work. Each column has the type that our own files give it, and a missing number is NULL,
 * whoever wrote the file. What a statement names besides is not there: no other file, no network.
 * @param files table → absolute path
 * @throws GyreError INVALID_ARGUMENT when a file is no Parquet file, RESOURCE_EXHAUSTED when the engine's memory does not suffice
 */
export async function withParquet<T>(
  files: ParquetTables,
  work: (tables: OpenTables) => Promise<T>,
  options: DuckOptions = {},
): Promise<T> {
  return withDuck({ ...options, files: Object.values(files) }, async (duck) => {
    const schemas = new Map<string, TableSchema>();
    for (const [table, path] of Object.entries(files)) {
      const { schema, plain } = await plainParquet(duck, path);
      if (schema.some(({ name }) => name === positionColumn))
        throw new GyreError('INVALID_ARGUMENT', `column "${positionColumn}" has a name that is kept for the positions of rows; rename it`);
      schemas.set(table, schema);
      // the reader's own number of a row hides behind a column of the same name, and then the rows are counted
      const position = schema.some(({ name }) => name === 'file_row_number') ? '(row_number() OVER ()) - 1' : 'file_row_number';
      await duck.run(
        `CREATE VIEW ${identifier(table)} AS SELECT ${plain}, ${position} AS ${identifier(positionColumn)} FROM ${parquetAt(path)}`,
      );
    }
    const frame = (sql: string): Promise<Frame> => queryFrame(duck, sql);
    return work({
      schemaOf: (table) => {
        const schema = schemas.get(table);
        if (schema) return schema;
        throw new GyreError('INTERNAL', `no table "${table}" was opened`);
      },
      frame,
      records: async (sql) => toRecords(await frame(sql)),
      numbers: async (sql) => (await duck.rows(sql))[0].map((value) => (value === null ? NaN : Number(value))),
      numbersOf: (expressions, table) => {
        const lists = expressions.map((each) => `coalesce(list(${each}) FILTER ((${each}) IS NOT NULL), [])`);
        return duck.lists(`SELECT ${lists.join(', ')} FROM ${identifier(table)}`);
      },
    });
  });
}
