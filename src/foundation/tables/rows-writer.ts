import { mkdtemp, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { withDuck } from './duck.ts';
import type { DuckOptions } from './duck.ts';
import type { Frame, TableSchema } from './frame.ts';
import { copyTo, rowGroupRows } from './parquet-writer.ts';
import { identifier, literal, sqlTypes } from './sql-columns.ts';

/** Rows and bytes that are held in memory before they go to the disk. */
const rowsHeld = 8 * rowGroupRows;
const bytesHeld = 128 * 2 ** 20;

/**
 * Writes rows that come frame by frame as one Parquet file (as `writeParquet` does: the same rows give the same bytes, however they were
 * cut into frames), in bounded memory.
 * @param path absolute, in a folder where parts may lie meanwhile
 * @param give hands the frames over, one after the other; each has the columns of the schema, in its order
 * @returns the number of rows
 * @throws GyreError RESOURCE_EXHAUSTED when the disk is full, FAILED_PRECONDITION; and what `give` throws: then there is no file
 */
export async function writeRows(
  path: string,
  schema: TableSchema,
  give: (add: (rows: Frame) => Promise<void>) => Promise<void>,
  options: Omit<DuckOptions, 'threads'> = {},
): Promise<number> {
  const parts = await mkdtemp(join(dirname(path), 'gyre-parts-'));
  try {
    return await withDuck({ ...options, threads: 1, files: [path], folders: [parts] }, async (duck) => {
      const columns = schema.map(({ name, type }) => `${identifier(name)} ${sqlTypes[type]}`).join(', ');
      const written: string[] = [];
      let [rows, held, bytes] = [0, 0, 0];
      const begin = (): Promise<void> => duck.run(`CREATE OR REPLACE TABLE rows (${columns})`);
      await begin();
      await give(async (frame) => {
        await duck.append('rows', frame);
        rows += frame.rows;
        held += frame.rows;
        bytes += bytesOf(frame);
        if (held < rowsHeld && bytes < bytesHeld) return;
        const part = join(parts, `${written.length}.parquet`);
        await copyTo(duck, 'FROM rows', part, 'snappy');
        written.push(part);
        await begin();
        [held, bytes] = [0, 0];
      });
      if (written.length === 0) await copyTo(duck, 'FROM rows', path);
      else await copyTo(duck, `FROM read_parquet([${written.map(literal).join(', ')}]) UNION ALL FROM rows`, path);
      return rows;
    });
  } finally {
    await rm(parts, { recursive: true, force: true });
  }
}

function bytesOf(frame: Frame): number {
  return frame.names.reduce((sum, name) => {
    const column = frame.column(name);
    return sum + (column.kind === 'text' ? column.dictionary.reduce((all, text) => all + text.length, 0) : 8 * frame.rows);
  }, 0);
}
