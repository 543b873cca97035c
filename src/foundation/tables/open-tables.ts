import { GyreError } from '#core';
import { withDuck } from './duck.ts';
import type { DuckOptions } from './duck.ts';
import { toRecords } from './frame.ts';
import type { Frame, TableRecord, TableSchema } from './frame.ts';
import { queryFrame } from './parquet.ts';
import type { ParquetTables } from './scan.ts';
import { countMissing, identifier, parquetAt, plainParquet } from './sql-columns.ts';
import type { ParquetCounts } from './sql-columns.ts';

/** The column that each table has beside its own: a row's position in its file, from 0. Name columns where it is not wanted. */
export const positionColumn = '#position';

/** Parquet files as tables of one confined engine, where they are read as far as a statement asks and no further. */
export interface OpenTables {
  schemaOf(table: string): TableSchema;
  /** How many rows there are and how many miss each column: by the file's own statistics where they say so. */
  counts(table: string): Promise<ParquetCounts>;
  /** Runs a statement of our own; its result comes back as a frame. */
  frame(sql: string): Promise<Frame>;
  /** A small result as records. */
  records(sql: string): Promise<TableRecord[]>;
  /** The numbers of one row; what is NULL is NaN. */
  numbers(sql: string): Promise<number[]>;
  /** Columns of numbers (DOUBLE expressions), each without its NULLs and in no order: much faster than row by row. They are held in memory. */
  numbersOf(expressions: readonly string[], table: string): Promise<Float64Array[]>;
  /** A result of one row whose columns are lists of DOUBLEs, none of them NULL. */
  lists(sql: string): Promise<Float64Array[]>;
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
    const counts = new Map<string, () => Promise<ParquetCounts>>();
    for (const [table, path] of Object.entries(files)) {
      const { schema, plain, isOurs } = await plainParquet(duck, path);
      if (schema.some(({ name }) => name === positionColumn))
        throw new GyreError('INVALID_ARGUMENT', `column "${positionColumn}" has a name that is kept for the positions of rows; rename it`);
      schemas.set(table, schema);
      let counted: Promise<ParquetCounts> | undefined;
      counts.set(table, () => (counted ??= countMissing(duck, path, identifier(table), { schema, isOurs })));
      // the reader's own number of a row hides behind a column of the same name, and then the rows are counted
      const position = schema.some(({ name }) => name === 'file_row_number') ? '(row_number() OVER ()) - 1' : 'file_row_number';
      await duck.run(
        `CREATE VIEW ${identifier(table)} AS SELECT ${plain}, ${position} AS ${identifier(positionColumn)} FROM ${parquetAt(path)}`,
      );
    }
    // one statement at a time: the next one would end a result that is still fetched
    let last: Promise<unknown> = Promise.resolve();
    const inTurn = <R>(statement: () => Promise<R>): Promise<R> => {
      const result = last.then(statement);
      last = result.catch(() => undefined);
      return result;
    };
    const frame = (sql: string): Promise<Frame> => inTurn(() => queryFrame(duck, sql));
    const lists = (sql: string): Promise<Float64Array[]> => inTurn(() => duck.lists(sql));
    const rows = (sql: string): Promise<readonly (readonly unknown[])[]> => inTurn(() => duck.rows(sql));
    const known = <V>(of: ReadonlyMap<string, V>, table: string): V => {
      const found = of.get(table);
      if (found !== undefined) return found;
      throw new GyreError('INTERNAL', `no table "${table}" was opened`);
    };
    return work({
      schemaOf: (table) => known(schemas, table),
      counts: (table) => inTurn(known(counts, table)),
      frame,
      records: async (sql) => toRecords(await frame(sql)),
      numbers: async (sql) => (await rows(sql))[0].map((value) => (value === null ? NaN : Number(value))),
      numbersOf: (expressions, table) => {
        const each = expressions.map((value) => `coalesce(list(${value}) FILTER ((${value}) IS NOT NULL), [])`);
        return lists(`SELECT ${each.join(', ')} FROM ${identifier(table)}`);
      },
      lists,
    });
  });
}
