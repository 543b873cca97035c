import { readFileSync, readdirSync } from 'node:fs';
import { GyreError } from '#core';
import { isFolderObject, isObjectName, legacyObjectPath, objectMode, objectPath } from './layout.ts';
import type { ObjectName } from './layout.ts';
import { manifestName, parseManifest } from './manifest.ts';
import type { Manifest } from './manifest.ts';
import { syncFolder, replaceFile } from './replace-file.ts';

/** The names of all objects below a cache or folder remote. Listing 256 folders is cheaper than asking for many objects one by one. */
export function listObjects(root: string): Set<ObjectName> {
  const found = new Set<ObjectName>();
  for (const prefix of namesIn(`${root}/files/md5`)) {
    if (!/^[0-9a-f]{2}$/.test(prefix)) continue;
    for (const rest of namesIn(`${root}/files/md5/${prefix}`)) found.add(prefix + rest);
  }
  return found;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Puts a folder's listing into a cache or remote, durably: `.dvc` files name it. @returns false when it was there */
export function putManifest(root: string, bytes: Uint8Array): { readonly name: ObjectName; readonly stored: boolean } {
  const name = manifestName(bytes);
  const path = objectPath(root, name);
  if (readOrNothing(path)?.equals(bytes) === true) return { name, stored: false };
  replaceFile(path, bytes, { mode: objectMode });
  syncFolder(`${root}/files/md5`);
  return { name, stored: true };
}

/** The bytes of a folder's listing, checked against its name; a text says what is wrong. */
export function manifestBytesIn(root: string, name: ObjectName, legacy: boolean): Buffer | 'missing' | 'damaged' {
  const bytes = readOrNothing(objectPath(root, name)) ?? (legacy ? readOrNothing(legacyObjectPath(root, name)) : undefined);
  if (bytes === undefined) return 'missing';
  return manifestName(bytes) === name ? bytes : 'damaged';
}

/**
 * What a tracked object holds: of a folder its listing, of a file itself under the empty path.
 * @throws GyreError DATA_LOSS when the cache lacks the listing, or it is damaged
 */
export function manifestIn(cache: string, name: ObjectName, legacy = false): Manifest {
  if (!isObjectName(name)) throw new GyreError('INVALID_ARGUMENT', `"${name}" names no object`);
  if (!isFolderObject(name)) return { paths: [''], md5s: Buffer.from(name, 'hex') };
  const bytes = manifestBytesIn(cache, name, legacy);
  if (typeof bytes !== 'string') return parseManifest(bytes, name);
  throw new GyreError('DATA_LOSS', `the listing ${name} is ${bytes} in the cache ${cache}: "gyre data pull" fetches it from a remote`, {
    object: name,
  });
}

function readOrNothing(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return undefined;
    throw error;
  }
}
