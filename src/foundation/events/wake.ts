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
  #rings = 0;
  #wake: (() => void) | undefined;

  constructor(pollMs: number, types: readonly string[] | undefined, onEnd: () => void) {
    this.#pollMs = pollMs;
    this.#types = types;
    this.#onEnd = onEnd;
  }

  wants(types: ReadonlySet<string>): boolean {
    return this.#types === undefined || this.#types.some((type) => types.has(type));
  }

  ring(): void {
    this.#rings += 1;
    this.#wake?.();
  }

  /** Taken before one looks, so that what is committed while looking is not slept over. */
  heard(): number {
    return this.#rings;
  }

  /** Resolves when it rings after what was heard, after the poll's time, or when the signal aborts. One waits at a time. */
  async wait(heard: number, signal: AbortSignal): Promise<void> {
    if (this.#rings !== heard) return;
    await pause(this.#pollMs, signal, (end) => (this.#wake = end));
    this.#wake = undefined;
  }

  [Symbol.dispose](): void {
    this.#onEnd();
  }
}

/**
 * Resolves after a time, or sooner: when the signal aborts or somebody else ends it. Never throws.
 * @param onStart is given what ends it
 */
export function pause(lengthMs: number, signal: AbortSignal, onStart?: (end: () => void) => void): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, lengthMs);
    if (signal.aborted) return end();
    signal.addEventListener('abort', end);
    onStart?.(end);
  });
}
