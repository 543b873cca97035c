import { setTimeout as sleep } from 'node:timers/promises';

export interface Failure {
  readonly ok: false;
  readonly error: string;
  /** The last lines that the process wrote. */
  readonly log: readonly string[];
}
export type ItemResult<R> = { readonly ok: true; readonly value: R } | Failure;
/** How a process that was given some items came out: as a whole, or item by item, in their order. */
export type BatchOutcome<R> = { readonly ok: true; readonly results: readonly ItemResult<R>[] } | Failure;

export interface PoolOptions<T, R> {
  /** How many processes at a time. */
  readonly parallel: number;
  /** How many items one process is given. */
  readonly batch: number;
  /** How often an item by itself is tried again. */
  readonly retries: number;
  /** The wait before the first retry, in milliseconds; doubles up to `longestBackoffMs`. */
  readonly backoffMs: number;
  /** Start nothing more after an item has failed for good. */
  readonly stopOnError: boolean;
  readonly signal: AbortSignal;
  run(items: readonly T[]): Promise<BatchOutcome<R>>;
  succeeded(item: T, result: R, tries: number): void;
  failed(item: T, error: string, log: readonly string[], tries: number): void;
}

const longestBackoffMs = 30_000;

interface Unit<T> {
  readonly items: readonly T[];
  readonly tries: number;
}

/**
 * Works through items in batches, side by side. A batch that fails is halved until the item at fault is alone, which is then tried again
 * after a wait that holds nobody up. Ends when there is nothing left to start, or after the signal.
 * @throws what `run` throws, when what runs has ended
 */
export async function workThrough<T, R>(items: readonly T[], options: PoolOptions<T, R>): Promise<void> {
  const { batch, signal } = options;
  const queue: Unit<T>[] = [];
  for (let start = 0; start < items.length; start += batch) queue.push({ items: items.slice(start, start + batch), tries: 0 });
  let running = 0;
  let waiting = 0;
  let isStopped = false;
  let failure: { readonly cause: unknown } | undefined;
  let changed = Promise.withResolvers<void>();
  const tell = (): void => changed.resolve();
  signal.addEventListener('abort', tell);
  const over = new AbortController();

  const later = (unit: Unit<T>, ms: number): void => {
    waiting += 1;
    void sleep(ms, undefined, { signal: AbortSignal.any([signal, over.signal]) })
      .then(
        () => queue.push(unit),
        () => undefined,
      )
      .finally(() => {
        waiting -= 1;
        tell();
      });
  };
  const settleOne = (item: T, tries: number, result: ItemResult<R>): void => {
    if (result.ok) options.succeeded(item, result.value, tries);
    else if (tries <= options.retries && !isStopped) {
      later({ items: [item], tries }, Math.min(longestBackoffMs, options.backoffMs * 2 ** (tries - 1)));
    } else {
      options.failed(item, result.error, result.log, tries);
      if (options.stopOnError) isStopped = true;
    }
  };
  const settle = ({ items: given, tries }: Unit<T>, outcome: BatchOutcome<R>): void => {
    // What was stopped has not failed.
    if (!outcome.ok && signal.aborted) return;
    if (outcome.ok) given.forEach((item, index) => settleOne(item, tries + 1, outcome.results[index]));
    else if (given.length === 1) settleOne(given[0], tries + 1, outcome);
    else {
      const middle = Math.ceil(given.length / 2);
      queue.unshift({ items: given.slice(0, middle), tries: 0 }, { items: given.slice(middle), tries: 0 });
    }
  };
  try {
    for (;;) {
      while (running < options.parallel && queue.length > 0 && !isStopped && failure === undefined && !signal.aborted) {
        const unit = queue.shift();
        if (unit === undefined) break;
        running += 1;
        void options
          .run(unit.items)
          .then((outcome) => settle(unit, outcome))
          .catch((cause: unknown) => {
            failure ??= { cause };
          })
          .finally(() => {
            running -= 1;
            tell();
          });
      }
      const isOver = isStopped || failure !== undefined || signal.aborted;
      if (running === 0 && (isOver || (waiting === 0 && queue.length === 0))) break;
      await changed.promise;
      changed = Promise.withResolvers<void>();
    }
  } finally {
    over.abort();
    signal.removeEventListener('abort', tell);
  }
  if (failure !== undefined) throw failure.cause;
}
