import { createReadStream } from 'node:fs';
import { lstat, readdir, realpath, stat } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { GyreError } from '#core';
import type { SourceFile } from './source.ts';

/**
 * The files of a folder and those below it, in the order of their names. A link is followed only to where the folder itself reaches: what
 * was put into an artifact folder must not bring other files of this machine along.
 */
export async function* filesBelow(folder: string): AsyncGenerator<SourceFile> {
  const root = await realpath(folder);
  yield* below(root, root, '');
}

async function* below(root: string, folder: string, prefix: string): AsyncGenerator<SourceFile> {
  const entries = await readdir(folder, { withFileTypes: true });
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    const name = prefix === '' ? entry.name : `${prefix}/${entry.name}`;
    if (entry.isDirectory()) yield* below(root, path, name);
    else if (entry.isFile()) yield fileAt(path, name, (await stat(path)).size);
    else if (entry.isSymbolicLink()) {
      const target = await realpath(path).catch(() => undefined);
      if (target === undefined || !target.startsWith(root + sep)) continue;
      const found = await lstat(target);
      if (found.isFile()) yield fileAt(target, name, found.size);
    }
  }
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
