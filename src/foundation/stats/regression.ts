import { weightedMean } from './probability-scores.ts';
import type { NumberList } from './task.ts';

/** Mean squared error. NaN without rows. */
export function meanSquaredError(truth: NumberList, predicted: NumberList, weights?: NumberList): number {
  return weightedMean(truth.length, weights, (i) => (truth[i] - predicted[i]) ** 2);
}

/** Mean absolute error. NaN without rows. */
export function meanAbsoluteError(truth: NumberList, predicted: NumberList, weights?: NumberList): number {
  return weightedMean(truth.length, weights, (i) => Math.abs(truth[i] - predicted[i]));
}

/** Mean absolute percentage error as a fraction; a true value of 0 counts as float64's epsilon, as in scikit-learn. NaN without rows. */
export function meanAbsolutePercentageError(truth: NumberList, predicted: NumberList, weights?: NumberList): number {
  return weightedMean(truth.length, weights, (i) => Math.abs(truth[i] - predicted[i]) / Math.max(Math.abs(truth[i]), 2 ** -52));
}

/** Coefficient of determination: 1 - residual over total sum of squares. NaN without rows or when truth is constant. */
export function r2(truth: NumberList, predicted: NumberList, weights?: NumberList): number {
  const mean = weightedMean(truth.length, weights, (i) => truth[i]);
  const residual = weightedMean(truth.length, weights, (i) => (truth[i] - predicted[i]) ** 2);
  const total = weightedMean(truth.length, weights, (i) => (truth[i] - mean) ** 2);
  return total === 0 ? NaN : 1 - residual / total;
}
