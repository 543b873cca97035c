import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { openFsBlobs } from '#blobs';
import type { Actor, CodeVersion, Environment, Transform } from '#contract';
import { countingIds, manualClock, seededBytes, sha256 } from '#core';
import { dataMigrations, openData } from '#data';
import { eventsMigrations, openEvents } from '#events';
import { featuresMigrations, openFeatures } from '#features';
import type { FeatureMatrix } from '#features';
import { rocAuc } from '#stats';
import { openStore } from '#store';
import { toRecords } from '#tables';
import { openTraining, trainingMigrations } from '#training';
import { pythonMissing, runPython } from './python.ts';

interface Peer {
  readonly features: readonly (readonly number[])[];
  readonly names: readonly string[];
  readonly probabilities: readonly number[];
  readonly labels: readonly string[];
  readonly auc: Readonly<Record<'HistGradientBoosting' | 'LightGBM', number>>;
}

const by: Actor = { identity: 'ada', name: 'Ada' };
const code: CodeVersion = { commit: null, dirty: false };
const environment: Environment = { gyre: '0.1.0', node: process.versions.node, platform: process.platform, lock: sha256('') };
const numeric = ['SeniorCitizen', 'tenure', 'MonthlyCharges', 'TotalCharges'];

describe(
  'the churn table, from its CSV to a model, beside scikit-learn, LightGBM and Python’s ONNX Runtime',
  { skip: pythonMissing },
  () => {
    let folder: string;
    let peer: Peer;
    let matrix: FeatureMatrix;
    let transform: Transform;
    /** P(Yes) of the test rows by our own predictor, for the model that the validation part chose. */
    let scores: Float64Array;
    let truth: Float64Array;

    before(async () => {
      folder = await mkdtemp(join(tmpdir(), 'gyre-interop-'));
      const clock = manualClock(0);
      const newId = countingIds('id');
      await using store = await openStore({ url: 'sqlite::memory:' });
      await store.migrate([eventsMigrations, dataMigrations, featuresMigrations, trainingMigrations]);
      const blobs = await openFsBlobs({ dir: join(folder, 'blobs') });
      await using events = openEvents({ store, clock, newId, source: '/test' });
      const data = openData({ store, blobs, events, clock, newId, temporary: folder });
      await using features = openFeatures({ store, blobs, events, clock, newId, data });
      const training = openTraining({ store, blobs, events, clock, newId, randomBytes: seededBytes(23), data, features });

      const path = join(import.meta.dirname, '../../examples/churn/data/telco-churn.csv');
      const { version } = await data.ingest({ dataset: 'customers', path, key: 'customerID', by });
      const shares = { train: 0.45, validation: 0.1, test: 0.15, traffic: 0.3 };
      const split = await data.split(version.digest, { dataset: 'customers', key: 'customerID', parts: shares, salt: 'churn', by });
      const [train, validation, held] = split.parts.map((part) => part.version);
      transform = await features.fit({
        name: 'prepare',
        spec: { of: 'customers', target: 'Churn', positive: 'Yes', transform: { numeric: { impute: 'median', scale: 'standard' } } },
        key: 'customerID',
        train: [{ version: train, weight: 1 }],
        by,
      });
      const common = { seed: 7, transform: transform.digest, validation, code, environment, by };
      const logistic = await training.trainStudy({
        name: 'logistic',
        trainer: 'logistic',
        search: { algorithm: 'grid', space: { l2: [1, 10, 30] } },
        ...common,
      });
      const boosting = await training.trainStudy({
        name: 'boosting',
        trainer: 'gbdt',
        search: { algorithm: 'random', trials: 8, space: { learning_rate: { log: [0.03, 0.1] } } },
        ...common,
      });
      const better = [logistic.best, boosting.best].toSorted(
        (one, other) => other.metrics.validation_roc_auc - one.metrics.validation_roc_auc,
      )[0];
      const model = await training.readModel(better.id);
      const frame = await data.open(held);
      matrix = await features.apply(transform, frame);
      scores = await model.predict(frame);
      truth = await features.target(transform, frame);
      const onnx = join(folder, 'model.onnx');
      await writeFile(onnx, model.onnx);
      const categorical = transform.inputs.filter(({ datatype }) => datatype === 'BYTES').map(({ name }) => name);
      peer = await runPython<Peer>('training_peer.py', {
        train: toRecords(await data.open(train)),
        test: toRecords(frame),
        target: 'Churn',
        positive: 'Yes',
        numeric,
        categorical,
        onnx,
      });
    });
    after(() => rm(folder, { recursive: true, force: true }));

    test('features are those of SimpleImputer, StandardScaler and OneHotEncoder', () => {
      assert.deepEqual(matrix.names, peer.names);
      let most = 0;
      for (const [row, line] of peer.features.entries()) {
        for (const [column, value] of line.entries()) most = Math.max(most, Math.abs(matrix.values[row * matrix.columns + column] - value));
      }
      // Ours are float32: half a unit in the last place of values below 4 is 1.2e-7.
      assert.ok(most <= 2.5e-7, `features differ by ${most}`);
    });

    test('the package’s graph gives Python the same probabilities and labels from raw columns', () => {
      const most = scores.reduce((so, score, row) => Math.max(so, Math.abs(score - peer.probabilities[row])), 0);
      assert.ok(most <= 1e-6, `probabilities differ by ${most}`);
      assert.deepEqual(
        peer.labels,
        peer.probabilities.map((one) => (one >= 0.5 ? 'Yes' : 'No')),
      );
    });

    test('ROC AUC on the test part is within 0.005 of the better peer', () => {
      const ours = rocAuc(truth, scores);
      const best = Math.max(peer.auc.HistGradientBoosting, peer.auc.LightGBM);
      assert.ok(ours >= best - 0.005, `ours ${ours}, HistGradientBoosting ${peer.auc.HistGradientBoosting}, LightGBM ${peer.auc.LightGBM}`);
    });
  },
);
