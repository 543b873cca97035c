import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Actor, CodeVersion, Environment, EventTypes, TransformStep } from '#contract';
import { openFsBlobs } from '#blobs';
import type { BlobStore } from '#blobs';
import { countingIds, manualClock, sha256 } from '#core';
import { dataMigrations, openData } from '#data';
import type { Data } from '#data';
import { eventsMigrations, openEvents } from '#events';
import type { Events } from '#events';
import { featuresMigrations, openFeatures } from '#features';
import type { Features } from '#features';
import { openStore } from '#store';
import type { Store } from '#store';
import { trainingMigrations } from './migrations/index.ts';
import type { Training, TrainingDeps } from './port.ts';
import { openTraining } from './training.ts';

export const by: Actor = { identity: 'ada', name: 'Ada' };
export const code: CodeVersion = { commit: 'c0ffee', dirty: false };
export const environment: Environment = { gyre: '0.1.0', node: '26.10.0', platform: 'linux-x64', lock: sha256('package-lock.json') };

/** The rooms from data to training over a store and blobs in a folder of their own. For tests. */
export interface Rooms extends AsyncDisposable {
  readonly folder: string;
  readonly store: Store;
  readonly blobs: BlobStore;
  readonly events: Events<EventTypes>;
  readonly data: Data;
  readonly features: Features;
  readonly training: Training;
  readonly deps: TrainingDeps;
}

/** @param url another store than SQLite in the folder; @param schema the PostgreSQL schema */
export async function openRooms(url?: string, schema = 'gyre'): Promise<Rooms> {
  const folder = await mkdtemp(join(tmpdir(), 'gyre-training-'));
  const clock = manualClock(Date.UTC(2026, 0, 5));
  const newId = countingIds('id');
  const store = await openStore({ url: url ?? `sqlite:${join(folder, 'gyre.db')}`, schema });
  await store.migrate([eventsMigrations, dataMigrations, featuresMigrations, trainingMigrations]);
  const blobs = await openFsBlobs({ dir: join(folder, 'blobs') });
  const events = openEvents({ store, clock, newId, source: '/gyre/test' });
  const data = openData({ store, blobs, events, clock, newId, temporary: folder });
  const features = openFeatures({ store, blobs, events, clock, newId, data });
  const deps: TrainingDeps = { store, blobs, events, clock, newId, data, features };
  return {
    folder,
    store,
    blobs,
    events,
    data,
    features,
    training: openTraining(deps),
    deps,
    async [Symbol.asyncDispose]() {
      await features[Symbol.asyncDispose]();
      await events[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The churn table in its parts: digest by part. */
export async function churnParts({ data }: Pick<Rooms, 'data'>): Promise<Readonly<Record<string, string>>> {
  const path = join(import.meta.dirname, '../../../examples/churn/data/telco-churn.csv');
  const { version } = await data.ingest({ dataset: 'customers', path, key: 'customerID', by });
  const split = await data.split(version.digest, {
    dataset: 'customers',
    key: 'customerID',
    parts: { train: 0.45, validation: 0.1, test: 0.15, reference: 0.08, later: 0.22 },
    salt: 'churn',
    stratify: 'Churn',
    by,
  });
  return Object.fromEntries(split.parts.map(({ part, version: digest }) => [part, digest]));
}

export const churnTransform: TransformStep = {
  of: 'customers',
  target: 'Churn',
  positive: 'Yes',
  transform: {
    derive: { charges_per_month: 'TotalCharges / (tenure + 1)', 'log1p(tenure)': 'log1p(tenure)' },
    numeric: { impute: 'median', clip: { lower: 0.005, upper: 0.995 }, scale: 'standard' },
    categorical: { impute: 'missing', encode: 'one_hot' },
  },
};
