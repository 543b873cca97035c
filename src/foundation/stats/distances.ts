import { GyreError } from '#core';
import type { NumberList } from './task.ts';

/** Proportions of counts. @throws GyreError INVALID_ARGUMENT when the lengths differ, a count is negative, or a side is empty */
function proportions(reference: NumberList, current: NumberList, smoothing: number): readonly [Float64Array, Float64Array] {
  if (reference.length !== current.length)
    throw new GyreError(
      'INVALID_ARGUMENT',
      `histograms of ${reference.length} and ${current.length} bins cannot be compared: they need the same bins`,
    );
  return [share(reference, smoothing), share(current, smoothing)];
}

function share(counts: NumberList, smoothing: number): Float64Array {
  let total = 0;
  for (let i = 0; i < counts.length; i++) {
    if (!(counts[i] >= 0)) throw new GyreError('INVALID_ARGUMENT', `bin ${i} holds ${counts[i]}: counts are not negative`);
    total += counts[i];
  }
  if (total === 0) throw new GyreError('INVALID_ARGUMENT', 'an empty histogram has no distance to another: at least one row is needed');
  return Float64Array.from(counts, (count) => (count + smoothing) / (total + smoothing * counts.length));
}

/**
 * Population stability index between two histograms, in nats: sum of (q - p) ln(q / p) (Siddiqi 2006; Jeffreys' divergence).
 * @param reference counts per bin, length k; @param current counts per bin, the same k bins
 * @returns PSI >= 0; 0 when both have the same proportions (and size, for the smoothing)
 * @throws GyreError INVALID_ARGUMENT when the lengths differ or a histogram is empty
 * Each bin is smoothed with 0.5 of a count, so that an empty bin is not infinitely far.
 */
export function populationStabilityIndex(reference: NumberList, current: NumberList): number {
  const [p, q] = proportions(reference, current, 0.5);
  return sum(p, q, (a, b) => (b - a) * Math.log(b / a));
}

/** Jensen-Shannon distance: root of the divergence in nats, 0 … sqrt(ln 2), as `scipy.spatial.distance.jensenshannon`. Errors as above. */
export function jensenShannonDistance(reference: NumberList, current: NumberList): number {
  const [p, q] = proportions(reference, current, 0);
  const half = (a: number, b: number): number => (a === 0 ? 0 : a * Math.log((2 * a) / (a + b)));
  return Math.sqrt(Math.max(0, sum(p, q, (a, b) => half(a, b) + half(b, a)) / 2));
}

/** Total variation distance, 0 … 1: the greatest difference in probability of any event. Errors as above. */
export function totalVariation(reference: NumberList, current: NumberList): number {
  const [p, q] = proportions(reference, current, 0);
  return sum(p, q, (a, b) => Math.abs(a - b)) / 2;
}

/** Hellinger distance, 0 … 1. Errors as above. */
export function hellingerDistance(reference: NumberList, current: NumberList): number {
  const [p, q] = proportions(reference, current, 0);
  return Math.sqrt(sum(p, q, (a, b) => (Math.sqrt(a) - Math.sqrt(b)) ** 2) / 2);
}

/**
 * Wasserstein-1 (earth mover's) distance of two samples, in the values' unit: the area between their distribution functions.
 * @param a values in rising order; @param b likewise
 * @throws GyreError INVALID_ARGUMENT when a sample is empty
 */
export function wassersteinDistance(a: NumberList, b: NumberList): number {
  if (a.length === 0 || b.length === 0)
    throw new GyreError('INVALID_ARGUMENT', 'an empty sample has no distance to another: both need at least one value');
  let i = 0;
  let j = 0;
  let area = 0;
  let at = Math.min(a[0], b[0]);
  while (i < a.length || j < b.length) {
    const next = Math.min(i < a.length ? a[i] : Infinity, j < b.length ? b[j] : Infinity);
    if (next > at) area += (next - at) * Math.abs(i / a.length - j / b.length);
    at = next;
    while (i < a.length && a[i] === next) i++;
    while (j < b.length && b[j] === next) j++;
  }
  return area;
}

function sum(p: Float64Array, q: Float64Array, term: (a: number, b: number) => number): number {
  let total = 0;
  for (let i = 0; i < p.length; i++) total += term(p[i], q[i]);
  return total;
}
