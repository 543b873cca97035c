import { mkdir, mkdtemp, readdir, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { GyreError } from '#core';
import type { Clock, Sha256 } from '#core';
import { fromFileSystem, isAlive } from '../incoming.ts';
import { LocalCache } from '../local-cache.ts';

export interface ClearCopiesOptions {
  /** Folder in which each process makes one of its own, for its user alone. Best one that is in memory. */
  readonly dir: string;
  /** Beyond so many bytes, or half of what the file system has free, what was not used for longest goes. */
  readonly maxBytes: number;
  readonly clock: Clock;
}

const prefix = 'gyre-clear-';

/** Opened copies of sealed blobs, for readers that want a file. They live no longer than the process; a killed one's are swept by the next. */
export class ClearCopies implements AsyncDisposable {
  readonly #options: ClearCopiesOptions;
  #folder: Promise<string> | undefined;
  #cache: Promise<LocalCache> | undefined;

  private constructor(options: ClearCopiesOptions) {
    this.#options = options;
  }

  /** @throws GyreError PERMISSION_DENIED when the folder cannot be made or read */
  static async open(options: ClearCopiesOptions): Promise<ClearCopies> {
    const { dir } = options;
    try {
      await mkdir(dir, { recursive: true });
      for (const name of await readdir(dir)) {
        const pid = name.startsWith(prefix) ? Number(name.slice(prefix.length).split('-')[0]) : process.pid;
        // What another user's process left is for that user to sweep.
        if (pid !== process.pid && !isAlive(pid)) await rm(join(dir, name), { recursive: true, force: true }).catch(() => undefined);
      }
    } catch (error) {
      throw fromFileSystem(error, dir);
    }
    return new ClearCopies(options);
  }

  /**
   * The copy of a blob.
   * @param size in bytes @param write writes the blob's bytes to a path, checked against its digest
   * @throws GyreError RESOURCE_EXHAUSTED when the folder has no room for it
   */
  async path(digest: Sha256, size: number, write: (path: string) => Promise<void>): Promise<string> {
    return (await this.#copies()).path(digest, async (path) => {
      const { dir } = this.#options;
      const { bavail, bsize } = await statfs(dir);
      if (size > bavail * bsize) {
        throw new GyreError(
          'RESOURCE_EXHAUSTED',
          `${dir} has no room for an opened copy of a sealed blob of ${size} bytes (${bavail * bsize} are free): GYRE_BLOB_CLEAR names another folder`,
          { digest, size },
        );
      }
      await write(path);
    });
  }

  async copyOf(digest: Sha256): Promise<string | undefined> {
    return (await this.#cache)?.copyOf(digest);
  }

  async drop(digest: Sha256): Promise<void> {
    await (await this.#cache)?.drop(digest);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const folder = await this.#folder?.catch(() => undefined);
    this.#folder = undefined;
    this.#cache = undefined;
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  }

  #copies(): Promise<LocalCache> {
    return (this.#cache ??= this.#make().catch((error: unknown) => {
      this.#cache = undefined;
      throw fromFileSystem(error, this.#options.dir);
    }));
  }

  async #make(): Promise<LocalCache> {
    const { dir, maxBytes, clock } = this.#options;
    this.#folder ??= mkdtemp(join(dir, `${prefix}${process.pid}-`));
    const folder = await this.#folder;
    const { bavail, bsize } = await statfs(folder);
    return LocalCache.open({ dir: folder, maxBytes: Math.min(maxBytes, (bavail * bsize) / 2), clock });
  }
}
