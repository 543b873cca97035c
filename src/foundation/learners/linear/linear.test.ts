import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { seeded } from '#core';
import { fitLearner } from '../fit.ts';
import type { TrainingData } from '../matrix.ts';
import type { LinearModel } from '../model.ts';
import { predictProbabilities } from '../predict.ts';
import { sampleTable } from '../sample-table.ts';
import { minimize } from './lbfgs.ts';
import { solveSymmetric, symmetricEigen } from './linear-algebra.ts';
import { fitPca } from './pca.ts';

async function fit(learner: 'logistic' | 'linear', data: TrainingData, params: Record<string, number> = {}): Promise<LinearModel> {
  const model = await fitLearner(learner, data, params, { random: seeded(1) });
  return model.kind === 'gbdt' ? assert.fail() : model;
}

describe('logistic regression', () => {
  for (const task of ['binary', 'multiclass'] as const)
    test(`stops where the penalised ${task} log loss has no slope, weights and unscaled columns included`, async () => {
      const data = sampleTable({ task, rows: 500, columns: 5, seed: 1, weighted: true });
      const { rows, columns, values } = data.features;
      values.forEach((value, i) => (values[i] = i % columns === 3 ? 1000 + 50 * value : value));
      const l2 = 3;
      const model = await fit('logistic', data, { l2 });
      assert.ok(model.converged);
      const probabilities = predictProbabilities(model, data.features);
      model.coefficients.forEach((output, k) => {
        const classIndex = task === 'binary' ? 1 : k;
        for (let c = 0; c < columns; c++) {
          let slope = l2 * output[c];
          let size = 0;
          for (let i = 0; i < rows; i++) {
            const residual = probabilities[i * data.classes + classIndex] - (data.targets[i] === classIndex ? 1 : 0);
            const term = (data.weights?.[i] ?? 1) * residual * (values[i * columns + c] - model.featureMeans[c]);
            slope += term;
            size += Math.abs(term);
          }
          // Coefficients are rounded to float32.
          assert.ok(Math.abs(slope) < 1e-4 * size, `class ${k}, column ${c}: slope ${slope} of ${size}`);
        }
      });
    });

  test('refuses missing values, naming feature and row, and regression targets', async () => {
    const data = sampleTable({ task: 'binary', rows: 50, columns: 3, seed: 2, missingShare: 0.2 });
    await assert.rejects(fit('logistic', data), { code: 'INVALID_ARGUMENT', message: /feature "f\d" is NaN in row \d+: impute/ });
    await assert.rejects(fit('logistic', sampleTable({ task: 'regression', rows: 50, columns: 3, seed: 2 })), {
      code: 'INVALID_ARGUMENT',
      message: /not for a regression/,
    });
  });

  test('a constant column gets no coefficient', async () => {
    const data = sampleTable({ task: 'binary', rows: 200, columns: 3, seed: 3 });
    data.features.values.forEach((_, i) => i % 3 === 2 && (data.features.values[i] = 0.1));
    assert.equal((await fit('logistic', data, { l2: 0 })).coefficients[0][2], 0);
  });
});

describe('ridge regression', () => {
  test('finds an exact linear rule when there is no penalty', async () => {
    const data = sampleTable({ task: 'regression', rows: 100, columns: 3, seed: 4 });
    const { values } = data.features;
    data.targets.forEach((_, i) => (data.targets[i] = 2 * values[i * 3] - 0.25 * values[i * 3 + 1] + 5));
    const model = await fit('linear', data, { l2: 0 });
    [2, -0.25, 0].forEach((expected, c) => assert.ok(Math.abs(model.coefficients[0][c] - expected) < 1e-6));
    assert.ok(Math.abs(model.intercepts[0] - 5) < 1e-5);
  });

  test('shares the weight between two copies of a column without a penalty', async () => {
    const data = sampleTable({ task: 'regression', rows: 100, columns: 2, seed: 5 });
    const { values } = data.features;
    for (let i = 0; i < 100; i++) values[i * 2 + 1] = values[i * 2];
    data.targets.forEach((_, i) => (data.targets[i] = 4 * values[i * 2]));
    const [coefficients] = (await fit('linear', data, { l2: 0 })).coefficients;
    coefficients.forEach((coefficient) => assert.ok(Math.abs(coefficient - 2) < 1e-5, `${coefficients}`));
  });
});

describe('principal components', () => {
  test('are orthonormal, carry falling variance that adds up, and point one way only', () => {
    const { features } = sampleTable({ task: 'regression', rows: 300, columns: 4, seed: 6 });
    const { components, explainedVariance, explainedVarianceRatio } = fitPca(features, 4);
    components.forEach((a, i) => {
      components.forEach((b, j) => assert.ok(Math.abs(a.reduce((sum, value, c) => sum + value * b[c], 0) - (i === j ? 1 : 0)) < 1e-6));
      assert.ok(a.reduce((largest, value) => (Math.abs(value) > Math.abs(largest) ? value : largest)) > 0);
    });
    assert.deepEqual(
      explainedVariance,
      explainedVariance.toSorted((a, b) => b - a),
    );
    assert.ok(Math.abs(explainedVarianceRatio.reduce((sum, share) => sum + share) - 1) < 1e-9);
    assert.throws(() => fitPca(features, 5), { code: 'INVALID_ARGUMENT' });
  });

  test('eigenvectors solve A v = lambda v', () => {
    const a = Float64Array.of(4, 1, -2, 1, 3, 0, -2, 0, 5);
    const { values, vectors } = symmetricEigen(a, 3);
    for (let k = 0; k < 3; k++)
      for (let i = 0; i < 3; i++) {
        let product = 0;
        for (let j = 0; j < 3; j++) product += a[i * 3 + j] * vectors[k * 3 + j];
        assert.ok(Math.abs(product - values[k] * vectors[k * 3 + i]) < 1e-12);
      }
    const x = solveSymmetric(a, Float64Array.of(1, 2, 3));
    [0, 1, 2].forEach((i) => assert.ok(Math.abs(a[i * 3] * x[0] + a[i * 3 + 1] * x[1] + a[i * 3 + 2] * x[2] - (i + 1)) < 1e-12));
  });
});

describe('L-BFGS', () => {
  test("finds the bottom of Rosenbrock's valley", () => {
    const rosenbrock = (at: Float64Array, gradient: Float64Array): number => {
      const [x, y] = at;
      gradient[0] = -400 * x * (y - x * x) - 2 * (1 - x);
      gradient[1] = 200 * (y - x * x);
      return 100 * (y - x * x) ** 2 + (1 - x) ** 2;
    };
    const { at, converged } = minimize(rosenbrock, Float64Array.of(-1.2, 1), { maxIterations: 200, tolerance: 1e-9 });
    assert.ok(converged);
    assert.ok(Math.abs(at[0] - 1) < 1e-8 && Math.abs(at[1] - 1) < 1e-8);
  });
});
