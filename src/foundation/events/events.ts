import type { EventTypes } from '#contract';
import { GyreError, isoInstant } from '#core';
import type { Clock, NewId } from '#core';
import type { Store, Tx } from '#store';
import { appendEvents, ensureCursor, readEvents, readLastPosition, readParked } from './events-store.ts';
import type { EventRow, NewEventRow } from './events-store.ts';
import type { AnyEvent, Events, TypeOf, NewEvent, ParkedEvent, ReadOptions, Subscriber, Subscription, TailOptions } from './port.ts';
import { RunningSubscription } from './subscription.ts';
import { pause, Wake } from './wake.ts';

/** Something that people should hear of: an event was parked, or the stream cannot be read. */
export interface EventProblem {
  readonly message: string;
  readonly parked?: ParkedEvent;
  readonly cause?: unknown;
}

export interface EventsOptions {
  /** Migrated with `eventsMigrations`. */
  readonly store: Store;
  readonly clock: Clock;
  readonly newId: NewId;
  /** CloudEvents `source`: this installation, a URI reference such as `/gyre/5f3a…`. */
  readonly source: string;
  /** How often other processes' events are looked for. Default 1000. */
  readonly pollMs?: number;
  /** The wait before the second try; doubles up to a minute. Default 200. */
  readonly retryMs?: number;
  readonly report?: (problem: EventProblem) => void;
}

const tailBatch = 200;

/** Opens the outbox over a migrated store. Disposing it stops all subscriptions; the store stays open. */
export function openEvents<M = EventTypes>(options: EventsOptions): Events<M> {
  return new Outbox<M>(options);
}

class Outbox<M> implements Events<M> {
  readonly #options: EventsOptions;
  readonly #wake: Wake;
  readonly #unwritten = new WeakMap<Tx, NewEventRow[]>();
  readonly #subscriptions = new Map<string, RunningSubscription>();
  readonly #closing = new AbortController();

  constructor(options: EventsOptions) {
    this.#options = options;
    this.#wake = new Wake(options.pollMs ?? 1000);
  }

  publish<T extends TypeOf<M>>(tx: Tx, event: NewEvent<M, T>): string {
    const id = this.#options.newId();
    let rows = this.#unwritten.get(tx);
    if (rows === undefined) {
      const gathered: NewEventRow[] = [];
      rows = gathered;
      this.#unwritten.set(tx, gathered);
      tx.beforeCommit('events', () => appendEvents(tx, gathered));
      tx.afterCommit(() => this.#wake.ring(new Set(gathered.map(({ type }) => type))));
    }
    rows.push({
      id,
      type: event.type,
      subject: event.subject,
      time: this.#options.clock.now(),
      source: this.#options.source,
      actor: event.actor,
      reason: event.reason ?? null,
      project: event.project ?? null,
      traceparent: event.traceparent ?? null,
      causation_id: event.causationId ?? null,
      data: event.data,
    });
    return id;
  }

  async subscribe<T extends TypeOf<M>>(subscriber: Subscriber<M, T>): Promise<Subscription> {
    const { name, from = 'beginning' } = subscriber;
    if (this.#subscriptions.has(name)) throw new GyreError('ALREADY_EXISTS', `there is a subscriber "${name}" in this process already`);
    const { store, clock, retryMs = 200, report = () => undefined } = this.#options;
    const listener = this.#wake.listen(subscriber.types);
    const running = new RunningSubscription({
      name,
      maxTries: subscriber.maxTries ?? 8,
      retryMs,
      store,
      clock,
      listener,
      report,
      ...typesOf(subscriber.types),
      ...(subscriber.gatherMs === undefined ? {} : { gatherMs: subscriber.gatherMs }),
      ...(subscriber.handle === undefined ? {} : { handle: (tx: Tx, row: EventRow) => subscriber.handle?.(tx, toEvent<M, T>(row)) }),
      ...(subscriber.effect === undefined
        ? {}
        : { effect: (row: EventRow, signal: AbortSignal) => subscriber.effect?.(toEvent<M, T>(row), signal) }),
      onStop: () => this.#subscriptions.delete(name),
    });
    this.#subscriptions.set(name, running);
    try {
      running.start(await store.write(ensureCursor, { subscriber: name, from }));
    } catch (error) {
      this.#subscriptions.delete(name);
      listener[Symbol.dispose]();
      throw error;
    }
    return running;
  }

  async read<T extends TypeOf<M>>(options: ReadOptions<T> = {}): Promise<readonly AnyEvent<M, T>[]> {
    const { after = 0, limit = 100, types, subject } = options;
    const filter = { after, limit, ...typesOf(types), ...(subject === undefined ? {} : { subject }) };
    const { rows } = await readEvents(this.#options.store, filter);
    return rows.map((row) => toEvent<M, T>(row));
  }

  async *tail<T extends TypeOf<M>>(options: TailOptions<T>): AsyncGenerator<AnyEvent<M, T>> {
    const signal = AbortSignal.any([options.signal, this.#closing.signal]);
    using listener = this.#wake.listen(options.types);
    for (let after = options.after; !signal.aborted;) {
      const heard = listener.heard();
      const { rows, last } = await readEvents(this.#options.store, { after, limit: tailBatch, ...typesOf(options.types) });
      for (const row of rows) {
        if (signal.aborted) return;
        yield toEvent<M, T>(row);
      }
      after = rows.at(-1)?.position ?? Math.max(after, last);
      if (rows.length === tailBatch) continue;
      await listener.wait(heard, signal);
      if (options.gatherMs !== undefined) await pause(options.gatherMs, signal);
    }
  }

  lastPosition(): Promise<number> {
    return readLastPosition(this.#options.store);
  }

  parked(): Promise<readonly ParkedEvent[]> {
    return readParked(this.#options.store);
  }

  async retryParked(subscriber: string, position: number): Promise<void> {
    const running = this.#subscriptions.get(subscriber);
    if (running === undefined) {
      throw new GyreError('FAILED_PRECONDITION', `no subscriber "${subscriber}" runs in this process`, { subscriber });
    }
    await running.retryParked(position);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await Promise.all([...this.#subscriptions.values()].map((running) => running[Symbol.asyncDispose]()));
  }
}

function typesOf(types: readonly string[] | undefined): { readonly types?: readonly string[] } {
  return types === undefined ? {} : { types };
}

function toEvent<M, T extends TypeOf<M>>(row: EventRow): AnyEvent<M, T> {
  const event = {
    specversion: '1.0',
    id: row.id,
    source: row.source,
    type: row.type,
    subject: row.subject,
    time: isoInstant(row.time),
    datacontenttype: 'application/json',
    data: row.data,
    position: row.position,
    actor: row.actor,
    ...(row.project === null ? {} : { project: row.project }),
    ...(row.reason === null ? {} : { reason: row.reason }),
    ...(row.traceparent === null ? {} : { traceparent: row.traceparent }),
    ...(row.causation_id === null ? {} : { causationid: row.causation_id }),
  };
  // The row was written by `publish`, which ties each kind to its data: type and shape belong together.
  return event as unknown as AnyEvent<M, T>;
}
