import { GyreError } from '#core';
import type { TaskKind } from '#stats';

/** A dense table of features: row-major float32, the very values that the transform graph gives. NaN means missing. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  /** `rows * columns` values; the value of row r, column c is at `r * columns + c`. */
  readonly values: Float32Array;
}

/** Features as trees read them: float32 from our transforms, float64 where another tool's graph compares in it. */
export type FeatureValues = Float32Array | Float64Array;

/** What a learner is fitted on, or judged on while it is being fitted. */
export interface TrainingData {
  readonly task: TaskKind;
  /** Number of classes: 2 for binary (class 1 is the positive one), K for multiclass, 0 for regression. */
  readonly classes: number;
  readonly features: Matrix;
  /** One name per feature column. */
  readonly featureNames: readonly string[];
  /** Class index 0 … classes-1, or the target itself for regression; one per row. */
  readonly targets: Float64Array;
  /** Sample weights (> 0 for at least one row, none negative); all 1 when absent. */
  readonly weights?: Float64Array;
}

/**
 * Checks shapes and values of training data.
 * @throws GyreError INVALID_ARGUMENT when shapes disagree, a target is no class index (or not finite), a weight is negative,
 * a feature is infinite, or (with `missing` 'refused') a feature is NaN; the message names the column and the row
 */
export function checkTrainingData(data: TrainingData, missing: 'allowed' | 'refused'): void {
  const { features, targets, weights, task, classes, featureNames } = data;
  const { rows, columns, values } = features;
  if (rows === 0) throw new GyreError('INVALID_ARGUMENT', 'there are no rows to learn from: training data must have at least one row');
  if (columns === 0)
    throw new GyreError('INVALID_ARGUMENT', 'there are no features to learn from: training data must have at least one column');
  if (values.length !== rows * columns) throw shapeError('features', values.length, rows * columns);
  if (targets.length !== rows) throw shapeError('targets', targets.length, rows);
  if (featureNames.length !== columns) throw shapeError('feature names', featureNames.length, columns);
  if (weights !== undefined && weights.length !== rows) throw shapeError('weights', weights.length, rows);
  if (weights !== undefined) checkWeights(weights);
  checkTargets(task, classes, targets, weights);
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (Number.isFinite(value) || (Number.isNaN(value) && missing === 'allowed')) continue;
    const name = featureNames[i % columns];
    const row = Math.floor(i / columns);
    const right = Number.isNaN(value)
      ? 'impute missing values before this learner'
      : 'features must be finite numbers (or NaN for missing)';
    throw new GyreError('INVALID_ARGUMENT', `feature "${name}" is ${value} in row ${row}: ${right}`, { feature: name, row });
  }
}

function checkTargets(task: TaskKind, classes: number, targets: Float64Array, weights: Float64Array | undefined): void {
  if (task === 'regression') {
    const bad = targets.findIndex((target) => !Number.isFinite(target));
    if (bad >= 0)
      throw new GyreError('INVALID_ARGUMENT', `the target of row ${bad} is ${targets[bad]}: a regression target must be finite`, {
        row: bad,
      });
    return;
  }
  if (task === 'binary' ? classes !== 2 : !(Number.isInteger(classes) && classes >= 2))
    throw new GyreError('INVALID_ARGUMENT', `${classes} classes do not fit a ${task} task: binary has 2, multiclass at least 2`, {
      classes,
    });
  const bad = targets.findIndex((target) => !Number.isInteger(target) || target < 0 || target >= classes);
  if (bad >= 0)
    throw new GyreError('INVALID_ARGUMENT', `the target of row ${bad} is ${targets[bad]}: it must be a class index 0 … ${classes - 1}`, {
      row: bad,
    });
  // A row without weight teaches nothing of its class.
  const counted = weights === undefined ? targets : targets.filter((_, i) => weights[i] > 0);
  const first = counted[0];
  if (counted.every((target) => target === first))
    throw new GyreError('INVALID_ARGUMENT', `every row has class ${first}: a classifier needs at least two classes in its training data`, {
      class: first,
    });
}

function checkWeights(weights: Float64Array): void {
  const bad = weights.findIndex((weight) => !(weight >= 0) || weight === Infinity);
  if (bad >= 0)
    throw new GyreError('INVALID_ARGUMENT', `the weight of row ${bad} is ${weights[bad]}: weights must be finite and not negative`, {
      row: bad,
    });
  if (weights.every((weight) => weight === 0)) throw new GyreError('INVALID_ARGUMENT', 'all weights are 0: at least one row must count');
}

function shapeError(what: string, actual: number, expected: number): GyreError {
  return new GyreError('INVALID_ARGUMENT', `${what}: ${actual} given where the matrix asks for ${expected}`, { actual, expected });
}

/** @throws GyreError INVALID_ARGUMENT when a matrix has not the number of columns that a model was fitted on. */
export function checkColumns(matrix: Matrix, expected: number): void {
  if (matrix.columns !== expected || matrix.values.length !== matrix.rows * matrix.columns)
    throw new GyreError(
      'INVALID_ARGUMENT',
      `the model was fitted on ${expected} features, and these are ${matrix.rows} rows of ${matrix.columns} with ${matrix.values.length} values`,
      { expected, columns: matrix.columns },
    );
}
