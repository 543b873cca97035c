import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { openFsBlobs } from '#blobs';
import type { Actor, Charter, CodeVersion, Environment } from '#contract';
import { countingIds, digestOf, manualClock, seededBytes, sha256 } from '#core';
import { dataMigrations, openData } from '#data';
import { evaluationMigrations, openEvaluation } from '#evaluation';
import { eventsMigrations, openEvents } from '#events';
import { featuresMigrations, openFeatures } from '#features';
import { openRegistry, registryMigrations } from '#registry';
import { openStore } from '#store';
import { selectColumns, toRecords } from '#tables';
import { openTraining, trainingMigrations } from '#training';
import { pythonMissing, runPython } from './python.ts';

interface Peer {
  readonly scores: readonly number[];
  readonly metrics: Readonly<Record<string, number>>;
  readonly interval: readonly [number, number];
  readonly importance: Readonly<Record<string, readonly [mean: number, std: number]>>;
  readonly mlflow: {
    readonly nodes: number;
    readonly run: string;
    readonly inputs: readonly string[];
    readonly example: readonly string[];
    readonly probabilities: readonly number[];
  };
}

const repeats = 10;
const by: Actor = { identity: 'ada', name: 'Ada' };
const code: CodeVersion = { commit: null, dirty: false };
const environment: Environment = { gyre: '0.1.0', node: process.versions.node, platform: process.platform, lock: sha256('') };
const shares = { train: 0.6, validation: 0.2, test: 0.2 };
const words: Charter = { problem: 'Whom to call', owner: 'Mara', success: { roc_auc: '>= 0.80' } };
const charter = {
  digest: digestOf(words),
  version: 1,
  project: 'churn',
  charter: words,
  recordedAt: '2026-01-05T00:00:00.000Z',
  recordedBy: 'Ada',
};

describe('a model package in Python', { skip: pythonMissing }, () => {
  test('MLflow loads it, ONNX Runtime gives our scores from raw columns, and scikit-learn and SciPy measure what the test report says', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gyre-package-'));
    try {
      await using store = await openStore({ url: 'sqlite::memory:' });
      await store.migrate([
        eventsMigrations,
        dataMigrations,
        featuresMigrations,
        trainingMigrations,
        evaluationMigrations,
        registryMigrations,
      ]);
      const [clock, newId] = [manualClock(Date.UTC(2026, 0, 5)), countingIds('id')];
      await using events = openEvents({ store, clock, newId, source: '/gyre/test' });
      const common = { store, blobs: await openFsBlobs({ dir: join(folder, 'blobs') }), events, clock, newId };
      const data = openData({ ...common, temporary: folder });
      await using features = openFeatures({ ...common, data });
      const training = openTraining({ ...common, randomBytes: seededBytes(23), data, features });
      const evaluation = openEvaluation({ ...common, data, features, training });
      const registry = openRegistry({ ...common, data, features, training, reports: evaluation, guard: () => Promise.resolve(undefined) });

      const ingested = await data.ingest({ dataset: 'customers', path: 'examples/churn/data/telco-churn.csv', by });
      const split = await data.split(ingested.version.digest, {
        dataset: 'customers',
        key: 'customerID',
        parts: shares,
        salt: 'churn',
        by,
      });
      const [train, validation, held] = split.parts.map(({ version }) => version);
      const spec = { of: 'customers', target: 'Churn', positive: 'Yes', transform: {} };
      const transform = await features.fit({ name: 'prepare', spec, key: 'customerID', train: [{ version: train, weight: 1 }], by });
      const study = { name: 'boosting', trainer: 'gbdt', params: { iterations: 80 }, seed: 7, code, environment } as const;
      const { best: run } = await training.trainStudy({ ...study, transform: transform.digest, validation, by });
      const report = await evaluation.judge({ model: run.id, test: held, charter, spec: { threshold: 'max_f1' }, repeats, by });
      const version = await registry.createVersion({ model: 'churn', run: run.id, report: report.id, charter, by });
      const packaged = join(folder, 'package');
      await mkdir(packaged);
      for (const { path } of version.files) await writeFile(join(packaged, path), await registry.readFile(version.id, path));
      const model = await training.readModel(run.id);
      const frame = await data.open(held);
      const names = version.signature.inputs.map(({ name }) => name);
      const truth = [...(await features.target(model.transform, frame))];
      const peer = await runPython<Peer>('package_peer.py', {
        folder: packaged,
        rows: toRecords(selectColumns(frame, names)),
        truth,
        repeats,
      });

      const own = await model.predict(frame);
      const apart = Math.max(...peer.scores.map((score, row) => Math.abs(score - own[row])));
      assert.ok(apart < 1e-6, `scores differ by ${apart}`);
      for (const [name, value] of Object.entries(peer.metrics)) {
        const reported = report.metrics.find((metric) => metric.name === name)?.value ?? Number.NaN;
        // The peer's scores are float32: sums differ in the seventh digit, and pairs that only float64 tells apart become ties.
        assert.ok(Math.abs(reported - value) < 1e-5, `${name}: ${reported} here, ${value} there`);
      }
      const interval = report.metrics.find(({ name }) => name === 'roc_auc')?.interval;
      // Two percentile bootstraps of 1,000 resamples each: their ends vary by about 0.001 from seed to seed.
      assert.ok(
        interval !== undefined && Math.abs(interval.low - peer.interval[0]) < 0.004 && Math.abs(interval.high - peer.interval[1]) < 0.004,
      );
      for (const { feature, drop, std } of report.importance) {
        const [mean, deviation] = peer.importance[feature];
        // Means of ten shuffles each; four standard errors of their difference, and room for columns that do nothing.
        const allowed = 4 * Math.sqrt((std ** 2 + deviation ** 2) / repeats) + 5e-4;
        assert.ok(Math.abs(drop - mean) <= allowed, `${feature}: ${drop} ± ${std} here, ${mean} ± ${deviation} there`);
      }
      assert.ok(peer.mlflow.nodes > 5);
      assert.equal(peer.mlflow.run, run.id.replaceAll('-', ''));
      assert.deepEqual(peer.mlflow.inputs, names);
      assert.deepEqual(peer.mlflow.example, names);
      peer.mlflow.probabilities.forEach((probability, row) => assert.ok(Math.abs(probability - own[row]) < 1e-6));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
