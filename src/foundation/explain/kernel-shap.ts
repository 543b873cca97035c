import { solveSymmetric } from '#learners';
import type { Coalitions } from './coalitions.ts';

/** Shapley values with how well they stand for the model. */
export interface Fitted {
  /** One for each column; with the base they sum to the model's output. */
  readonly values: Float64Array;
  /** Weighted R² of the sums against the model over the coalitions. */
  readonly r2: number;
}

/**
 * Fits Shapley values to a model's outputs (KernelSHAP: Lundberg and Lee 2017): the weighted least squares of the sums of known columns against what the
 * model gives for them, under the constraint that all columns together make up the difference between output and base.
 * @param outputs the model's mean output over the background, for each set of `coalitions`
 * @param base its mean over the background alone; @param output what it gives for the row
 */
export function fitShapley({ sets, weights }: Coalitions, outputs: readonly number[], base: number, output: number): Fitted {
  const size = sets[0].length;
  const whole = output - base;
  const last = size - 1;
  // The constraint takes the last column out: x_k - x_last, against y - x_last * whole.
  const normal = new Float64Array(last * last);
  const right = new Float64Array(last);
  const row = new Float64Array(last);
  sets.forEach((set, at) => {
    const held = set[last] ? 1 : 0;
    for (let k = 0; k < last; k++) row[k] = (set[k] ? 1 : 0) - held;
    const target = outputs[at] - base - held * whole;
    for (let i = 0; i < last; i++) {
      if (row[i] === 0) continue;
      right[i] += weights[at] * row[i] * target;
      for (let j = 0; j < last; j++) normal[i * last + j] += weights[at] * row[i] * row[j];
    }
  });
  const values = new Float64Array(size);
  values.set(solveSymmetric(normal, right));
  values[last] = whole - values.subarray(0, last).reduce((sum, value) => sum + value, 0);
  return { values, r2: fidelity(sets, weights, outputs, base, values) };
}

function fidelity(
  sets: Coalitions['sets'],
  weights: readonly number[],
  outputs: readonly number[],
  base: number,
  values: Float64Array,
): number {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const mean = weights.reduce((sum, weight, at) => sum + weight * outputs[at], 0) / total;
  let missed = 0;
  let spread = 0;
  sets.forEach((set, at) => {
    const said = set.reduce((sum, isKnown, k) => (isKnown ? sum + values[k] : sum), base);
    missed += weights[at] * (outputs[at] - said) ** 2;
    spread += weights[at] * (outputs[at] - mean) ** 2;
  });
  // A model that gives the same for every set is told whole.
  return spread === 0 ? 1 : 1 - missed / spread;
}
