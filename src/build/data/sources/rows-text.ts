import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { csvFile } from '#tables';
import type { ColumnType, FileRead } from '#tables';
import type { ReadingSpec } from './source.ts';

/** A value as a source of rows gives it; null is missing. */
export type RowValue = string | number | bigint | boolean | Date | null;

/** A column of a query's result. Without a type it is inferred from the values. */
export interface RowColumn {
  readonly name: string;
  readonly type?: ColumnType;
}

/**
 * Writes rows as the text that every other table comes as, and reads it: so that the same checks hold for all sources, and memory is bounded.
 * @param name of the source, for messages: a line there is the row's number, the header being line 1, where no value has several lines
 */
export async function rowsThroughText(
  { folder, name, columns }: { readonly folder: string; readonly name: string; readonly columns: readonly RowColumn[] },
  rows: AsyncIterable<readonly RowValue[]> | Iterable<readonly RowValue[]>,
  reading: ReadingSpec,
): Promise<FileRead & { readonly path: string }> {
  const path = join(folder, 'rows.csv');
  const out = createWriteStream(path);
  const failed = new Promise<never>((_, fail) => out.once('error', fail));
  failed.catch(() => undefined);
  let text = `${columns.map((column) => quoted(column.name)).join(',')}\n`;
  try {
    for await (const row of rows) {
      // of one column alone a missing value would be a blank line
      text += row.length === 1 && row[0] === null ? '""\n' : `${row.map(fieldOf).join(',')}\n`;
      if (text.length < 1 << 20) continue;
      if (!out.write(text)) await Promise.race([once(out, 'drain'), failed]);
      text = '';
    }
    out.end(text);
    await Promise.race([finished(out), failed]);
  } catch (error) {
    out.destroy();
    throw error;
  }
  return readText({ path, folder, name, columns }, reading);
}

/** Reads rows that are a text already; the text is gone afterwards. */
export async function readText(
  text: { readonly path: string; readonly folder: string; readonly name: string; readonly columns: readonly RowColumn[] },
  { types, timestamps, memoryLimitMib }: ReadingSpec,
): Promise<FileRead & { readonly path: string }> {
  const { path, folder, name, columns } = text;
  const target = join(folder, 'rows.parquet');
  const own = Object.fromEntries(columns.flatMap((column) => (column.type === undefined ? [] : [[column.name, column.type]])));
  try {
    const { dialect: _, ...read } = await csvFile(path, target, {
      name,
      types: { ...own, ...types },
      absent: 'ignore',
      delimiter: ',',
      duck: { spillFolder: folder, ...(memoryLimitMib === undefined ? {} : { memoryLimitMib }) },
      ...(timestamps === undefined ? {} : { timestamps }),
    });
    return { ...read, path: target };
  } finally {
    await rm(path, { force: true });
  }
}

const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;

function fieldOf(value: RowValue): string {
  if (value === null) return '';
  if (typeof value === 'string') return /[",\r\n]/.test(value) ? quoted(value) : value;
  return value instanceof Date ? value.toISOString() : String(value);
}
