/** One at a time for each name, in the order in which they came. */
export class Turns {
  readonly #last = new Map<string, Promise<void>>();

  /** Resolves when it is one's turn; disposing what it gives ends the turn. @throws the signal's reason when that aborts first */
  async take(name: string, signal: AbortSignal): Promise<Disposable> {
    const before = this.#last.get(name);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#last.set(
      name,
      Promise.all([before, promise]).then(() => undefined),
    );
    const aborted = new Promise<void>((settle) => signal.addEventListener('abort', () => settle(), { once: true }));
    if (!signal.aborted) await Promise.race([before, aborted]);
    if (signal.aborted) {
      resolve();
      signal.throwIfAborted();
    }
    return { [Symbol.dispose]: () => resolve() };
  }
}
