export { openEvents } from './events.ts';
export type { EventProblem, EventsOptions } from './events.ts';
export { eventsMigrations } from './migrations/index.ts';
export type {
  AnyEvent,
  Events,
  TypeOf,
  NewEvent,
  ParkedEvent,
  ReadOptions,
  StoredEvent,
  Subscriber,
  Subscription,
  TailOptions,
} from './port.ts';
