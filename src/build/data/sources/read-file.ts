import { basename, join } from 'node:path';
import type { DatasetFile } from '#contract';
import { GyreError } from '#core';
import { csvFile, jsonFile, parquetFile } from '#tables';
import type { FileRead } from '#tables';
import type { DataDeps } from '../port.ts';
import { throughPointer } from '../through-pointer.ts';
import { changedError, standingOf } from './file-standing.ts';
import { namedFormat } from './formats.ts';
import type { NamedFormat } from './formats.ts';
import { gunzipFile } from './gunzip.ts';
import type { DatasetSource, OpenSource, ReadingSpec } from './source.ts';

type FileDeps = Pick<DataDeps, 'store' | 'blobs'>;

/** A file of rows. @param address as the user wrote it */
export function openFile(deps: FileDeps, source: Extract<DatasetSource, { kind: 'file' }>, address: string): OpenSource {
  const { path } = source;
  const name = basename(path);
  const named = namedFormat(path, source.format);
  let stored: Promise<StoredFile> | undefined;
  const store = (): Promise<StoredFile> => (stored ??= storeFile(deps, path, `data.${named.format}${named.isGzip ? '.gz' : ''}`));
  return {
    kind: 'file',
    address,
    look: () => standingOf(path),
    digest: async () => (await store()).file.sha256,
    read: async (folder, reading) => {
      const { file, bytesAt, stamp } = await store();
      const target = join(folder, 'rows.parquet');
      const read = await readRows({ path: bytesAt, name, named, target, folder }, reading);
      if ((await standingOf(path)).stamp !== stamp) throw changedError(name);
      return { ...read, path: target, source: { format: named.format, files: [file] }, found: { sha256: file.sha256 } };
    },
  };
}

export interface StoredFile {
  readonly file: DatasetFile;
  /** Where the rows are read: the file itself, or what a pointer of Git LFS stands for. */
  readonly bytesAt: string;
  readonly stamp: string;
}

/** Puts a source file into the blobs. @param inside its path inside the version: where it lies says nothing about what it holds */
export async function storeFile({ store, blobs }: FileDeps, path: string, inside: string): Promise<StoredFile> {
  const { stamp } = await standingOf(path);
  const pointed = await throughPointer({ store, blobs }, path);
  const bytesAt = pointed === undefined ? path : await blobs.localPath(pointed, { verify: true });
  const { digest, size, md5 = '' } = await blobs.putFile(bytesAt, { md5: true });
  if ((await standingOf(path)).stamp !== stamp) throw changedError(basename(path));
  return { file: { path: inside, size, sha256: digest, md5 }, bytesAt, stamp };
}

/** Reads rows of any format into a Parquet file. */
export async function readRows(
  at: { readonly path: string; readonly name: string; readonly named: NamedFormat; readonly target: string; readonly folder: string },
  { types, dialect = {}, timestamps, mixed, memoryLimitMib }: ReadingSpec,
): Promise<FileRead> {
  const { name, named, target, folder } = at;
  const duck = { spillFolder: folder, ...(memoryLimitMib === undefined ? {} : { memoryLimitMib }) };
  if (named.format === 'parquet') return parquetFile({ parts: [{ path: at.path, name }] }, target, duck);
  let { path } = at;
  if (named.isGzip) {
    path = join(folder, 'unpacked');
    await gunzipFile(at.path, path, name);
  }
  const { missing, delimiter, decimal } = dialect;
  const options = {
    name,
    types,
    // a column that the schema knows and the source lacks is a violation of the schema, not a reading error
    absent: 'ignore' as const,
    duck,
    ...(missing === undefined ? {} : { missing }),
    ...(timestamps === undefined ? {} : { timestamps }),
    ...(mixed === undefined ? {} : { mixed }),
  };
  if (named.format === 'jsonl') {
    if (delimiter !== undefined || decimal !== undefined)
      throw new GyreError('INVALID_ARGUMENT', `${name}: a dialect is of CSV texts; JSON Lines has none`);
    return jsonFile(path, target, options);
  }
  const between = delimiter ?? (named.isTabbed ? '\t' : undefined);
  return csvFile(path, target, {
    ...options,
    ...(between === undefined ? {} : { delimiter: between }),
    ...(decimal === undefined ? {} : { decimal }),
  });
}
