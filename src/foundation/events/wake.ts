import { setTimeout as sleep } from 'node:timers/promises';

/** Wakes who waits for news: at once when this process commits an event of a wanted type, and now and then for what others commit. */
export class Wake {
  readonly #pollMs: number;
  readonly #listeners = new Set<Listener>();

  constructor(pollMs: number) {
    this.#pollMs = pollMs;
  }

  /** There are new events, of these types. */
  ring(types: ReadonlySet<string>): void {
    for (const listener of this.#listeners) if (listener.wants(types)) listener.ring();
  }

  /** @param types what is listened for; everything without them */
  listen(types?: readonly string[]): Listener {
    const listener: Listener = new Listener(this.#pollMs, types, () => this.#listeners.delete(listener));
    this.#listeners.add(listener);
    return listener;
  }
}

/** One who listens, until disposed. */
export class Listener implements Disposable {
  readonly #pollMs: number;
  readonly #types: readonly string[] | undefined;
  readonly #onEnd: () => void;
  #news = Promise.withResolvers<void>();

  constructor(pollMs: number, types: readonly string[] | undefined, onEnd: () => void) {
    this.#pollMs = pollMs;
    this.#types = types;
    this.#onEnd = onEnd;
  }

  wants(types: ReadonlySet<string>): boolean {
    return this.#types === undefined || this.#types.some((type) => types.has(type));
  }

  ring(): void {
    const { resolve } = this.#news;
    this.#news = Promise.withResolvers<void>();
    resolve();
  }

  /** Taken before one looks, so that what is committed while looking is not slept over. */
  next(): Promise<void> {
    return this.#news.promise;
  }

  /** Resolves at the news, after the poll's time, or when the signal aborts. */
  async wait(news: Promise<void>, signal: AbortSignal): Promise<void> {
    await pause(this.#pollMs, signal, news);
  }

  [Symbol.dispose](): void {
    this.#onEnd();
  }
}

/** Resolves after a time, or sooner: when the signal aborts or something else happens. Never throws. */
export async function pause(lengthMs: number, signal: AbortSignal, sooner?: Promise<void>): Promise<void> {
  const over = new AbortController();
  const timer = sleep(lengthMs, undefined, { signal: AbortSignal.any([signal, over.signal]) }).catch(() => undefined);
  await (sooner === undefined ? timer : Promise.race([timer, sooner]));
  over.abort();
}
