import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { GyreError, messageOf } from '#core';
import type { Faults } from '#core';
import type { Tx } from './port.ts';
import { WriteScope, runEffects } from './session.ts';
import type { SqliteConnection } from './sqlite-connection.ts';
import { sqliteSyntax } from './sqlite-connection.ts';
import { fromSqlite, isBusy } from './sqlite-errors.ts';

interface Pending {
  readonly perform: (scope: WriteScope) => Promise<unknown>;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
  /** A write whose group was lost is run again by itself, so that only the guilty one fails. */
  alone: boolean;
}

interface Performed {
  readonly pending: Pending;
  readonly result: unknown;
  readonly effects: readonly (() => void)[];
}

const largestGroup = 256;
/** The event loop gets a turn after so many writes of a group. */
const writesPerTurn = 16;
const busyLimitMs = 10_000;

/**
 * The one writer. Writes that wait share one transaction: each in a savepoint of its own, one COMMIT, one flush, then all
 * are acknowledged. While one group is being flushed the next one is already at work.
 */
export class GroupCommit {
  readonly #connection: SqliteConnection;
  readonly #flush: () => Promise<void>;
  readonly #between: () => void;
  readonly #faults: Faults;
  readonly #queue: Pending[] = [];
  #loop: Promise<void> | undefined;
  #flushing: Promise<GyreError | void> = Promise.resolve();
  #acknowledging: Promise<void> = Promise.resolve();
  #broken: GyreError | undefined;
  #closed = false;

  /** @param parts.between is called while no transaction is open, before each */
  constructor(
    connection: SqliteConnection,
    { flush, between, faults }: { readonly flush: () => Promise<void>; readonly between: () => void; readonly faults: Faults },
  ) {
    this.#connection = connection;
    this.#flush = flush;
    this.#between = between;
    this.#faults = faults;
  }

  write<A, R>(write: (tx: Tx, args: A) => Promise<R>, args: A): Promise<R> {
    if (this.#closed) return Promise.reject(new GyreError('UNAVAILABLE', 'the store is closed'));
    return new Promise<R>((resolve, reject) => {
      const perform = (scope: WriteScope): Promise<R> => scope.perform(write, args);
      // The queue holds writes of all result types; each promise gets back what its own write returned.
      this.#queue.push({ perform, resolve: (result) => resolve(result as R), reject, alone: false });
      this.#loop ??= this.#work();
    });
  }

  /** Resolves when every commit that readers can see by now is on the disk. */
  async durable(): Promise<void> {
    await this.#flushing;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#loop;
    await this.#acknowledging;
  }

  async #work(): Promise<void> {
    // Let the writes of this turn of the event loop gather.
    await Promise.resolve();
    while (this.#queue.length > 0) await this.#commitGroup();
    // In the same breath as the last look at the queue: who comes a microtask later must find no loop, and start one.
    this.#loop = undefined;
  }

  async #commitGroup(): Promise<void> {
    const group: Performed[] = [];
    try {
      this.#refuseWhenBroken();
      this.#between();
      await this.#begin();
      if (await this.#fill(group)) {
        // The disk is still busy with the group before: whoever comes meanwhile joins this one.
        await this.durable();
        await this.#fill(group);
      }
      this.#refuseWhenBroken();
      if (!this.#connection.inTransaction) return;
      this.#faults.at('store.commit.before');
      this.#connection.execute('commit');
    } catch (error) {
      this.#rollBack();
      this.#giveUp(group, error);
      return;
    }
    this.#faults.at('store.commit.after');
    if (group.length > 0) this.#acknowledgeAfterFlush(group);
  }

  async #begin(): Promise<void> {
    for (let waitedMs = 0; ;) {
      try {
        this.#connection.execute('begin immediate');
        return;
      } catch (error) {
        const cause = error instanceof Error ? error.cause : error;
        if (!isBusy(cause) || waitedMs >= busyLimitMs) throw error;
        // Waiting here and not inside SQLite keeps the event loop free, also for another store of this very process.
        const pauseMs = Math.min(50, 2 + waitedMs / 4);
        waitedMs += pauseMs;
        await sleep(pauseMs);
      }
    }
  }

  /** Performs what is queued. @returns whether more may join this group */
  async #fill(group: Performed[]): Promise<boolean> {
    while (this.#queue.length > 0 && group.length < largestGroup) {
      if (this.#queue[0].alone && group.length > 0) return false;
      const pending = this.#queue.shift();
      if (pending === undefined) break;
      if (!(await this.#perform(pending, group))) return false;
      if (pending.alone) return false;
      if (group.length % writesPerTurn === 0) await turn();
    }
    return group.length < largestGroup;
  }

  /** @returns false when the transaction was lost with all that was in it */
  async #perform(pending: Pending, group: Performed[]): Promise<boolean> {
    const scope = new WriteScope(this.#connection, sqliteSyntax, () => Promise.resolve());
    try {
      this.#connection.execute('savepoint write');
      const result = await withoutForeignAwait(pending.perform(scope));
      this.#connection.execute('release write');
      group.push({ pending, result, effects: scope.effects });
      return true;
    } catch (error) {
      scope.end();
      pending.reject(fromSqlite(error));
    }
    // On a full disk SQLite may have rolled everything back by itself.
    if (!this.#connection.inTransaction) {
      this.#retryAlone(group);
      return false;
    }
    this.#connection.execute('rollback to write');
    this.#connection.execute('release write');
    return true;
  }

  #refuseWhenBroken(): void {
    if (this.#broken !== undefined) throw this.#broken;
  }

  #rollBack(): void {
    if (!this.#connection.inTransaction) return;
    try {
      this.#connection.execute('rollback');
    } catch (error) {
      this.#broken = new GyreError('UNAVAILABLE', `the store could not roll back: ${messageOf(error)}`, {}, { cause: error });
    }
  }

  #giveUp(group: readonly Performed[], error: unknown): void {
    if (group.length > 1 && this.#broken === undefined) return this.#retryAlone(group);
    for (const { pending } of group) pending.reject(error);
    // Nothing was performed: it was the transaction itself that could not begin, and those who wait would wait for ever.
    if (group.length === 0) for (const pending of this.#queue.splice(0)) pending.reject(error);
  }

  #retryAlone(group: readonly Performed[]): void {
    this.#queue.unshift(...group.map(({ pending }) => Object.assign(pending, { alone: true })));
  }

  #acknowledgeAfterFlush(group: readonly Performed[]): void {
    const flushed = this.#flush().catch((error: unknown) => {
      // After a failed fsync nobody knows what is on the disk: nothing more may be promised by this process.
      this.#broken = new GyreError(
        'UNAVAILABLE',
        `the disk did not take a commit: ${messageOf(error)}; restart Gyre when it does`,
        {},
        { cause: error },
      );
      return this.#broken;
    });
    this.#flushing = flushed;
    this.#acknowledging = this.#acknowledging.then(async () => {
      const failure = await flushed;
      if (failure !== undefined) {
        for (const { pending } of group) pending.reject(failure);
        return;
      }
      this.#faults.at('store.acknowledge');
      for (const { pending, result, effects } of group) {
        runEffects(effects);
        pending.resolve(result);
      }
    });
  }
}

/**
 * A write's queries are done in microtasks. One that is not settled when the event loop turns awaits something else, and
 * with it everybody else's writes would wait.
 */
async function withoutForeignAwait<R>(write: Promise<R>): Promise<R> {
  let turn: NodeJS.Immediate | undefined;
  const turned = new Promise<never>((_resolve, reject) => {
    turn = setImmediate(() => {
      reject(
        new GyreError(
          'FAILED_PRECONDITION',
          'a write awaited something other than its transaction; do that before store.write or in afterCommit',
        ),
      );
    });
  });
  try {
    return await Promise.race([write, turned]);
  } finally {
    clearImmediate(turn);
  }
}
