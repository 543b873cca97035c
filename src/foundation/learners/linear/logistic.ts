import { GyreError } from '#core';
import { checkTrainingData } from '../matrix.ts';
import type { TrainingData } from '../matrix.ts';
import type { LinearModel } from '../model.ts';
import { minimize } from './lbfgs.ts';
import { inFeatureUnits, standardize } from './standardized.ts';
import type { Standardized } from './standardized.ts';

export interface LogisticParams {
  /** Penalty: l2 / 2 times the squared coefficients (not the intercepts) is added to the summed log loss. scikit-learn's C is 1 / l2. */
  readonly l2: number;
  readonly max_iterations: number;
}

export interface LinearFitOptions {
  /** Mean penalised loss after each iteration. */
  readonly onIteration?: (metrics: { readonly iteration: number; readonly trainLoss: number }) => void;
  readonly signal?: AbortSignal;
}

/**
 * Logistic regression: binary by one sigmoid, multiclass by softmax with one coefficient vector per class, as scikit-learn's
 * `LogisticRegression` (solver lbfgs). The problem is convex; the optimum found is that of the features as given.
 * @throws GyreError INVALID_ARGUMENT for regression data, missing or infinite features (impute first), targets of one class
 */
export function fitLogistic(data: TrainingData, params: LogisticParams, options: LinearFitOptions = {}): LinearModel {
  if (data.task === 'regression')
    throw new GyreError('INVALID_ARGUMENT', 'logistic regression predicts classes: for a numeric target use "linear" or "gbdt"');
  checkTrainingData(data, 'refused');
  const standardized = standardize(data);
  const outputs = data.task === 'binary' ? 1 : data.classes;
  const columns = data.features.columns;
  const { maxIterations, onIteration, signal } = { maxIterations: params.max_iterations, ...options };
  const found = minimize(objectiveOf(data, standardized, outputs, params.l2), new Float64Array(outputs * (columns + 1)), {
    maxIterations,
    tolerance: 1e-8,
    ...(onIteration && { onIteration: (iteration: number, trainLoss: number) => onIteration({ iteration, trainLoss }) }),
    ...(signal && { signal }),
  });
  const fitted = Array.from({ length: outputs }, (_, k) => {
    const at = k * (columns + 1);
    return inFeatureUnits(standardized, found.at.slice(at, at + columns), found.at[at + columns]);
  });
  return {
    kind: 'logistic',
    task: data.task,
    classes: data.classes,
    featureNames: [...data.featureNames],
    coefficients: fitted.map((output) => output.coefficients),
    intercepts: centred(fitted.map((output) => output.intercept)),
    featureMeans: [...standardized.means],
    iterations: found.iterations,
    converged: found.converged,
  };
}

/** Softmax does not change when all intercepts move together: keep their mean at 0, as scikit-learn does, so that fits compare. */
function centred(intercepts: readonly number[]): number[] {
  if (intercepts.length === 1) return [...intercepts];
  const mean = intercepts.reduce((sum, value) => sum + value, 0) / intercepts.length;
  return intercepts.map((value) => Math.fround(value - mean));
}

/** Mean weighted log loss plus penalty, over the layout [outputs][columns + intercept]. */
function objectiveOf(
  { features, targets }: TrainingData,
  { values, scales, weights, totalWeight }: Standardized,
  outputs: number,
  l2: number,
) {
  const { rows, columns } = features;
  const stride = columns + 1;
  const margins = new Float64Array(outputs);
  return (at: Float64Array, gradient: Float64Array): number => {
    gradient.fill(0);
    let loss = 0;
    for (let i = 0; i < rows; i++) {
      const weight = weights[i] / totalWeight;
      if (weight === 0) continue;
      const row = i * columns;
      for (let k = 0; k < outputs; k++) {
        const base = k * stride;
        let margin = at[base + columns];
        for (let c = 0; c < columns; c++) margin += at[base + c] * values[row + c];
        margins[k] = margin;
      }
      loss += weight * (outputs === 1 ? sigmoidResidual(margins, targets[i]) : softmaxResidual(margins, targets[i]));
      for (let k = 0; k < outputs; k++) {
        const base = k * stride;
        const residual = weight * margins[k];
        for (let c = 0; c < columns; c++) gradient[base + c] += residual * values[row + c];
        gradient[base + columns] += residual;
      }
    }
    for (let k = 0; k < outputs; k++)
      for (let c = 0; c < columns; c++) {
        const penalty = (l2 * at[k * stride + c]) / (scales[c] * scales[c] * totalWeight);
        loss += (penalty * at[k * stride + c]) / 2;
        gradient[k * stride + c] += penalty;
      }
    return loss;
  };
}

/** Replaces the margin by P - y and returns the log loss. */
function sigmoidResidual(margins: Float64Array, target: number): number {
  const margin = margins[0];
  margins[0] = 1 / (1 + Math.exp(-margin)) - target;
  const signed = target === 1 ? -margin : margin;
  return signed > 0 ? signed + Math.log1p(Math.exp(-signed)) : Math.log1p(Math.exp(signed));
}

function softmaxResidual(margins: Float64Array, target: number): number {
  let greatest = -Infinity;
  for (const margin of margins) greatest = Math.max(greatest, margin);
  const own = margins[target] - greatest;
  let sum = 0;
  for (let k = 0; k < margins.length; k++) {
    margins[k] = Math.exp(margins[k] - greatest);
    sum += margins[k];
  }
  for (let k = 0; k < margins.length; k++) margins[k] = margins[k] / sum - (k === target ? 1 : 0);
  return Math.log(sum) - own;
}
