/** One after another for each name: what several callers do to one blob never interleaves. */
export class Turns {
  readonly #last = new Map<string, Promise<void>>();

  /** Does the work once all that was asked for this name before has ended, well or badly. */
  async take<T>(name: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(name);
    const { promise: done, resolve: end } = Promise.withResolvers<void>();
    this.#last.set(name, done);
    try {
      await before;
      return await work();
    } finally {
      if (this.#last.get(name) === done) this.#last.delete(name);
      end();
    }
  }
}
