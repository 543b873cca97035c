import { GyreError } from '#core';
import { instantColumn, kindOf, numberColumn } from './column.ts';
import type { Column, ColumnType } from './column.ts';
import { engineError, withDuck } from './duck.ts';
import { textAssembler } from './duck-vectors.ts';
import type { Duck, DuckChunk, DuckOptions } from './duck.ts';
import type { TextAssembler } from './duck-vectors.ts';
import { createFrame } from './frame.ts';
import type { Frame, TableSchema } from './frame.ts';
import { copyTo } from './parquet-writer.ts';
import { countRows, identifier, parquetAt, parquetSchema, pickColumns, projected, schemaOf, sqlTypes } from './sql-columns.ts';

/**
 * Writes a frame as one Parquet file (Zstandard, one writer thread). The same rows and schema give the same bytes, on every run and
 * whatever the number of cores; another version of DuckDB may give others. A missing value is NULL.
 * @param path absolute; an existing file is replaced (not atomically: write to a fresh name and rename)
 * @throws GyreError RESOURCE_EXHAUSTED when the disk is full, FAILED_PRECONDITION when the file cannot be written for another reason
 */
export async function writeParquet(frame: Frame, path: string, options: Omit<DuckOptions, 'threads'> = {}): Promise<void> {
  await withDuck({ ...options, threads: 1, files: [path] }, async (duck) => {
    await loadFrame(duck, 'rows', frame);
    await copyTo(duck, 'FROM rows', path);
  });
}

/** Makes a table of the engine from a frame. */
export async function loadFrame(duck: Duck, table: string, frame: Frame): Promise<void> {
  const columns = frame.schema.map(({ name, type }) => `${identifier(name)} ${sqlTypes[type]}`);
  await duck.run(`CREATE TABLE ${identifier(table)} (${columns.join(', ')})`);
  await duck.append(table, frame);
}

/**
 * Runs one SQL query over frames, each a table of its name. The engine sees these rows and nothing else.
 * @throws GyreError INVALID_ARGUMENT when the query is wrong or a result column has no place in a table
 */
export async function query(sql: string, frames: Readonly<Record<string, Frame>>, options: DuckOptions = {}): Promise<Frame> {
  return withDuck({ ...options, files: [] }, async (duck) => {
    for (const [name, frame] of Object.entries(frames)) await loadFrame(duck, name, frame);
    return queryFrame(duck, sql);
  });
}

/** The result of one query. @throws GyreError INVALID_ARGUMENT when the query is wrong or a result column has no place in a table */
export async function queryFrame(duck: Duck, sql: string): Promise<Frame> {
  try {
    await duck.run(`CREATE OR REPLACE TABLE "__result" AS ${sql}`);
  } catch (cause) {
    throw engineError('INVALID_ARGUMENT', 'the query failed', cause);
  }
  return readAll(duck, '"__result"', await schemaOf(duck, '"__result"'));
}

/** What a Parquet file says about itself, without its rows. */
export interface ParquetInfo {
  readonly rows: number;
  readonly schema: TableSchema;
}

/** @throws GyreError INVALID_ARGUMENT when the file is no Parquet file or a column's type has no place in a table */
export async function parquetInfo(path: string, options: DuckOptions = {}): Promise<ParquetInfo> {
  return withDuck({ ...options, files: [path] }, async (duck) => {
    const schema = await parquetSchema(duck, path);
    return { rows: await countRows(duck, parquetAt(path)), schema };
  });
}

/**
 * Reads a Parquet file into a frame.
 * @param path absolute
 * @param options.columns only these columns, in this order
 * @throws GyreError INVALID_ARGUMENT when the file is no Parquet file, lacks a column, or a value has no place in a table
 * (lists, structs, integers beyond 2^53)
 */
export async function readParquet(path: string, options: DuckOptions & { readonly columns?: readonly string[] } = {}): Promise<Frame> {
  return withDuck({ ...options, files: [path] }, async (duck) => {
    const all = await parquetSchema(duck, path, options.columns);
    return readAll(duck, parquetAt(path), options.columns ? pickColumns(all, options.columns) : all);
  });
}

/** All rows of a table of the engine. @throws GyreError INVALID_ARGUMENT for an integer beyond 2^53 */
export async function readAll(duck: Duck, table: string, schema: TableSchema): Promise<Frame> {
  const frame = await collect(duck, `SELECT ${projected(schema)} FROM ${table}`, schema, await countRows(duck, table));
  refuseWideIntegers(frame);
  return frame;
}

/** @param firstRow the position (0-based) of the frame's first row in the table @throws GyreError INVALID_ARGUMENT for an integer beyond 2^53 */
export function refuseWideIntegers(frame: Frame, firstRow = 0): void {
  for (const { name, type } of frame.schema) {
    if (type !== 'integer') continue;
    const values = frame.numbers(name);
    let at = 0;
    while (at < values.length && !(Math.abs(values[at]) > Number.MAX_SAFE_INTEGER)) at++;
    if (at === values.length) continue;
    const row = firstRow + at;
    const message = `column "${name}", row ${row}: an integer beyond 2^53 cannot be kept exactly; store it as a string`;
    throw new GyreError('INVALID_ARGUMENT', message, { column: name, row });
  }
}

async function collect(duck: Duck, sql: string, schema: TableSchema, rows: number): Promise<Frame> {
  const collector = frameCollector(schema, rows);
  await duck.stream(sql, (chunk) => collector.add(chunk));
  return collector.take();
}

/** Gathers pieces of a result into frames. */
export interface FrameCollector {
  /** How many rows more there is place for. */
  readonly room: number;
  add(chunk: DuckChunk): void;
  /** The rows gathered so far; the collector is empty afterwards. */
  take(): Frame;
}

/** @param capacity how many rows it holds at most */
export function frameCollector(schema: TableSchema, capacity: number): FrameCollector {
  let rows = 0;
  const fresh = (): { values: Float64Array; texts: TextAssembler }[] =>
    schema.map(({ type }) => ({
      values: new Float64Array(type === 'string' ? 0 : capacity),
      texts: textAssembler(type === 'string' ? capacity : 0),
    }));
  // made when rows come: whoever takes the last batch pays for no other
  let columns: ReturnType<typeof fresh> = [];
  return {
    get room() {
      return capacity - rows;
    },
    add: (chunk) => {
      if (rows === 0) columns = fresh();
      schema.forEach(({ type }, i) => {
        if (type === 'string') chunk.texts(i, rows, columns[i].texts);
        else chunk.numbers(i, rows, columns[i].values);
      });
      rows += chunk.rows;
    },
    take: () => {
      if (rows === 0) columns = fresh();
      const whole = rows === capacity;
      const built = schema.map(({ name, type }, i): { name: string; type: ColumnType; column: Column } => {
        if (kindOf(type) === 'text') return { name, type, column: columns[i].texts.column(rows) };
        const values = whole ? columns[i].values : columns[i].values.slice(0, rows);
        return { name, type, column: type === 'instant' ? instantColumn(values) : numberColumn(values) };
      });
      const frame = createFrame(built, rows);
      rows = 0;
      return frame;
    },
  };
}
