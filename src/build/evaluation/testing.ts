import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openFsBlobs } from '#blobs';
import type { BlobStore } from '#blobs';
import type { Actor, Charter, CharterVersion, CodeVersion, Environment, EventTypes, Run, Transform, TransformStep } from '#contract';
import { countingIds, digestOf, manualClock, seededBytes, sha256 } from '#core';
import type { Clock, NewId } from '#core';
import { dataMigrations, openData } from '#data';
import type { Data } from '#data';
import { eventsMigrations, openEvents } from '#events';
import type { Events } from '#events';
import { featuresMigrations, openFeatures } from '#features';
import type { Features } from '#features';
import { openStore } from '#store';
import type { MigrationSet, Store } from '#store';
import type { Frame } from '#tables';
import { openTraining, trainingMigrations } from '#training';
import type { TrainStudy, Training } from '#training';
import { openEvaluation } from './evaluation.ts';
import { evaluationMigrations } from './migrations/index.ts';
import type { Evaluation } from './port.ts';

export const ada: Actor = { identity: 'ada', name: 'Ada' };
export const code: CodeVersion = { commit: 'c0ffee', dirty: false };
export const environment: Environment = { gyre: '0.1.0', node: '26.10.0', platform: 'linux-x64', lock: sha256('package-lock.json') };

/** The rooms from data to evaluation over a store and blobs in a folder of their own. For tests. */
export interface Rooms extends AsyncDisposable {
  readonly folder: string;
  readonly store: Store;
  readonly blobs: BlobStore;
  readonly events: Events<EventTypes>;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly data: Data;
  readonly features: Features;
  readonly training: Training;
  readonly evaluation: Evaluation;
}

/** @param options.url of the store; SQLite in the folder without it; @param options.more migrations of the room under test */
export async function openRooms(
  options: { readonly url?: string; readonly schema?: string; readonly more?: readonly MigrationSet[] } = {},
): Promise<Rooms> {
  const folder = await mkdtemp(join(tmpdir(), 'gyre-evaluation-'));
  const clock = manualClock(Date.UTC(2026, 0, 5));
  const newId = countingIds('id');
  const { url = `sqlite:${join(folder, 'gyre.db')}`, schema, more = [] } = options;
  const store = await openStore({ url, ...(schema === undefined ? {} : { schema }) });
  await store.migrate([eventsMigrations, dataMigrations, featuresMigrations, trainingMigrations, evaluationMigrations, ...more]);
  const blobs = await openFsBlobs({ dir: join(folder, 'blobs') });
  const events = openEvents({ store, clock, newId, source: '/gyre/test' });
  const deps = { store, blobs, events, clock, newId };
  const data = openData({ ...deps, temporary: folder });
  const features = openFeatures({ ...deps, data });
  const training = openTraining({ ...deps, randomBytes: seededBytes(23), data, features });
  return {
    ...deps,
    folder,
    data,
    features,
    training,
    evaluation: openEvaluation({ ...deps, data, features, training }),
    async [Symbol.asyncDispose]() {
      await features[Symbol.asyncDispose]();
      await events[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A charter that asks for these thresholds. */
export function charterOf(success: Charter['success'], more: Partial<Charter> = {}): CharterVersion {
  const charter: Charter = { problem: 'Whom to call', owner: 'Mara', success, ...more };
  return { digest: digestOf(charter), version: 1, project: 'churn', charter, recordedAt: '2026-01-05T00:00:00.000Z', recordedBy: 'Ada' };
}

/** The churn table in its parts: digest by part. */
export async function churnParts({ data }: Pick<Rooms, 'data'>): Promise<Readonly<Record<string, string>>> {
  const path = join(import.meta.dirname, '../../../examples/churn/data/telco-churn.csv');
  const { version } = await data.ingest({ dataset: 'customers', path, key: 'customerID', by: ada });
  const split = await data.split(version.digest, {
    dataset: 'customers',
    key: 'customerID',
    parts: { train: 0.45, validation: 0.1, test: 0.15, later: 0.3 },
    salt: 'churn',
    by: ada,
  });
  return Object.fromEntries(split.parts.map(({ part, version: digest }) => [part, digest]));
}

export const churnTransform: TransformStep = {
  of: 'customers',
  target: 'Churn',
  positive: 'Yes',
  transform: {
    exclude: ['gender'],
    derive: { charges_per_month: 'TotalCharges / (tenure + 1)' },
    numeric: { impute: 'median', scale: 'standard' },
    categorical: { impute: 'missing', encode: 'one_hot' },
  },
};

/** Rows as a dataset version of its own. */
export async function versionOf({ data }: Pick<Rooms, 'data'>, dataset: string, frame: Frame): Promise<string> {
  const { version } = await data.createFromRows({ dataset, frame, source: 'made for a test', by: ada });
  return version.digest;
}

export interface TrainRequest extends Partial<Pick<TrainStudy, 'params' | 'seed' | 'validation'>> {
  readonly trainer: TrainStudy['trainer'];
  readonly spec: TransformStep;
  readonly train: string;
  readonly validation: string;
  readonly key?: string;
}

/** Fits a transform and one model. */
export async function trainOne(
  { features, training }: Rooms,
  request: TrainRequest,
): Promise<{ readonly run: Run; readonly transform: Transform }> {
  const { trainer, spec, train, validation, key, params, seed = 7 } = request;
  const transform = await features.fit({
    name: 'prepare',
    spec,
    train: [{ version: train, weight: 1 }],
    ...(key === undefined ? {} : { key }),
    by: ada,
  });
  const { best } = await training.trainStudy({
    name: trainer,
    trainer,
    ...(params === undefined ? {} : { params }),
    seed,
    transform: transform.digest,
    validation,
    code,
    environment,
    by: ada,
  });
  return { run: best, transform };
}
