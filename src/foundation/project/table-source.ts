import { extname } from 'node:path';

/** Where a table's rows come from, relative to the project's folder. */
export type ResolvedSource =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'files'; /** Of Parquet files. */ readonly pattern: string };

/** Reads a source that is written as a text: a path, a pattern (`events/*.parquet`), or a folder of Parquet files (no slash at its end). */
export function sourceFromText(text: string): ResolvedSource {
  if (/[*?[{]/.test(text)) return { kind: 'files', pattern: text };
  return extname(text) === '' ? { kind: 'files', pattern: `${text}/**/*.parquet` } : { kind: 'file', path: text };
}
