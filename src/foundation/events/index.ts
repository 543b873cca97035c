export { openEvents } from './events.ts';
export type { EventsOptions } from './events.ts';
export { eventsMigrations } from './migrations/index.ts';
export type { AnyEvent, EventMap, Events, NewEvent, ParkedEvent, ReadOptions, StoredEvent, Subscriber, Subscription, TypeOf } from './port.ts';
