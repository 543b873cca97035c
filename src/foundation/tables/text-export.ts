import { writeFile } from 'node:fs/promises';
import { writeCsv } from './csv-write.ts';
import { engineError, withDuck } from './duck.ts';
import type { DuckOptions } from './duck.ts';
import { readParquet } from './parquet.ts';
import { identifier, literal, parquetAt, parquetSchema } from './sql-columns.ts';

/** Formats of text that rows are written in. */
export const textFormats = ['csv', 'jsonl'] as const;
export type TextFormat = (typeof textFormats)[number];

/** As SQL's strftime has it: ISO 8601 in UTC with milliseconds. */
const isoInstant = '%Y-%m-%dT%H:%M:%S.%gZ';

/**
 * Writes the rows of a Parquet file as text in UTF-8, in the engine's bounded memory: CSV (RFC 4180 with LF, a header, missing values blank,
 * an empty text quoted) or JSON Lines (missing values null). Instants are ISO 8601. The same file gives the same bytes.
 * @param path absolute; an existing file is replaced (not atomically: write to a fresh name and rename)
 * @throws GyreError INVALID_ARGUMENT when it is no Parquet file, RESOURCE_EXHAUSTED when memory or disk is full
 */
export async function writeRowsText(
  path: string,
  rows: string,
  format: TextFormat,
  options: Omit<DuckOptions, 'threads'> = {},
): Promise<void> {
  await withDuck({ ...options, threads: 1, files: [path, rows] }, async (duck) => {
    const schema = await parquetSchema(duck, rows);
    // A lone missing value would be a blank line, which readers skip, and the engine writes no other.
    if (format === 'csv' && schema.length === 1) return writeFile(path, writeCsv(await readParquet(rows)));
    const columns = schema.map(({ name, type }) =>
      type === 'instant' ? `strftime(${identifier(name)}, '${isoInstant}') AS ${identifier(name)}` : identifier(name),
    );
    const how = format === 'csv' ? 'FORMAT csv, HEADER' : 'FORMAT json';
    try {
      await duck.run(`COPY (SELECT ${columns.join(', ')} FROM ${parquetAt(rows)}) TO ${literal(path)} (${how}, USE_TMP_FILE false)`);
    } catch (cause) {
      throw engineError('FAILED_PRECONDITION', `cannot write ${path}`, cause);
    }
  });
}
