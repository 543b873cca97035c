import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { seeded } from '#core';
import { contributions, featureImportance } from './contributions.ts';
import { fitLearner } from './fit.ts';
import type { Tree } from './model.ts';
import { predictMargins } from './predict.ts';
import { sampleTable } from './sample-table.ts';

/** The tree's expectation when only the features of `known` are known: the definition that Shapley values are made from. */
function expectation(tree: Tree, row: Float32Array, known: ReadonlySet<number>, node = 0): number {
  const feature = tree.feature[node];
  if (feature < 0) return tree.value[node];
  const left = tree.left[node];
  const right = tree.right[node];
  if (known.has(feature)) {
    const goesLeft = Number.isNaN(row[feature]) ? tree.missingLeft[node] === 1 : row[feature] <= tree.threshold[node];
    return expectation(tree, row, known, goesLeft ? left : right);
  }
  const part = tree.cover[left] / tree.cover[node];
  return part * expectation(tree, row, known, left) + (1 - part) * expectation(tree, row, known, right);
}

/** Shapley values by their definition: over all subsets of the other features. */
function shapley(trees: readonly Tree[], row: Float32Array): number[] {
  const size = row.length;
  const worth = Array.from({ length: 1 << size }, (_, mask) => {
    const known = new Set(Array.from({ length: size }, (__, f) => f).filter((f) => (mask >> f) & 1));
    return trees.reduce((sum, tree) => sum + expectation(tree, row, known), 0);
  });
  const factorial = (n: number): number => (n < 2 ? 1 : n * factorial(n - 1));
  return Array.from({ length: size }, (_, f) => {
    let phi = 0;
    for (let mask = 0; mask < 1 << size; mask++) {
      if ((mask >> f) & 1) continue;
      const others = mask.toString(2).replaceAll('0', '').length;
      phi += ((factorial(others) * factorial(size - others - 1)) / factorial(size)) * (worth[mask | (1 << f)] - worth[mask]);
    }
    return phi;
  });
}

describe('contributions of features to a prediction', () => {
  test('of trees are the Shapley values of their definition, summed over all subsets', async () => {
    const data = sampleTable({ task: 'binary', rows: 300, columns: 6, seed: 1, missingShare: 0.1 });
    const model = await fitLearner(
      'gbdt',
      data,
      { iterations: 8, max_leaves: 12, min_samples_leaf: 5, learning_rate: 0.3, colsample: 1 },
      { random: seeded(1) },
    );
    assert.ok(model.kind === 'gbdt');
    const { values } = contributions(model, data.features);
    for (let i = 0; i < 25; i++) {
      const expected = shapley(model.trees, data.features.values.subarray(i * 6, i * 6 + 6));
      expected.forEach((phi, f) =>
        assert.ok(Math.abs(values[i * 6 + f] - phi) < 1e-9, `row ${i}, feature ${f}: ${values[i * 6 + f]}, by definition ${phi}`),
      );
    }
  });

  for (const [learner, task] of [
    ['gbdt', 'binary'],
    ['gbdt', 'multiclass'],
    ['gbdt', 'regression'],
    ['logistic', 'binary'],
    ['logistic', 'multiclass'],
    ['linear', 'regression'],
  ] as const)
    test(`of ${learner} for ${task} add up to the margin`, async () => {
      const data = sampleTable({ task, rows: 400, columns: 7, seed: 2, missingShare: learner === 'gbdt' ? 0.1 : 0 });
      const model = await fitLearner(learner, data, learner === 'gbdt' ? { iterations: 40 } : {}, { random: seeded(1) });
      const { outputs, baseValues, values } = contributions(model, data.features);
      const margins = predictMargins(model, data.features);
      margins.forEach((margin, i) => {
        let sum = baseValues[i % outputs];
        for (let f = 0; f < 7; f++) sum += values[i * 7 + f];
        assert.ok(Math.abs(sum - margin) < 1e-6 * Math.max(1, Math.abs(margin)), `margin ${margin}, contributions ${sum}`);
      });
    });

  test('a feature without meaning gets little importance, and shares sum to one', async () => {
    const data = sampleTable({ task: 'binary', rows: 800, columns: 5, seed: 3 });
    const model = await fitLearner('gbdt', data, { iterations: 50, min_gain: 2 }, { random: seeded(1) });
    const importance = featureImportance(model);
    assert.ok(Math.abs(importance.reduce((sum, share) => sum + share, 0) - 1) < 1e-12);
    assert.ok(importance[0] > 5 * importance[4], `${[...importance]}`);
  });
});
