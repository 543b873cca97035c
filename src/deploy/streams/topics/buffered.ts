/** How long an empty buffer is waited for. */
const patienceMs = 1000;

/** What a client has read and nobody has taken yet. How much that is is bounded by whoever pushes. */
export class Buffered<T> {
  #items: T[] = [];
  #failure: Error | undefined;
  #wake: (() => void) | undefined;
  #taken: (() => void) | undefined;

  get items(): readonly T[] {
    return this.#items;
  }

  push(item: T): void {
    this.#items.push(item);
    this.#wake?.();
  }

  /** Settles when fewer than so many are here. */
  async room(most: number): Promise<void> {
    while (this.#items.length >= most) {
      await new Promise<void>((resolve) => (this.#taken = resolve));
      this.#taken = undefined;
    }
  }

  /** Whoever takes next, once all is taken, is told. */
  fail(error: Error): void {
    this.#failure = error;
    this.#wake?.();
  }

  /** What is there, at once; otherwise what comes first, for about a second. @throws what `fail` was told */
  async take(most: number, signal: AbortSignal): Promise<readonly T[]> {
    if (this.#items.length === 0 && this.#failure === undefined && !signal.aborted) await this.#something(signal);
    if (this.#items.length > 0) {
      this.#taken?.();
      return this.#items.splice(0, most);
    }
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) throw failure;
    return [];
  }

  #something(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        this.#wake = undefined;
        resolve();
      };
      const timer = setTimeout(done, patienceMs);
      signal.addEventListener('abort', done, { once: true });
      this.#wake = done;
    });
  }
}
