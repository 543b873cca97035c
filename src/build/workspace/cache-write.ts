import { createHash } from 'node:crypto';
import { chmodSync, closeSync, constants, copyFileSync, fchmodSync, mkdirSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { threadId } from 'node:worker_threads';
import { GyreError, hasCode } from '#core';
import { md5Beside, writeAll } from './file-bytes.ts';
import type { Buffers } from './file-bytes.ts';
import { objectMode, objectPath } from './layout.ts';

/** Puts objects into a cache or a folder remote: written beside under another name, then renamed. Killed anywhere, an object is there whole or not at all. */
export interface ObjectWriter {
  /** Whether an object of this size is there. One of another size is damaged and counts as absent. @param size any without it */
  has(md5: string, size?: number): boolean;
  /** @param anyway also in the place of one that is there, because its bytes are damaged @returns false when it was there already */
  put(md5: string, bytes: Uint8Array, anyway?: boolean): boolean;
  /** Copies a file in, hashing what was copied. @throws GyreError DATA_LOSS when it has another content than is wanted */
  putLarge(source: string, buffers: Buffers, options?: LargeOptions): StoredLarge;
}

export interface LargeOptions {
  /** The MD5 that it is to have. */
  readonly wanted?: string;
  readonly withSha256?: boolean;
  /** Told each piece as well. */
  readonly use?: (bytes: Buffer) => void;
}

export interface StoredLarge {
  readonly md5: string;
  readonly sha256?: Buffer;
  readonly size: number;
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
    putLarge: (source, buffers, { wanted, withSha256 = false, use }: LargeOptions = {}) => {
      const path = temporary();
      const sha256 = withSha256 ? createHash('sha256') : undefined;
      let size = 0;
      const take = (bytes: Buffer): void => {
        size += bytes.length;
        sha256?.update(bytes);
        use?.(bytes);
      };
      const copied = (): string => {
        const file = openSync(path, create, objectMode);
        try {
          const md5 = md5Beside(source, buffers, (bytes) => {
            writeAll(file, bytes);
            take(bytes);
          });
          protect(file);
          return md5;
        } finally {
          closeSync(file);
        }
      };
      const cloned = (): string => {
        copyFileSync(source, path, constants.COPYFILE_FICLONE_FORCE);
        chmodSync(path, objectMode);
        return md5Beside(path, buffers, take);
      };
      try {
        const md5 = reflink ? cloned() : copied();
        if (wanted !== undefined && md5 !== wanted) {
          throw new GyreError('DATA_LOSS', `${source} has the MD5 ${md5}, not the ${wanted} that it is named by`, { object: wanted });
        }
        moveIn(path, md5);
        return { md5, size, ...(sha256 === undefined ? {} : { sha256: sha256.digest() }) };
      } catch (error) {
        rmSync(path, { force: true });
        throw error;
      }
    },
  };
}

/** The same as `putLarge`; undefined when the content is another than is wanted. */
export function putIfSound(
  writer: ObjectWriter,
  source: string,
  buffers: Buffers,
  options: LargeOptions & { readonly wanted: string },
): StoredLarge | undefined {
  try {
    return writer.putLarge(source, buffers, options);
  } catch (error) {
    if (hasCode(error, 'DATA_LOSS')) return undefined;
    throw error;
  }
}
