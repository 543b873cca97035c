import { glob, open, stat } from 'node:fs/promises';
import { extname, resolve } from 'node:path';
import type { QuerySource, TableSchema } from '#contract';
import { sourceFromText } from './table-source.ts';

/** What can be known of a dataset without reading its rows. */
export interface DatasetFacts {
  /** Undefined where there is no such file. */
  readonly size?: number;
  readonly isFile: boolean;
  readonly schema?: TableSchema;
  /** Names of the columns: of the reviewed schema, else of the CSV header; undefined when neither is there. */
  readonly columns?: readonly string[];
  /** Of a pattern or a folder: whether a Parquet file is there. */
  readonly hasFiles?: boolean;
  /** Of a source of images: the columns of its labels; undefined when there are none or they cannot be read. */
  readonly labelColumns?: readonly string[];
}

/** Extensions of the formats that can be read; of texts also with `.gz` behind. */
export const sourceExtensions = ['.csv', '.tsv', '.parquet', '.jsonl', '.ndjson'] as const;

/** Whether a file's name says a format that can be read. */
export function isReadable(name: string): boolean {
  const isGzip = extname(name).toLowerCase() === '.gz';
  const extension = extname(isGzip ? name.slice(0, -'.gz'.length) : name).toLowerCase();
  return (sourceExtensions as readonly string[]).includes(extension) && !(isGzip && extension === '.parquet');
}

/** Looks at a dataset's source file and its header. */
export async function datasetFacts(folder: string, source: string, schema: TableSchema | undefined): Promise<DatasetFacts> {
  const from = sourceFromText(source);
  const known = schema === undefined ? {} : { schema, columns: schema.columns.map(({ name }) => name) };
  if (from.kind === 'url') return { isFile: false, ...known };
  if (from.kind === 'files') {
    for await (const name of glob(from.pattern, { cwd: folder }))
      if (name.endsWith('.parquet')) return { isFile: false, hasFiles: true, ...known };
    const there = await stat(resolve(folder, source)).catch(() => undefined);
    return { isFile: false, hasFiles: false, ...(there === undefined ? {} : { size: there.size }), ...known };
  }
  const path = resolve(folder, source);
  const found = await stat(path).catch(() => undefined);
  const file = found === undefined ? { isFile: false } : { isFile: found.isFile(), size: found.size };
  if (schema !== undefined) return { ...file, schema, columns: schema.columns.map(({ name }) => name) };
  if (!file.isFile || !['.csv', '.tsv'].includes(extname(path).toLowerCase())) return file;
  const columns = await csvHeader(path, extname(path).toLowerCase() === '.tsv' ? '\t' : undefined);
  return columns === undefined ? file : { ...file, columns };
}

/** Looks at the file that is asked; a database is asked when it is ingested, and not before. */
export async function queryFacts(folder: string, source: QuerySource, schema: TableSchema | undefined): Promise<DatasetFacts> {
  const file = 'sqlite' in source ? source.sqlite : 'excel' in source ? source.excel : undefined;
  const found = file === undefined ? undefined : await stat(resolve(folder, file)).catch(() => undefined);
  const known = schema === undefined ? {} : { schema, columns: schema.columns.map(({ name }) => name) };
  return { isFile: found?.isFile() ?? false, ...(found === undefined ? {} : { size: found.size }), ...known };
}

const headerBytes = 256 * 1024;

/** The names in a CSV file's first line. @throws when there is no such file */
export async function csvHeader(path: string, separator: string | undefined): Promise<readonly string[] | undefined> {
  const file = await open(path);
  try {
    const buffer = new Uint8Array(headerBytes);
    const { bytesRead } = await file.read(buffer, 0, headerBytes, 0);
    return headerFields(new TextDecoder('utf-8', { fatal: true }).decode(buffer.subarray(0, bytesRead), { stream: true }), separator);
  } catch (error) {
    // Another encoding: whoever reads the rows names it, and here its columns would be guesses.
    if (error instanceof TypeError) return undefined;
    throw error;
  } finally {
    await file.close();
  }
}

/** The fields of a CSV text's first record (RFC 4180 quotes); undefined when it has none. The separator is the commonest of `,` `;` and tab. */
export function headerFields(text: string, separator?: string): readonly string[] | undefined {
  const first = /^(?:"(?:[^"]|"")*"|[^"\r\n])*/.exec(text)?.[0] ?? '';
  if (first.trim() === '') return undefined;
  const bare = first.replaceAll(/"(?:[^"]|"")*"/g, '');
  const count = (sign: string): number => bare.split(sign).length;
  const mark = separator ?? [',', ';', '\t'].reduce((best, sign) => (count(sign) > count(best) ? sign : best));
  const fields: string[] = [];
  let field = '';
  let inQuotes = false;
  for (let index = 0; index < first.length; index++) {
    const sign = first[index];
    if (sign === '"') {
      if (inQuotes && first[index + 1] === '"') {
        field += '"';
        index += 1;
      } else inQuotes = !inQuotes;
    } else if (sign === mark && !inQuotes) {
      fields.push(field);
      field = '';
    } else field += sign;
  }
  fields.push(field);
  return fields.map((name) => name.trim());
}
