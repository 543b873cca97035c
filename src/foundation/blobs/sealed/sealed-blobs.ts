import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { GyreError, hasCode, isGyreError, isSha256, messageOf } from '#core';
import type { ErrorCode, Sha256 } from '#core';
import { fileBytes, requireRange } from '../file-bytes.ts';
import { fromFileSystem } from '../incoming.ts';
import { BlobHash, digestOfFile } from '../local-cache.ts';
import type { ObjectStore } from '../objects/port.ts';
import type { BlobRef, BlobStat, BlobStore, ByteRange, PutOptions } from '../port.ts';
import { Turns } from '../turns.ts';
import type { ClearCopies } from './clear-copies.ts';
import type { SealingKeys } from './keys.ts';
import { clearSize, keyIdOf, opened, prefaceBytes, sealed, sealedPartOf } from './stream.ts';
import type { RandomBytes } from './stream.ts';

export interface SealedBlobsOptions {
  readonly keys: SealingKeys;
  /** Of a source fit for keys. */
  readonly randomBytes: RandomBytes;
  /** Where sealed blobs are, as objects `sealed/ab/cdef…`, named by the SHA-256 of what is in them. */
  readonly objects: ObjectStore;
  /** Blobs from before there was a key: they are read and deleted where they are, and none is added. */
  readonly clear: BlobStore;
  readonly copies: ClearCopies;
  /** Folder for sealed bytes whose name shows at their end. */
  readonly incoming: string;
  /** For processes beside the owner (the data plane): nothing is put or deleted. */
  readonly readOnly?: boolean;
}

interface Amount {
  readonly count: number;
  /** Of what is in the blobs. */
  readonly bytes: number;
}

/** How many blobs there are of each kind. */
export interface BlobCensus {
  readonly sealed: Amount;
  readonly clear: Amount;
}

const prefix = 'sealed/';

/** S3 tells the time of storing in whole seconds, rounded down: what was stored in a second counts as stored at its end. */
const coarseMs = 999;

/** What a reading says of bytes that cannot be opened. */
const unopened: ReadonlySet<ErrorCode> = new Set(['DATA_LOSS', 'OUT_OF_RANGE', 'FAILED_PRECONDITION']);

/** Up to this size bytes are sealed in memory. */
const atOnceBytes = 1024 * 1024;

/** Blobs encrypted where they are stored. Their names stay the SHA-256 of the clear bytes, which every whole reading checks. */
export class SealedBlobs implements BlobStore {
  readonly #options: SealedBlobsOptions;
  /** By digest: a blob is put, renewed or deleted, one of them at a time. */
  readonly #turns = new Turns();
  #count = 0;

  constructor(options: SealedBlobsOptions) {
    this.#options = options;
  }

  async put(bytes: AsyncIterable<Uint8Array> | Uint8Array, { md5 = false }: PutOptions = {}): Promise<BlobRef> {
    this.#requireWritable();
    if (!(bytes instanceof Uint8Array)) return this.#gather(bytes, md5);
    if (bytes.byteLength > atOnceBytes) return this.#gather(chunksOf(bytes), md5);
    const hash = new BlobHash(md5);
    hash.update(bytes);
    const ref = hash.ref();
    const { keys, randomBytes, objects } = this.#options;
    const whole = Buffer.concat(await Array.fromAsync(sealed([bytes], keys.current, randomBytes)));
    await this.#turns.take(ref.digest, () => objects.put(keyOf(ref.digest), whole));
    return ref;
  }

  async putFile(path: string, { md5 = false }: PutOptions = {}): Promise<BlobRef> {
    this.#requireWritable();
    const found = await stat(path).catch((error: unknown) => {
      throw fromFileSystem(error, path);
    });
    if (!found.isFile()) throw new GyreError('INVALID_ARGUMENT', `${path} is not a file`);
    return this.#gather(fileBytes(path), md5);
  }

  /** Only sealed bytes touch the disk on their way in. */
  async #gather(bytes: AsyncIterable<Uint8Array>, withMd5: boolean): Promise<BlobRef> {
    const { keys, randomBytes, objects, incoming } = this.#options;
    const hash = new BlobHash(withMd5);
    const path = join(incoming, `${process.pid}-sealed-${++this.#count}`);
    try {
      await mkdir(incoming, { recursive: true });
      const file = await open(path, 'w', 0o600);
      try {
        for await (const chunk of sealed(hashed(bytes, hash), keys.current, randomBytes)) await file.writeFile(chunk);
      } finally {
        await file.close();
      }
      const ref = hash.ref();
      await this.#turns.take(ref.digest, () => objects.putFile(keyOf(ref.digest), path));
      return ref;
    } catch (error) {
      throw fromFileSystem(error, incoming);
    } finally {
      await rm(path, { force: true }).catch(() => undefined);
    }
  }

  async open(digest: Sha256, range?: ByteRange): Promise<AsyncIterable<Uint8Array>> {
    const { objects, clear, copies } = this.#options;
    const found = await objects.stat(keyOf(digest));
    if (found === undefined) return clear.open(digest, range);
    const size = clearSize(found.size);
    if (range === undefined) return this.#checked(digest, size);
    const asked = requireRange(`blob ${digest}`, range, size);
    if (asked.start === asked.end) return chunksOf(new Uint8Array());
    const copy = await copies.copyOf(digest);
    return copy === undefined ? this.#part(digest, size, asked) : fileBytes(copy, asked);
  }

  /** The whole blob, hashed on its way. */
  async *#checked(digest: Sha256, size: number): AsyncGenerator<Uint8Array> {
    const hash = new BlobHash(false);
    for await (const chunk of this.#part(digest, size, { start: 0, end: size })) {
      hash.update(chunk);
      yield chunk;
    }
    const found = hash.ref().digest;
    if (found !== digest) throw this.#corrupt(digest, `its bytes have the SHA-256 ${found}`);
  }

  async *#part(digest: Sha256, size: number, asked: Required<ByteRange>): AsyncGenerator<Uint8Array> {
    const { objects, keys } = this.#options;
    const part = sealedPartOf(size, asked);
    let preface = await this.#preface(digest);
    let given = false;
    for (;;) {
      try {
        for await (const chunk of opened(preface, await objects.open(keyOf(digest), part.range), part, keys)) {
          given = true;
          yield chunk;
        }
        return;
      } catch (error) {
        if (!isGyreError(error) || !unopened.has(error.code)) throw error;
        // Stored once more between its two readings, it is sealed anew.
        const now = given ? preface : await this.#preface(digest);
        if (preface.equals(now)) throw this.#unopened(digest, error);
        preface = now;
      }
    }
  }

  async #preface(digest: Sha256): Promise<Buffer> {
    const { objects } = this.#options;
    try {
      return Buffer.concat(await Array.fromAsync(await objects.open(keyOf(digest), { start: 0, end: prefaceBytes })));
    } catch (error) {
      throw hasCode(error, 'OUT_OF_RANGE') ? this.#corrupt(digest, 'its sealed bytes are cut off') : error;
    }
  }

  async read(digest: Sha256): Promise<Uint8Array> {
    const bytes = Buffer.concat(await Array.fromAsync(await this.open(digest)));
    return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  async stat(digest: Sha256): Promise<BlobStat | undefined> {
    const { objects, clear } = this.#options;
    const found = await objects.stat(keyOf(digest));
    return found === undefined ? clear.stat(digest) : statOf(digest, found);
  }

  async has(digest: Sha256): Promise<boolean> {
    return (await this.stat(digest)) !== undefined;
  }

  async localPath(digest: Sha256, options: { readonly verify?: boolean } = {}): Promise<string> {
    const { objects, clear, copies } = this.#options;
    const found = await objects.stat(keyOf(digest));
    if (found === undefined) return clear.localPath(digest, options);
    if (options.verify === true) {
      const copy = await copies.copyOf(digest);
      // A copy that went bad is no loss: the sealed blob is elsewhere.
      if (copy !== undefined && (await digestOfFile(copy)) !== digest) await copies.drop(digest);
    }
    const size = clearSize(found.size);
    return copies.path(digest, size, async (path) => {
      const part = `${path}.${process.pid}-${++this.#count}.part`;
      try {
        const file = await open(part, 'w', 0o400);
        try {
          for await (const chunk of this.#checked(digest, size)) await file.writeFile(chunk);
        } finally {
          await file.close();
        }
        await rename(part, path);
      } catch (error) {
        await rm(part, { force: true }).catch(() => undefined);
        throw fromFileSystem(error, path);
      }
    });
  }

  async verify(digest: Sha256): Promise<void> {
    // oxlint-disable-next-line no-unused-vars -- the stream checks itself when it is read to its end
    for await (const _chunk of await this.open(digest));
  }

  /** Both kinds in the order of their digests; a blob that is there in both ways is listed once. */
  async *list(): AsyncGenerator<BlobStat> {
    const { clear } = this.#options;
    const others = clear.list()[Symbol.asyncIterator]();
    let other = await others.next();
    for await (const found of this.#sealed()) {
      while (other.done !== true && other.value.digest < found.digest) {
        yield other.value;
        other = await others.next();
      }
      if (other.done !== true && other.value.digest === found.digest) other = await others.next();
      yield found;
    }
    for (; other.done !== true; other = await others.next()) yield other.value;
  }

  async *#sealed(): AsyncGenerator<BlobStat> {
    for await (const found of this.#options.objects.list(prefix)) {
      const digest = digestOf(found.key);
      if (digest !== undefined) yield statOf(digest, found);
    }
  }

  async renew(digest: Sha256): Promise<boolean> {
    this.#requireWritable();
    const { objects, clear } = this.#options;
    return this.#turns.take(digest, async () => (await objects.renew(keyOf(digest))) || (await clear.renew(digest)));
  }

  async delete(digest: Sha256, options: { readonly storedBefore?: number } = {}): Promise<boolean> {
    this.#requireWritable();
    const { objects, clear, copies } = this.#options;
    const { storedBefore = Infinity } = options;
    const key = keyOf(digest);
    return this.#turns.take(digest, async () => {
      const found = await objects.stat(key);
      if (found === undefined) return clear.delete(digest, options);
      if (statOf(digest, found).storedAt >= storedBefore) return false;
      await objects.delete(key);
      await clear.delete(digest);
      await copies.drop(digest);
      return true;
    });
  }

  async census(): Promise<BlobCensus> {
    return { sealed: await amountOf(this.#sealed()), clear: await amountOf(this.#options.clear.list()) };
  }

  /**
   * Seals with the first key whatever is in clear or sealed with another one. Nobody may read or write meanwhile. A blob's clear bytes go once
   * its sealed ones are stored and read right; stopped at any point, the next call goes on.
   * @yields each blob as it is done
   */
  async *sealAll(signal?: AbortSignal): AsyncGenerator<BlobStat> {
    this.#requireWritable();
    const { objects, clear, keys } = this.#options;
    for await (const found of clear.list()) {
      signal?.throwIfAborted();
      if ((await objects.stat(keyOf(found.digest))) === undefined) await this.put(await clear.open(found.digest));
      await this.verify(found.digest);
      await clear.delete(found.digest);
      yield found;
    }
    for await (const found of this.#sealed()) {
      signal?.throwIfAborted();
      if (keyIdOf(await this.#preface(found.digest)) === keys.current.id) continue;
      await this.put(await this.open(found.digest));
      yield found;
    }
  }

  #requireWritable(): void {
    if (this.#options.readOnly === true) {
      throw new GyreError('FAILED_PRECONDITION', `the blobs in ${this.#options.objects.address} are open for reading only`);
    }
  }

  #unopened(digest: Sha256, error: unknown): unknown {
    if (hasCode(error, 'FAILED_PRECONDITION')) {
      return new GyreError('FAILED_PRECONDITION', `blob ${digest} cannot be opened: ${error.message}`, { ...error.details, digest });
    }
    return this.#corrupt(digest, messageOf(error));
  }

  #corrupt(digest: Sha256, what: string): GyreError {
    const where = `${this.#options.objects.address}/${keyOf(digest)}`;
    return new GyreError('DATA_LOSS', `blob ${digest} is corrupt: ${where}: ${what}; restore it from a backup or from its source`, {
      digest,
      where,
    });
  }
}

function keyOf(digest: Sha256): string {
  // A digest names an object: what is none must not become a key.
  if (!isSha256(digest)) throw new GyreError('INVALID_ARGUMENT', `"${String(digest)}" is not a SHA-256`);
  return `${prefix}${digest.slice(0, 2)}/${digest.slice(2)}`;
}

function digestOf(key: string): Sha256 | undefined {
  const digest = key.slice(prefix.length).replace('/', '');
  return isSha256(digest) ? digest : undefined;
}

function statOf(digest: Sha256, { size, modifiedAt }: { readonly size: number; readonly modifiedAt: number }): BlobStat {
  return { digest, size: clearSize(size), storedAt: modifiedAt + coarseMs };
}

/** How many these are, and their bytes. */
export async function amountOf(blobs: AsyncIterable<BlobStat>): Promise<Amount> {
  let [count, bytes] = [0, 0];
  for await (const { size } of blobs) {
    count++;
    bytes += size;
  }
  return { count, bytes };
}

async function* hashed(bytes: AsyncIterable<Uint8Array>, hash: BlobHash): AsyncGenerator<Uint8Array> {
  for await (const chunk of bytes) {
    hash.update(chunk);
    yield chunk;
  }
}

/** @yields pieces small enough that sealing one does not hold up the event loop */
async function* chunksOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  const step = 1024 * 1024;
  for (let start = 0; start < bytes.byteLength; start += step) yield bytes.subarray(start, start + step);
}
