import { createReadStream } from 'node:fs';
import { lstat, readdir, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
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

/** The folder that an address of this machine names: a path or `file:`; undefined for any other place. */
export function localFolder(address: string): string | undefined {
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
