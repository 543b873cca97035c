import { createHash } from 'node:crypto';
import { open, readFile, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { GyreError, isSha256, noFaults, sha256 } from '#core';
import type { Faults, Sha256 } from '#core';
import { fileBytes, requireRange } from './file-bytes.ts';
import { Incoming, fromFileSystem, isMissing, syncFolder } from './incoming.ts';
import type { BlobRef, BlobStat, BlobStore, ByteRange, PutOptions } from './port.ts';
import { touch } from './touch.ts';
import { Turns } from './turns.ts';

export interface FsBlobsOptions {
  /** Made when missing; one process at a time may write to it. */
  readonly dir: string;
  /** For processes beside the owner (the data plane): nothing is made, swept, put or deleted. */
  readonly readOnly?: boolean;
  readonly faults?: Faults;
}

/** Up to this size a blob that is there already is compared in memory instead of being written again. */
const comparedBytes = 1024 * 1024;

/**
 * Blobs as read-only files `sha256/ab/cdef…` in a folder. Leftovers of killed writes are swept away.
 * @throws GyreError PERMISSION_DENIED when the folder cannot be written
 */
export async function openFsBlobs(options: FsBlobsOptions): Promise<BlobStore> {
  const { dir, faults = noFaults } = options;
  const turns = new Turns();
  return new FsBlobs(dir, { turns, faults }, options.readOnly === true ? undefined : await Incoming.open(dir, turns, faults));
}

class FsBlobs implements BlobStore {
  readonly #dir: string;
  /** By digest: a blob is named, renewed or deleted, one of them at a time. */
  readonly #turns: Turns;
  readonly #faults: Faults;
  readonly #incoming: Incoming | undefined;

  constructor(dir: string, { turns, faults }: { readonly turns: Turns; readonly faults: Faults }, incoming: Incoming | undefined) {
    this.#dir = dir;
    this.#turns = turns;
    this.#faults = faults;
    this.#incoming = incoming;
  }

  async put(bytes: AsyncIterable<Uint8Array> | Uint8Array, options: PutOptions = {}): Promise<BlobRef> {
    const incoming = this.#writable();
    if (!(bytes instanceof Uint8Array)) return incoming.take(bytes, options.md5 === true);
    if (bytes.byteLength <= comparedBytes) {
      const digest = sha256(bytes);
      if (await this.#turns.take(digest, () => this.#renewIfEqual(digest, bytes))) {
        const md5 = options.md5 === true ? { md5: createHash('md5').update(bytes).digest('hex') } : {};
        return { digest, size: bytes.byteLength, ...md5 };
      }
    }
    return incoming.take(chunksOf(bytes), options.md5 === true);
  }

  /** Whether the very bytes are there; then they count as stored now. */
  async #renewIfEqual(digest: Sha256, bytes: Uint8Array): Promise<boolean> {
    const path = this.#path(digest);
    try {
      const kept = await readFile(path);
      if (!kept.equals(bytes)) return false;
      await touch(path);
      await syncFolder(join(path, '..'));
      return true;
    } catch (error) {
      if (isMissing(error)) return false;
      throw fromFileSystem(error, path);
    }
  }

  async putFile(path: string, options: PutOptions = {}): Promise<BlobRef> {
    const incoming = this.#writable();
    const file = await open(path, 'r').catch((error: unknown) => {
      throw fromFileSystem(error, path);
    });
    try {
      if (!(await file.stat()).isFile()) throw new GyreError('INVALID_ARGUMENT', `${path} is not a file`);
      return await incoming.take(file.createReadStream({ autoClose: false, highWaterMark: 256 * 1024 }), options.md5 === true);
    } finally {
      await file.close();
    }
  }

  async open(digest: Sha256, range?: ByteRange): Promise<AsyncIterable<Uint8Array>> {
    const { size } = await this.#require(digest);
    const path = this.#path(digest);
    if (range === undefined) return this.#checked(digest, path);
    const { start, end } = requireRange(`blob ${digest}`, range, size);
    return start === end ? chunksOf(new Uint8Array()) : fileBytes(path, { start, end });
  }

  /** The whole file, hashed on its way; it is opened only when somebody reads, so that nothing stays open unread. */
  async *#checked(digest: Sha256, path: string): AsyncGenerator<Uint8Array> {
    const hash = createHash('sha256');
    for await (const chunk of fileBytes(path)) {
      hash.update(chunk);
      yield chunk;
    }
    const found = hash.digest('hex');
    if (found !== digest) throw corrupt(digest, path, found);
  }

  async read(digest: Sha256): Promise<Uint8Array> {
    await this.#require(digest);
    const path = this.#path(digest);
    const bytes = await readFile(path).catch((error: unknown) => {
      throw fromFileSystem(error, path);
    });
    const found = sha256(bytes);
    if (found !== digest) throw corrupt(digest, path, found);
    return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  async stat(digest: Sha256): Promise<BlobStat | undefined> {
    const path = this.#path(digest);
    try {
      const { size, mtimeMs } = await stat(path);
      return { digest, size, storedAt: Math.floor(mtimeMs) };
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw fromFileSystem(error, path);
    }
  }

  async has(digest: Sha256): Promise<boolean> {
    return (await this.stat(digest)) !== undefined;
  }

  async localPath(digest: Sha256, options: { readonly verify?: boolean } = {}): Promise<string> {
    await (options.verify === true ? this.verify(digest) : this.#require(digest));
    return this.#path(digest);
  }

  async verify(digest: Sha256): Promise<void> {
    // oxlint-disable-next-line no-unused-vars -- the stream checks itself when it is read to its end
    for await (const _chunk of await this.open(digest));
  }

  async *list(): AsyncGenerator<BlobStat> {
    const root = join(this.#dir, 'sha256');
    for (const prefix of await namesIn(root)) {
      for (const rest of await namesIn(join(root, prefix))) {
        const digest = prefix + rest;
        const found = isSha256(digest) ? await this.stat(digest) : undefined;
        if (found !== undefined) yield found;
      }
    }
  }

  async renew(digest: Sha256): Promise<boolean> {
    this.#writable();
    const path = this.#path(digest);
    return this.#turns.take(digest, async () => {
      try {
        await touch(path);
        return true;
      } catch (error) {
        if (isMissing(error)) return false;
        throw fromFileSystem(error, path);
      }
    });
  }

  async delete(digest: Sha256, options: { readonly storedBefore?: number } = {}): Promise<boolean> {
    this.#writable();
    const path = this.#path(digest);
    const { storedBefore = Infinity } = options;
    return this.#turns.take(digest, async () => {
      const found = await this.stat(digest);
      if (found === undefined || found.storedAt >= storedBefore) return false;
      try {
        this.#faults.at('blob.delete');
        await rm(path);
        await syncFolder(join(path, '..'));
        return true;
      } catch (error) {
        throw fromFileSystem(error, path);
      }
    });
  }

  #path(digest: Sha256): string {
    // A digest names a file: what is none must not become a path.
    if (!isSha256(digest)) throw new GyreError('INVALID_ARGUMENT', `"${String(digest)}" is not a SHA-256`);
    return join(this.#dir, 'sha256', digest.slice(0, 2), digest.slice(2));
  }

  async #require(digest: Sha256): Promise<BlobStat> {
    const found = await this.stat(digest);
    if (found === undefined) throw new GyreError('NOT_FOUND', `there is no blob ${digest}`, { digest });
    return found;
  }

  #writable(): Incoming {
    if (this.#incoming === undefined) throw new GyreError('FAILED_PRECONDITION', `the blobs in ${this.#dir} are open for reading only`);
    return this.#incoming;
  }
}

function corrupt(digest: Sha256, path: string, found: string): GyreError {
  return new GyreError(
    'DATA_LOSS',
    `blob ${digest} is corrupt: ${path} has the SHA-256 ${found}; restore it from a backup or from its source`,
    { digest, path, found },
  );
}

/** @yields pieces small enough that hashing one does not hold up the event loop */
async function* chunksOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  const step = 1024 * 1024;
  for (let start = 0; start < bytes.byteLength; start += step) yield bytes.subarray(start, start + step);
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).toSorted();
  } catch (error) {
    if (isMissing(error)) return [];
    throw fromFileSystem(error, folder);
  }
}
