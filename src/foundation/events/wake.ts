import { setTimeout as sleep } from 'node:timers/promises';

/** Wakes who waits for news: at once when this process commits an event, and now and then for what others commit. */
export class Wake {
  readonly #pollMs: number;
  #news = Promise.withResolvers<void>();

  constructor(pollMs: number) {
    this.#pollMs = pollMs;
  }

  /** There are new events. */
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
}

/** Resolves after a time, or sooner: when the signal aborts or something else happens. Never throws. */
export async function pause(lengthMs: number, signal: AbortSignal, sooner?: Promise<void>): Promise<void> {
  const over = new AbortController();
  const timer = sleep(lengthMs, undefined, { signal: AbortSignal.any([signal, over.signal]) }).catch(() => undefined);
  await (sooner === undefined ? timer : Promise.race([timer, sooner]));
  over.abort();
}
