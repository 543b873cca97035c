import { GyreError } from '#core';
import { thresholdCounts } from './curves.ts';
import type { ThresholdCounts } from './curves.ts';
import type { NumberList } from './task.ts';

/**
 * What a decision threshold is chosen for: the greatest F1, the greatest Youden index (true positive rate minus false positive rate),
 * or the least total cost of wrong decisions.
 */
export type ThresholdCriterion =
  | { readonly kind: 'max_f1' }
  | { readonly kind: 'youden' }
  | { readonly kind: 'cost'; readonly falsePositive: number; readonly falseNegative: number };

export interface ChosenThreshold {
  /** Predict positive at `score >= threshold`. */
  readonly threshold: number;
  /** F1, Youden index, or mean cost per row at that threshold. */
  readonly value: number;
}

/**
 * The best decision threshold on rows that were not trained on (validation, never test). Between two scores the midpoint is taken, so that
 * rounding of scores does not flip rows; of equally good ones, the strictest.
 * @param truth 0 or 1; @param scores probabilities of class 1
 * @throws GyreError INVALID_ARGUMENT when a class has no rows
 */
export function chooseThreshold(truth: NumberList, scores: NumberList, criterion: ThresholdCriterion): ChosenThreshold {
  const counts = thresholdCounts(truth, scores);
  if (counts.length === 0 || counts[0].positives === 0 || counts[0].negatives === 0)
    throw new GyreError('INVALID_ARGUMENT', 'a decision threshold cannot be chosen on rows of one class: both must occur');
  let best = -1;
  // "Predict nobody positive" is a choice as well when decisions have a cost.
  let bestUtility = criterion.kind === 'cost' ? -criterion.falseNegative * counts[0].positives : -Infinity;
  counts.forEach((at, i) => {
    const utility = utilityOf(criterion, at);
    if (utility > bestUtility) {
      best = i;
      bestUtility = utility;
    }
  });
  const threshold =
    best === -1
      ? counts[0].threshold + 1e-6
      : best === counts.length - 1
        ? counts[best].threshold
        : (counts[best].threshold + counts[best + 1].threshold) / 2;
  const value = criterion.kind === 'cost' ? -bestUtility / truth.length : bestUtility;
  return { threshold, value };
}

function utilityOf(criterion: ThresholdCriterion, at: ThresholdCounts): number {
  const falseNegatives = at.positives - at.truePositives;
  switch (criterion.kind) {
    case 'max_f1':
      return (2 * at.truePositives) / (at.truePositives + at.falsePositives + at.positives);
    case 'youden':
      return at.truePositives / at.positives - at.falsePositives / at.negatives;
    case 'cost':
      return -(criterion.falsePositive * at.falsePositives + criterion.falseNegative * falseNegatives);
  }
}
