import { GyreError } from '#core';
import { checkTrainingData } from '../matrix.ts';
import type { TrainingData } from '../matrix.ts';
import type { LinearModel } from '../model.ts';
import { solveSymmetric } from './linear-algebra.ts';
import { inFeatureUnits, standardize } from './standardized.ts';

export interface LinearParams {
  /** Penalty: l2 times the squared coefficients (not the intercept) is added to the summed squared error: scikit-learn's `Ridge(alpha)`. */
  readonly l2: number;
}

/**
 * Least squares with an L2 penalty, by the normal equations on standardized features. With l2 = 0 and dependent columns, the solution of
 * least norm (on standardized features) is taken.
 * @throws GyreError INVALID_ARGUMENT unless the task is regression, or when features are missing or infinite (impute first)
 */
export function fitLinear(data: TrainingData, params: LinearParams): LinearModel {
  if (data.task !== 'regression')
    throw new GyreError('INVALID_ARGUMENT', 'linear regression predicts numbers: for classes use "logistic" or "gbdt"');
  checkTrainingData(data, 'refused');
  const standardized = standardize(data);
  const { values, scales, weights, totalWeight } = standardized;
  const { rows, columns } = data.features;
  let mean = 0;
  for (let i = 0; i < rows; i++) mean += (weights[i] / totalWeight) * data.targets[i];
  const gram = new Float64Array(columns * columns);
  const moment = new Float64Array(columns);
  for (let i = 0; i < rows; i++) {
    const row = i * columns;
    for (let a = 0; a < columns; a++) {
      const weighted = weights[i] * values[row + a];
      moment[a] += weighted * (data.targets[i] - mean);
      for (let b = 0; b <= a; b++) gram[a * columns + b] += weighted * values[row + b];
    }
  }
  for (let a = 0; a < columns; a++) {
    gram[a * columns + a] += params.l2 / (scales[a] * scales[a]);
    for (let b = 0; b < a; b++) gram[b * columns + a] = gram[a * columns + b];
  }
  const { coefficients, intercept } = inFeatureUnits(standardized, solveSymmetric(gram, moment), mean);
  return {
    kind: 'linear',
    task: 'regression',
    classes: 0,
    featureNames: [...data.featureNames],
    coefficients: [coefficients],
    intercepts: [intercept],
    featureMeans: [...standardized.means],
    iterations: 1,
    converged: true,
  };
}
