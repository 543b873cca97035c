import type { Session } from '#onnx';
import type { Description } from './recipe.ts';

/** A transform that is ready to run. */
export interface LoadedTransform {
  readonly description: Description;
  readonly session: Session;
}

interface Entry {
  readonly loading: Promise<LoadedTransform>;
  users: number;
  dropped: boolean;
}

/** Transforms that were used last, kept loaded. One that makes room for another is closed when its last user is done. */
export class LoadedGraphs implements AsyncDisposable {
  readonly #most: number;
  /** In the order of their last use. */
  readonly #entries = new Map<string, Entry>();

  /** @param most how many are kept at hand */
  constructor(most: number) {
    this.#most = most;
  }

  /** Runs work with a transform, loading it when it is not at hand. */
  async use<R>(digest: string, load: () => Promise<LoadedTransform>, work: (loaded: LoadedTransform) => Promise<R>): Promise<R> {
    const entry = this.#entries.get(digest) ?? { loading: load(), users: 0, dropped: false };
    this.#entries.delete(digest);
    this.#entries.set(digest, entry);
    entry.users++;
    try {
      this.#makeRoom();
      return await work(await entry.loading);
    } finally {
      entry.users--;
      await this.#closeUnused(digest, entry);
    }
  }

  #makeRoom(): void {
    for (const [digest, entry] of this.#entries) {
      if (this.#entries.size <= this.#most) return;
      this.#entries.delete(digest);
      entry.dropped = true;
      // One in use is closed by its last user; closing one that is not concerns nobody who waits here.
      if (entry.users === 0) void this.#closeUnused(digest, entry);
    }
  }

  async #closeUnused(digest: string, entry: Entry): Promise<void> {
    const [loaded] = await Promise.allSettled([entry.loading]);
    if (loaded.status === 'rejected') {
      // What could not be loaded is tried again by the next one who asks.
      if (this.#entries.get(digest) === entry) this.#entries.delete(digest);
    } else if (entry.dropped && entry.users === 0) {
      await loaded.value.session[Symbol.asyncDispose]();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const entries = [...this.#entries];
    this.#entries.clear();
    for (const [digest, entry] of entries) {
      entry.dropped = true;
      await this.#closeUnused(digest, entry);
    }
  }
}
