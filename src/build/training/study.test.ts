import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Transform } from '#contract';
import { seeded, sha256 } from '#core';
import { feeds } from '#features';
import type { RowsSource } from '#features';
import { openSession } from '#onnx';
import { computeMetrics } from '#stats';
import { createFrame, numberColumn, textColumn } from '#tables';
import type { Frame } from '#tables';
import type { TrainStudy } from './port.ts';
import { by, churnParts, churnTransform, code, environment, openRooms } from './testing.ts';
import type { Rooms } from './testing.ts';

const boostingSearch: TrainStudy['search'] = {
  algorithm: 'random',
  trials: 3,
  space: { learning_rate: { log: [0.03, 0.2] }, max_leaves: { integer: [4, 16] }, l2: { log: [0.1, 30] } },
};

describe('studies on the churn table', () => {
  let rooms: Rooms;
  let parts: Readonly<Record<string, string>>;
  let transform: Transform;
  before(async () => {
    rooms = await openRooms();
    parts = await churnParts(rooms);
    transform = await rooms.features.fit({
      name: 'prepare',
      spec: churnTransform,
      key: 'customerID',
      train: [{ version: parts.train, weight: 1 }],
      by,
    });
  });
  after(() => rooms[Symbol.asyncDispose]());
  const request = (more: Partial<TrainStudy>): TrainStudy => ({
    name: 'boosting',
    trainer: 'gbdt',
    seed: 7,
    transform: transform.digest,
    validation: parts.validation,
    code,
    environment,
    by,
    ...more,
  });

  /** The largest difference between the whole ONNX model, fed with raw columns, and the trainer's own probabilities on the test part. */
  const judge = async (run: string): Promise<{ readonly auc: number; readonly difference: number; readonly labelsRight: boolean }> => {
    const model = await rooms.training.readModel(run);
    const frame = await rooms.data.open(parts.test);
    const scores = await model.predict(frame);
    await using session = await openSession(model.onnx);
    const { probabilities, label } = await session.run(feeds(model.transform.inputs, frame));
    assert.ok(probabilities.type === 'FLOAT' && label.type === 'STRING');
    assert.deepEqual([probabilities.shape, label.shape], [[frame.rows, 2], [frame.rows]]);
    const difference = scores.reduce((most, score, row) => Math.max(most, Math.abs(score - probabilities.data[2 * row + 1])), 0);
    const labelsRight = label.data.every((one, row) => one === (probabilities.data[2 * row + 1] >= 0.5 ? 'Yes' : 'No'));
    const auc = computeMetrics('binary', await rooms.features.target(transform, frame), scores).roc_auc ?? 0;
    return { auc, difference, labelsRight };
  };

  const studies: Readonly<Record<string, Partial<TrainStudy>>> = {
    logistic: { trainer: 'logistic', search: { algorithm: 'grid', space: { l2: [0.1, 1, 10] } } },
    boosting: { trainer: 'gbdt', search: boostingSearch },
  };
  for (const [name, more] of Object.entries(studies)) {
    test(`${name}: learns, agrees with its own ONNX, and is trained again to the same bytes with 1 and with 4 workers`, async () => {
      const told: number[] = [];
      const { study, best } = await rooms.training.trainStudy(request({ name, ...more, onTrial: ({ trial }) => told.push(trial) }));
      assert.deepEqual(
        told,
        Array.from({ length: study.trials }, (_, at) => at),
      );
      assert.equal(study.bestRun, best.id);
      assert.deepEqual(await rooms.training.getStudy(study.id), study);
      const { items: runs } = await rooms.training.listRuns({ study: study.id });
      assert.equal(runs.length, study.trials);
      assert.equal(best.metrics.validation_roc_auc, Math.max(...runs.map(({ metrics }) => metrics.validation_roc_auc)));

      const { auc, difference, labelsRight } = await judge(best.id);
      assert.ok(auc > 0.82 && auc < 0.87, `ROC AUC ${auc} on the test part`);
      assert.ok(difference <= 1e-5, `probabilities differ by ${difference}`);
      assert.ok(labelsRight);

      const onnx = await rooms.training.findArtifact(best.id, 'model.onnx');
      for (const workers of [1, 4]) {
        const again = await rooms.training.execute(best.id, { workers });
        assert.equal(again.transform, transform.digest);
        assert.equal(again.digest, onnx?.digest, `${workers} workers`);
        assert.equal(sha256(again.onnx), onnx?.digest);
        assert.equal(again.metrics.validation_roc_auc, best.metrics.validation_roc_auc);
      }
    });
  }

  test('record in each run what it was made from, and each iteration’s losses', async () => {
    const { study, best } = await rooms.training.trainStudy(request({ params: { iterations: 5 }, tags: { why: 'test' } }));
    assert.deepEqual(best.inputs, [
      { role: 'train', digest: parts.train, name: 'customers/train' },
      { role: 'validation', digest: parts.validation, name: 'customers/validation' },
      { role: 'transform', digest: transform.digest, name: 'prepare' },
    ]);
    assert.deepEqual(
      [best.study, best.trial, best.parameters.iterations, best.tags, best.code, best.environment],
      [study.id, 0, 5, { why: 'test' }, code, environment],
    );
    const { items } = await rooms.training.metricHistory(best.id, 'validation_loss');
    assert.equal(items.length, 5);
    assert.ok(Number(items[4].value) < Number(items[0].value));
    const events = await rooms.events.read({ subject: study.id });
    assert.deepEqual(
      events.map(({ type }) => type),
      ['dev.gyre.study.created.v1', 'dev.gyre.study.finished.v1'],
    );
  });

  test('contributions sum to the margin', async () => {
    const { best } = await rooms.training.trainStudy(request({ params: { iterations: 20 } }));
    const model = await rooms.training.readModel(best.id);
    const { values, margins, baseValues, features } = await model.contributions(await rooms.data.open(parts.test));
    for (const [row, margin] of margins.entries()) {
      const sum = values.subarray(row * features.length, (row + 1) * features.length).reduce((total, one) => total + one, baseValues[0]);
      assert.ok(Math.abs(sum - margin) < 1e-6);
    }
  });

  test('come out differently when one value of the training rows changes', async () => {
    const { best } = await rooms.training.trainStudy(request({ trainer: 'logistic' }));
    const changed: RowsSource = {
      open: async (version) => {
        const frame = await rooms.data.open(version);
        return version === parts.train ? withValue(frame, 'MonthlyCharges', 17, 1) : frame;
      },
    };
    const again = await rooms.training.execute(best.id, { data: changed });
    assert.notEqual(again.digest, (await rooms.training.findArtifact(best.id, 'model.onnx'))?.digest);
    assert.notEqual(again.transform, transform.digest);
  });

  test('weigh the rows of each version, and are trained again with the same weights', async () => {
    const train = [
      { version: parts.train, weight: 1 },
      { version: parts.reference, weight: 4 },
    ];
    const spec = {
      ...churnTransform,
      transform: { ...churnTransform.transform, columns: { PaymentMethod: { encode: 'target' as const } } },
    };
    const weighted = await rooms.features.fit({ name: 'weighted', spec, key: 'customerID', train, by });
    const even = await rooms.features.fit({
      name: 'even',
      spec,
      key: 'customerID',
      train: train.map(({ version }) => ({ version, weight: 1 })),
      by,
    });
    const study = (of: Transform): Promise<string> =>
      rooms.training.trainStudy(request({ trainer: 'logistic', transform: of.digest })).then(({ best }) => best.id);
    const [first, second] = [await study(weighted), await study(even)];
    const [one, other] = [await rooms.training.getRun(first), await rooms.training.getRun(second)];
    assert.deepEqual(
      one.inputs.slice(0, 2).map(({ role, name }) => [role, name]),
      [
        ['train', 'customers/train'],
        ['train.recent', 'customers/reference'],
      ],
    );
    const onnxOf = async (run: typeof one): Promise<string | undefined> =>
      (await rooms.training.findArtifact(run.id, 'model.onnx'))?.digest;
    assert.notEqual(await onnxOf(one), await onnxOf(other));
    assert.equal((await rooms.training.execute(first)).digest, await onnxOf(one));
  });

  test('refuse rows that the transform was not fitted on, foreign metrics and unknown parameters', async () => {
    const refused = (more: Partial<TrainStudy>, code_: string, message: RegExp): Promise<void> =>
      assert.rejects(rooms.training.trainStudy(request(more)), { code: code_, message });
    await refused(
      { train: [{ version: parts.test, weight: 1 }] },
      'FAILED_PRECONDITION',
      /was fitted on .* fit a transform on these first/,
    );
    await refused({ metric: 'rmse' }, 'INVALID_ARGUMENT', /"rmse" is no metric of a binary task/);
    await refused({ trainer: 'linear' }, 'INVALID_ARGUMENT', /"linear" is for regression/);
    await refused({ params: { trees: 5 } }, 'INVALID_ARGUMENT', /no parameter "trees"/);
    await refused({ transform: 'nope' }, 'NOT_FOUND', /no transform "nope": .* the newest are/);
  });

  test('learn from missing values by boosting; a learner that cannot leaves failed runs which say why', async () => {
    const spec = { ...churnTransform, transform: { numeric: { impute: 'none' as const } } };
    const open = await rooms.features.fit({ name: 'open', spec, key: 'customerID', train: [{ version: parts.train, weight: 1 }], by });
    const { best } = await rooms.training.trainStudy(request({ transform: open.digest, params: { iterations: 30 } }));
    const { difference, auc } = await judge(best.id);
    assert.ok(difference <= 1e-5 && auc > 0.82);
    const study = rooms.training.trainStudy(request({ trainer: 'logistic', experiment: 'failing', transform: open.digest }));
    await assert.rejects(study, {
      code: 'FAILED_PRECONDITION',
      message: /none of the 1 trials of study "boosting" came to an end; the last failed: feature "TotalCharges" is NaN in row \d+/,
    });
    const { items } = await rooms.training.listRuns({ experiment: 'failing' });
    assert.deepEqual(
      items.map(({ status }) => status),
      ['FAILED'],
    );
    assert.match(items[0].error ?? '', /impute missing values/);
  });

  test('leave a killed run behind when they are cancelled, and start nothing more', async () => {
    const stop = new AbortController();
    const cancelled = rooms.training.trainStudy(
      request({
        name: 'cancelled',
        experiment: 'cancelled',
        trainer: 'logistic',
        search: { algorithm: 'grid', space: { l2: [1, 2, 3] } },
        signal: stop.signal,
        onTrial: () => stop.abort(),
      }),
    );
    await assert.rejects(cancelled, { code: 'CANCELLED' });
    const { items } = await rooms.training.listRuns({ experiment: 'cancelled' });
    assert.deepEqual(
      items.map(({ status }) => status),
      ['KILLED', 'FINISHED'],
    );
  });
});

describe('studies of other tasks', () => {
  const rows = 400;
  const random = seeded(23);
  const x = Float64Array.from({ length: rows }, () => random.normal());
  const y = Float64Array.from({ length: rows }, () => random.normal());
  const frame = createFrame([
    { name: 'x', column: numberColumn(x) },
    { name: 'y', column: numberColumn(y) },
    { name: 'amount', column: numberColumn(x.map((one, at) => 300 * one - 40 * y[at] + 1000)) },
    { name: 'kind', column: textColumn(Array.from(x, (one, at) => (one > 0.4 ? 'high' : y[at] > 0 ? 'left' : 'right'))) },
  ]);
  let rooms: Rooms;
  let version: string;
  before(async () => {
    rooms = await openRooms();
    const made = await rooms.data.createFromRows({ dataset: 'points', frame, source: 'made by the test', by });
    version = made.version.digest;
  });
  after(() => rooms[Symbol.asyncDispose]());

  const train = async (
    target: string,
    exclude: string,
    trainer: TrainStudy['trainer'],
  ): Promise<{ readonly metrics: Readonly<Record<string, number>>; readonly difference: number }> => {
    const spec = { of: 'points', target, transform: { exclude: [exclude], numeric: { scale: 'standard' as const } } };
    const transform = await rooms.features.fit({ name: target, spec, train: [{ version, weight: 1 }], by });
    const { best } = await rooms.training.trainStudy({
      name: target,
      trainer,
      seed: 1,
      transform: transform.digest,
      validation: version,
      code,
      environment,
      by,
    });
    const model = await rooms.training.readModel(best.id);
    await using session = await openSession(model.onnx);
    const outputs = await session.run(feeds(transform.inputs, frame));
    const own = await model.probabilities(frame);
    const given = outputs[transform.task === 'regression' ? 'prediction' : 'probabilities'];
    assert.ok(given.type === 'FLOAT');
    assert.equal(given.data.length, own.length);
    const scale = transform.task === 'regression' ? 300 : 1;
    return { metrics: best.metrics, difference: own.reduce((most, one, at) => Math.max(most, Math.abs(one - given.data[at]) / scale), 0) };
  };

  test('find a plane by ridge regression and by boosting', async () => {
    const linear = await train('amount', 'kind', 'linear');
    assert.ok(linear.metrics.validation_r2 > 0.999 && linear.difference <= 1e-5);
    const boosted = await train('amount', 'kind', 'gbdt');
    assert.ok(boosted.metrics.validation_r2 > 0.95 && boosted.difference <= 1e-5);
  });

  test('tell three classes apart', async () => {
    for (const trainer of ['logistic', 'gbdt'] as const) {
      const { metrics, difference } = await train('kind', 'amount', trainer);
      assert.ok(metrics.validation_accuracy > 0.85, `${trainer}: ${metrics.validation_accuracy}`);
      assert.ok(difference <= 1e-5);
    }
  });
});

/** The frame with one number changed. */
function withValue(frame: Frame, name: string, row: number, by_: number): Frame {
  return createFrame(
    frame.schema.map((column) => {
      if (column.name !== name) return { ...column, column: frame.column(column.name) };
      const values = Float64Array.from(frame.numbers(name));
      values[row] += by_;
      return { ...column, column: numberColumn(values) };
    }),
  );
}
