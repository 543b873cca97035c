import { lstat, readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { GyreError, messageOf } from '#core';

/** A folder as a source of files. */
export interface ListedFiles {
  /** Absolute: what the paths are relative to. */
  readonly folder: string;
  /** With `/`, in the order of their code units. */
  readonly paths: readonly string[];
  /** Links, which are not followed. */
  readonly links: number;
}

/**
 * Lists all files of a folder and its folders, or a file by itself. Hidden ones are left out; links are not followed, so that nothing outside
 * of the folder becomes a part of a dataset.
 * @throws GyreError NOT_FOUND, PERMISSION_DENIED, INVALID_ARGUMENT for a name that is no UTF-8
 */
export async function listFiles(path: string): Promise<ListedFiles> {
  const found = await readable(path, () => lstat(path));
  if (!found.isDirectory()) return { folder: dirname(path), paths: [basename(path)], links: 0 };
  const paths: string[] = [];
  let links = 0;
  const walk = async (folder: string): Promise<void> => {
    for (const entry of await readable(path, () => readdir(join(path, folder), { withFileTypes: true }))) {
      if (entry.name.startsWith('.')) continue;
      const inner = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.name.includes('\uFFFD'))
        throw new GyreError('INVALID_ARGUMENT', `${inner}: the file’s name is no valid UTF-8; rename it`, { path: inner });
      if (entry.isSymbolicLink()) links += 1;
      else if (entry.isDirectory()) await walk(inner);
      else if (entry.isFile()) paths.push(inner);
    }
  };
  await walk('');
  return { folder: path, paths: paths.sort(), links };
}

async function readable<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT') throw new GyreError('NOT_FOUND', `there is nothing at ${path}`, { path }, { cause: error });
    if (code === 'EACCES')
      throw new GyreError('PERMISSION_DENIED', `${path} cannot be read: ${messageOf(error)}`, { path }, { cause: error });
    throw error;
  }
}
