import { GyreError } from '#core';
import { chiSquaredSurvival } from './special.ts';
import type { NumberList } from './task.ts';

export interface ChiSquaredResult {
  readonly statistic: number;
  readonly degreesOfFreedom: number;
  readonly pValue: number;
}

/**
 * Pearson's test that two histograms come from the same law (2 x k table; `scipy.stats.chi2_contingency` without correction).
 * Bins that are empty on both sides do not count. Trustworthy when expected counts are about 5 or more: pool rare bins first.
 * @throws GyreError INVALID_ARGUMENT when the lengths differ or a side is empty
 */
export function chiSquaredTest(reference: NumberList, current: NumberList): ChiSquaredResult {
  if (reference.length !== current.length)
    throw new GyreError(
      'INVALID_ARGUMENT',
      `histograms of ${reference.length} and ${current.length} bins cannot be compared: they need the same bins`,
    );
  let n = 0;
  let m = 0;
  for (let i = 0; i < reference.length; i++) {
    n += reference[i];
    m += current[i];
  }
  if (n === 0 || m === 0) throw new GyreError('INVALID_ARGUMENT', `${n} reference rows and ${m} current ones: both sides need rows`);
  let statistic = 0;
  let used = 0;
  for (let i = 0; i < reference.length; i++) {
    const both = reference[i] + current[i];
    if (both === 0) continue;
    used++;
    statistic += (reference[i] * m - current[i] * n) ** 2 / (n * m * both);
  }
  const degreesOfFreedom = used - 1;
  return { statistic, degreesOfFreedom, pValue: degreesOfFreedom === 0 ? 1 : chiSquaredSurvival(statistic, degreesOfFreedom) };
}
