import { GyreError } from '#core';
import { engineError, withDuck } from './duck.ts';
import type { ColumnType } from './column.ts';
import type { Duck, DuckOptions } from './duck.ts';
import type { Frame, TableSchema } from './frame.ts';
import { frameCollector } from './parquet.ts';
import { copySql } from './parquet-writer.ts';
import { columnType, countRows, identifier, literal, parquetAt, pickColumns, projected, schemaOf } from './sql-columns.ts';

/** A column of any type of Parquet, as the engine calls it. */
export interface RawColumn {
  readonly name: string;
  readonly sqlType: string;
  /** What it is in a table of ours; lists, structs and bytes are nothing. */
  readonly type?: ColumnType;
}

/** What a Parquet file holds; columns of types that have no place in a table (lists, structs) are listed as well. */
export interface RawParquet {
  readonly rows: number;
  readonly columns: readonly RawColumn[];
}

/** @param path absolute @throws GyreError INVALID_ARGUMENT when it is no Parquet file */
export async function rawParquet(path: string, options: DuckOptions = {}): Promise<RawParquet> {
  return withDuck({ ...options, files: [path] }, async (duck) => {
    try {
      const described = await duck.rows(`SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM ${parquetAt(path)})`);
      const columns = described.map(([name, sqlType]) => rawColumn(String(name), String(sqlType)));
      return { rows: await countRows(duck, parquetAt(path)), columns };
    } catch (cause) {
      throw engineError('INVALID_ARGUMENT', `${path} cannot be read as Parquet`, cause);
    }
  });
}

function rawColumn(name: string, sqlType: string): RawColumn {
  try {
    return { name, sqlType, type: columnType(name, sqlType) };
  } catch {
    return { name, sqlType };
  }
}

/** A column that is written beside those of the rows. */
export interface AddedColumn {
  readonly name: string;
  /** An expression of the engine over the columns that were appended and `"#row"`, the row's position in the file. Never made of a person's text. */
  readonly sql: string;
}

/** Rows from `start` up to but without `end` of a Parquet file, held by the engine in memory while one piece of work goes on. */
export interface RowRange {
  readonly rows: number;
  /**
   * Reads columns batch by batch, in the order of the rows. Integers beyond 2^53 are rounded to the nearest double.
   * @param onBatch gets the batch and the position of its first row within the range; its arrays are the receiver's own
   * @throws GyreError INVALID_ARGUMENT for an unknown column, or one of a type that has no place in a table
   */
  batches(
    columns: readonly string[],
    batchRows: number,
    onBatch: (batch: Frame, firstRow: number) => void | Promise<void>,
  ): Promise<TableSchema>;
  /** Gives each row a number in each of these columns, which added columns know as `"#n0"`, `"#n1"`, …; NaN stays NaN. Once. */
  addNumbers(columns: readonly Float64Array<ArrayBuffer>[]): Promise<void>;
  /** Gives each row a text, or null, in each of these columns: `"#t0"`, `"#t1"`, …. Once. */
  addTexts(columns: readonly (readonly (string | null)[])[]): Promise<void>;
  /**
   * Writes rows and added columns as Parquet, in the order of the rows.
   * @param kept the columns of the rows that go along, in this order, with whatever type they have
   * @param to a file (absolute), or a folder that gets a folder for each combination of values of `partitionBy`, as Hive writes them
   */
  write(
    kept: readonly string[],
    added: readonly AddedColumn[],
    to:
      | {
          readonly file: string;
          /** Default: zstd; snappy for a file that is read once more and then gone. */ readonly compression?: 'zstd' | 'snappy';
        }
      | { readonly folder: string; readonly partitionBy: readonly string[]; readonly name: string },
  ): Promise<void>;
}

export interface RowRangeOptions extends Omit<DuckOptions, 'threads'> {
  readonly start: number;
  readonly end: number;
  /** Absolute: below it may be written. */
  readonly folder: string;
}

const positionName = '#row';

/**
 * Opens a range of a Parquet file's rows for one piece of work, on one thread: the same rows and columns give the same bytes.
 * @throws GyreError INVALID_ARGUMENT when the file is no Parquet file, RESOURCE_EXHAUSTED when memory or disk is full
 */
export async function withRowRange<T>(path: string, options: RowRangeOptions, work: (range: RowRange) => Promise<T>): Promise<T> {
  const { start, end, folder, ...duckOptions } = options;
  return withDuck({ ...duckOptions, threads: 1, files: [path], folders: [folder] }, async (duck) => {
    // the reader's own number of a row hides behind a column of the same name; then rows are counted, which reads all before them
    const described = await schemaNames(duck, path);
    const numbered = described.includes('file_row_number')
      ? `(SELECT *, (row_number() OVER ()) - 1 AS "#position" FROM ${parquetAt(path)}) WHERE "#position" >= ${start} AND "#position" < ${end}`
      : `${parquetAt(path)} WHERE file_row_number >= ${start} AND file_row_number < ${end}`;
    await duck.run(`CREATE TABLE rows AS SELECT ${described.map(identifier).join(', ')} FROM ${numbered}`);
    const rows = await countRows(duck, 'rows');
    if (rows !== end - start)
      throw new GyreError('DATA_LOSS', `${path} has ${rows} rows between ${start} and ${end}: it was changed while it was read`, { path });
    return work(rangeOf(duck, rows, start));
  });
}

const tableOf = (name: string, letter: string, columns: number, type: string): string =>
  `CREATE TABLE ${name} (${Array.from({ length: columns }, (_, i) => `"#${letter}${i}" ${type}`).join(', ')})`;

async function schemaNames(duck: Duck, path: string): Promise<string[]> {
  try {
    return (await duck.rows(`SELECT column_name FROM (DESCRIBE SELECT * FROM ${parquetAt(path)})`)).map(([name]) => String(name));
  } catch (cause) {
    throw engineError('INVALID_ARGUMENT', `${path} cannot be read as Parquet`, cause);
  }
}

function rangeOf(duck: Duck, rows: number, start: number): RowRange {
  const joined = ['rows'];
  return {
    rows,
    batches: async (columns, batchRows, onBatch) => {
      const schema = pickColumns(await schemaOf(duck, 'rows', columns), columns);
      const collector = frameCollector(schema, batchRows);
      let done = 0;
      const give = async (): Promise<void> => {
        const batch = collector.take();
        if (batch.rows === 0) return;
        await onBatch(batch, done);
        done += batch.rows;
      };
      await duck.stream(`SELECT ${projected(schema)} FROM rows`, async (chunk) => {
        if (chunk.rows > collector.room) await give();
        collector.add(chunk);
      });
      await give();
      return schema;
    },
    addNumbers: async (columns) => {
      await duck.run(tableOf('added_numbers', 'n', columns.length, 'DOUBLE'));
      await duck.appendNumbers('added_numbers', columns);
      joined.push('added_numbers');
    },
    addTexts: async (columns) => {
      await duck.run(tableOf('added_texts', 't', columns.length, 'VARCHAR'));
      await duck.appendTexts('added_texts', columns);
      joined.push('added_texts');
    },
    write: async (kept, added, to) => {
      const columns = [
        ...kept.map((name) => `rows.${identifier(name)} AS ${identifier(name)}`),
        ...added.map(({ name, sql }) => `${sql} AS ${identifier(name)}`),
      ];
      const beside = joined.join(' POSITIONAL JOIN ');
      const position = `(SELECT *, ${start} + (row_number() OVER ()) - 1 AS ${identifier(positionName)} FROM ${beside}) AS rows`;
      const needsPosition = added.some(({ sql }) => sql.includes(identifier(positionName)));
      const query = `SELECT ${columns.join(', ')} FROM ${needsPosition ? position : beside}`;
      try {
        await duck.run('file' in to ? copySql(query, to.file, to.compression) : partitionedSql(query, to));
      } catch (cause) {
        throw engineError('FAILED_PRECONDITION', `cannot write ${'file' in to ? to.file : to.folder}`, cause);
      }
    },
  };
}

function partitionedSql(
  query: string,
  to: { readonly folder: string; readonly partitionBy: readonly string[]; readonly name: string },
): string {
  const by = to.partitionBy.map(identifier).join(', ');
  return `COPY (${query}) TO ${literal(to.folder)} (FORMAT parquet, COMPRESSION zstd, PARTITION_BY (${by}), FILENAME_PATTERN ${literal(`${to.name}-{i}`)}, OVERWRITE_OR_IGNORE)`;
}

/**
 * Writes Parquet files of the same columns, one behind the other, as one file of ours or as text (see `writeRowsText`), in bounded memory.
 * @param path absolute; an existing file is replaced (not atomically: write to a fresh name and rename)
 * @throws GyreError RESOURCE_EXHAUSTED when the disk is full, FAILED_PRECONDITION
 */
export async function joinParquet(path: string, parts: readonly string[], options: Omit<DuckOptions, 'threads'> = {}): Promise<void> {
  await withDuck({ ...options, threads: 1, files: [path, ...parts] }, async (duck) => {
    try {
      await duck.run(copySql(`FROM read_parquet([${parts.map(literal).join(', ')}], hive_partitioning = false)`, path));
    } catch (cause) {
      throw engineError('FAILED_PRECONDITION', `cannot write ${path}`, cause);
    }
  });
}
