import { GyreError } from '#core';
import { instantColumn, kindOf, numberColumn } from './column.ts';
import type { Column, ColumnType } from './column.ts';
import { engineError, textAssembler, withDuck } from './duck.ts';
import type { Duck, DuckOptions } from './duck.ts';
import { createFrame, listed } from './frame.ts';
import type { Frame, TableSchema } from './frame.ts';

/** Rows per row group of the files that we write; fixed, because it shows in the bytes. */
const rowGroupRows = 122_880;

const sqlTypes: Record<ColumnType, string> = {
  integer: 'BIGINT',
  number: 'DOUBLE',
  boolean: 'BOOLEAN',
  string: 'VARCHAR',
  instant: 'TIMESTAMP_MS',
};

/**
 * Writes a frame as one Parquet file (Zstandard, one writer thread). The same rows and schema give the same bytes, on every run and
 * whatever the number of cores; another version of DuckDB may give others. A missing value is NULL.
 * @param path absolute; an existing file is replaced (not atomically: write to a fresh name and rename)
 * @throws GyreError RESOURCE_EXHAUSTED when the disk is full, FAILED_PRECONDITION when the file cannot be written for another reason
 */
export async function writeParquet(frame: Frame, path: string, options: Omit<DuckOptions, 'threads'> = {}): Promise<void> {
  await withDuck({ ...options, threads: 1, files: [path] }, async (duck) => {
    await loadFrame(duck, 'rows', frame);
    try {
      await duck.run(
        `COPY rows TO ${literal(path)} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE ${rowGroupRows}, USE_TMP_FILE false)`,
      );
    } catch (cause) {
      throw engineError('FAILED_PRECONDITION', `cannot write ${path}`, cause);
    }
  });
}

/** Makes a table of the engine from a frame. */
async function loadFrame(duck: Duck, table: string, frame: Frame): Promise<void> {
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
    try {
      await duck.run(`CREATE TABLE "__result" AS ${sql}`);
    } catch (cause) {
      throw engineError('INVALID_ARGUMENT', 'the query failed', cause);
    }
    return readAll(duck, '"__result"', await schemaOf(duck, '"__result"'));
  });
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
    const schema = (options.columns ?? all.map(({ name }) => name)).map((name) => {
      const found = all.find((column) => column.name === name);
      if (found) return found;
      const names = all.map((column) => column.name);
      throw new GyreError('INVALID_ARGUMENT', `no column "${name}"; the columns are ${listed(names)}`, { column: name, columns: names });
    });
    return readAll(duck, parquetAt(path), schema);
  });
}

async function readAll(duck: Duck, table: string, schema: TableSchema): Promise<Frame> {
  const selected = schema.length === 0 ? 'NULL' : schema.map(({ name, type }) => projection(name, type)).join(', ');
  const frame = await collect(duck, `SELECT ${selected} FROM ${table}`, schema, await countRows(duck, table));
  for (const { name, type } of schema) if (type === 'integer') refuseWideIntegers(frame, name);
  return frame;
}

const parquetAt = (path: string): string => `read_parquet(${literal(path)})`;

async function countRows(duck: Duck, table: string): Promise<number> {
  const [[rows]] = await duck.rows(`SELECT count(*)::DOUBLE FROM ${table}`);
  return Number(rows);
}

function refuseWideIntegers(frame: Frame, name: string): void {
  const row = frame.numbers(name).findIndex((value) => Math.abs(value) > Number.MAX_SAFE_INTEGER);
  if (row < 0) return;
  throw new GyreError(
    'INVALID_ARGUMENT',
    `column "${name}", row ${row}: an integer beyond 2^53 cannot be kept exactly; store it as a string`,
    {
      column: name,
      row,
    },
  );
}

async function parquetSchema(duck: Duck, path: string, columns?: readonly string[]): Promise<TableSchema> {
  try {
    return await schemaOf(duck, parquetAt(path), columns);
  } catch (cause) {
    throw engineError('INVALID_ARGUMENT', `${path} cannot be read as Parquet`, cause);
  }
}

/** @param columns look at these only, so that a column without a place in a table harms nobody who does not ask for it */
async function schemaOf(duck: Duck, table: string, columns?: readonly string[]): Promise<TableSchema> {
  const described = await duck.rows(`SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM ${table})`);
  return described
    .map(([name, sqlType]) => ({ name: String(name), sqlType: String(sqlType) }))
    .filter(({ name }) => columns?.includes(name) ?? true)
    .map(({ name, sqlType }) => ({ name, type: columnType(name, sqlType) }));
}

function columnType(name: string, sqlType: string): ColumnType {
  if (/^U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?$/.test(sqlType)) return 'integer';
  if (/^(DOUBLE|FLOAT|DECIMAL\(.*\))$/.test(sqlType)) return 'number';
  if (sqlType === 'BOOLEAN') return 'boolean';
  if (/^(VARCHAR|UUID|ENUM\(.*\))$/.test(sqlType)) return 'string';
  if (/^(DATE|TIMESTAMP(_MS|_S|_NS| WITH TIME ZONE)?)$/.test(sqlType)) return 'instant';
  throw new GyreError('INVALID_ARGUMENT', `column "${name}" has type ${sqlType}, which has no place in a table`, { column: name, sqlType });
}

function projection(name: string, type: ColumnType): string {
  const column = identifier(name);
  if (type === 'string') return `${column}::VARCHAR`;
  if (type === 'instant') return `epoch_ms(${column}::TIMESTAMP)::DOUBLE`;
  return type === 'boolean' ? `${column}::TINYINT::DOUBLE` : `${column}::DOUBLE`;
}

async function collect(duck: Duck, sql: string, schema: TableSchema, rows: number): Promise<Frame> {
  const values = schema.map(({ type }) => new Float64Array(type === 'string' ? 0 : rows).fill(Number.NaN));
  const texts = schema.map(({ type }) => textAssembler(type === 'string' ? rows : 0));
  await duck.stream(sql, (chunk, at) => {
    schema.forEach(({ type }, i) => {
      if (type === 'string') chunk.texts(i, at, texts[i]);
      else chunk.numbers(i, at, values[i]);
    });
  });
  const columns = schema.map(({ name, type }, i): { name: string; type: ColumnType; column: Column } => {
    if (kindOf(type) === 'text') return { name, type, column: texts[i].column() };
    return { name, type, column: type === 'instant' ? instantColumn(values[i]) : numberColumn(values[i]) };
  });
  return createFrame(columns, rows);
}

const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`;
const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;
