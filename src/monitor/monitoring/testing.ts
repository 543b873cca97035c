import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openFsBlobs } from '#blobs';
import type { Actor, CharterVersion, CodeVersion, Environment, TrainedVersion, NamedRow, Prediction, TransformStep } from '#contract';
import { countingIds, digestOf, isoInstant, manualClock, seededBytes, sha256 } from '#core';
import type { ManualClock } from '#core';
import { dataMigrations, openData } from '#data';
import type { Data } from '#data';
import { evaluationMigrations, openEvaluation } from '#evaluation';
import { eventsMigrations, openEvents } from '#events';
import type { Events } from '#events';
import { featuresMigrations, openFeatures } from '#features';
import { openRegistry, registryMigrations } from '#registry';
import type { Registry } from '#registry';
import { openStore } from '#store';
import type { Store } from '#store';
import { toRecords } from '#tables';
import type { Frame } from '#tables';
import { openTraining, trainingMigrations } from '#training';
import type { Training } from '#training';
import { monitoringMigrations } from './migrations/index.ts';
import { openMonitoring } from './monitoring.ts';
import type { MonitorSettings, Monitoring, MonitoringDeps } from './port.ts';

export const ada: Actor = { identity: 'ada', name: 'Ada' };
const code: CodeVersion = { commit: 'c0ffee', dirty: false };
const environment: Environment = { gyre: '0.1.0', node: '26.10.0', platform: 'linux-x64', lock: sha256('package-lock.json') };
export const dayMs = 86_400_000;
export const firstDay = Date.UTC(2026, 2, 1);

export const settings: MonitorSettings = {
  windowMs: dayMs,
  reference: 'train',
  minRows: 80,
  drift: { alpha: 0.01, psi: 0.1 },
  performance: [{ metric: 'accuracy', operator: '>=', value: 0.9, relativeTo: 'test' }],
};

/** A data folder or schema that several houses can be opened over, one after the other: as after a crash. */
export interface Place extends AsyncDisposable {
  readonly folder: string;
  readonly url: string;
  readonly schema?: string;
}

export async function sqlitePlace(): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), 'gyre-monitoring-'));
  return {
    folder,
    url: `sqlite:${join(folder, 'gyre.db')}`,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

export interface Bench extends AsyncDisposable {
  readonly store: Store;
  readonly events: Events;
  readonly clock: ManualClock;
  readonly data: Data;
  readonly training: Training;
  readonly registry: Registry;
  readonly deps: MonitoringDeps;
  readonly monitoring: Monitoring;
  settings: MonitorSettings;
  /** Trains a small model on the churn table and registers it; parts are train, validation, test, later. */
  trained(options?: { readonly l2?: number }): Promise<{ version: TrainedVersion; parts: Readonly<Record<string, string>> }>;
}

let houses = 0;

/** The rooms from data to monitoring over a place. */
export async function openBench(place: Place): Promise<Bench> {
  const clock = manualClock(Date.UTC(2026, 5, 1));
  const newId = countingIds(`id${++houses}`);
  const store = await openStore({ url: place.url, ...(place.schema === undefined ? {} : { schema: place.schema }) });
  await store.migrate([
    eventsMigrations,
    dataMigrations,
    featuresMigrations,
    trainingMigrations,
    evaluationMigrations,
    registryMigrations,
    monitoringMigrations,
  ]);
  const blobs = await openFsBlobs({ dir: join(place.folder, 'blobs') });
  const events = openEvents({ store, clock, newId, source: '/gyre/test' });
  const common = { store, blobs, events, clock, newId };
  const data = openData({ ...common, temporary: place.folder });
  const features = openFeatures({ ...common, data });
  const training = openTraining({ ...common, randomBytes: seededBytes(23), data, features });
  const evaluation = openEvaluation({ ...common, data, features, training });
  const registry = openRegistry({
    ...common,
    data,
    features,
    training,
    reports: evaluation,
    guard: () => Promise.resolve(undefined),
  });
  const deps: MonitoringDeps = {
    ...common,
    data,
    features,
    training,
    evaluation,
    registry,
    settings: () => bench.settings,
    actor: { identity: 'gyre', name: 'gyre' },
  };
  const bench: Bench = {
    store,
    events,
    clock,
    data,
    training,
    registry,
    deps,
    monitoring: openMonitoring(deps),
    settings,
    async trained({ l2 = 1 } = {}) {
      const path = join(import.meta.dirname, '../../../examples/churn/data/telco-churn.csv');
      const { version: whole } = await data.ingest({ dataset: 'customers', path, key: 'customerID', by: ada });
      const split = await data.split(whole.digest, {
        dataset: 'customers',
        key: 'customerID',
        parts: { train: 0.34, validation: 0.08, test: 0.14, later: 0.44 },
        salt: 'churn',
        by: ada,
      });
      const parts = Object.fromEntries(split.parts.map(({ part, version }) => [part, version]));
      const transform = await features.fit({
        name: 'prepare',
        spec: churnTransform,
        train: [{ version: parts['train'], weight: 1 }],
        key: 'customerID',
        by: ada,
      });
      const { best } = await training.trainStudy({
        name: 'logistic',
        trainer: 'logistic',
        params: { l2 },
        seed: 7,
        transform: transform.digest,
        validation: parts['validation'],
        code,
        environment,
        by: ada,
      });
      const report = await evaluation.judge({ model: best.id, test: parts['test'], charter, repeats: 0, resamples: 50, by: ada });
      return { version: await registry.createVersion({ model: 'churn', run: best.id, report: report.id, charter, by: ada }), parts };
    },
    async [Symbol.asyncDispose]() {
      await features[Symbol.asyncDispose]();
      await events[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
    },
  };
  return bench;
}

const words = { problem: 'Whom to call', owner: 'Mara', success: { roc_auc: '>= 0.75', accuracy: '>= 0.7' } };
const charter: CharterVersion = {
  digest: digestOf(words),
  version: 1,
  project: 'churn',
  charter: words,
  recordedAt: '2026-01-05T00:00:00.000Z',
  recordedBy: 'Ada',
};

const churnTransform: TransformStep = {
  of: 'customers',
  target: 'Churn',
  positive: 'Yes',
  transform: {
    exclude: ['customerID', 'gender'],
    numeric: { impute: 'median', scale: 'standard' },
    categorical: { impute: 'missing', encode: 'one_hot' },
  },
};

export interface Traffic {
  readonly version: TrainedVersion;
  readonly generation?: number;
  /** UTC milliseconds; rows come a second apart. */
  readonly from: number;
  readonly environment?: string;
  /** Part of every id, so that two lots do not collide. */
  readonly lot?: string;
  readonly change?: (row: NamedRow) => NamedRow;
}

/** Rows as a data plane would have answered and logged them: the model's own scores, decided at its threshold. */
export async function trafficOf({ training }: Pick<Bench, 'training'>, frame: Frame, traffic: Traffic): Promise<Prediction[]> {
  const { version, generation = 1, from, lot = '', change = (row) => row } = traffic;
  const { inputs, threshold = 0.5, classes } = version.signature;
  const model = await training.readModel(version.run);
  const scores = await model.predict(frame);
  return toRecords(frame).map((record, at): Prediction => {
    const row = Object.fromEntries(inputs.map(({ name }) => [name, record[name]]));
    const score = scores[at];
    return {
      id: `${generation}-${version.package.slice(0, 8)}-${traffic.environment ?? ''}${lot}${from}-${at}`,
      environment: traffic.environment ?? 'production',
      endpoint: 'churn',
      generation,
      package: version.package,
      model: version.model,
      version: String(version.version),
      servedAt: isoInstant(from + 40 * dayMs),
      eventTime: isoInstant(from + at * 1000),
      latencyMs: 2 + (at % 10) / 10,
      inputs: change(row),
      outputs: { label: classes[Number(score >= threshold)], probabilities: { [classes[0]]: 1 - score, [classes[1]]: score } },
      key: String(record['customerID']),
    };
  });
}
