import { rank } from './ranking.ts';
import type { NumberList } from './task.ts';

/** One decision threshold (rows at or above it are predicted positive) and the counts it leads to. */
export interface ThresholdCounts {
  readonly threshold: number;
  readonly truePositives: number;
  readonly falsePositives: number;
  readonly positives: number;
  readonly negatives: number;
}

/** The counts at every distinct score, from the strictest threshold to the laxest. */
export function thresholdCounts(truth: NumberList, scores: NumberList): ThresholdCounts[] {
  const { order, endsTie, positive } = rank((row) => truth[row] === 1, scores);
  let positives = 0;
  for (const flag of positive) positives += flag;
  const negatives = positive.length - positives;
  const points: ThresholdCounts[] = [];
  let truePositives = 0;
  for (let i = 0; i < order.length; i++) {
    truePositives += positive[order[i]];
    if (endsTie[i] === 1)
      points.push({ threshold: scores[order[i]], truePositives, falsePositives: i + 1 - truePositives, positives, negatives });
  }
  return points;
}

export interface RocPoint {
  /** null at the start (0, 0), where nothing is predicted positive. */
  readonly threshold: number | null;
  readonly falsePositiveRate: number;
  readonly truePositiveRate: number;
}

/**
 * The ROC curve for a plot, from (0, 0) to (1, 1), thinned evenly to at most `maxPoints`; empty when a class has no rows.
 * @param truth 0 or 1 per row; @param maxPoints at least 2
 */
export function rocCurve(truth: NumberList, scores: NumberList, maxPoints = 200): RocPoint[] {
  const counts = thresholdCounts(truth, scores);
  if (counts.length === 0 || counts[0].positives === 0 || counts[0].negatives === 0) return [];
  const points = counts.map((at) => ({
    threshold: at.threshold,
    falsePositiveRate: at.falsePositives / at.negatives,
    truePositiveRate: at.truePositives / at.positives,
  }));
  return thin([{ threshold: null, falsePositiveRate: 0, truePositiveRate: 0 }, ...points], maxPoints);
}

export interface PrPoint {
  readonly threshold: number;
  readonly precision: number;
  readonly recall: number;
}

/** The precision-recall curve for a plot, from the strictest threshold to the laxest, thinned to at most `maxPoints`; empty without positive rows. */
export function precisionRecallCurve(truth: NumberList, scores: NumberList, maxPoints = 200): PrPoint[] {
  const counts = thresholdCounts(truth, scores);
  if (counts.length === 0 || counts[0].positives === 0) return [];
  const points = counts.map((at) => ({
    threshold: at.threshold,
    precision: at.truePositives / (at.truePositives + at.falsePositives),
    recall: at.truePositives / at.positives,
  }));
  return thin(points, maxPoints);
}

function thin<T>(points: readonly T[], maxPoints: number): T[] {
  if (points.length <= maxPoints) return [...points];
  const step = (points.length - 1) / (maxPoints - 1);
  return Array.from({ length: maxPoints }, (_, i) => points[Math.round(i * step)]);
}
