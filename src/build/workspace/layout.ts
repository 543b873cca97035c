import { join } from 'node:path';

/** An MD5 as DVC names objects by it: 32 lower-case hex digits, with `.dir` behind it for a folder's listing. */
export type ObjectName = string;

export const folderSuffix = '.dir';

export function isFolderObject(name: ObjectName): boolean {
  return name.endsWith(folderSuffix);
}

/** Whether a text is the name of an object: a name becomes a path, so nothing else may pass. */
export function isObjectName(text: unknown): text is ObjectName {
  return typeof text === 'string' && /^[0-9a-f]{32}(\.dir)?$/.test(text);
}

/** Where DVC 3 keeps an object below a cache or a remote. */
export function objectPath(root: string, name: ObjectName): string {
  return `${root}/files/md5/${name.slice(0, 2)}/${name.slice(2)}`;
}

/** Where DVC before 3 kept it: `.dvc` files without `hash: md5` name these. They are read, never written. */
export function legacyObjectPath(root: string, name: ObjectName): string {
  return `${root}/${name.slice(0, 2)}/${name.slice(2)}`;
}

/** Where this program keeps what it may lose: the stat cache, files on their way, the lock. */
export function scratchOf(root: string): string {
  return join(root, '.dvc', 'tmp', 'gyre');
}

/** DVC protects its objects by this mode, and takes one that has it for whole. */
export const objectMode = 0o444;
