import { extname, basename } from 'node:path';
import { readFile, stat } from 'node:fs/promises';
import type { TableSchema } from '#contract';
import { GyreError, messageOf } from '#core';
import { readCsv, readJsonLines, readParquet } from '#tables';
import type { ColumnEvidence, ColumnType, Frame } from '#tables';
import type { SourceFormat } from './port.ts';

const formats: Readonly<Record<string, SourceFormat>> = {
  '.csv': 'csv',
  '.tsv': 'csv',
  '.parquet': 'parquet',
  '.jsonl': 'jsonl',
  '.ndjson': 'jsonl',
};

/** @throws GyreError INVALID_ARGUMENT when the extension names no format */
export function formatOf(path: string): SourceFormat {
  const format = formats[extname(path).toLowerCase()];
  if (format !== undefined) return format;
  throw new GyreError('INVALID_ARGUMENT', `${basename(path)}: the format cannot be told; ${Object.keys(formats).join(', ')} are read`, {
    path,
  });
}

/** The bytes of a source file. @throws GyreError NOT_FOUND, INVALID_ARGUMENT (a folder), RESOURCE_EXHAUSTED (beyond 2 GiB), PERMISSION_DENIED */
export async function sourceBytes(path: string): Promise<Uint8Array> {
  try {
    const found = await stat(path);
    if (found.isDirectory()) throw new GyreError('INVALID_ARGUMENT', `${path} is a folder; a file is needed`, { path });
    if (found.size >= 2 ** 31)
      throw new GyreError('RESOURCE_EXHAUSTED', `${path} has ${found.size} bytes; sources up to 2 GiB are read`, { path });
    return await readFile(path);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT') throw new GyreError('NOT_FOUND', `there is no file ${path}`, { path }, { cause: error });
    if (code === 'EACCES')
      throw new GyreError('PERMISSION_DENIED', `${path} cannot be read: ${messageOf(error)}`, { path }, { cause: error });
    throw error;
  }
}

export interface SourceRows {
  readonly frame: Frame;
  readonly evidence?: readonly ColumnEvidence[];
}

/** Reads a source's rows. @param file where the bytes lie as a file; @param types of columns that the reviewed schema knows */
export async function readSource(
  source: { readonly name: string; readonly format: SourceFormat; readonly bytes: Uint8Array; readonly file: string },
  types: Readonly<Record<string, ColumnType>>,
): Promise<SourceRows> {
  const { name, format, bytes, file } = source;
  switch (format) {
    case 'csv':
    case 'jsonl': {
      // a column that the schema knows and the source lacks is a violation of the schema, not a reading error
      const options = { name, types, absent: 'ignore' } as const;
      const { frame, columns } = format === 'csv' ? readCsv(bytes, options) : readJsonLines(bytes, options);
      return { frame, evidence: columns };
    }
    case 'parquet':
      return { frame: finite(await readParquet(file), name) };
  }
}

function finite(frame: Frame, name: string): Frame {
  for (const { name: column, type } of frame.schema) {
    if (type !== 'number') continue;
    const row = frame.numbers(column).findIndex((value) => value === Infinity || value === -Infinity);
    if (row >= 0) {
      const message = `${name}: column "${column}" has a value that is not finite, in row ${row + 1}; leave it NULL where a value is missing`;
      throw new GyreError('INVALID_ARGUMENT', message, { column, row: row + 1 });
    }
  }
  return frame;
}

/** The types that a reviewed schema gives. */
export function declaredTypes(schema: TableSchema | undefined): Record<string, ColumnType> {
  return Object.fromEntries(schema?.columns.map(({ name, type }) => [name, type]) ?? []);
}
