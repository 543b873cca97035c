import { readFile, stat } from 'node:fs/promises';
import { GyreError, hasCode, isSha256, sha256 } from '#core';
import type { Sha256 } from '#core';
import { fileBytes, requireRange } from './file-bytes.ts';
import { fromFileSystem } from './incoming.ts';
import { BlobHash, LocalCache, digestOfFile, digestOfKey } from './local-cache.ts';
import type { CacheOptions } from './local-cache.ts';
import type { ObjectStore } from './objects/port.ts';
import type { BlobRef, BlobStat, BlobStore, ByteRange, PutOptions } from './port.ts';
import { Turns } from './turns.ts';

export interface ObjectBlobsOptions {
  /** Where the blobs are, as objects `sha256/ab/cdef…`. One process at a time may delete from it. */
  readonly objects: ObjectStore;
  /** Where copies are kept for readers that want a file. */
  readonly cache: CacheOptions;
  /** For processes beside the owner (the data plane): nothing is put or deleted. */
  readonly readOnly?: boolean;
}

/** S3 tells the time of storing in whole seconds, rounded down: what was stored in a second counts as stored at its end. */
const coarseMs = 999;

/**
 * Blobs as objects of a bucket (or of a folder of objects). What is acknowledged is with the service, which makes it durable.
 * @throws GyreError PERMISSION_DENIED when the cache's folder cannot be written
 */
export async function openObjectBlobs({ objects, cache, readOnly = false }: ObjectBlobsOptions): Promise<BlobStore> {
  return new ObjectBlobs(objects, await LocalCache.open(cache), readOnly);
}

class ObjectBlobs implements BlobStore {
  readonly #objects: ObjectStore;
  readonly #cache: LocalCache;
  readonly #readOnly: boolean;
  /** By digest: a blob is put, renewed or deleted, one of them at a time. */
  readonly #turns = new Turns();

  constructor(objects: ObjectStore, cache: LocalCache, readOnly: boolean) {
    this.#objects = objects;
    this.#cache = cache;
    this.#readOnly = readOnly;
  }

  async put(bytes: AsyncIterable<Uint8Array> | Uint8Array, options: PutOptions = {}): Promise<BlobRef> {
    this.#requireWritable();
    if (!(bytes instanceof Uint8Array)) {
      return this.#cache.gather(bytes, options.md5 === true, (ref, path) => this.#send(ref, path));
    }
    const hash = new BlobHash(options.md5 === true);
    hash.update(bytes);
    const ref = hash.ref();
    await this.#turns.take(ref.digest, () => this.#objects.put(keyOf(ref.digest), bytes, { sha256: ref.digest }));
    return ref;
  }

  async putFile(path: string, options: PutOptions = {}): Promise<BlobRef> {
    this.#requireWritable();
    const found = await stat(path).catch((error: unknown) => {
      throw fromFileSystem(error, path);
    });
    if (!found.isFile()) throw new GyreError('INVALID_ARGUMENT', `${path} is not a file`);
    const hash = new BlobHash(options.md5 === true);
    for await (const chunk of fileBytes(path)) hash.update(chunk);
    const ref = hash.ref();
    await this.#send(ref, path);
    return ref;
  }

  async #send({ digest }: BlobRef, path: string): Promise<void> {
    await this.#turns.take(digest, () => this.#objects.putFile(keyOf(digest), path, { sha256: digest }));
  }

  async open(digest: Sha256, range?: ByteRange): Promise<AsyncIterable<Uint8Array>> {
    const { size } = await this.#require(digest);
    if (range === undefined) return this.#checked(digest);
    const { start, end } = requireRange(`blob ${digest}`, range, size);
    const copy = start === end ? undefined : await this.#cache.copyOf(digest);
    return copy === undefined ? this.#objects.open(keyOf(digest), { start, end }) : fileBytes(copy, { start, end });
  }

  /** The whole object, hashed on its way. */
  async *#checked(digest: Sha256): AsyncGenerator<Uint8Array> {
    const hash = new BlobHash(false);
    for await (const chunk of await this.#objects.open(keyOf(digest))) {
      hash.update(chunk);
      yield chunk;
    }
    const found = hash.ref().digest;
    if (found !== digest) throw this.#corrupt(digest, found);
  }

  async read(digest: Sha256): Promise<Uint8Array> {
    for (let attempt = 1; ; attempt++) {
      const bytes = await readFile(await this.localPath(digest));
      if (sha256(bytes) === digest) return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      await this.#cache.drop(digest);
      if (attempt === 2) throw new GyreError('DATA_LOSS', `the local copy of blob ${digest} changes under our hands`, { digest });
    }
  }

  async stat(digest: Sha256): Promise<BlobStat | undefined> {
    const found = await this.#objects.stat(keyOf(digest));
    return found === undefined ? undefined : { digest, size: found.size, storedAt: found.modifiedAt + coarseMs };
  }

  async has(digest: Sha256): Promise<boolean> {
    return (await this.stat(digest)) !== undefined;
  }

  async localPath(digest: Sha256, options: { readonly verify?: boolean } = {}): Promise<string> {
    const key = keyOf(digest);
    if (options.verify === true) {
      const copy = await this.#cache.copyOf(digest);
      // A copy that went bad is no loss: the blob itself is elsewhere.
      if (copy !== undefined && (await digestOfFile(copy)) !== digest) await this.#cache.drop(digest);
    }
    return this.#cache.path(digest, async (path) => {
      try {
        await this.#objects.getFile(key, path, { sha256: digest });
      } catch (error) {
        if (hasCode(error, 'NOT_FOUND') && (await this.stat(digest)) === undefined) throw noBlob(digest);
        throw hasCode(error, 'DATA_LOSS') ? this.#corrupt(digest, String(error.details['found'])) : error;
      }
    });
  }

  async verify(digest: Sha256): Promise<void> {
    // oxlint-disable-next-line no-unused-vars -- the stream checks itself when it is read to its end
    for await (const _chunk of await this.open(digest));
  }

  async *list(): AsyncGenerator<BlobStat> {
    for await (const { key, size, modifiedAt } of this.#objects.list('sha256/')) {
      const digest = digestOfKey(key);
      if (digest !== undefined) yield { digest, size, storedAt: modifiedAt + coarseMs };
    }
  }

  async renew(digest: Sha256): Promise<boolean> {
    this.#requireWritable();
    return this.#turns.take(digest, () => this.#objects.renew(keyOf(digest)));
  }

  async delete(digest: Sha256, options: { readonly storedBefore?: number } = {}): Promise<boolean> {
    this.#requireWritable();
    const { storedBefore = Infinity } = options;
    const key = keyOf(digest);
    return this.#turns.take(digest, async () => {
      const found = await this.stat(digest);
      if (found === undefined || found.storedAt >= storedBefore) return false;
      await this.#objects.delete(key);
      await this.#cache.drop(digest);
      return true;
    });
  }

  async #require(digest: Sha256): Promise<BlobStat> {
    const found = await this.stat(digest);
    if (found === undefined) throw noBlob(digest);
    return found;
  }

  #requireWritable(): void {
    if (this.#readOnly) throw new GyreError('FAILED_PRECONDITION', `the blobs in ${this.#objects.address} are open for reading only`);
  }

  #corrupt(digest: Sha256, found: string): GyreError {
    const where = `${this.#objects.address}/${keyOf(digest)}`;
    return new GyreError(
      'DATA_LOSS',
      `blob ${digest} is corrupt: ${where} has the SHA-256 ${found}; restore it from a backup or from its source`,
      { digest, where, found },
    );
  }
}

function keyOf(digest: Sha256): string {
  // A digest names an object and a file: what is none must not become a key or a path.
  if (!isSha256(digest)) throw new GyreError('INVALID_ARGUMENT', `"${String(digest)}" is not a SHA-256`);
  return `sha256/${digest.slice(0, 2)}/${digest.slice(2)}`;
}

function noBlob(digest: Sha256): GyreError {
  return new GyreError('NOT_FOUND', `there is no blob ${digest}`, { digest });
}
