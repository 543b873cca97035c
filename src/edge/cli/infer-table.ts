import { readFile } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import { inferFrame } from '#data';
import { GyreError, messageOf } from '#core';
import type { ColumnCounts, InferredTable } from '#project';
import { cellOf, isMissing, readCsv, readJsonLines, readParquet } from '#tables';
import type { ColumnType, Frame } from '#tables';

/** How many of a column's commonest values are looked at. */
const topValues = 20;

const dayMs = 86_400_000;

/** The end of a day, as the instant that files are as fresh as. @param today YYYY-MM-DD */
export const endOf = (today: string): number => Date.parse(`${today}T00:00:00Z`) + dayMs;

/**
 * Reads a data file and says what is in it.
 * @throws GyreError NOT_FOUND when there is no such file, INVALID_ARGUMENT when it cannot be read as a table (with line and column)
 */
export async function inferTable(file: string, key: string | undefined): Promise<InferredTable> {
  const frame = await readTable(file);
  if (frame.rows === 0)
    throw new GyreError('INVALID_ARGUMENT', `${file} has a header and no rows: there is nothing to learn from`, { file });
  const columns = frame.schema.map(({ name, type }) => countColumn(frame, name, type));
  const isColumn = key !== undefined && columns.some(({ name }) => name === key);
  // no freshness: a first project may stand on a file that nobody brings up to date
  const { schema } = await inferFrame(frame, isColumn ? { key } : {});
  return { rows: frame.rows, schema, columns };
}

/** Reads a data file by its extension. */
export async function readTable(file: string): Promise<Frame> {
  const extension = extname(file).toLowerCase();
  const bytes = await readFile(file).catch((error: unknown) => {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT') throw new GyreError('NOT_FOUND', `there is no file ${file}`, { file });
    throw new GyreError('INVALID_ARGUMENT', `${file} cannot be read: ${messageOf(error)}`, { file }, { cause: error });
  });
  const name = basename(file);
  switch (extension) {
    case '.csv':
      return readCsv(bytes, { name }).frame;
    case '.tsv':
      return readCsv(bytes, { name, delimiter: '\t' }).frame;
    case '.jsonl':
    case '.ndjson':
      return readJsonLines(bytes, { name }).frame;
    case '.parquet':
      return readParquet(file);
    default:
      throw new GyreError('INVALID_ARGUMENT', `${name} is of no format that can be read: .csv, .tsv, .jsonl, .ndjson and .parquet are`, {
        file,
      });
  }
}

function countColumn(frame: Frame, name: string, type: ColumnType): ColumnCounts {
  const column = frame.column(name);
  const counts = new Map<string, number>();
  let missing = 0;
  for (let row = 0; row < frame.rows; row++) {
    if (isMissing(column, row)) missing += 1;
    else {
      const value = String(cellOf(column, type, row));
      counts.set(value, (counts.get(value) ?? 0) + 1);
    }
  }
  const top = [...counts].sort(([, left], [, right]) => right - left).slice(0, topValues);
  return { name, distinct: counts.size, missing, top: top.map(([value, count]) => ({ value, count })) };
}
