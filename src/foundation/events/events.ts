import { GyreError } from '#core';
import type { Clock, NewId } from '#core';
import type { Store } from '#store';
import type { EventMap, Events, ParkedEvent } from './port.ts';

export interface EventsOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly newId: NewId;
  /** CloudEvents `source`: this installation, a URI reference such as `/gyre/5f3a…`. */
  readonly source: string;
  /** How often other processes' events are looked for. Default 1000. */
  readonly pollMs?: number;
  /** The wait before the second try; doubles up to a minute. Default 200. */
  readonly retryMs?: number;
  /** Told when an event was parked, and when the stream cannot be read. */
  readonly report?: (problem: { readonly message: string; readonly parked?: ParkedEvent; readonly cause?: unknown }) => void;
}

/** Opens the outbox over a migrated store. */
export function openEvents<M extends EventMap>(options: EventsOptions): Events<M> {
  throw new GyreError('UNIMPLEMENTED', `no events of ${options.source} yet`);
}
