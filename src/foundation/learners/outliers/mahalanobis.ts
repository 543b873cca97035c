import { GyreError } from '#core';
import { tensor } from '#onnx';
import type { GraphBuilder } from '#onnx';
import { symmetricEigen } from '../linear/linear-algebra.ts';

/** How far rows lie from the middle of others, in standard deviations along each direction (Mahalanobis 1936). */
export interface Mahalanobis {
  readonly kind: 'mahalanobis';
  readonly means: readonly number[];
  /** [features][directions]: the distance is the length of `(x - means) . whitening`. Directions without any spread are left out. */
  readonly whitening: readonly (readonly number[])[];
}

/**
 * Fits means and covariance (n - 1).
 * @param values [rows][columns], flat, all finite
 * @throws GyreError INVALID_ARGUMENT when there are fewer than two rows, no column, or nothing varies
 */
export function fitMahalanobis(values: Float64Array, rows: number, columns: number): Mahalanobis {
  if (rows < 2 || columns === 0)
    throw new GyreError(
      'INVALID_ARGUMENT',
      `${rows} rows of ${columns} numbers: Mahalanobis distances need at least two rows and one number`,
    );
  const means = new Float64Array(columns);
  for (let i = 0; i < rows * columns; i++) means[i % columns] += values[i] / rows;
  // By correlations: columns of any unit count alike when it is judged what has no spread.
  const scale = new Float64Array(columns);
  for (let i = 0; i < rows * columns; i++) scale[i % columns] += (values[i] - means[i % columns]) ** 2 / (rows - 1);
  scale.forEach((variance, c) => (scale[c] = Math.sqrt(variance)));
  const correlation = new Float64Array(columns * columns);
  for (let r = 0; r < rows; r++)
    for (let a = 0; a < columns; a++) {
      if (scale[a] === 0) continue;
      const da = (values[r * columns + a] - means[a]) / scale[a] / (rows - 1);
      for (let b = 0; b < columns; b++)
        if (scale[b] > 0) correlation[a * columns + b] += (da * (values[r * columns + b] - means[b])) / scale[b];
    }
  for (let a = 0; a < columns; a++) for (let b = 0; b < a; b++) correlation[a * columns + b] = correlation[b * columns + a];
  const eigen = symmetricEigen(correlation, columns);
  const kept = Array.from(eigen.values.keys()).filter((k) => eigen.values[k] > 1e-10 * eigen.values[0]);
  if (!(eigen.values[0] > 0))
    throw new GyreError('INVALID_ARGUMENT', 'no number varies: there is nothing that distances could be measured in');
  return {
    kind: 'mahalanobis',
    means: [...means],
    whitening: Array.from(scale, (deviation, c) =>
      kept.map((k) => (deviation === 0 ? 0 : eigen.vectors[k * columns + c] / deviation / Math.sqrt(eigen.values[k]))),
    ),
  };
}

/** Adds the distance of rows to a graph. @param values name of a float64 value [N, features] @returns name of a float64 value [N, 1] */
export function appendMahalanobis(graph: GraphBuilder, values: string, { means, whitening }: Mahalanobis): string {
  const directions = whitening[0].length;
  const centred = graph.op('Sub', [values, graph.initializer('means', tensor('DOUBLE', [means.length], Float64Array.from(means)))]);
  const table = tensor('DOUBLE', [means.length, directions], Float64Array.from(whitening.flat()));
  const white = graph.op('MatMul', [centred, graph.initializer('whitening', table)]);
  const squares = graph.op('Mul', [white, white]);
  const ones = tensor(
    'DOUBLE',
    [directions, 1],
    Float64Array.from({ length: directions }, () => 1),
  );
  return graph.op('Sqrt', [graph.op('MatMul', [squares, graph.initializer('ones', ones)])]);
}
