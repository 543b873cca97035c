import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isObjectName } from './layout.ts';
import type { ObjectName } from './layout.ts';
import { replaceFile, syncFolder } from './replace-file.ts';

/*
 * Objects that records outside of the workspace refer to, whatever git says: for each an empty file of its name beside the cache's index.
 * A folder's name keeps what its listing names. Whoever records writes the name first, so that no record refers to what may go.
 */

function folderOf(cache: string): string {
  return join(cache, 'gyre', 'kept');
}

/** Keeps an object, durably. The caller holds the workspace's lock. */
export function keepObject(cache: string, name: ObjectName): void {
  const folder = folderOf(cache);
  const path = join(folder, name);
  if (existsSync(path)) return;
  mkdirSync(folder, { recursive: true });
  replaceFile(path, '');
  // the folder may be new, and so may the one around it
  for (const each of [folder, dirname(folder), cache]) syncFolder(each);
}

/** The objects that are kept so. */
export function keptObjects(cache: string): ObjectName[] {
  const folder = folderOf(cache);
  return existsSync(folder) ? readdirSync(folder).filter(isObjectName) : [];
}
