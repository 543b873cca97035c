import { createHash } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { asSha256, isSha256 } from '#core';
import type { Clock, Sha256 } from '#core';
import { fileBytes } from './file-bytes.ts';
import { fromFileSystem, isAlive, isMissing } from './incoming.ts';
import type { BlobRef } from './port.ts';

export interface CacheOptions {
  /** Made when missing; several processes may share it. */
  readonly dir: string;
  /** Beyond so many bytes what was not used for longest goes, though nothing that was used within the last hour: its path may be in hands. */
  readonly maxBytes: number;
  readonly clock: Clock;
}

const keptMs = 60 * 60 * 1000;

/** Local copies of blobs that live elsewhere. A copy has the right bytes when it gets its name; all of them may go at any time. */
export class LocalCache {
  readonly #options: CacheOptions;
  readonly #fetching = new Map<Sha256, Promise<string>>();
  #grown = Infinity;
  #count = 0;

  private constructor(options: CacheOptions) {
    this.#options = options;
  }

  /** Makes the folders and sweeps away what killed processes were gathering. @throws GyreError PERMISSION_DENIED */
  static async open(options: CacheOptions): Promise<LocalCache> {
    const { dir } = options;
    try {
      await mkdir(join(dir, 'incoming'), { recursive: true });
      await mkdir(join(dir, 'sha256'), { recursive: true });
      for (const name of await readdir(join(dir, 'incoming'))) {
        if (!isAlive(Number(name.split('-')[0]))) await rm(join(dir, 'incoming', name), { force: true });
      }
    } catch (error) {
      throw fromFileSystem(error, dir);
    }
    return new LocalCache(options);
  }

  /**
   * The copy of a blob; it is fetched when there is none.
   * @param fetch writes the blob's bytes to a path, checked against its digest
   */
  async path(digest: Sha256, fetch: (path: string) => Promise<void>): Promise<string> {
    const path = this.#pathOf(digest);
    if (await this.#use(path)) return path;
    // Whoever wants the same blob meanwhile waits for the same copy.
    let fetching = this.#fetching.get(digest);
    if (fetching === undefined) {
      fetching = this.#fetch(digest, fetch).finally(() => this.#fetching.delete(digest));
      this.#fetching.set(digest, fetching);
    }
    return fetching;
  }

  /** The copy that is there, or undefined. */
  async copyOf(digest: Sha256): Promise<string | undefined> {
    const path = this.#pathOf(digest);
    return (await this.#use(path)) ? path : undefined;
  }

  async drop(digest: Sha256): Promise<void> {
    await rm(this.#pathOf(digest), { force: true });
  }

  /**
   * Gathers bytes whose digest shows at their end, has them sent, and keeps them.
   * @param send gets the blob's name and a file with its bytes
   */
  async gather(bytes: AsyncIterable<Uint8Array>, withMd5: boolean, send: (ref: BlobRef, path: string) => Promise<void>): Promise<BlobRef> {
    const path = join(this.#options.dir, 'incoming', `${process.pid}-${++this.#count}`);
    try {
      const file = await open(path, 'w', 0o600);
      const hash = new BlobHash(withMd5);
      try {
        for await (const chunk of bytes) {
          hash.update(chunk);
          await file.writeFile(chunk);
        }
        await file.chmod(0o444);
      } finally {
        await file.close();
      }
      const ref = hash.ref();
      await send(ref, path);
      const kept = this.#pathOf(ref.digest);
      await mkdir(join(kept, '..'), { recursive: true });
      await rename(path, kept);
      await this.#use(kept);
      await this.#bound(ref.size);
      return ref;
    } catch (error) {
      await rm(path, { force: true }).catch(() => undefined);
      throw fromFileSystem(error, this.#options.dir);
    }
  }

  async #fetch(digest: Sha256, fetch: (path: string) => Promise<void>): Promise<string> {
    const path = this.#pathOf(digest);
    await mkdir(join(path, '..'), { recursive: true });
    await fetch(path);
    await this.#use(path);
    await this.#bound((await stat(path)).size);
    return path;
  }

  /** Whether the copy is there; then it counts as used now. */
  async #use(path: string): Promise<boolean> {
    try {
      const now = new Date(this.#options.clock.now());
      await utimes(path, now, now);
      return true;
    } catch (error) {
      if (isMissing(error)) return false;
      throw fromFileSystem(error, path);
    }
  }

  /** Looks at the whole folder only when it may have grown beyond its bound since it was looked at last. */
  async #bound(added: number): Promise<void> {
    const { dir, maxBytes, clock } = this.#options;
    this.#grown += added;
    if (this.#grown <= maxBytes) return;
    const copies: { readonly path: string; readonly size: number; readonly usedAt: number }[] = [];
    for (const entry of await readdir(join(dir, 'sha256'), { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      // Another process may be clearing up as well.
      const found = entry.isFile() ? await stat(path).catch(() => undefined) : undefined;
      if (found !== undefined) copies.push({ path, size: found.size, usedAt: found.mtimeMs });
    }
    let total = copies.reduce((sum, { size }) => sum + size, 0);
    for (const { path, size, usedAt } of copies.toSorted((left, right) => left.usedAt - right.usedAt)) {
      if (total <= maxBytes || usedAt > clock.now() - keptMs) break;
      await rm(path, { force: true });
      total -= size;
    }
    this.#grown = total;
  }

  #pathOf(digest: Sha256): string {
    return join(this.#options.dir, 'sha256', digest.slice(0, 2), digest.slice(2));
  }
}

/** The name of a blob, computed while its bytes go by. */
export class BlobHash {
  readonly #sha256 = createHash('sha256');
  readonly #md5: ReturnType<typeof createHash> | undefined;
  #size = 0;

  constructor(withMd5: boolean) {
    this.#md5 = withMd5 ? createHash('md5') : undefined;
  }

  update(chunk: Uint8Array): void {
    this.#sha256.update(chunk);
    this.#md5?.update(chunk);
    this.#size += chunk.byteLength;
  }

  ref(): BlobRef {
    const md5 = this.#md5 === undefined ? {} : { md5: this.#md5.digest('hex') };
    return { digest: asSha256(this.#sha256.digest('hex')), size: this.#size, ...md5 };
  }
}

/** The digest of a file's bytes. */
export async function digestOfFile(path: string): Promise<BlobRef['digest']> {
  const hash = new BlobHash(false);
  for await (const chunk of fileBytes(path)) hash.update(chunk);
  return hash.ref().digest;
}

/** The digest that a key names; undefined for a key that is none of a blob. */
export function digestOfKey(key: string): Sha256 | undefined {
  const digest = /^sha256\/([0-9a-f]{2})\/([0-9a-f]{62})$/.exec(key)?.slice(1).join('') ?? '';
  return isSha256(digest) ? digest : undefined;
}
