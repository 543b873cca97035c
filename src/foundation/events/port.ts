import type { EventTypes } from '#contract';
import type { Tx } from '#store';

/** The types of events that a map knows; the map gives each the shape of its data. Default: the contract's `EventTypes`. */
export type TypeOf<M> = keyof M & string;

/** What a room states about a change it makes. */
export interface NewEvent<M = EventTypes, T extends TypeOf<M> = TypeOf<M>> {
  /** `dev.gyre.<record>.<verb>.v1`: see `eventType` in the contract. */
  readonly type: T;
  /** The record it is about: an id or a digest. */
  readonly subject: string;
  /** Ids and digests, never row values. */
  readonly data: M[T];
  /** The id of the identity that did it. */
  readonly actor: string;
  readonly reason?: string;
  /** Absent for what belongs to no project, such as a token. */
  readonly project?: string;
  /** W3C trace context of what caused it. */
  readonly traceparent?: string;
  /** The id of the event that led to this one. */
  readonly causationId?: string;
}

/** A CloudEvent 1.0 with Gyre's extensions, as it stands in the stream and goes over the wire. */
export interface StoredEvent<M = EventTypes, T extends TypeOf<M> = TypeOf<M>> {
  readonly specversion: '1.0';
  readonly id: string;
  readonly source: string;
  readonly type: T;
  readonly subject: string;
  /** ISO 8601, UTC. */
  readonly time: string;
  readonly datacontenttype: 'application/json';
  readonly data: M[T];
  /** Grows in the order of commits: who passed a position never misses a lower one. */
  readonly position: number;
  readonly actor: string;
  readonly project?: string;
  readonly reason?: string;
  readonly traceparent?: string;
  readonly causationid?: string;
}

/** A discriminated union over types: narrow by `event.type`. */
export type AnyEvent<M = EventTypes, T extends TypeOf<M> = TypeOf<M>> = { readonly [P in T]: StoredEvent<M, P> }[T];

export interface Subscriber<M = EventTypes, T extends TypeOf<M> = TypeOf<M>> {
  /** Names the cursor in the store: stays the same over restarts and releases. */
  readonly name: string;
  /** Absent: every type. */
  readonly types?: readonly T[];
  /** Where a cursor that does not exist yet begins. Default `beginning`. */
  readonly from?: 'beginning' | 'now';
  /** The effect in the store: in one transaction with the cursor, so exactly once. Awaits nothing but `tx`. */
  readonly handle?: (tx: Tx, event: AnyEvent<M, T>) => Promise<void>;
  /** An effect outside (a webhook, a started run), done before the cursor moves, so at least once: make it idempotent by `event.id`. */
  readonly effect?: (event: AnyEvent<M, T>, signal: AbortSignal) => Promise<void>;
  /** Tries before an event is parked. Default 8. */
  readonly maxTries?: number;
  /** After news it waits so long, so that a burst of events is taken at once. Not at all without it. */
  readonly gatherMs?: number;
}

/** An event that a subscriber could not take in all its tries; the ones after it went on. */
export interface ParkedEvent {
  readonly subscriber: string;
  readonly position: number;
  readonly eventId: string;
  readonly type: string;
  readonly tries: number;
  readonly error: string;
  /** ISO 8601, UTC. */
  readonly parkedAt: string;
}

export interface Subscription extends AsyncDisposable {
  /** Resolves when everything committed until now has been handled or parked. @throws GyreError CANCELLED when it is disposed before */
  caughtUp(): Promise<void>;
}

export interface ReadOptions<T extends string> {
  /** Only events with a higher position. Default 0: from the beginning. */
  readonly after?: number;
  /** At most so many. Default 100. */
  readonly limit?: number;
  readonly types?: readonly T[];
  readonly subject?: string;
}

export interface TailOptions<T extends string> {
  readonly after: number;
  readonly types?: readonly T[];
  /** Ends the iteration. */
  readonly signal: AbortSignal;
  /** After news it waits so long, so that a burst of events is read at once. Not at all without it. */
  readonly gatherMs?: number;
}

/** The outbox: what changed, in order, for everybody who wants to know. */
export interface Events<M = EventTypes> extends AsyncDisposable {
  /** States a fact in the transaction of the change: both are there or neither. @returns the event's id */
  publish<T extends TypeOf<M>>(tx: Tx, event: NewEvent<M, T>): string;
  /**
   * Starts to hand on events in order, from the subscriber's own cursor. Several processes may subscribe by the same name: one of them handles each event.
   * @throws GyreError ALREADY_EXISTS when this process has a subscriber of that name
   */
  subscribe<T extends TypeOf<M>>(subscriber: Subscriber<M, T>): Promise<Subscription>;
  read<T extends TypeOf<M>>(options?: ReadOptions<T>): Promise<readonly AnyEvent<M, T>[]>;
  /** Events as they are committed, after a position, until the signal aborts. */
  tail<T extends TypeOf<M>>(options: TailOptions<T>): AsyncIterable<AnyEvent<M, T>>;
  /** The highest position, 0 when there is none. */
  lastPosition(): Promise<number>;
  /** What lies parked, oldest first. */
  parked(): Promise<readonly ParkedEvent[]>;
  /**
   * Puts a parked event before its subscriber once more; when that succeeds it is no longer parked.
   * @throws GyreError NOT_FOUND when nothing is parked there, FAILED_PRECONDITION when the subscriber does not run in this process, or what the subscriber throws
   */
  retryParked(subscriber: string, position: number): Promise<void>;
}
