import type { EventTypes } from '#contract';
import { countingIds, manualClock, seeded } from '#core';
import type { ManualClock } from '#core';
import { eventsMigrations, openEvents } from '#events';
import type { Events } from '#events';
import { openStore } from '#store';
import type { Store, StoreOptions } from '#store';
import { accessMigrations, openAccess } from './index.ts';
import type { Access, AccessDeps } from './index.ts';

/** The room over a store of its own, which counts what it is asked. */
export interface AccessRig extends AsyncDisposable {
  readonly access: Access;
  readonly clock: ManualClock;
  readonly store: Store;
  readonly events: Events<EventTypes>;
  readonly randomBytes: (length: number) => Uint8Array;
  /** The room once more over the same store, with other settings. */
  readonly again: (options: Pick<AccessDeps, 'local' | 'defaultLevel'>) => Access;
  readonly reads: () => number;
  readonly writes: () => number;
}

/** @param place SQLite in memory without it */
export async function withAccess(
  options: Pick<AccessDeps, 'local' | 'defaultLevel'> & { readonly place?: StoreOptions } = {},
): Promise<AccessRig> {
  const { place = { url: 'sqlite::memory:' }, ...settings } = options;
  const store = await openStore(place);
  await store.migrate([eventsMigrations, accessMigrations]);
  const clock = manualClock(Date.UTC(2026, 0, 1));
  const newId = countingIds('id');
  const random = seeded(3);
  const randomBytes = (length: number): Uint8Array => Uint8Array.from({ length }, () => random.int(256));
  const events = openEvents({ store, clock, newId, source: '/gyre/test' });
  let reads = 0;
  let writes = 0;
  const counted: Pick<Store, 'read' | 'write'> = {
    read: (query) => {
      reads++;
      return store.read(query);
    },
    write: (write, args) => {
      writes++;
      return store.write(write, args);
    },
  };
  const again = (other: Pick<AccessDeps, 'local' | 'defaultLevel'>): Access =>
    openAccess({ store: counted, events, clock, newId, randomBytes, ...other });
  return {
    access: again(settings),
    clock,
    store,
    events,
    randomBytes,
    again,
    reads: () => reads,
    writes: () => writes,
    async [Symbol.asyncDispose]() {
      await events[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
    },
  };
}
