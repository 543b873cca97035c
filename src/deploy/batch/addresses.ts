import { extname, join, resolve } from 'node:path';
import { digestOf, GyreError } from '#core';
import type { DatasetSource } from '#data';
import { sourceFromText } from '#project';
import type { BatchTarget } from './port.ts';

/** What is asked of a database: a query, or a whole table. */
export interface Asked {
  readonly query?: string;
  readonly table?: string;
}

const sqlitePrefix = /^sqlite:(?!\/\/)/i;
const quoted = (text: string): string =>
  text
    .split('.')
    .map((part) => `"${part.replaceAll('"', '""')}"`)
    .join('.');

/**
 * An input as people write it: a path, a pattern or a folder of Parquet files, `http(s)://`, `s3://bucket/key`, `postgres://`, `mysql://` or
 * `sqlite:FILE` with a query or a table, an `.xlsx` file.
 * @param folder where relative paths start, absolute
 * @throws GyreError INVALID_ARGUMENT when a database comes without a question
 */
export function inputFromText(text: string, { query, table }: Asked, folder: string): DatasetSource {
  const ask = (): string => {
    if (query !== undefined && table === undefined) return query;
    if (table !== undefined && query === undefined) return `SELECT * FROM ${quoted(table)}`;
    throw new GyreError('INVALID_ARGUMENT', 'what is asked of the database? --query "SELECT …", or --from-table TABLE, one of them');
  };
  if (/^postgres(ql)?:\/\//i.test(text)) return { kind: 'postgres', address: text, query: ask() };
  if (/^(mysql|mariadb):\/\//i.test(text)) return { kind: 'mysql', address: text, query: ask() };
  if (sqlitePrefix.test(text)) return { kind: 'sqlite', path: resolve(folder, text.replace(sqlitePrefix, '')), query: ask() };
  if (query !== undefined || table !== undefined)
    throw new GyreError('INVALID_ARGUMENT', `a query or a table is asked of a database; ${text} is none`);
  if (extname(text).toLowerCase() === '.xlsx') return { kind: 'excel', path: resolve(folder, text) };
  const found = sourceFromText(text.replace(/\/+$/, ''));
  if (found.kind === 'files')
    return { kind: 'files', folder: found.pattern.startsWith('/') ? '/' : folder, pattern: found.pattern.replace(/^\/+/, '') };
  return 'path' in found ? { ...found, path: resolve(folder, found.path) } : found;
}

const formats: Readonly<Record<string, 'parquet' | 'csv' | 'jsonl'>> = {
  '.parquet': 'parquet',
  '.csv': 'csv',
  '.jsonl': 'jsonl',
  '.ndjson': 'jsonl',
};

/**
 * An output as people write it: a `.parquet`, `.csv` or `.jsonl` file, a folder (with a slash at its end, or where rows are dealt to folders by
 * their values), `s3://bucket/prefix`, `postgres://…` or `sqlite:FILE` with a table.
 * @throws GyreError INVALID_ARGUMENT when it is none
 */
export function targetFromText(
  text: string,
  { table, partitionBy }: { readonly table?: string; readonly partitionBy?: readonly string[] },
  folder: string,
): BatchTarget {
  const by = partitionBy === undefined || partitionBy.length === 0 ? {} : { partitionBy };
  const isDatabase = /^postgres(ql)?:\/\//i.test(text) || sqlitePrefix.test(text);
  if (isDatabase) {
    if (table === undefined) throw new GyreError('INVALID_ARGUMENT', 'which table is written? --to-table TABLE');
    if (partitionBy !== undefined) throw new GyreError('INVALID_ARGUMENT', 'folders by values are made of files, not of a table');
    return sqlitePrefix.test(text)
      ? { kind: 'sqlite', path: resolve(folder, text.replace(sqlitePrefix, '')), table }
      : { kind: 'postgres', address: text, table };
  }
  if (table !== undefined) throw new GyreError('INVALID_ARGUMENT', `a table is written into a database; ${text} is none`);
  if (/^s3:\/\//i.test(text)) return { kind: 'objects', address: text.replace(/\/+$/, ''), ...by };
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text))
    throw new GyreError(
      'INVALID_ARGUMENT',
      `nothing is written to ${text}: a file, a folder/, s3://…, postgres://… or sqlite:FILE is needed`,
    );
  if (text.endsWith('/') || 'partitionBy' in by) return { kind: 'folder', path: resolve(folder, text), ...by };
  const format = formats[extname(text).toLowerCase()];
  if (format !== undefined) return { kind: 'file', path: resolve(folder, text), format };
  throw new GyreError(
    'INVALID_ARGUMENT',
    `the format of ${text} cannot be told: ${Object.keys(formats).join(', ')} are written, or a folder of Parquet (with a slash at its end)`,
  );
}

/** Where an output is worked on when nobody says it: beside it, or in a hidden folder for what is elsewhere. */
export function usualWork(target: BatchTarget, folder: string): string {
  switch (target.kind) {
    case 'file':
    case 'folder':
      return `${target.path}.gyre-predict`;
    case 'sqlite':
      return `${target.path}.${target.table.replaceAll(/[^A-Za-z0-9_-]/g, '-')}.gyre-predict`;
    case 'objects':
    case 'postgres':
      return join(folder, '.gyre-predict', digestOf(target).slice(0, 16));
  }
}
