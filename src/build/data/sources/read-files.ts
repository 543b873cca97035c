import { glob } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { GyreError, digestOf } from '#core';
import { parquetFile, parseInstant } from '#tables';
import type { ParquetSource } from '#tables';
import type { DataDeps } from '../port.ts';
import { changedError, standingOf } from './file-standing.ts';
import { storeFile } from './read-file.ts';
import type { DatasetSource, OpenSource, SourceLook } from './source.ts';

/** Parquet files below a folder, one table together, in the order of their paths; folders named `column=value` are columns. */
export function openFiles(
  deps: Pick<DataDeps, 'store' | 'blobs'>,
  { folder, pattern }: Extract<DatasetSource, { kind: 'files' }>,
  address: string,
): OpenSource {
  const list = (): Promise<string[]> => listFiles(folder, pattern);
  const lookAt = (names: readonly string[]): Promise<SourceLook> => lookAtFiles(folder, names);
  return {
    kind: 'files',
    address,
    look: async () => lookAt(await list()),
    read: async (work, { memoryLimitMib }) => {
      const names = await list();
      const { stamp } = await lookAt(names);
      const partitions = partitionsOf(names);
      const files = [];
      for (const name of names) files.push((await storeFile(deps, join(folder, name), name)).file);
      const target = join(work, 'rows.parquet');
      const parts = names.map((name) => ({ path: join(folder, name), name }));
      const read = await parquetFile({ parts, partitions }, target, {
        spillFolder: work,
        ...(memoryLimitMib === undefined ? {} : { memoryLimitMib }),
      });
      const again = await list();
      if (digestOf(again) !== digestOf(names) || (await lookAt(again)).stamp !== stamp) throw changedError(address);
      return { ...read, path: target, source: { format: 'parquet', files } };
    },
  };
}

/** Reads Parquet files below a folder as one, without storing them. @returns the path of the file in the work folder */
export async function readFilesTable(
  { folder, pattern }: Extract<DatasetSource, { kind: 'files' }>,
  work: string,
  memoryLimitMib: number | undefined,
): Promise<string> {
  const names = await listFiles(folder, pattern);
  const target = join(work, 'rows.parquet');
  const parts = names.map((name) => ({ path: join(folder, name), name }));
  await parquetFile({ parts, partitions: partitionsOf(names) }, target, {
    spillFolder: work,
    ...(memoryLimitMib === undefined ? {} : { memoryLimitMib }),
  });
  return target;
}

async function listFiles(folder: string, pattern: string): Promise<string[]> {
  const names: string[] = [];
  for await (const name of glob(pattern, { cwd: folder })) {
    const path = name.split(sep).join('/');
    // what a writer leaves beside its files: _SUCCESS, .crc, unfinished ones
    if (path.toLowerCase().endsWith('.parquet') && !path.split('/').some((part) => /^[._]/.test(part))) names.push(path);
  }
  if (names.length === 0) throw new GyreError('NOT_FOUND', `no Parquet file fits ${pattern}`, { pattern });
  return names.sort();
}

async function lookAtFiles(folder: string, names: readonly string[]): Promise<SourceLook> {
  const stamps: (readonly [string, string])[] = [];
  let [size, changedAt] = [0, 0];
  for (const name of names) {
    const standing = await standingOf(join(folder, name));
    stamps.push([name, standing.stamp]);
    size += standing.size;
    changedAt = Math.max(changedAt, standing.changedAt ?? 0);
  }
  return { found: { size, files: names.length }, stamp: digestOf(stamps), changedAt };
}

/** How the files of a pattern stand, without reading them: the same text again, and none has changed. @throws GyreError NOT_FOUND */
export async function standingOfFiles(folder: string, pattern: string): Promise<string> {
  return (await lookAtFiles(folder, await listFiles(folder, pattern))).stamp;
}

/** The columns that folders' names say, with the narrowest type that all values fit. */
export function partitionsOf(names: readonly string[]): NonNullable<ParquetSource['partitions']> {
  const said = names.map((name) => ({ name, columns: saidByFolders(name) }));
  const valuesOf = new Map<string, Set<string>>();
  for (const { columns } of said)
    for (const [column, value] of columns) valuesOf.set(column, (valuesOf.get(column) ?? new Set()).add(value));
  const lacking = said.find(({ columns }) => columns.length !== valuesOf.size);
  if (lacking !== undefined) {
    const message = `${lacking.name} is not in folders named ${[...valuesOf.keys()].join('=…, ')}=…, as other files of the source are`;
    throw new GyreError('INVALID_ARGUMENT', message, { file: lacking.name });
  }
  return [...valuesOf].map(([name, values]) => {
    const known = [...values].filter((value) => value !== '__HIVE_DEFAULT_PARTITION__');
    const isWhole = (value: string): boolean => /^(0|-?[1-9]\d*)$/.test(value) && Number.isSafeInteger(Number(value));
    if (known.length > 0 && known.every(isWhole)) return { name, type: 'integer' };
    if (known.length > 0 && known.every((value) => /^\d{4}-\d{2}-\d{2}$/.test(value) && parseInstant(value) !== undefined))
      return { name, type: 'instant' };
    return { name, type: 'string' };
  });
}

function saidByFolders(name: string): (readonly [column: string, value: string])[] {
  const folders = name.split('/').slice(0, -1);
  return folders.flatMap((part) => {
    const at = part.indexOf('=');
    return at > 0 ? [[decoded(part.slice(0, at)), decoded(part.slice(at + 1))] as const] : [];
  });
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
