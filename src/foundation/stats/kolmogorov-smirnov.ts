import { GyreError } from '#core';
import { kolmogorovCritical, kolmogorovSurvival } from './kolmogorov.ts';
import type { NumberList } from './task.ts';

export interface KsResult {
  /** Greatest distance between the two empirical distribution functions, 0 … 1. */
  readonly statistic: number;
  readonly pValue: number;
}

/** Up to this size of the greater sample the p-value is exact; the same limit as scipy's. */
const exactLimit = 10_000;

/**
 * Two-sample, two-sided Kolmogorov-Smirnov test, as `scipy.stats.ks_2samp`: exact up to 10,000 values a side, else the finite-n law with
 * n = nm/(n+m). With many ties the p-value is conservative.
 * @param a values in rising order, without NaN; @param b likewise
 * @throws GyreError INVALID_ARGUMENT when a sample is empty
 */
export function ksTwoSample(a: Float64Array, b: Float64Array): KsResult {
  if (a.length === 0 || b.length === 0)
    throw new GyreError('INVALID_ARGUMENT', `samples of ${a.length} and ${b.length} values cannot be compared: both need at least one`);
  const statistic = ksDistance(a, b);
  return { statistic, pValue: ksPValue(statistic, a.length, b.length) };
}

/** The statistic alone. Both in rising order. */
export function ksDistance(a: NumberList, b: NumberList): number {
  let i = 0;
  let j = 0;
  let greatest = 0;
  while (i < a.length && j < b.length) {
    const value = Math.min(a[i], b[j]);
    while (i < a.length && a[i] <= value) i++;
    while (j < b.length && b[j] <= value) j++;
    // In integers, so that equal distances are equal numbers.
    const gap = Math.abs(i * b.length - j * a.length);
    if (gap > greatest) greatest = gap;
  }
  return greatest / (a.length * b.length);
}

/** P(D >= statistic) for two samples of the same continuous law. */
export function ksPValue(statistic: number, n: number, m: number): number {
  const effective = (n * m) / (n + m);
  // Below 1e-17 the exact sum tells nothing that the tail formula does not, and its band would be wide.
  if (Math.max(n, m) > exactLimit || effective * statistic * statistic > 20) return kolmogorovSurvival(statistic, Math.round(effective));
  return exactTail(Math.round(statistic * n * m), n, m);
}

/** The statistic whose p-value is `alpha`, by the finite-n law: right to about 1 % of itself, for display beside the p-value that decides. */
export function ksCritical(alpha: number, n: number, m: number): number {
  return kolmogorovCritical(alpha, Math.max(1, Math.round((n * m) / (n + m))));
}

/**
 * Under the null hypothesis all lattice paths from (0, 0) to (n, m) are equally likely. The walk steps right with probability
 * (n - i) / (n + m - i - j); what leaves the band |i m - j n| < gap is summed up: only positive terms, so that small p-values keep their
 * digits. Cost: the cells of the band.
 */
function exactTail(gap: number, n: number, m: number): number {
  if (gap <= 0) return 1;
  // alive[j]: the chance to stand at (i, j) having never left the band.
  const alive = new Float64Array(m + 1);
  let left = 0;
  alive[0] = 1;
  let previousLow = 0;
  let previousHigh = -1;
  for (let i = 0; i <= n; i++) {
    const low = Math.max(0, Math.floor((i * m - gap) / n) + 1);
    const high = Math.min(m, Math.ceil((i * m + gap) / n) - 1);
    if (i > 0) {
      // Cells of the column before that have no inside cell to their right leave the band by stepping right.
      for (let j = previousLow; j <= previousHigh; j++) {
        const stepRight = (n - i + 1) / (n + m - i + 1 - j);
        alive[j] *= stepRight;
        if (j < low) {
          left += alive[j];
          alive[j] = 0;
        }
      }
    }
    for (let j = low; j <= high; j++) {
      if (j === low) continue;
      alive[j] += alive[j - 1] * stepUp(i, j - 1, n, m);
    }
    if (high < m && high >= low) left += alive[high] * stepUp(i, high, n, m);
    // From here on alive[j] is only used to step right; its upward part has been passed on above.
    previousLow = low;
    previousHigh = high;
  }
  return Math.min(1, left);
}

function stepUp(i: number, j: number, n: number, m: number): number {
  return i === n && j === m ? 0 : (m - j) / (n + m - i - j);
}
