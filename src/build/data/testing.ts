import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openFsBlobs } from '#blobs';
import type { BlobStore } from '#blobs';
import type { Actor, EventTypes } from '#contract';
import { countingIds, manualClock } from '#core';
import type { ManualClock } from '#core';
import { eventsMigrations, openEvents } from '#events';
import type { Events } from '#events';
import { openStore } from '#store';
import type { Store } from '#store';
import { dataMigrations } from './migrations/index.ts';
import type { Frame } from '#tables';
import { openData } from './open-data.ts';
import type { Data, DataDeps } from './port.ts';
import { frameBatches } from './quality/batches.ts';
import { openDealer } from './splits/deal.ts';
import type { Deal } from './splits/deal.ts';
import type { PartRange } from './splits/hash-split.ts';

export const ada: Actor = { identity: 'ada', name: 'Ada' };

/** The room over a real store and real blobs in a temporary folder, at a clock of its own. */
export interface Bench extends AsyncDisposable {
  readonly data: Data;
  readonly store: Store;
  readonly blobs: BlobStore;
  readonly events: Events<EventTypes>;
  readonly clock: ManualClock;
  readonly folder: string;
  /** Writes a file into the folder. @returns its path */
  file(name: string, content: string | Uint8Array): Promise<string>;
  eventTypes(): Promise<string[]>;
}

export async function openBench(
  url = 'sqlite::memory:',
  schema = 'gyre_data_test',
  more: Pick<DataDeps, 'fetch' | 'environment' | 'production' | 'objects'> = {},
): Promise<Bench> {
  const folder = await mkdtemp(join(tmpdir(), 'gyre-data-'));
  const clock = manualClock(Date.UTC(2026, 0, 31));
  const store = await openStore({ url, schema });
  await store.migrate([eventsMigrations, dataMigrations]);
  const blobs = await openFsBlobs({ dir: join(folder, 'blobs') });
  const events = openEvents<EventTypes>({ store, clock, newId: countingIds('event'), source: '/test' });
  const data = openData({ store, blobs, events, clock, newId: countingIds('id'), temporary: folder, ...more });
  return {
    data,
    store,
    blobs,
    events,
    clock,
    folder,
    file: async (name, content) => {
      const path = join(folder, name);
      await writeFile(path, content);
      return path;
    },
    eventTypes: async () => (await events.read({ limit: 1000 })).map(({ type }) => type),
    [Symbol.asyncDispose]: async () => {
      await data.ingestions[Symbol.asyncDispose]();
      await events[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The positions of the rows that come to each part. */
export async function partsOf(frame: Frame, deal: Deal, ranges: readonly PartRange[]): Promise<readonly Int32Array[]> {
  const dealer = await openDealer(frameBatches(frame), deal, ranges, { sets: new Map() });
  const { parts } = dealer.deal(frame);
  return ranges.map((_, part) => Int32Array.from(parts.keys()).filter((row) => parts[row] === part));
}
