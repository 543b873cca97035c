import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type * as DuckApi from '@duckdb/node-api';
import type { DuckDBConnection, DuckDBDataChunk, DuckDBResult, DuckDBValue } from '@duckdb/node-api';
import type Bindings from '@duckdb/node-bindings';
import { GyreError, isGyreError, messageOf } from '#core';
import type { ErrorCode } from '#core';
import type { Column, ColumnType } from './column.ts';
import { readList, readNumbers, readTexts, writeNumbers } from './duck-vectors.ts';
import type { TextAssembler } from './duck-vectors.ts';
import type { Frame } from './frame.ts';

export interface DuckOptions {
  /** Worker threads of the engine; 2 without it. */
  readonly threads?: number;
  /** The engine's memory limit in mebibytes; 2048 without it. */
  readonly memoryLimitMib?: number;
  /**
   * An absolute folder for what does not fit into memory: the engine makes a folder of its own in it, which is gone afterwards.
   * Without it nothing spills, and work that needs more memory fails.
   */
  readonly spillFolder?: string;
}

/** A piece of a result: up to 2,048 rows. */
export interface DuckChunk {
  readonly rows: number;
  /** Copies a DOUBLE column to `into` from row `at` on; NULL leaves what is there. */
  numbers(column: number, at: number, into: Float64Array): void;
  /** Adds a VARCHAR column from row `at` on; NULL leaves the row missing. */
  texts(column: number, at: number, into: TextAssembler): void;
}

/** Wraps what the engine threw: as RESOURCE_EXHAUSTED when memory or disk ran out, else with the code given. */
export function engineError(code: ErrorCode, what: string, cause: unknown): GyreError {
  if (isGyreError(cause)) return cause;
  const message = messageOf(cause);
  const isExhausted = message.includes('Out of Memory') || message.includes('No space left on device');
  return new GyreError(isExhausted ? 'RESOURCE_EXHAUSTED' : code, `${what}: ${message}`, {}, { cause });
}

/** One confined connection. */
export interface Duck {
  run(sql: string): Promise<void>;
  /** All rows of a small result. */
  rows(sql: string): Promise<readonly (readonly unknown[])[]>;
  /** The next chunk is fetched when the callback is done. */
  stream(sql: string, onChunk: (chunk: DuckChunk, firstRow: number) => void | Promise<void>): Promise<void>;
  /** The lists of DOUBLEs in a result of one row. */
  lists(sql: string): Promise<Float64Array[]>;
  /** A result of any types, to be fetched chunk by chunk. */
  result(sql: string): Promise<DuckDBResult>;
  /** Appends a frame's rows to a table that has the same columns. */
  append(table: string, frame: Frame): Promise<void>;
  /** Appends numbers to a table of DOUBLEs, an array for each column. */
  appendNumbers(table: string, columns: readonly Float64Array<ArrayBuffer>[]): Promise<void>;
  /** Appends texts to a table of VARCHARs, a list for each column. */
  appendTexts(table: string, columns: readonly (readonly (string | null)[])[]): Promise<void>;
}

/**
 * Opens an in-memory DuckDB for one piece of work and closes it afterwards. It sees the named files and nothing else: no other path,
 * no network, no extension, and its settings are locked. Opening takes about 10 ms, so that no engine is shared or kept.
 * @param options.files absolute paths that may be read and written; @param options.folders absolute folders all of whose files may be
 */
export async function withDuck<T>(
  options: DuckOptions & { readonly files: readonly string[]; readonly folders?: readonly string[] },
  work: (duck: Duck) => Promise<T>,
): Promise<T> {
  // 60-170 ms to import: only where Parquet is really touched
  const api = await import('@duckdb/node-api');
  const { default: bindings } = await import('@duckdb/node-bindings');
  await using spill = await spillFolder(options.spillFolder);
  const instance = await api.DuckDBInstance.create(':memory:', {
    threads: String(options.threads ?? 2),
    memory_limit: `${options.memoryLimitMib ?? 2048}MiB`,
    temp_directory: spill.path,
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    allow_community_extensions: 'false',
  });
  try {
    const connection = await instance.connect();
    try {
      const listOf = (paths: readonly string[]): string => paths.map((path) => `'${path.replaceAll("'", "''")}'`).join(', ');
      await connection.run(`SET allowed_paths = [${listOf(options.files)}]`);
      if (options.folders !== undefined) await connection.run(`SET allowed_directories = [${listOf(options.folders)}]`);
      // an instant with a zone reads the same wherever the machine stands
      await connection.run("SET TimeZone = 'UTC'");
      await connection.run('SET enable_external_access = false');
      await connection.run('SET lock_configuration = true');
      return await work({
        run: async (sql) => {
          await connection.run(sql);
        },
        rows: async (sql) => (await connection.runAndReadAll(sql)).getRows(),
        stream: (sql, onChunk) => stream(bindings, connection, sql, onChunk),
        lists: (sql) => lists(bindings, connection, sql),
        result: (sql) => connection.stream(sql),
        append: (table, frame) => append(api, connection, table, frame),
        appendNumbers: (table, columns) => appendNumbers(api, bindings, connection, table, columns),
        appendTexts: (table, columns) => appendTexts(api, connection, table, columns),
      });
    } catch (cause) {
      throw engineError('INTERNAL', 'DuckDB failed', cause);
    } finally {
      connection.closeSync();
    }
  } finally {
    instance.closeSync();
  }
}

async function spillFolder(parent: string | undefined): Promise<AsyncDisposable & { readonly path: string }> {
  if (parent === undefined) return { path: '', [Symbol.asyncDispose]: () => Promise.resolve() };
  const path = await mkdtemp(join(parent, 'gyre-spill-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

async function stream(
  bindings: typeof Bindings,
  connection: DuckDBConnection,
  sql: string,
  onChunk: (chunk: DuckChunk, firstRow: number) => void | Promise<void>,
): Promise<void> {
  const result = await connection.stream(sql);
  let at = 0;
  for (;;) {
    const chunk = await result.fetchChunk();
    if (!chunk || chunk.rowCount === 0) return;
    await onChunk(chunkOf(bindings, chunk), at);
    at += chunk.rowCount;
  }
}

async function lists(bindings: typeof Bindings, connection: DuckDBConnection, sql: string): Promise<Float64Array[]> {
  const result = await connection.run(sql);
  const chunk = await result.fetchChunk();
  return chunk ? Array.from({ length: chunk.columnCount }, (_, column) => readList(bindings, chunk, column)) : [];
}

function chunkOf(bindings: typeof Bindings, chunk: DuckDBDataChunk): DuckChunk {
  const rows = chunk.rowCount;
  return {
    rows,
    numbers: (column, at, into) => readNumbers(bindings, chunk, column, at, into),
    texts: (column, at, into) => readTexts(bindings, chunk, column, at, into),
  };
}

const chunkRows = 2048;

async function append(api: typeof DuckApi, connection: DuckDBConnection, table: string, frame: Frame): Promise<void> {
  const appender = await connection.createAppender(table);
  const types = frame.names.map((_, i) => appender.columnType(i));
  for (let start = 0; start < frame.rows; start += chunkRows) {
    const rows = Math.min(chunkRows, frame.rows - start);
    const chunk = api.DuckDBDataChunk.create(types, rows);
    frame.schema.forEach(({ name, type }, i) => {
      chunk.setColumnValues(i, valuesOf(api, frame.column(name), type, start, rows));
    });
    appender.appendDataChunk(chunk);
  }
  appender.closeSync();
}

async function appendNumbers(
  api: typeof DuckApi,
  bindings: typeof Bindings,
  connection: DuckDBConnection,
  table: string,
  columns: readonly Float64Array<ArrayBuffer>[],
): Promise<void> {
  const appender = await connection.createAppender(table);
  const types = columns.map(() => api.DOUBLE);
  const rows = columns[0]?.length ?? 0;
  for (let start = 0; start < rows; start += chunkRows) {
    const count = Math.min(chunkRows, rows - start);
    const chunk = api.DuckDBDataChunk.create(types, count);
    columns.forEach((values, i) => writeNumbers(bindings, chunk, i, values.subarray(start, start + count)));
    appender.appendDataChunk(chunk);
  }
  appender.closeSync();
}

async function appendTexts(
  api: typeof DuckApi,
  connection: DuckDBConnection,
  table: string,
  columns: readonly (readonly (string | null)[])[],
): Promise<void> {
  const appender = await connection.createAppender(table);
  const types = columns.map(() => api.VARCHAR);
  const rows = columns[0]?.length ?? 0;
  for (let start = 0; start < rows; start += chunkRows) {
    const count = Math.min(chunkRows, rows - start);
    const chunk = api.DuckDBDataChunk.create(types, count);
    columns.forEach((values, i) => {
      chunk.setColumnValues(i, values.slice(start, start + count));
    });
    appender.appendDataChunk(chunk);
  }
  appender.closeSync();
}

function valuesOf(api: typeof DuckApi, column: Column, type: ColumnType, start: number, rows: number): DuckDBValue[] {
  const values: DuckDBValue[] = [];
  for (let row = start; row < start + rows; row++) {
    if (column.kind === 'text') {
      const code = column.codes[row];
      values.push(code < 0 ? null : column.dictionary[code]);
      continue;
    }
    const value = column.values[row];
    if (Number.isNaN(value)) values.push(null);
    else if (column.kind === 'instant') values.push(new api.DuckDBTimestampMillisecondsValue(BigInt(value)));
    else values.push(type === 'integer' ? BigInt(value) : type === 'boolean' ? value !== 0 : value);
  }
  return values;
}
