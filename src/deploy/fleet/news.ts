/** Who waits for something to change in an environment, in this process. */
export class News {
  readonly #waiting = new Map<string, Set<() => void>>();

  /** Wakes all that wait for an environment. */
  tell(environment: string): void {
    const waiting = this.#waiting.get(environment);
    this.#waiting.delete(environment);
    for (const wake of waiting ?? []) wake();
  }

  /** Resolves at news, after so long, or when the signal aborts. */
  wait(environment: string, ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(environment) ?? new Set();
      this.#waiting.set(environment, waiting);
      const ended = (): void => {
        clearTimeout(timer);
        waiting.delete(ended);
        signal.removeEventListener('abort', ended);
        resolve();
      };
      const timer = setTimeout(ended, ms);
      waiting.add(ended);
      signal.addEventListener('abort', ended, { once: true });
    });
  }
}
