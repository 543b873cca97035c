import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { canonicalJson, seeded } from '#core';
import { computeMetrics } from '#stats';
import { resolveParams } from '../catalog.ts';
import { fitLearner } from '../fit.ts';
import type { FitOptions } from '../fit.ts';
import type { TrainingData } from '../matrix.ts';
import type { BoostingModel } from '../model.ts';
import { predictMargins, predictScores } from '../predict.ts';
import { sampleTable } from '../sample-table.ts';
import { between, binFeatures } from './binning.ts';

async function boost(data: TrainingData, params: Record<string, number>, options: Partial<FitOptions> = {}): Promise<BoostingModel> {
  const model = await fitLearner('gbdt', data, params, { random: seeded(3), ...options });
  assert.equal(model.kind, 'gbdt');
  return model.kind === 'gbdt' ? model : assert.fail();
}

describe('gradient boosting', () => {
  for (const task of ['binary', 'multiclass', 'regression'] as const)
    test(`learns a ${task} rule with missing values and does better on new rows than a constant`, async () => {
      const model = await boost(sampleTable({ task, rows: 1500, columns: 6, seed: 1, missingShare: 0.1 }), {
        iterations: 60,
        learning_rate: 0.1,
      });
      const fresh = sampleTable({ task, rows: 800, columns: 6, seed: 2, missingShare: 0.1 });
      const metrics = computeMetrics(task, fresh.targets, predictScores(model, fresh.features));
      if (task === 'regression') assert.ok((metrics.r2 ?? 0) > 0.6, `R² ${metrics.r2}`);
      else assert.ok((metrics.roc_auc ?? 0) > 0.85, `ROC AUC ${metrics.roc_auc}`);
    });

  test('gives the same bytes with 1 and with 4 threads, for every task', async () => {
    for (const task of ['binary', 'multiclass', 'regression'] as const) {
      const data = sampleTable({ task, rows: 700, columns: 7, seed: 5, missingShare: 0.05, weighted: true });
      const params = { iterations: 12, max_leaves: 12, subsample: 0.7, colsample: 0.8 };
      const alone = await boost(data, params, { workers: 1 });
      const together = await boost(data, params, { workers: 4, workersFromCells: 0 });
      assert.equal(canonicalJson(together), canonicalJson(alone));
    }
  });

  test('gives other bytes with another seed, and the same with the same', async () => {
    const data = sampleTable({ task: 'binary', rows: 300, columns: 5, seed: 5 });
    const params = { iterations: 5, subsample: 0.5 };
    const [first, again, other] = [await boost(data, params), await boost(data, params), await boost(data, params, { random: seeded(4) })];
    assert.equal(canonicalJson(again), canonicalJson(first));
    assert.notEqual(canonicalJson(other), canonicalJson(first));
  });

  test('survives a round trip through JSON', async () => {
    const data = sampleTable({ task: 'multiclass', rows: 300, columns: 5, seed: 6, missingShare: 0.2 });
    const model = await boost(data, { iterations: 5 });
    const restored: unknown = JSON.parse(JSON.stringify(model));
    assert.deepEqual(restored, model);
  });

  test('keeps the rules of leaves: rows, leaves and depth', async () => {
    const data = sampleTable({ task: 'binary', rows: 600, columns: 5, seed: 7 });
    const model = await boost(data, { iterations: 20, max_leaves: 9, max_depth: 3, min_samples_leaf: 25, subsample: 1, colsample: 1 });
    for (const { feature, cover, left, right } of model.trees) {
      const leaves = feature.flatMap((split, node) => (split < 0 ? [node] : []));
      assert.ok(leaves.length <= 8);
      assert.ok(leaves.every((leaf) => cover[leaf] >= 25));
      feature.forEach((split, node) => split < 0 || assert.equal(cover[node], cover[left[node]] + cover[right[node]]));
      const depth = (node: number): number => (feature[node] < 0 ? 0 : 1 + Math.max(depth(left[node]), depth(right[node])));
      assert.ok(depth(0) <= 3);
    }
  });

  test('a weight of two is the same as the row twice', async () => {
    const once = sampleTable({ task: 'binary', rows: 200, columns: 4, seed: 8 });
    const columns = once.features.columns;
    const values = new Float32Array(400 * columns);
    values.set(once.features.values);
    values.set(once.features.values, 200 * columns);
    const twice: TrainingData = {
      ...once,
      features: { rows: 400, columns, values },
      targets: Float64Array.from([...once.targets, ...once.targets]),
    };
    const params = { iterations: 10, min_samples_leaf: 1, min_child_hessian: 2, subsample: 1, colsample: 1 };
    const weighted = await boost({ ...once, weights: new Float64Array(200).fill(2) }, params);
    const repeated = await boost(twice, params);
    const a = predictMargins(weighted, once.features);
    const b = predictMargins(repeated, once.features);
    // Not the same bits: the sums have twice the terms.
    a.forEach((margin, i) => assert.ok(Math.abs(margin - b[i]) < 1e-6));
  });

  test('the first tree is the exact greedy solution, found by trying every split', async () => {
    const data = sampleTable({ task: 'regression', rows: 120, columns: 3, seed: 9 });
    const { rows, columns, values } = data.features;
    const model = await boost(data, {
      iterations: 1,
      learning_rate: 1,
      max_leaves: 2,
      min_samples_leaf: 5,
      l2: 2,
      subsample: 1,
      colsample: 1,
    });
    const [{ feature, threshold, value }] = model.trees;
    const residual = data.targets.map((target) => model.baseMargins[0] - target);
    let best = { gain: -Infinity, feature: -1, count: 0 };
    for (let c = 0; c < columns; c++)
      for (let r = 0; r < rows; r++) {
        const side = [0, 0];
        const count = [0, 0];
        for (let i = 0; i < rows; i++) {
          const at = values[i * columns + c] <= values[r * columns + c] ? 0 : 1;
          side[at] += residual[i];
          count[at]++;
        }
        if (Math.min(...count) < 5) continue;
        const gain = side[0] ** 2 / (count[0] + 2) + side[1] ** 2 / (count[1] + 2);
        if (gain > best.gain + 1e-9) best = { gain, feature: c, count: count[0] };
      }
    assert.equal(feature[0], best.feature);
    const left = residual.filter((_, i) => values[i * columns + feature[0]] <= threshold[0]);
    assert.equal(left.length, best.count);
    const expected = -left.reduce((sum, r) => sum + r, 0) / (left.length + 2);
    assert.ok(Math.abs(value[1] - expected) <= Math.abs(expected) * 2 ** -23);
  });

  test('stops early at the best validation loss, and reports each iteration', async () => {
    const data = sampleTable({ task: 'binary', rows: 300, columns: 5, seed: 10 });
    const validation = sampleTable({ task: 'binary', rows: 300, columns: 5, seed: 11 });
    const losses: number[] = [];
    const model = await boost(
      data,
      { iterations: 500, learning_rate: 0.3, min_samples_leaf: 2, early_stopping_rounds: 10 },
      { validation, onIteration: ({ validationLoss }) => losses.push(validationLoss ?? assert.fail()) },
    );
    assert.ok(losses.length < 500);
    assert.equal(model.iterations, losses.indexOf(Math.min(...losses)) + 1);
    assert.equal(losses.length, model.iterations + 10);
    const kept = computeMetrics('binary', validation.targets, predictScores(model, validation.features)).log_loss ?? assert.fail();
    assert.ok(Math.abs(kept - Math.min(...losses)) < 1e-12);
  });

  test('stops when told to', async () => {
    const data = sampleTable({ task: 'binary', rows: 200, columns: 4, seed: 12 });
    const controller = new AbortController();
    const fit = boost(
      data,
      { iterations: 100 },
      { signal: controller.signal, onIteration: ({ iteration }) => iteration === 3 && controller.abort(new Error('enough')) },
    );
    await assert.rejects(fit, /enough/);
  });

  test('refuses what it cannot learn from, naming the place', async () => {
    const data = sampleTable({ task: 'binary', rows: 50, columns: 4, seed: 12 });
    const infinite = {
      ...data,
      features: { ...data.features, values: data.features.values.map((value, i) => (i === 9 ? Infinity : value)) },
    };
    await assert.rejects(boost(infinite, {}), { code: 'INVALID_ARGUMENT', message: /"f1" is Infinity in row 2/ });
    await assert.rejects(boost({ ...data, targets: new Float64Array(50) }, {}), { code: 'INVALID_ARGUMENT', message: /two classes/ });
    await assert.rejects(boost({ ...data, weights: data.targets.slice() }, {}), {
      code: 'INVALID_ARGUMENT',
      message: /every row has class 1/,
    });
    await assert.rejects(boost({ ...data, targets: new Float64Array(49) }, {}), { code: 'INVALID_ARGUMENT', message: /targets: 49/ });
    assert.throws(() => resolveParams('gbdt', { leaves: 3 }), { code: 'INVALID_ARGUMENT', message: /no parameter "leaves"/ });
    assert.throws(() => resolveParams('gbdt', { max_leaves: 2.5 }), { code: 'INVALID_ARGUMENT', message: /whole number from 2/ });
  });

  test('a column that is all missing is never split on, and one missing only at prediction follows the larger child', async () => {
    const data = sampleTable({ task: 'binary', rows: 300, columns: 3, seed: 13 });
    const { rows, columns, values } = data.features;
    const holed = values.map((value, i) => (i % columns === 1 ? NaN : value));
    const model = await boost({ ...data, features: { rows, columns, values: holed } }, { iterations: 10, colsample: 1 });
    for (const { feature, missingLeft, cover, left, right } of model.trees) {
      assert.ok(!feature.includes(1));
      feature.forEach((split, node) => split < 0 || assert.equal(missingLeft[node], cover[left[node]] >= cover[right[node]] ? 1 : 0));
    }
  });
});

describe('a value on a threshold, or one float32 step beside it', () => {
  test('goes the same way in training and in prediction', async () => {
    const rows = 400;
    const steps = [Math.fround(0.1)];
    while (steps.length < 8) steps.push(nextFloat32(steps[steps.length - 1]));
    const random = seeded(14);
    const chosen = Array.from({ length: rows }, () => random.int(8));
    const data: TrainingData = {
      task: 'binary',
      classes: 2,
      features: { rows, columns: 1, values: Float32Array.from(chosen, (step) => steps[step]) },
      featureNames: ['x'],
      targets: Float64Array.from(chosen, (step) => (step % 2 === 0 ? 1 : 0)),
    };
    const losses: number[] = [];
    const model = await boost(
      data,
      { iterations: 30, learning_rate: 0.5, max_leaves: 8, min_samples_leaf: 1, subsample: 1, l2: 0 },
      { onIteration: ({ trainLoss }) => losses.push(trainLoss) },
    );
    const scores = predictScores(model, data.features);
    const loss = computeMetrics('binary', data.targets, scores).log_loss ?? assert.fail();
    assert.ok(Math.abs(loss - losses[29]) < 1e-12, `${loss} in prediction, ${losses[29]} in training`);
    scores.forEach((score, i) => assert.equal(score > 0.5, data.targets[i] === 1));
    for (const { threshold } of model.trees) for (const value of threshold) assert.equal(value, Math.fround(value));
  });
});

describe('binning', () => {
  test('a threshold parts two neighbouring float32 values, however close', () => {
    const pairs: [number, number][] = [];
    for (const start of [0, 1, -1, 0.1, 1e-40, 3e38, -3e38, 16777216, 123456.789]) {
      const a = Math.fround(start);
      pairs.push([a, nextFloat32(a)], [a, Math.fround(a + Math.abs(a) * 0.01 + 1)]);
    }
    for (const [a, b] of pairs) {
      const threshold = between(a, b);
      assert.equal(threshold, Math.fround(threshold));
      assert.ok(a <= threshold && threshold < b, `${a} <= ${threshold} < ${b}`);
    }
  });

  test('keeps each distinct value apart while they fit, and splits many into bins of about equal counts', () => {
    const values = Float32Array.from({ length: 3000 }, (_, i) => (i % 3 === 0 ? 7 : i));
    const few = binFeatures({ rows: 6, columns: 1, values: Float32Array.of(3, 1, NaN, 1, 2, 3) }, 255, false);
    assert.deepEqual([...few.bins], [2, 0, 3, 0, 1, 2]);
    const many = binFeatures({ rows: 3000, columns: 1, values }, 16, false);
    const counts = new Float64Array(17);
    for (const bin of many.bins) counts[bin]++;
    assert.equal(many.binCounts[0], 16);
    assert.ok(Math.max(...counts) >= 1000);
    assert.ok(counts.filter((count) => count > 80 && count < 200).length >= 13, `${[...counts]}`);
  });
});

function nextFloat32(value: number): number {
  const bits = new Int32Array(new Float32Array([value]).buffer);
  bits[0] += value >= 0 ? 1 : -1;
  return new Float32Array(bits.buffer)[0];
}
