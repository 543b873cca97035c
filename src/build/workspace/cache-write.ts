import { createHash } from 'node:crypto';
import { chmodSync, closeSync, constants, copyFileSync, fchmodSync, mkdirSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { threadId } from 'node:worker_threads';
import { GyreError } from '#core';
import { readLarge, writeAll } from './file-bytes.ts';
import { objectMode, objectPath } from './layout.ts';

/** Puts objects into a cache or a folder remote: written beside under another name, then renamed. Killed anywhere, an object is there whole or not at all. */
export interface ObjectWriter {
  /** Whether an object of this size is there. One of another size is damaged and counts as absent. @param size any without it */
  has(md5: string, size?: number): boolean;
  /** @param anyway also in the place of one that is there, because its bytes are damaged @returns false when it was there already */
  put(md5: string, bytes: Uint8Array, anyway?: boolean): boolean;
  /** Copies a file in, hashing what was copied. @param wanted refuse another content @throws GyreError DATA_LOSS when it is another */
  putLarge(source: string, chunk: Buffer, wanted?: string): { readonly md5: string; readonly size: number };
}

let count = 0;
const create = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;

/** @param root of the cache or remote @param incoming a folder on the same file system for files on their way */
export function objectWriter(root: string, incoming: string, reflink: boolean): ObjectWriter {
  const made = new Set<string>();
  const umask = process.umask();
  const protect = (file: number): void => {
    if ((umask & objectMode) !== 0) fchmodSync(file, objectMode);
  };
  // A folder of its own: threads that make files in the same one wait for each other.
  const own = `${incoming}/${threadId}`;
  mkdirSync(own, { recursive: true });
  const temporary = (): string => `${own}/${++count}`;
  const moveIn = (from: string, md5: string): void => {
    const prefix = md5.slice(0, 2);
    if (!made.has(prefix)) {
      mkdirSync(`${root}/files/md5/${prefix}`, { recursive: true });
      made.add(prefix);
    }
    renameSync(from, objectPath(root, md5));
  };
  const has = (md5: string, size?: number): boolean => {
    const found = statSync(objectPath(root, md5), { throwIfNoEntry: false });
    return found !== undefined && (size === undefined || found.size === size);
  };
  return {
    has,
    put: (md5, bytes, anyway = false) => {
      if (!anyway && has(md5, bytes.length)) return false;
      const path = temporary();
      try {
        const file = openSync(path, create, objectMode);
        try {
          writeAll(file, bytes);
          protect(file);
        } finally {
          closeSync(file);
        }
        moveIn(path, md5);
      } catch (error) {
        rmSync(path, { force: true });
        throw error;
      }
      return true;
    },
    putLarge: (source, chunk, wanted) => {
      const path = temporary();
      const digest = createHash('md5');
      let size = 0;
      const take = (bytes: Buffer): void => {
        digest.update(bytes);
        size += bytes.length;
      };
      try {
        if (reflink) {
          copyFileSync(source, path, constants.COPYFILE_FICLONE_FORCE);
          chmodSync(path, objectMode);
          readLarge(path, chunk, take);
        } else {
          const file = openSync(path, create, objectMode);
          try {
            readLarge(source, chunk, (bytes) => {
              take(bytes);
              writeAll(file, bytes);
            });
            protect(file);
          } finally {
            closeSync(file);
          }
        }
        const md5 = digest.digest('hex');
        if (wanted !== undefined && md5 !== wanted) {
          throw new GyreError('DATA_LOSS', `${source} has the MD5 ${md5}, not the ${wanted} that it is named by`, { object: wanted });
        }
        moveIn(path, md5);
        return { md5, size };
      } catch (error) {
        rmSync(path, { force: true });
        throw error;
      }
    },
  };
}
