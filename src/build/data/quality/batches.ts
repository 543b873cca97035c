import { tmpdir } from 'node:os';
import { GyreError } from '#core';
import { usualMemoryMib } from '../memory.ts';
import type { WorkRoom } from '../memory.ts';
import { queryParquet, scanParquet, parquetInfo, withParquet } from '#tables';
import type { Frame, OpenTables, TableSchema } from '#tables';

/** The rows of a table, batch by batch and as often as they are asked for, so that a table need not fit into memory. */
export interface Batches {
  readonly rows: number;
  readonly schema: TableSchema;
  /** @param columns what the batches hold, at least one @param take gets each batch and the position of its first row, in order */
  each(columns: readonly string[], take: (batch: Frame, firstRow: number) => void | Promise<void>): Promise<void>;
  /** Where an engine holds the file: opens it there as the table `whole`, to be asked in SQL. */
  readonly ask?: <T>(work: (tables: OpenTables) => Promise<T>) => Promise<T>;
}

/** The table's name in what `Batches.ask` opens. */
export const wholeTable = 'whole';

/** A frame as one batch. */
export function frameBatches(frame: Frame): Batches {
  return { rows: frame.rows, schema: frame.schema, each: async (_columns, take) => take(frame, 0) };
}

/** Of the room's memory the engine that decodes the file has so much, and the one that is asked the rest: both may be at work. */
const shareOfBatches = 3 / 8;

/** A Parquet file batch by batch. @param path absolute */
export async function parquetBatches(path: string, room: WorkRoom = {}): Promise<Batches> {
  const { memoryLimitMib = usualMemoryMib, folder = tmpdir() } = room;
  const decoding = Math.round(memoryLimitMib * shareOfBatches);
  const { rows, schema } = await parquetInfo(path);
  return {
    rows,
    schema,
    each: async (columns, take) => {
      await scanParquet(path, take, { columns, memoryLimitMib: decoding });
    },
    ask: (work) => withParquet({ [wholeTable]: path }, work, { memoryLimitMib: memoryLimitMib - decoding, spillFolder: folder }),
  };
}

/** A table of at most so many values is read into memory as a whole. */
const cellsInMemory = 8_000_000;
/** So many rows stand for a larger table where a check needs them side by side. */
const rowsOfSample = 100_000;

/** A version's rows: batch by batch, and side by side, all of them or a sample where the table is large. */
export interface OpenedRows {
  readonly batches: Batches;
  /** All rows of a small table; of a large one 100,000, drawn without replacement, the same each time (reservoir, Vitter 1985). */
  readonly sample: () => Promise<Frame>;
}

/** @param path of the rows' Parquet file, absolute @param read gives all rows @param limits beside the room they are for the tests, which have no large tables */
export async function openBatches(
  path: string,
  read: () => Promise<Frame>,
  limits: WorkRoom & { readonly cells?: number; readonly sampleRows?: number } = {},
): Promise<OpenedRows> {
  const { cells = cellsInMemory, sampleRows = rowsOfSample, memoryLimitMib = usualMemoryMib } = limits;
  const batches = await parquetBatches(path, limits);
  if (batches.rows * batches.schema.length <= cells) {
    const frame = await read();
    return { batches: frameBatches(frame), sample: () => Promise.resolve(frame) };
  }
  const size = Math.min(sampleRows, batches.rows);
  // one thread: with several the draw would depend on which of them came first
  const drawn = `SELECT * FROM whole USING SAMPLE reservoir(${size} ROWS) REPEATABLE (1)`;
  let sample: Promise<Frame> | undefined;
  return { batches, sample: () => (sample ??= queryParquet(drawn, { whole: path }, { threads: 1, memoryLimitMib })) };
}

/** @throws GyreError INVALID_ARGUMENT naming the columns that exist */
export function requireColumn(schema: TableSchema, name: string): void {
  if (schema.some((column) => column.name === name)) return;
  const names = schema.map((column) => column.name);
  const shown =
    names
      .slice(0, 20)
      .map((each) => `"${each}"`)
      .join(', ') + (names.length > 20 ? ` and ${names.length - 20} more` : '');
  throw new GyreError('INVALID_ARGUMENT', `no column "${name}"; the columns are ${shown}`, { column: name, columns: names });
}
