import { GyreError, isGyreError } from '#core';
import type { Store } from '#store';

interface Waiting<T> {
  readonly item: T;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export interface Grouping<T> {
  readonly store: Store;
  /** Writes items in their order, in one transaction. @returns for each why it was refused, undefined where it is written; a refused one leaves nothing */
  readonly writeAll: (items: readonly T[]) => Promise<readonly (GyreError | undefined)[]>;
  /** What one transaction takes at most, each item weighing what `weightOf` says; one item goes in any case. */
  readonly mostWeight?: number;
  readonly weightOf?: (item: T) => number;
}

const largestGroup = 128;

/**
 * Writes what many clients bring at the same time in one transaction. Each item is still written whole or not at all: what cannot be written
 * is refused by itself. On a database with many writers one group waits for the other, so that two never meet on the same pages.
 */
export class GroupedWrites<T> {
  readonly #grouping: Grouping<T>;
  readonly #queue: Waiting<T>[] = [];
  readonly #mostAtOnce: number;
  #atWork = 0;

  constructor(grouping: Grouping<T>) {
    this.#grouping = grouping;
    // Where writers queue anyway, the next group is prepared while the disk takes the last one.
    this.#mostAtOnce = grouping.store.facts.concurrentWriters ? 1 : 2;
  }

  /** @throws GyreError what `writeAll` refuses this item for, or the store's failure */
  write(item: T): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ item, resolve, reject });
      // Whoever asks in this turn of the event loop joins.
      if (this.#queue.length === 1) setImmediate(() => this.#begin());
    });
  }

  #begin(): void {
    while (this.#queue.length > 0 && this.#atWork < this.#mostAtOnce) void this.#perform(this.#take());
  }

  #take(): readonly Waiting<T>[] {
    const { mostWeight = largestGroup, weightOf = () => 1 } = this.#grouping;
    let weight = 0;
    let count = 0;
    while (count < this.#queue.length && count < largestGroup && (count === 0 || weight < mostWeight)) {
      weight += weightOf(this.#queue[count].item);
      count += 1;
    }
    return this.#queue.splice(0, count);
  }

  async #perform(group: readonly Waiting<T>[]): Promise<void> {
    this.#atWork += 1;
    try {
      const refusals = await this.#grouping.writeAll(group.map(({ item }) => item));
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

  /** A group that failed as a whole is written one by one, so that only the guilty item fails. */
  async #alone(group: readonly Waiting<T>[], error: unknown): Promise<void> {
    const isHopeless = isGyreError(error) && (error.code === 'UNAVAILABLE' || error.code === 'RESOURCE_EXHAUSTED');
    if (group.length === 1 || isHopeless) {
      for (const { reject } of group) reject(error);
      return;
    }
    for (const { item, resolve, reject } of group) {
      try {
        const [refusal] = await this.#grouping.writeAll([item]);
        if (refusal === undefined) resolve();
        else reject(refusal);
      } catch (own) {
        reject(own instanceof Error ? own : new GyreError('INTERNAL', String(own)));
      }
    }
  }
}
