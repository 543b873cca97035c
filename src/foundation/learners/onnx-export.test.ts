import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { seeded } from '#core';
import { encodeModel, graphBuilder, openSession, tensor } from '#onnx';
import type { Tensor } from '#onnx';
import { fitLearner } from './fit.ts';
import type { Matrix, TrainingData } from './matrix.ts';
import type { Model } from './model.ts';
import { appendToOnnx } from './onnx-export.ts';
import type { OnnxOptions } from './onnx-export.ts';
import { predictProbabilities, predictScores } from './predict.ts';
import { sampleTable } from './sample-table.ts';

function graphOf(model: Model, columns: number, options: OnnxOptions = {}): Uint8Array {
  const graph = graphBuilder({ name: 'learner' });
  const added = appendToOnnx(graph, graph.input('features', 'FLOAT', ['N', columns]), model, options);
  if (added.kind === 'regression') graph.output('prediction', 'FLOAT', ['N', 1], added.prediction);
  else {
    graph.output('label', added.labelType, ['N'], added.label);
    graph.output('probabilities', 'FLOAT', ['N', model.classes], added.probabilities);
  }
  return encodeModel(graph);
}

async function run(model: Model, { rows, columns, values }: Matrix, options?: OnnxOptions): Promise<Record<string, Tensor>> {
  await using session = await openSession(graphOf(model, columns, options));
  return await session.run({ features: tensor('FLOAT', [rows, columns], values) });
}

/** Each row thrice: with every value as it is, and with every value one float32 step up and down. */
function withNeighbours({ rows, columns, values }: Matrix): Matrix {
  const all = new Float32Array(3 * values.length);
  for (const [copy, step] of [0, 1, -1].entries()) {
    const moved = values.slice();
    const bits = new Int32Array(moved.buffer);
    moved.forEach((value, i) => {
      if (step !== 0 && !Number.isNaN(value) && value !== 0) bits[i] += value > 0 ? step : -step;
    });
    all.set(moved, copy * values.length);
  }
  return { rows: 3 * rows, columns, values: all };
}

/** Rows whose values lie exactly on the thresholds of the model. */
function onThresholds(model: Model, { columns, values }: Matrix): Matrix {
  if (model.kind !== 'gbdt') return { rows: 0, columns, values: new Float32Array() };
  const splits = model.trees
    .flatMap((tree) => tree.feature.map((feature, node) => ({ feature, threshold: tree.threshold[node] })))
    .filter((split) => split.feature >= 0);
  const made = new Float32Array(splits.length * columns);
  splits.forEach(({ feature, threshold }, i) => {
    made.set(values.subarray(0, columns), i * columns);
    made[i * columns + feature] = threshold;
  });
  return withNeighbours({ rows: splits.length, columns, values: made });
}

function closeTo(actual: Tensor, expected: Float64Array, scale: number): void {
  assert.equal(actual.data.length, expected.length);
  let worst = 0;
  expected.forEach((value, i) => (worst = Math.max(worst, Math.abs(Number(actual.data[i]) - value))));
  assert.ok(worst <= 1e-5 * scale, `off by ${worst} on a scale of ${scale}`);
}

describe('a model in an ONNX graph', () => {
  const cases: readonly [string, 'logistic' | 'linear' | 'gbdt', TrainingData][] = [
    ['a binary logistic regression', 'logistic', sampleTable({ task: 'binary', rows: 400, columns: 6, seed: 1 })],
    ['a multinomial logistic regression', 'logistic', sampleTable({ task: 'multiclass', rows: 400, columns: 6, seed: 2 })],
    ['a ridge regression', 'linear', sampleTable({ task: 'regression', rows: 400, columns: 6, seed: 3 })],
    ['a binary boosted ensemble', 'gbdt', sampleTable({ task: 'binary', rows: 600, columns: 6, seed: 4, missingShare: 0.15 })],
    [
      'a multiclass boosted ensemble',
      'gbdt',
      sampleTable({ task: 'multiclass', classes: 4, rows: 600, columns: 6, seed: 5, missingShare: 0.15 }),
    ],
    ['a boosted regression', 'gbdt', sampleTable({ task: 'regression', rows: 600, columns: 6, seed: 6, missingShare: 0.15 })],
  ];
  for (const [name, learner, data] of cases)
    test(`${name} answers as our own predictor within 1e-5, also on thresholds, one float32 step beside them, and with missing values`, async () => {
      const model = await fitLearner(learner, data, learner === 'gbdt' ? { iterations: 40 } : {}, { random: seeded(1) });
      for (const matrix of [withNeighbours(data.features), onThresholds(model, data.features)]) {
        if (matrix.rows === 0) continue;
        const answer = await run(model, matrix);
        if (data.task === 'regression') {
          const scale = Math.max(...data.targets.map(Math.abs));
          closeTo(answer['prediction'], predictScores(model, matrix), scale);
        } else {
          const expected = predictProbabilities(model, matrix);
          closeTo(answer['probabilities'], expected, 1);
          for (let i = 0; i < matrix.rows; i++) {
            const row = [...expected.subarray(i * data.classes, (i + 1) * data.classes)];
            const top = row.toSorted((a, b) => b - a);
            // Where two classes are equally likely up to float32, either label is right.
            if (top[0] - top[1] > 1e-4) assert.equal(Number(answer['label'].data[i]), row.indexOf(top[0]));
          }
        }
      }
    });

  for (const [name, learner, data] of cases)
    test(`${name} is computed without the runtime to the same values, also on thresholds and beside them`, async () => {
      const model = await fitLearner(learner, data, learner === 'gbdt' ? { iterations: 40 } : {}, { random: seeded(1) });
      const graph = graphOf(model, data.features.columns);
      await using session = await openSession(graph, { direct: true });
      await using runtime = await openSession(graph);
      assert.ok(session.runNow);
      for (const { rows, columns, values } of [withNeighbours(data.features), onThresholds(model, data.features)]) {
        const feeds = { features: tensor('FLOAT', [rows, columns], values) };
        assert.deepEqual(session.runNow(feeds), await runtime.run(feeds));
      }
    });

  test('labels are the names of the classes, decided at the threshold given', async () => {
    const data = sampleTable({ task: 'binary', rows: 300, columns: 4, seed: 7 });
    const model = await fitLearner('gbdt', data, { iterations: 20 }, { random: seeded(1) });
    const answer = await run(model, data.features, { classes: ['stays', 'leaves'], threshold: 0.3 });
    const scores = predictScores(model, data.features);
    assert.ok(scores.some((score) => score > 0.3 && score < 0.5));
    scores.forEach((score, i) => Math.abs(score - 0.3) < 1e-5 || assert.equal(answer['label'].data[i], score >= 0.3 ? 'leaves' : 'stays'));
  });

  test('labels that do not fit the classes are refused', async () => {
    const data = sampleTable({ task: 'binary', rows: 100, columns: 4, seed: 7 });
    const model = await fitLearner('logistic', data, {}, { random: seeded(1) });
    await assert.rejects(run(model, data.features, { classes: ['only one'] }), { code: 'INVALID_ARGUMENT' });
  });
});
