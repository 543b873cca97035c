import { GyreError } from '#core';
import type { Matrix } from '../matrix.ts';
import { symmetricEigen } from './linear-algebra.ts';

/** A principal component analysis: `(x - means) . components[k]` is component k of a row. Float32 values, for the ONNX graph. */
export interface Pca {
  readonly means: readonly number[];
  /** [components][features]; unit length; the entry of greatest size is positive. */
  readonly components: readonly (readonly number[])[];
  /** Variance (n-1) along each component, falling. */
  readonly explainedVariance: readonly number[];
  /** The same as shares of the total variance. */
  readonly explainedVarianceRatio: readonly number[];
}

/**
 * Principal components by Jacobi's method on the covariance matrix: exact and deterministic; meant for up to a few hundred features.
 * @param count components to keep, 1 … columns
 * @throws GyreError INVALID_ARGUMENT when count does not fit, there are fewer than two rows, or a value is not finite
 */
export function fitPca({ rows, columns, values }: Matrix, count: number): Pca {
  if (!(Number.isInteger(count) && count >= 1 && count <= columns))
    throw new GyreError('INVALID_ARGUMENT', `${count} components of ${columns} features: choose 1 … ${columns}`, { count, columns });
  if (rows < 2)
    throw new GyreError('INVALID_ARGUMENT', `${rows} row(s) have no variance: principal components need at least two`, { rows });
  const means = new Float64Array(columns);
  for (let i = 0; i < values.length; i++) means[i % columns] += values[i] / rows;
  if (!means.every(Number.isFinite))
    throw new GyreError('INVALID_ARGUMENT', 'principal components need finite values: impute missing ones first');
  const covariance = new Float64Array(columns * columns);
  for (let r = 0; r < rows; r++)
    for (let a = 0; a < columns; a++) {
      const da = (values[r * columns + a] - means[a]) / (rows - 1);
      for (let b = 0; b <= a; b++) covariance[a * columns + b] += da * (values[r * columns + b] - means[b]);
    }
  let total = 0;
  for (let a = 0; a < columns; a++) {
    total += covariance[a * columns + a];
    for (let b = 0; b < a; b++) covariance[b * columns + a] = covariance[a * columns + b];
  }
  const eigen = symmetricEigen(covariance, columns);
  const explainedVariance = Array.from(eigen.values.subarray(0, count), (value) => Math.max(0, value));
  return {
    means: Array.from(means, Math.fround),
    components: Array.from({ length: count }, (_, k) => Array.from(eigen.vectors.subarray(k * columns, (k + 1) * columns), Math.fround)),
    explainedVariance,
    explainedVarianceRatio: explainedVariance.map((value) => (total > 0 ? value / total : 0)),
  };
}
