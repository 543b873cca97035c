import { engineError, withDuck } from './duck.ts';
import type { Duck, DuckOptions } from './duck.ts';
import type { ParquetTables } from './scan.ts';
import { identifier, literal, parquetAt, parquetSchema } from './sql-columns.ts';

/** Rows per row group of the files that we write; fixed, because it shows in the bytes. */
export const rowGroupRows = 122_880;

export interface WriteOptions extends Omit<DuckOptions, 'threads'> {
  /** Put the rows into the order of this column; rows with the same value stay in the order in which they came. */
  readonly orderBy?: string;
}

/**
 * Writes the result of one SQL query over Parquet files as a Parquet file (Zstandard, one thread). The same files give the same bytes
 * where the query settles the order of its rows. With `spillFolder` the work may be larger than `memoryLimitMib`.
 * @param path absolute; an existing file is replaced (not atomically: write to a fresh name and rename)
 * @param tables name of a table → the absolute path of its file
 * @throws GyreError INVALID_ARGUMENT when a file is no Parquet file, RESOURCE_EXHAUSTED when memory or disk is full, FAILED_PRECONDITION
 */
export async function writeParquetQuery(path: string, sql: string, tables: ParquetTables, options: WriteOptions = {}): Promise<void> {
  await withDuck({ ...options, threads: 1, files: [path, ...Object.values(tables)] }, async (duck) => {
    for (const [name, file] of Object.entries(tables)) {
      await parquetSchema(duck, file, []);
      await duck.run(`CREATE VIEW ${identifier(name)} AS SELECT * FROM ${parquetAt(file)}`);
    }
    const order = options.orderBy === undefined ? '' : ` ORDER BY ${identifier(options.orderBy)}`;
    await copyTo(duck, `SELECT * FROM (${sql})${order}`, path);
  });
}

/** @param compression of a file that is read once more and then gone: snappy @throws GyreError RESOURCE_EXHAUSTED, FAILED_PRECONDITION */
export async function copyTo(duck: Duck, sql: string, path: string, compression: 'zstd' | 'snappy' = 'zstd'): Promise<void> {
  try {
    await duck.run(copySql(sql, path, compression));
  } catch (cause) {
    throw engineError('FAILED_PRECONDITION', `cannot write ${path}`, cause);
  }
}

/** The statement that writes a query's rows as a Parquet file. */
export const copySql = (sql: string, path: string, compression: 'zstd' | 'snappy' = 'zstd'): string =>
  `COPY (${sql}) TO ${literal(path)} (FORMAT parquet, COMPRESSION ${compression}, ROW_GROUP_SIZE ${rowGroupRows}, USE_TMP_FILE false)`;
