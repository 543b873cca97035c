import type { Actor, EventData } from '#contract';
import type { Tx } from '#store';

/** What kind of change → the shape of its data. Default: the contract's `EventData`. */
export type KindOf<M> = keyof M & string;

/** What a room states about a change it makes. */
export interface NewEvent<M = EventData, K extends KindOf<M> = KindOf<M>> {
  /** `<record>.<verb>`; the event's type becomes `dev.gyre.<kind>.v1`. */
  readonly kind: K;
  /** The record it is about: an id or a digest. */
  readonly subject: string;
  /** Ids and digests, never row values. */
  readonly data: M[K];
  /** Who did it. */
  readonly actor: Actor;
  readonly reason?: string;
  /** Absent for what belongs to no project (an identity, a token): an empty name in the stream. */
  readonly project?: string;
  /** W3C trace context of what caused it. */
  readonly traceparent?: string;
  /** The id of the event that led to this one. */
  readonly causationId?: string;
}

/** A CloudEvent 1.0 with Gyre's extensions, as it stands in the stream and goes over the wire. */
export interface StoredEvent<M = EventData, K extends KindOf<M> = KindOf<M>> {
  readonly specversion: '1.0';
  readonly id: string;
  readonly source: string;
  readonly type: `dev.gyre.${K}.v1`;
  readonly subject: string;
  /** ISO 8601, UTC. */
  readonly time: string;
  readonly datacontenttype: 'application/json';
  readonly data: M[K];
  /** Grows in the order of commits: who passed a position never misses a lower one. */
  readonly position: number;
  readonly actor: Actor;
  readonly project: string;
  readonly reason?: string;
  readonly traceparent?: string;
  readonly causationid?: string;
}

/** A discriminated union over kinds: narrow by `event.type`. */
export type AnyEvent<M = EventData, K extends KindOf<M> = KindOf<M>> = { readonly [P in K]: StoredEvent<M, P> }[K];

export interface Subscriber<M = EventData, K extends KindOf<M> = KindOf<M>> {
  /** Names the cursor in the store: stays the same over restarts and releases. */
  readonly name: string;
  /** Absent: every kind. */
  readonly kinds?: readonly K[];
  /** Where a cursor that does not exist yet begins. Default `beginning`. */
  readonly from?: 'beginning' | 'now';
  /** The effect in the store: in one transaction with the cursor, so exactly once. Awaits nothing but `tx`. */
  readonly handle?: (tx: Tx, event: AnyEvent<M, K>) => Promise<void>;
  /** An effect outside (a webhook, a started run), done before the cursor moves, so at least once: make it idempotent by `event.id`. */
  readonly effect?: (event: AnyEvent<M, K>, signal: AbortSignal) => Promise<void>;
  /** Tries before an event is parked. Default 8. */
  readonly maxTries?: number;
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

export interface ReadOptions<K extends string> {
  /** Only events with a higher position. Default 0: from the beginning. */
  readonly after?: number;
  /** At most so many. Default 100. */
  readonly limit?: number;
  readonly kinds?: readonly K[];
  readonly subject?: string;
}

export interface TailOptions<K extends string> {
  readonly after: number;
  readonly kinds?: readonly K[];
  /** Ends the iteration. */
  readonly signal: AbortSignal;
}

/** The outbox: what changed, in order, for everybody who wants to know. */
export interface Events<M = EventData> extends AsyncDisposable {
  /** States a fact in the transaction of the change: both are there or neither. @returns the event's id */
  publish<K extends KindOf<M>>(tx: Tx, event: NewEvent<M, K>): string;
  /**
   * Starts to hand on events in order, from the subscriber's own cursor. Several processes may subscribe by the same name: one of them handles each event.
   * @throws GyreError ALREADY_EXISTS when this process has a subscriber of that name
   */
  subscribe<K extends KindOf<M>>(subscriber: Subscriber<M, K>): Promise<Subscription>;
  read<K extends KindOf<M>>(options?: ReadOptions<K>): Promise<readonly AnyEvent<M, K>[]>;
  /** Events as they are committed, after a position, until the signal aborts. */
  tail<K extends KindOf<M>>(options: TailOptions<K>): AsyncIterable<AnyEvent<M, K>>;
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
