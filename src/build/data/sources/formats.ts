import { basename, extname } from 'node:path';
import { GyreError } from '#core';
import type { SourceFormat } from '../port.ts';

const formats: Readonly<Record<string, SourceFormat>> = {
  '.csv': 'csv',
  '.tsv': 'csv',
  '.parquet': 'parquet',
  '.jsonl': 'jsonl',
  '.ndjson': 'jsonl',
};

/** What a file's name says of its bytes. */
export interface NamedFormat {
  readonly format: SourceFormat;
  readonly isGzip: boolean;
  /** A `.tsv` has tabs between its fields. */
  readonly isTabbed: boolean;
}

/** @param format where the caller says it @throws GyreError INVALID_ARGUMENT when the extension names no format */
export function namedFormat(name: string, format?: SourceFormat): NamedFormat {
  const isGzip = extname(name).toLowerCase() === '.gz';
  const extension = extname(isGzip ? name.slice(0, -'.gz'.length) : name).toLowerCase();
  const known = format ?? formats[extension];
  if (known !== undefined && !(isGzip && known === 'parquet')) return { format: known, isGzip, isTabbed: extension === '.tsv' };
  throw new GyreError(
    'INVALID_ARGUMENT',
    `${basename(name)}: the format cannot be told; ${Object.keys(formats).join(', ')} are read, texts also with .gz behind`,
    { path: name },
  );
}
