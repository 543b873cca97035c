import { GyreError, hasCode, messageOf } from '#core';
import type { Clock } from '#core';
import type { Store, Tx } from '#store';
import { cursorOf, moveCursor, park, readEvents, toParked, unpark } from './events-store.ts';
import type { EventRow } from './events-store.ts';
import type { EventProblem } from './events.ts';
import type { Subscription } from './port.ts';
import { pause } from './wake.ts';
import type { Listener } from './wake.ts';

export interface SubscriptionParts {
  readonly name: string;
  readonly types?: readonly string[];
  readonly handle?: (tx: Tx, row: EventRow) => Promise<void> | undefined;
  readonly effect?: (row: EventRow, signal: AbortSignal) => Promise<void> | undefined;
  readonly gatherMs?: number;
  readonly maxTries: number;
  readonly retryMs: number;
  readonly store: Store;
  readonly clock: Clock;
  /** Hears of its types. */
  readonly listener: Listener;
  readonly report: (problem: EventProblem) => void;
  readonly onStop: () => void;
}

interface Advance {
  readonly name: string;
  readonly expected: number;
  readonly rows: readonly EventRow[];
  readonly handle: SubscriptionParts['handle'];
}

const batch = 64;
const longestRetryMs = 60_000;

/** One subscriber at work: reads on from its cursor, in order, until it is stopped. */
export class RunningSubscription implements Subscription {
  readonly #parts: SubscriptionParts;
  readonly #stop = new AbortController();
  readonly #waiting = new Set<{ readonly target: number; readonly resolve: () => void; readonly reject: (error: unknown) => void }>();
  #cursor = 0;
  /** Everything up to here has been taken or is of no wanted type; further than the cursor where only other types came. */
  #seen = 0;
  #working: Promise<void> = Promise.resolve();

  constructor(parts: SubscriptionParts) {
    this.#parts = parts;
  }

  start(cursor: number): void {
    this.#cursor = cursor;
    this.#working = this.#work();
  }

  async caughtUp(): Promise<void> {
    const { last } = await readEvents(this.#parts.store, { after: 0, limit: 1, types: [] });
    if (this.#seen >= last) return;
    if (this.#stop.signal.aborted) throw stopped(this.#parts.name);
    const caughtUp = new Promise<void>((resolve, reject) => this.#waiting.add({ target: last, resolve, reject }));
    // Events of other types have not woken it.
    this.#parts.listener.ring();
    await caughtUp;
  }

  async retryParked(position: number): Promise<void> {
    const { store, name, types, handle, effect } = this.#parts;
    const { rows } = await readEvents(store, { after: position - 1, limit: 1, ...(types === undefined ? {} : { types }) });
    const row = rows.find((candidate) => candidate.position === position);
    if (row === undefined) throw new GyreError('NOT_FOUND', `subscriber "${name}" has no event at position ${position}`);
    await effect?.(row, this.#stop.signal);
    await store.write(async (tx) => {
      if (!(await unpark(tx, name, position)))
        throw new GyreError('NOT_FOUND', `nothing of subscriber "${name}" is parked at position ${position}`);
      await handle?.(tx, row);
    }, undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#working;
    for (const { reject } of this.#waiting) reject(stopped(this.#parts.name));
    this.#waiting.clear();
    this.#parts.listener[Symbol.dispose]();
    this.#parts.onStop();
  }

  async #work(): Promise<void> {
    const { signal } = this.#stop;
    const { listener, retryMs, gatherMs, report, name } = this.#parts;
    for (let failures = 0; !signal.aborted;) {
      const heard = listener.heard();
      try {
        if (!(await this.#step())) {
          await listener.wait(heard, signal);
          if (gatherMs !== undefined && this.#waiting.size === 0) await pause(gatherMs, signal);
        }
        failures = 0;
      } catch (error) {
        if (signal.aborted || hasCode(error, 'CANCELLED')) return;
        failures += 1;
        report({ message: `subscriber "${name}" cannot go on: ${messageOf(error)}`, cause: error });
        await pause(Math.min(longestRetryMs, retryMs * 2 ** failures), signal);
      }
    }
  }

  /** Takes what comes next. @returns whether there may be more at once */
  async #step(): Promise<boolean> {
    const { store, types, effect } = this.#parts;
    // Between the cursor and what was seen are only events of other types, perhaps very many.
    const after = Math.max(this.#cursor, this.#seen);
    const { rows, last } = await readEvents(store, { after, limit: batch, ...(types === undefined ? {} : { types }) });
    // Without an effect outside, events go together: one transaction, and one by one only when it fails.
    if (effect !== undefined || !(await this.#advanceTogether(rows))) {
      for (const row of rows) {
        if (this.#stop.signal.aborted) return true;
        if (row.position > this.#cursor) await this.#take(row);
      }
    }
    const isAll = rows.length < batch && this.#cursor >= (rows.at(-1)?.position ?? 0);
    this.#sawUpTo(isAll ? Math.max(last, this.#cursor) : this.#cursor);
    return !isAll;
  }

  async #advanceTogether(rows: readonly EventRow[]): Promise<boolean> {
    if (rows.length === 0) return true;
    try {
      await this.#advance(rows);
      return true;
    } catch {
      return false;
    }
  }

  async #advance(rows: readonly EventRow[]): Promise<void> {
    const { store, name, handle } = this.#parts;
    this.#cursor = await store.write(advance, { name, expected: this.#cursor, rows, handle });
  }

  /** One event, as often as it takes; then it is parked, so that the ones behind it do not wait for ever. */
  async #take(row: EventRow): Promise<void> {
    const { signal } = this.#stop;
    const { effect, maxTries, retryMs } = this.#parts;
    for (let tries = 1; ; tries++) {
      try {
        await effect?.(row, signal);
        await this.#advance([row]);
        return;
      } catch (error) {
        if (signal.aborted) return;
        if (tries >= maxTries) return this.#park(row, tries, error);
        await pause(Math.min(longestRetryMs, retryMs * 2 ** (tries - 1)), signal);
        if (signal.aborted) return;
      }
    }
  }

  async #park(row: EventRow, tries: number, error: unknown): Promise<void> {
    const { store, clock, name, report } = this.#parts;
    const parked = {
      subscriber: name,
      position: row.position,
      event_id: row.id,
      type: row.type,
      tries,
      error: messageOf(error).replaceAll('\u0000', ''),
      parked_at: clock.now(),
    };
    const handle = (tx: Tx): Promise<void> => park(tx, parked);
    this.#cursor = await store.write(advance, { name, expected: this.#cursor, rows: [row], handle });
    report({
      message: `subscriber "${name}" could not take event ${row.id} (${row.type}) in ${tries} tries: ${parked.error}`,
      parked: toParked(parked),
      cause: error,
    });
  }

  #sawUpTo(position: number): void {
    this.#seen = Math.max(this.#seen, position);
    for (const waiter of this.#waiting) {
      if (waiter.target > this.#seen) continue;
      this.#waiting.delete(waiter);
      waiter.resolve();
    }
  }
}

const stopped = (name: string): GyreError => new GyreError('CANCELLED', `subscriber "${name}" was stopped before it had caught up`);

/** Effect and cursor in one transaction. @returns where the cursor stands; another process of the same name may have been quicker */
async function advance(tx: Tx, { name, expected, rows, handle }: Advance): Promise<number> {
  const cursor = (await cursorOf(tx, name)) ?? expected;
  const position = rows.at(-1)?.position;
  if (cursor !== expected || position === undefined) return cursor;
  for (const row of rows) await handle?.(tx, row);
  await moveCursor(tx, name, position);
  return position;
}
