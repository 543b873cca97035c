import { GyreError } from '#core';
import type { NumberList } from './task.ts';

/** Rows by true and predicted class: the count of (truth t, predicted p) is at `t * classes + p`. */
export interface ConfusionMatrix {
  readonly classes: number;
  readonly counts: Float64Array;
}

/**
 * Counts rows by true and predicted class.
 * @param truth class indices 0 … classes-1; @param predicted likewise, the same length; @param weights one per row, 1 when absent
 * @throws GyreError INVALID_ARGUMENT when the lengths differ or a class index is out of range
 */
export function confusionMatrix(truth: NumberList, predicted: NumberList, classes: number, weights?: NumberList): ConfusionMatrix {
  if (truth.length !== predicted.length)
    throw new GyreError('INVALID_ARGUMENT', `${truth.length} true classes but ${predicted.length} predicted ones: they must pair up`);
  const counts = new Float64Array(classes * classes);
  for (let i = 0; i < truth.length; i++) {
    const at = truth[i] * classes + predicted[i];
    if (!(truth[i] >= 0 && truth[i] < classes && predicted[i] >= 0 && predicted[i] < classes && Number.isInteger(at)))
      throw new GyreError('INVALID_ARGUMENT', `row ${i}: classes ${truth[i]} and ${predicted[i]} must be indices 0 … ${classes - 1}`, {
        row: i,
      });
    counts[at] += weights === undefined ? 1 : weights[i];
  }
  return { classes, counts };
}

/** Precision, recall and F1 of one class against the rest. A ratio without rows (0/0) is 0, as in scikit-learn's default. */
export interface ClassScores {
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  /** Rows (or weight) of this true class. */
  readonly support: number;
  /** Rows (or weight) predicted as this class. */
  readonly predicted: number;
}

/** One entry per class. Formulas: Manning, Raghavan and Schütze, Introduction to Information Retrieval, section 8.3. */
export function scoresByClass({ classes, counts }: ConfusionMatrix): ClassScores[] {
  return Array.from({ length: classes }, (_, k) => {
    let support = 0;
    let predicted = 0;
    for (let j = 0; j < classes; j++) {
      support += counts[k * classes + j];
      predicted += counts[j * classes + k];
    }
    const hits = counts[k * classes + k];
    return {
      precision: ratio(hits, predicted),
      recall: ratio(hits, support),
      f1: ratio(2 * hits, support + predicted),
      support,
      predicted,
    };
  });
}

/** Share of rows on the diagonal; NaN without rows. */
export function accuracyOf({ classes, counts }: ConfusionMatrix): number {
  let hits = 0;
  let total = 0;
  for (let k = 0; k < classes; k++) hits += counts[k * classes + k];
  for (const count of counts) total += count;
  return hits / total;
}

/** Mean recall over the classes that occur in truth; NaN without rows. */
export function balancedAccuracyOf(confusion: ConfusionMatrix): number {
  const present = scoresByClass(confusion).filter((scores) => scores.support > 0);
  return present.reduce((sum, scores) => sum + scores.recall, 0) / present.length;
}

/**
 * Mean over classes of one score: `macro` gives each class that occurs (in truth or predictions) the same weight, `weighted` its support.
 * NaN without rows.
 */
export function averageOverClasses(
  confusion: ConfusionMatrix,
  score: 'precision' | 'recall' | 'f1',
  average: 'macro' | 'weighted',
): number {
  let sum = 0;
  let total = 0;
  for (const scores of scoresByClass(confusion)) {
    const weight = average === 'weighted' ? scores.support : scores.support + scores.predicted > 0 ? 1 : 0;
    sum += weight * scores[score];
    total += weight;
  }
  return sum / total;
}

/** Predicted classes: `score >= threshold` for binary. */
export function predictedAt(threshold: number, scores: NumberList): Uint8Array {
  const predicted = new Uint8Array(scores.length);
  for (let i = 0; i < scores.length; i++) predicted[i] = scores[i] >= threshold ? 1 : 0;
  return predicted;
}

/** Predicted classes: the first of the greatest probabilities of each row of `[rows][classes]`. */
export function mostProbable(probabilities: NumberList, classes: number): Int32Array {
  const predicted = new Int32Array(probabilities.length / classes);
  for (let i = 0; i < predicted.length; i++) {
    let best = 0;
    for (let k = 1; k < classes; k++) if (probabilities[i * classes + k] > probabilities[i * classes + best]) best = k;
    predicted[i] = best;
  }
  return predicted;
}

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}
