import { extname } from 'node:path';
import type { DatasetSpec, QuerySource } from '#contract';

/** Where a table's rows come from; paths are relative to the project's folder, and secrets are named in addresses (`${env:NAME}`). */
export type ResolvedSource =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'files'; /** Of Parquet files. */ readonly pattern: string }
  | { readonly kind: 'url'; readonly address: string }
  | { readonly kind: 'postgres'; readonly address: string; readonly query: string }
  | { readonly kind: 'mysql'; readonly address: string; readonly query: string }
  | { readonly kind: 'sqlite'; readonly path: string; readonly query: string }
  | { readonly kind: 'excel'; readonly path: string; readonly sheet?: string };

/** Whether a source is written as an address to fetch from. */
const isAddress = (text: string): boolean => /^(https?|s3):\/\//i.test(text);

/** Reads a source that is written as a text: an address, a path, a pattern (`events/*.parquet`), a folder of Parquet files (no slash at its end). */
export function sourceFromText(text: string): ResolvedSource {
  if (isAddress(text)) return { kind: 'url', address: text };
  if (/[*?[{]/.test(text)) return { kind: 'files', pattern: text };
  return extname(text) === '' ? { kind: 'files', pattern: `${text}/**/*.parquet` } : { kind: 'file', path: text };
}

export function isQuery(source: DatasetSpec['source']): source is QuerySource {
  return typeof source === 'object' && ('postgres' in source || 'mysql' in source || 'sqlite' in source || 'excel' in source);
}

export function sourceFromQuery(source: QuerySource): ResolvedSource {
  if ('postgres' in source) return { kind: 'postgres', address: source.postgres, query: source.query };
  if ('mysql' in source) return { kind: 'mysql', address: source.mysql, query: source.query };
  if ('excel' in source) return { kind: 'excel', path: source.excel, ...(source.sheet === undefined ? {} : { sheet: source.sheet }) };
  const { sqlite, table = '', query = `SELECT * FROM "${table.replaceAll('"', '""')}"` } = source;
  return { kind: 'sqlite', path: sqlite, query };
}

/** A source in words, for records: it holds no address, which may have secrets in it. */
export function queryText(source: QuerySource): string {
  if ('postgres' in source) return 'query of PostgreSQL';
  if ('mysql' in source) return 'query of MySQL';
  return 'excel' in source ? source.excel : source.sqlite;
}
