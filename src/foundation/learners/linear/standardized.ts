import type { TrainingData } from '../matrix.ts';

/** Training features centred and scaled in float64, so that the optimiser sees a well-conditioned problem whatever the units. */
export interface Standardized {
  /** [rows][columns] */
  readonly values: Float64Array;
  readonly means: Float64Array;
  /** Population deviation; 1 for a constant column. */
  readonly scales: Float64Array;
  readonly weights: Float64Array;
  readonly totalWeight: number;
}

export function standardize({ features, weights: given }: TrainingData): Standardized {
  const { rows, columns, values } = features;
  const weights = given ?? new Float64Array(rows).fill(1);
  let totalWeight = 0;
  for (const weight of weights) totalWeight += weight;
  const means = new Float64Array(columns);
  for (let i = 0; i < rows; i++) for (let c = 0; c < columns; c++) means[c] += (weights[i] / totalWeight) * values[i * columns + c];
  const scales = new Float64Array(columns);
  for (let i = 0; i < rows; i++)
    for (let c = 0; c < columns; c++) scales[c] += (weights[i] / totalWeight) * (values[i * columns + c] - means[c]) ** 2;
  const constant = new Uint8Array(columns);
  for (let c = 0; c < columns; c++) {
    const deviation = Math.sqrt(scales[c]);
    // What rounding leaves of a constant column must not pass for variation.
    constant[c] = deviation <= 1e-7 * Math.abs(means[c]) || deviation === 0 ? 1 : 0;
    scales[c] = constant[c] === 1 ? 1 : deviation;
  }
  const scaled = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++)
    for (let c = 0; c < columns; c++) scaled[i * columns + c] = constant[c] === 1 ? 0 : (values[i * columns + c] - means[c]) / scales[c];
  return { values: scaled, means, scales, weights, totalWeight };
}

/** Coefficients and intercept in the features' own units, rounded to float32. @param direction one per column, on standardized features */
export function inFeatureUnits(
  { means, scales }: Standardized,
  direction: Float64Array,
  intercept: number,
): { coefficients: number[]; intercept: number } {
  const coefficients = Array.from(direction, (value, c) => Math.fround(value / scales[c]));
  // With the rounded coefficients, so that the margin at the mean stays what it was.
  const shift = coefficients.reduce((sum, coefficient, c) => sum + coefficient * means[c], 0);
  return { coefficients, intercept: Math.fround(intercept - shift) };
}
