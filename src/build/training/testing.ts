import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Actor, ArtifactFile, CodeVersion, Environment, EventTypes, Run, Study, TransformStep } from '#contract';
import { openFsBlobs } from '#blobs';
import type { BlobStore } from '#blobs';
import { countingIds, manualClock, noFaults, seeded, seededBytes, sha256 } from '#core';
import type { Faults } from '#core';
import { dataMigrations, openData } from '#data';
import type { Data } from '#data';
import { eventsMigrations, openEvents } from '#events';
import type { Events } from '#events';
import { featuresMigrations, openFeatures } from '#features';
import type { Features } from '#features';
import { openStore } from '#store';
import type { Store } from '#store';
import { createFrame, numberColumn, textColumn } from '#tables';
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

export interface RoomsOptions {
  /** Another store than SQLite in the folder. */
  readonly url?: string;
  /** The PostgreSQL schema. */
  readonly schema?: string;
  /** A folder that stays; without it one is made, and removed at the end. */
  readonly folder?: string;
  readonly faults?: Faults;
  /** What ids begin with; another one for rooms over a store that has ids. */
  readonly ids?: string;
}

export async function openRooms({ url, schema = 'gyre', folder: given, faults = noFaults, ids = 'id' }: RoomsOptions = {}): Promise<Rooms> {
  const folder = given ?? (await mkdtemp(join(tmpdir(), 'gyre-training-')));
  const clock = manualClock(Date.UTC(2026, 0, 5));
  const newId = countingIds(ids);
  const store = await openStore({ url: url ?? `sqlite:${join(folder, 'gyre.db')}`, schema, faults });
  await store.migrate([eventsMigrations, dataMigrations, featuresMigrations, trainingMigrations]);
  const blobs = await openFsBlobs({ dir: join(folder, 'blobs'), faults });
  const events = openEvents({ store, clock, newId, source: '/gyre/test' });
  const data = openData({ store, blobs, events, clock, newId, temporary: folder });
  const features = openFeatures({ store, blobs, events, clock, newId, data });
  const deps: TrainingDeps = { store, blobs, events, clock, newId, randomBytes: seededBytes(23), data, features };
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
      if (given === undefined) await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The files that a run left, by their paths below it. */
export async function filesOf({ training }: Pick<Rooms, 'training'>, { id }: Pick<Run, 'id'>): Promise<readonly ArtifactFile[]> {
  const folder = await training.artifactFolder(id);
  const { items } = await training.artifacts.files(folder);
  return items.map((file) => ({ ...file, path: file.path.slice(folder.length + 1) }));
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

/** A dataset version, a transform and a study of two trials. */
export async function smallStudy(
  { data, features, training }: Rooms,
  acknowledge: (run: Run) => void,
): Promise<{ readonly study: Study; readonly best: Run }> {
  const random = seeded(9);
  const x = Float64Array.from({ length: 80 }, () => random.normal());
  const frame = createFrame([
    { name: 'x', column: numberColumn(x) },
    { name: 'bought', column: textColumn(Array.from(x, (one) => (one + random.normal() > 0 ? 'yes' : 'no'))) },
  ]);
  const { version } = await data.createFromRows({ dataset: 'points', frame, source: 'made by the test', by });
  const spec = { of: 'points', target: 'bought', transform: {} };
  const transform = await features.fit({ name: 'points', spec, train: [{ version: version.digest, weight: 1 }], by });
  return training.trainStudy({
    name: 'points',
    trainer: 'logistic',
    search: { algorithm: 'grid', space: { l2: [1, 10] } },
    seed: 1,
    transform: transform.digest,
    validation: version.digest,
    code,
    environment,
    by,
    onTrial: ({ run }) => acknowledge(run),
  });
}
