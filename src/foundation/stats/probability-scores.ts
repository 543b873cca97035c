import type { NumberList } from './task.ts';

/** Probabilities are kept this far from 0 and 1 in the log loss: float64's epsilon, as in scikit-learn. */
const epsilon = 2 ** -52;

/** Mean negative log probability of the true class, in nats. @param scores P(class 1) per row; @param truth 0 or 1 */
export function binaryLogLoss(truth: NumberList, scores: NumberList, weights?: NumberList): number {
  return weightedMean(truth.length, weights, (i) => {
    const p = Math.min(1 - epsilon, Math.max(epsilon, scores[i]));
    return truth[i] === 1 ? -Math.log(p) : -Math.log(1 - p);
  });
}

/** Mean negative log probability of the true class, in nats. @param probabilities [rows][classes], flat; each row is scaled to sum 1 */
export function multiclassLogLoss(truth: NumberList, probabilities: NumberList, classes: number, weights?: NumberList): number {
  return weightedMean(truth.length, weights, (i) => {
    let sum = 0;
    for (let k = 0; k < classes; k++) sum += probabilities[i * classes + k];
    const p = probabilities[i * classes + truth[i]] / sum;
    return -Math.log(Math.min(1 - epsilon, Math.max(epsilon, p)));
  });
}

/** Mean squared difference between P(class 1) and the outcome (Brier 1950, in its binary form). */
export function binaryBrier(truth: NumberList, scores: NumberList, weights?: NumberList): number {
  return weightedMean(truth.length, weights, (i) => (scores[i] - truth[i]) ** 2);
}

/** Brier's original score: squared differences summed over the classes, 0 … 2. */
export function multiclassBrier(truth: NumberList, probabilities: NumberList, classes: number, weights?: NumberList): number {
  return weightedMean(truth.length, weights, (i) => {
    let sum = 0;
    for (let k = 0; k < classes; k++) sum += (probabilities[i * classes + k] - (truth[i] === k ? 1 : 0)) ** 2;
    return sum;
  });
}

/** Mean of a value per row; NaN without rows (or weight). */
export function weightedMean(rows: number, weights: NumberList | undefined, value: (row: number) => number): number {
  let sum = 0;
  let total = 0;
  for (let i = 0; i < rows; i++) {
    const weight = weights === undefined ? 1 : weights[i];
    if (weight === 0) continue;
    sum += weight * value(i);
    total += weight;
  }
  return sum / total;
}
