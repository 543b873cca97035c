import { GyreError } from '#core';
import type { NumberList } from './task.ts';

export interface Moments {
  readonly count: number;
  readonly mean: number;
  /** Sum of squared differences from the mean. */
  readonly squares: number;
}

/** Count, mean and squared differences in one stable pass (Welford 1962); NaN values are left out. The mean of nothing is NaN. */
export function momentsOf(values: NumberList): Moments {
  let count = 0;
  let mean = 0;
  let squares = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (Number.isNaN(value)) continue;
    count++;
    const delta = value - mean;
    mean += delta / count;
    squares += delta * (value - mean);
  }
  return count === 0 ? { count, mean: NaN, squares: NaN } : { count, mean, squares };
}

/** Arithmetic mean; NaN values are left out. */
export function mean(values: NumberList): number {
  return momentsOf(values).mean;
}

/** Variance with divisor n - 1 (`sample`, the default) or n (`population`); NaN where that divisor is not positive. */
export function variance(values: NumberList, divisor: 'sample' | 'population' = 'sample'): number {
  const { count, squares } = momentsOf(values);
  const by = divisor === 'sample' ? count - 1 : count;
  return by > 0 ? squares / by : NaN;
}

/** Root of the sample variance. */
export function standardDeviation(values: NumberList): number {
  return Math.sqrt(variance(values));
}

/** Shannon entropy of counts, in nats; 0 for a single category, 0 for none. */
export function entropy(counts: NumberList): number {
  let total = 0;
  for (let i = 0; i < counts.length; i++) total += counts[i];
  let sum = 0;
  for (let i = 0; i < counts.length; i++) if (counts[i] > 0) sum -= (counts[i] / total) * Math.log(counts[i] / total);
  return sum;
}

/**
 * Pearson's correlation of paired values; pairs with a NaN are left out. NaN for fewer than two pairs or a constant side.
 * @throws GyreError INVALID_ARGUMENT when the lengths differ
 */
export function pearson(xs: NumberList, ys: NumberList): number {
  if (xs.length !== ys.length) throw new GyreError('INVALID_ARGUMENT', `${xs.length} values cannot pair with ${ys.length}`);
  let count = 0;
  let meanX = 0;
  let meanY = 0;
  let xx = 0;
  let yy = 0;
  let xy = 0;
  for (let i = 0; i < xs.length; i++) {
    if (Number.isNaN(xs[i]) || Number.isNaN(ys[i])) continue;
    count++;
    const dx = xs[i] - meanX;
    const dy = ys[i] - meanY;
    meanX += dx / count;
    meanY += dy / count;
    xx += dx * (xs[i] - meanX);
    yy += dy * (ys[i] - meanY);
    xy += dx * (ys[i] - meanY);
  }
  return xx === 0 || yy === 0 ? NaN : Math.max(-1, Math.min(1, xy / Math.sqrt(xx * yy)));
}

/** Spearman's rank correlation: Pearson's of midranks; pairs with a NaN are left out. */
export function spearman(xs: NumberList, ys: NumberList): number {
  if (xs.length !== ys.length) throw new GyreError('INVALID_ARGUMENT', `${xs.length} values cannot pair with ${ys.length}`);
  const keptX: number[] = [];
  const keptY: number[] = [];
  for (let i = 0; i < xs.length; i++) {
    if (Number.isNaN(xs[i]) || Number.isNaN(ys[i])) continue;
    keptX.push(xs[i]);
    keptY.push(ys[i]);
  }
  return pearson(midranks(keptX), midranks(keptY));
}

/** Ranks 1 … n in rising order; equal values share the mean of their ranks. */
export function midranks(values: NumberList): Float64Array {
  const order = Uint32Array.from({ length: values.length }, (_, i) => i).sort((a, b) => values[a] - values[b] || a - b);
  const ranks = new Float64Array(values.length);
  for (let start = 0; start < order.length;) {
    let end = start + 1;
    while (end < order.length && values[order[end]] === values[order[start]]) end++;
    for (let i = start; i < end; i++) ranks[order[i]] = (start + 1 + end) / 2;
    start = end;
  }
  return ranks;
}
