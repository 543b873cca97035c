import { GyreError, isGyreError } from '#core';
import type { Store } from '#store';
import type { MetricNames } from '../metric-names-store.ts';
import { logGroup } from './log-store.ts';
import type { LogRequest } from './log-store.ts';

interface Waiting {
  readonly request: LogRequest;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

const largestGroup = 128;
const mostPoints = 64_000;

/**
 * Writes what many clients log at the same time in one transaction. Each request is still whole or not at all: what cannot be logged is
 * refused by itself. On a database with many writers one group waits for the other, so that two never meet on the same pages.
 */
export class LogWriter {
  readonly #store: Store;
  readonly #names: MetricNames;
  readonly #queue: Waiting[] = [];
  readonly #mostAtOnce: number;
  #atWork = 0;

  constructor(store: Store, names: MetricNames) {
    this.#store = store;
    this.#names = names;
    // Where writers queue anyway, the next group is prepared while the disk takes the last one.
    this.#mostAtOnce = store.facts.concurrentWriters ? 1 : 2;
  }

  /** @throws GyreError what `logGroup` refuses this request for, or the store's failure */
  write(request: LogRequest): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ request, resolve, reject });
      // Whoever asks in this turn of the event loop joins.
      if (this.#queue.length === 1) setImmediate(() => this.#begin());
    });
  }

  #begin(): void {
    while (this.#queue.length > 0 && this.#atWork < this.#mostAtOnce) void this.#perform(this.#take());
  }

  #take(): readonly Waiting[] {
    let points = 0;
    let count = 0;
    while (count < this.#queue.length && count < largestGroup && (count === 0 || points < mostPoints)) {
      points += this.#queue[count].request.points.length;
      count += 1;
    }
    return this.#queue.splice(0, count);
  }

  async #perform(group: readonly Waiting[]): Promise<void> {
    this.#atWork += 1;
    try {
      const names = this.#names;
      const requests = group.map(({ request }) => request);
      const refusals = await this.#store.write((tx) => logGroup(tx, { names, requests }), undefined);
      for (const [at, { resolve, reject }] of group.entries()) {
        const refusal = refusals[at];
        if (refusal === undefined) resolve();
        else reject(refusal);
      }
    } catch (error) {
      await this.#alone(group, error);
    } finally {
      this.#atWork -= 1;
      this.#begin();
    }
  }

  /** A group that failed as a whole is written one by one, so that only the guilty request fails. */
  async #alone(group: readonly Waiting[], error: unknown): Promise<void> {
    const isHopeless = isGyreError(error) && (error.code === 'UNAVAILABLE' || error.code === 'RESOURCE_EXHAUSTED');
    if (group.length === 1 || isHopeless) {
      for (const { reject } of group) reject(error);
      return;
    }
    for (const { request, resolve, reject } of group) {
      try {
        const [refusal] = await this.#store.write((tx) => logGroup(tx, { names: this.#names, requests: [request] }), undefined);
        if (refusal === undefined) resolve();
        else reject(refusal);
      } catch (own) {
        reject(own instanceof Error ? own : new GyreError('INTERNAL', String(own)));
      }
    }
  }
}
