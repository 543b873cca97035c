import { createHash } from 'node:crypto';
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { GyreError, asSha256, isGyreError, messageOf } from '#core';
import type { ErrorCode, Faults } from '#core';
import type { BlobRef } from './port.ts';
import type { Turns } from './turns.ts';

/**
 * The way in: bytes are written to a file of their own while they are hashed, made durable, and only then given their
 * name. Killed at any point, a blob is there whole or not at all.
 */
export class Incoming {
  readonly #dir: string;
  readonly #turns: Turns;
  readonly #faults: Faults;
  readonly #folders = new Set<string>();
  #count = 0;

  private constructor(dir: string, turns: Turns, faults: Faults) {
    this.#dir = dir;
    this.#turns = turns;
    this.#faults = faults;
  }

  /** Makes the folders and sweeps away what killed writers left. @throws GyreError PERMISSION_DENIED */
  static async open(dir: string, turns: Turns, faults: Faults): Promise<Incoming> {
    try {
      await mkdir(join(dir, 'incoming'), { recursive: true });
      await mkdir(join(dir, 'sha256'), { recursive: true });
      for (const name of await readdir(join(dir, 'incoming'))) {
        if (!isAlive(Number(name.split('-')[0]))) await rm(join(dir, 'incoming', name), { force: true });
      }
      await syncFolder(dir);
    } catch (error) {
      throw fromFileSystem(error, dir);
    }
    return new Incoming(dir, turns, faults);
  }

  /** Stores what the source gives. The source's own errors come through as they are. @throws GyreError RESOURCE_EXHAUSTED */
  async take(source: AsyncIterable<Uint8Array>, wantMd5: boolean): Promise<BlobRef> {
    const path = join(this.#dir, 'incoming', `${process.pid}-${++this.#count}`);
    try {
      return await this.#store(source, wantMd5, path);
    } catch (error) {
      await rm(path, { force: true }).catch(() => undefined);
      throw fromFileSystem(error, this.#dir);
    }
  }

  async #store(source: AsyncIterable<Uint8Array>, wantMd5: boolean, path: string): Promise<BlobRef> {
    const hash = createHash('sha256');
    const md5 = wantMd5 ? createHash('md5') : undefined;
    let size = 0;
    // `w`: a file that a killed process with our number left is written over.
    const file = await open(path, 'w', 0o600);
    try {
      const behind = new WriteBehind(file, this.#faults);
      try {
        for await (const chunk of source) {
          size += chunk.byteLength;
          await behind.write(chunk);
          hash.update(chunk);
          md5?.update(chunk);
        }
        await behind.end();
      } finally {
        await behind.settled();
      }
      await file.chmod(0o444);
      this.#faults.at('blob.fsync');
      await file.sync();
    } finally {
      await file.close();
    }
    const digest = asSha256(hash.digest('hex'));
    const folder = await this.#folder(digest.slice(0, 2));
    this.#faults.at('blob.rename');
    await this.#turns.take(digest, () => rename(path, join(folder, digest.slice(2))));
    this.#faults.at('blob.dirsync');
    await syncFolder(folder);
    return { digest, size, ...(md5 === undefined ? {} : { md5: md5.digest('hex') }) };
  }

  async #folder(prefix: string): Promise<string> {
    const root = join(this.#dir, 'sha256');
    const folder = join(root, prefix);
    if (!this.#folders.has(prefix)) {
      await mkdir(folder, { recursive: true });
      await syncFolder(root);
      this.#folders.add(prefix);
    }
    return folder;
  }
}

/** So much is written at once: sockets give bytes in pieces of 64 KiB, and each write costs a turn of a thread. */
const batchBytes = 1024 * 1024;
/** After so much the disk is asked to keep what it has, so that little is left to wait for at the end. */
const syncedBytes = 32 * 1024 * 1024;

/** Writes one batch of chunks while the next one is gathered and hashed. At most two batches are in memory. */
class WriteBehind {
  readonly #file: FileHandle;
  readonly #faults: Faults;
  #batch: Uint8Array[] = [];
  #gathered = 0;
  #unsynced = 0;
  #writing: Promise<void> = Promise.resolve();

  constructor(file: FileHandle, faults: Faults) {
    this.#file = file;
    this.#faults = faults;
  }

  /** @param chunk stays as it is from now on */
  async write(chunk: Uint8Array): Promise<void> {
    this.#batch.push(chunk);
    this.#gathered += chunk.byteLength;
    if (this.#gathered >= batchBytes) await this.#flush();
  }

  /** Resolves when all of it is written; a failed write is thrown here at the latest. */
  async end(): Promise<void> {
    if (this.#gathered > 0) await this.#flush();
    await this.#writing;
  }

  /** Resolves when no write is under way, whatever came of it: the file may be closed then. */
  async settled(): Promise<void> {
    await this.#writing.catch(() => undefined);
  }

  async #flush(): Promise<void> {
    const chunks = this.#batch;
    this.#batch = [];
    this.#unsynced += this.#gathered;
    this.#gathered = 0;
    await this.#writing;
    this.#faults.at('blob.write');
    const syncs = this.#unsynced >= syncedBytes;
    if (syncs) this.#unsynced = 0;
    this.#writing = this.#store(chunks, syncs);
    // Whoever waits for it next is told.
    this.#writing.catch(() => undefined);
  }

  async #store(chunks: readonly Uint8Array[], syncs: boolean): Promise<void> {
    let rest = chunks;
    // A write may take less than it was given, also just before the disk is full.
    while (rest.length > 0) rest = after(rest, (await this.#file.writev(rest)).bytesWritten);
    if (syncs) await this.#file.datasync();
  }
}

function after(chunks: readonly Uint8Array[], written: number): readonly Uint8Array[] {
  let left = written;
  const first = chunks.findIndex((chunk) => {
    if (chunk.byteLength > left) return true;
    left -= chunk.byteLength;
    return false;
  });
  return first === -1 ? [] : [chunks[first].subarray(left), ...chunks.slice(first + 1)];
}

/** Makes a rename, a new entry or a removal in a folder durable. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Whether another process of this number runs; our own leftovers are those of an earlier life with the same number. */
export function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) === 'EPERM';
  }
}

export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

export const isMissing = (error: unknown): boolean => systemCode(error) === 'ENOENT';

const codes: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  ENOSPC: ['RESOURCE_EXHAUSTED', 'the disk is full'],
  EDQUOT: ['RESOURCE_EXHAUSTED', 'the disk quota is used up'],
  EFBIG: ['RESOURCE_EXHAUSTED', 'the file would be larger than is allowed here'],
  EMFILE: ['RESOURCE_EXHAUSTED', 'too many files are open'],
  ENOENT: ['NOT_FOUND', 'there is no such file'],
  EACCES: ['PERMISSION_DENIED', 'the file system refuses access'],
  EPERM: ['PERMISSION_DENIED', 'the file system refuses access'],
  EROFS: ['PERMISSION_DENIED', 'the file system is read-only'],
  EISDIR: ['INVALID_ARGUMENT', 'it is a folder, a file is needed'],
  ENOTDIR: ['INVALID_ARGUMENT', 'a part of the path is no folder'],
  EIO: ['DATA_LOSS', 'the disk could not be read or written'],
};

/** What the file system threw, in our words; anything else as it is. */
export function fromFileSystem(error: unknown, path: string): unknown {
  const system = systemCode(error);
  if (system === undefined || isGyreError(error) || !(system in codes)) return error;
  const [code, words] = codes[system];
  return new GyreError(code, `${words}: ${path} (${messageOf(error)})`, { path, system }, { cause: error });
}
