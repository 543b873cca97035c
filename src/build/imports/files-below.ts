import { createReadStream } from 'node:fs';
import { lstat, readdir, realpath, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { GyreError } from '#core';
import type { SourceFile } from './source.ts';

/** Where links may lead, beside the folder that they are in. */
export interface LinksBeyond {
  readonly roots: readonly string[];
  /** Told of each link that is not followed. */
  readonly left: (path: string) => void;
}

/**
 * The files of a folder and those below it, in the order of their names. A link is followed only to where the folder itself reaches: what
 * was put into an artifact folder must not bring other files of this machine along.
 * @param beyond folders that whoever imports has named
 */
export async function* filesBelow(folder: string, beyond?: LinksBeyond): AsyncGenerator<SourceFile> {
  const root = await realpath(folder);
  yield* below([root, ...(beyond?.roots ?? [])], root, '', beyond?.left);
}

async function* below(
  roots: readonly string[],
  folder: string,
  prefix: string,
  left: LinksBeyond['left'] | undefined,
): AsyncGenerator<SourceFile> {
  const entries = await readdir(folder, { withFileTypes: true });
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    const name = prefix === '' ? entry.name : `${prefix}/${entry.name}`;
    if (entry.isDirectory()) yield* below(roots, path, name, left);
    else if (entry.isFile()) yield fileAt(path, name, (await stat(path)).size);
    else if (entry.isSymbolicLink()) {
      const target = await realpath(path).catch(() => undefined);
      const found = target !== undefined && (await isBelow(target, roots)) ? await lstat(target) : undefined;
      if (target !== undefined && found?.isFile() === true) yield fileAt(target, name, found.size);
      else left?.(name);
    }
  }
}

/**
 * One file of this machine that a record names; reading it fails where it is not below the folders that whoever imports has named.
 * @param name what it is called below the run's artifacts
 */
export function namedFile(path: string, name: string, roots: readonly string[]): SourceFile {
  return {
    path: name,
    open: async function* (): AsyncGenerator<Uint8Array> {
      const real = isAbsolute(path) ? await realpath(path).catch(() => undefined) : undefined;
      if (real === undefined) throw new GyreError('NOT_FOUND', `it was at ${path}, which is not there`);
      if (!(await isBelow(real, roots)))
        throw new GyreError('NOT_FOUND', `it is at ${path}: name its folder, or one above it, with --artifacts to have it read`);
      yield* fileAt(real, name, 0).open();
    },
  };
}

function fileAt(path: string, name: string, size: number): SourceFile {
  return { path: name, size, open: () => createReadStream(path, { highWaterMark: 1 << 20 }) };
}

/**
 * Files at an address of this machine, which a record names; none where there is no such folder. Records come from elsewhere: they do not
 * make this machine read what lies outside of the folders that whoever imports has named.
 * @param roots those folders
 * @throws GyreError NOT_FOUND for a place that is not below them, or not on this machine
 */
export async function* filesAt(address: string, roots: readonly string[]): AsyncGenerator<SourceFile> {
  const folder = localFolder(address);
  if (folder === undefined) throw new GyreError('NOT_FOUND', `its files are at ${address}, which is not reached from here`);
  if (!(await isFolder(folder))) {
    if (await isBelow(dirname(folder), roots)) return;
    throw new GyreError('NOT_FOUND', `its files are at ${address}, which is not there`);
  }
  if (!(await isBelow(folder, roots)))
    throw new GyreError('NOT_FOUND', `its files are at ${address}: name that folder, or one above it, with --artifacts to have them read`);
  yield* filesBelow(folder);
}

/** A folder that is not there is where its nearest parent is. */
async function isBelow(folder: string, roots: readonly string[]): Promise<boolean> {
  const real = await realpath(folder).catch(() => undefined);
  if (real === undefined) return dirname(folder) !== folder && isBelow(dirname(folder), roots);
  for (const root of roots) {
    const place = await realpath(root).catch(() => undefined);
    if (place !== undefined && (real === place || real.startsWith(place === sep ? sep : place + sep))) return true;
  }
  return false;
}

/** The folder that an address of this machine names: a path or `file:`; undefined for any other place. */
function localFolder(address: string): string | undefined {
  if (address.startsWith('file:')) {
    const url = URL.parse(address);
    if (url === null) return undefined;
    try {
      return fileURLToPath(url);
    } catch {
      return undefined;
    }
  }
  return address.startsWith('/') ? address : undefined;
}

export async function isFolder(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.isDirectory() === true;
}
