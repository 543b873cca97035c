export { openEvents } from './events.ts';
export type { EventProblem, EventsOptions } from './events.ts';
export { eventsMigrations } from './migrations/index.ts';
export type {
  AnyEvent,
  Events,
  KindOf,
  NewEvent,
  ParkedEvent,
  ReadOptions,
  StoredEvent,
  Subscriber,
  Subscription,
  TailOptions,
} from './port.ts';
