import { withDuck } from './duck.ts';
import type { DuckOptions } from './duck.ts';
import type { Frame } from './frame.ts';
import { frameCollector, queryFrame, refuseWideIntegers } from './parquet.ts';
import { identifier, literal, parquetAt, parquetSchema, pickColumns, projected } from './sql-columns.ts';

/** Rows of a batch: 30 of the engine's vectors. */
export const batchRows = 61_440;
const vectorRows = 2048;

export interface ScanOptions extends DuckOptions {
  /** Only these columns, in this order. */
  readonly columns?: readonly string[];
  /** A condition in the engine's SQL that rows must meet; it is pushed down into the file. Never made of a person's text. */
  readonly where?: string;
  /** Rows of a batch at most, at least 2,048; 61,440 without it. */
  readonly batchRows?: number;
}

/**
 * Reads a Parquet file batch by batch, in the order of its rows, so that a table of any length takes the memory of one batch.
 * @param path absolute
 * @param onBatch gets the batch as a frame (a text column has a dictionary of the batch's own) and the position (0-based) of its first row
 * among the rows read; the next batch is read when it is done
 * @returns the number of rows read
 * @throws GyreError INVALID_ARGUMENT when the file is no Parquet file, lacks a column, or a value has no place in a table
 */
export async function scanParquet(
  path: string,
  onBatch: (batch: Frame, firstRow: number) => void | Promise<void>,
  options: ScanOptions = {},
): Promise<number> {
  return withDuck({ ...options, files: [path] }, async (duck) => {
    const all = await parquetSchema(duck, path, options.columns);
    const schema = options.columns ? pickColumns(all, options.columns) : all;
    const collector = frameCollector(schema, Math.max(options.batchRows ?? batchRows, vectorRows));
    const where = options.where === undefined ? '' : ` WHERE ${options.where}`;
    let done = 0;
    const give = async (): Promise<void> => {
      const batch = collector.take();
      if (batch.rows === 0) return;
      refuseWideIntegers(batch, done);
      await onBatch(batch, done);
      done += batch.rows;
    };
    await duck.stream(`SELECT ${projected(schema)} FROM ${parquetAt(path)}${where}`, async (chunk) => {
      if (chunk.rows > collector.room) await give();
      collector.add(chunk);
    });
    await give();
    return done;
  });
}

/** What a query over Parquet files may say: a name of a table → the absolute path of its file. */
export type ParquetTables = Readonly<Record<string, string>>;

/**
 * Runs one SQL query (aggregates, joins, windows) over Parquet files, each a table of its name, and gives the result as a frame.
 * The files are not read into memory: with `spillFolder` the query may be larger than `memoryLimitMib`. The engine sees these files
 * and its spill folder, and nothing else.
 * @throws GyreError INVALID_ARGUMENT when the query is wrong or a result column has no place in a table,
 * RESOURCE_EXHAUSTED when it needs more memory than it may have and nothing can be spilled
 */
export async function queryParquet(sql: string, tables: ParquetTables, options: DuckOptions = {}): Promise<Frame> {
  return withDuck({ ...options, files: Object.values(tables) }, async (duck) => {
    for (const [name, path] of Object.entries(tables)) {
      await parquetSchema(duck, path, []);
      await duck.run(`CREATE VIEW ${identifier(name)} AS SELECT * FROM ${parquetAt(path)}`);
    }
    return queryFrame(duck, sql);
  });
}

/** A name as SQL writes it. */
export const sqlName = identifier;
/** A text as SQL writes it. */
export const sqlText = literal;
