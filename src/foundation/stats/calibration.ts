import { GyreError } from '#core';
import { quantilesOfSorted, sorted } from './quantiles.ts';
import type { NumberList } from './task.ts';

export interface CalibrationBin {
  /** The bin is [low, high), the last one [low, high]. */
  readonly low: number;
  readonly high: number;
  readonly count: number;
  /** Mean predicted probability of the rows in the bin. */
  readonly meanScore: number;
  /** Share of positive rows in the bin. */
  readonly positiveRate: number;
}

/**
 * The reliability curve: predicted probability against observed rate, per bin; bins without rows are left out.
 * @param truth 0 or 1; @param scores probabilities 0 … 1
 * @param strategy `uniform`: bins of equal width; `quantile`: bins of about equal counts (edges are type-7 quantiles; equal edges merge)
 * @throws GyreError INVALID_ARGUMENT when a score is outside 0 … 1
 */
export function calibrationCurve(
  truth: NumberList,
  scores: NumberList,
  {
    bins = 10,
    strategy = 'uniform',
    weights,
  }: { readonly bins?: number; readonly strategy?: 'uniform' | 'quantile'; readonly weights?: NumberList } = {},
): CalibrationBin[] {
  const edges = strategy === 'uniform' ? Array.from({ length: bins + 1 }, (_, i) => i / bins) : quantileEdges(scores, bins);
  const cells = edges.length - 1;
  const total = new Float64Array(cells);
  const scored = new Float64Array(cells);
  const positive = new Float64Array(cells);
  for (let i = 0; i < scores.length; i++) {
    const score = scores[i];
    if (!(score >= 0 && score <= 1))
      throw new GyreError('INVALID_ARGUMENT', `score ${score} of row ${i} is no probability: it must lie in 0 … 1`, { row: i });
    const cell = cellOf(edges, score);
    const weight = weights === undefined ? 1 : weights[i];
    total[cell] += weight;
    scored[cell] += weight * score;
    if (truth[i] === 1) positive[cell] += weight;
  }
  return Array.from(total, (count, i) => ({
    low: edges[i],
    high: edges[i + 1],
    count,
    meanScore: scored[i] / count,
    positiveRate: positive[i] / count,
  })).filter((bin) => bin.count > 0);
}

/** Expected calibration error (Naeini et al. 2015; Guo et al. 2017): the mean gap between predicted and observed rate, weighted by rows. NaN without rows. */
export function expectedCalibrationError(curve: readonly CalibrationBin[]): number {
  let gap = 0;
  let total = 0;
  for (const { count, meanScore, positiveRate } of curve) {
    gap += count * Math.abs(meanScore - positiveRate);
    total += count;
  }
  return gap / total;
}

function quantileEdges(scores: NumberList, bins: number): number[] {
  const levels = Array.from({ length: bins + 1 }, (_, i) => i / bins);
  const edges = [...new Set(quantilesOfSorted(sorted(scores), levels))];
  return edges.length === 1 ? [edges[0], edges[0]] : edges;
}

/** The last cell whose low edge is not above the value; found by bisection, so that it agrees with the printed edges. */
function cellOf(edges: readonly number[], value: number): number {
  let low = 0;
  let high = edges.length - 2;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (edges[middle] <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}
