import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openFsBlobs } from '#blobs';
import type { Actor, Charter, CharterVersion, CodeVersion, Environment, Run, TransformStep } from '#contract';
import { countingIds, digestOf, manualClock, seededBytes, sha256 } from '#core';
import { dataMigrations, openData } from '#data';
import type { Data } from '#data';
import { evaluationMigrations, openEvaluation } from '#evaluation';
import type { Evaluation } from '#evaluation';
import { eventsMigrations, openEvents } from '#events';
import type { Events } from '#events';
import { featuresMigrations, openFeatures } from '#features';
import type { Features } from '#features';
import { openStore } from '#store';
import type { Frame } from '#tables';
import { openTraining, trainingMigrations } from '#training';
import type { TrainStudy, Training } from '#training';
import { registryMigrations } from './migrations/index.ts';
import type { Registry, RegistryDeps } from './port.ts';
import { openRegistry } from './registry.ts';

export const ada: Actor = { identity: 'ada', name: 'Ada' };
const code: CodeVersion = { commit: 'c0ffee', dirty: false };
const environment: Environment = { gyre: '0.1.0', node: '26.10.0', platform: 'linux-x64', lock: sha256('package-lock.json') };

/** The rooms from data to registry over a store and blobs in a folder of their own. For tests. */
export interface Rooms extends AsyncDisposable {
  readonly deps: RegistryDeps;
  readonly events: Events;
  readonly data: Data;
  readonly features: Features;
  readonly training: Training;
  readonly evaluation: Evaluation;
  readonly registry: Registry;
}

export async function openRooms(): Promise<Rooms> {
  const folder = await mkdtemp(join(tmpdir(), 'gyre-registry-'));
  const clock = manualClock(Date.UTC(2026, 0, 5));
  const newId = countingIds('id');
  const store = await openStore({ url: `sqlite:${join(folder, 'gyre.db')}` });
  await store.migrate([eventsMigrations, dataMigrations, featuresMigrations, trainingMigrations, evaluationMigrations, registryMigrations]);
  const blobs = await openFsBlobs({ dir: join(folder, 'blobs') });
  const events = openEvents({ store, clock, newId, source: '/gyre/test' });
  const common = { store, blobs, events, clock, newId };
  const data = openData({ ...common, temporary: folder });
  const features = openFeatures({ ...common, data });
  const training = openTraining({ ...common, randomBytes: seededBytes(23), data, features });
  const evaluation = openEvaluation({ ...common, data, features, training });
  const deps: RegistryDeps = { ...common, data, features, training, reports: evaluation, guard: () => Promise.resolve(undefined) };
  return {
    deps,
    events,
    data,
    features,
    training,
    evaluation,
    registry: openRegistry(deps),
    async [Symbol.asyncDispose]() {
      await features[Symbol.asyncDispose]();
      await events[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export function charterOf(success: Charter['success'], more: Partial<Charter> = {}): CharterVersion {
  const charter: Charter = { problem: 'Whom to call', owner: 'Mara', success, ...more };
  return { digest: digestOf(charter), version: 3, project: 'churn', charter, recordedAt: '2026-01-05T00:00:00.000Z', recordedBy: 'Ada' };
}

/** The churn table in its parts: digest by part. */
export async function churnParts({ data }: Pick<Rooms, 'data'>): Promise<Readonly<Record<string, string>>> {
  const path = join(import.meta.dirname, '../../../examples/churn/data/telco-churn.csv');
  const { version } = await data.ingest({ dataset: 'customers', path, source: 'data/telco-churn.csv', key: 'customerID', by: ada });
  const parts = { train: 0.45, validation: 0.1, test: 0.15, later: 0.3 };
  const split = await data.split(version.digest, { dataset: 'customers', key: 'customerID', parts, salt: 'churn', by: ada });
  return Object.fromEntries(split.parts.map(({ part, version: digest }) => [part, digest]));
}

export const churnTransform: TransformStep = {
  of: 'customers',
  target: 'Churn',
  positive: 'Yes',
  transform: {
    exclude: ['customerID', 'gender'],
    numeric: { impute: 'median', scale: 'standard' },
    categorical: { impute: 'missing', encode: 'one_hot' },
  },
};

/** Rows as a dataset version of its own. */
export async function versionOf({ data }: Pick<Rooms, 'data'>, dataset: string, frame: Frame): Promise<string> {
  return (await data.createFromRows({ dataset, frame, source: 'made for a test', by: ada })).version.digest;
}

export interface TrainRequest {
  readonly trainer: TrainStudy['trainer'];
  readonly params?: TrainStudy['params'];
  readonly spec: TransformStep;
  readonly train: string;
  readonly validation: string;
}

/** Fits a transform and one model. */
export async function trainOne(
  { features, training }: Pick<Rooms, 'features' | 'training'>,
  { trainer, params = {}, spec, train, validation }: TrainRequest,
): Promise<Run> {
  const transform = await features.fit({ name: 'prepare', spec, train: [{ version: train, weight: 1 }], by: ada });
  const { best } = await training.trainStudy({
    name: trainer,
    trainer,
    params,
    seed: 7,
    transform: transform.digest,
    validation,
    code,
    environment,
    by: ada,
  });
  return best;
}
