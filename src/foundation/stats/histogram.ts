import { GyreError } from '#core';
import { quantileOfSorted } from './quantiles.ts';
import type { NumberList } from './task.ts';

/**
 * Inner edges of bins that hold about the same number of reference values each: k bins from k-1 rising edges; bin i is
 * (edge[i-1], edge[i]], the outer bins are open. Values that repeat a lot give fewer bins.
 * @param rising reference values in rising order, without NaN
 * @throws GyreError INVALID_ARGUMENT when there are none
 */
export function quantileBinEdges(rising: Float64Array, bins = 10): number[] {
  if (rising.length === 0) throw new GyreError('INVALID_ARGUMENT', 'bins cannot be made from no values');
  const edges: number[] = [];
  for (let i = 1; i < bins; i++) {
    const edge = quantileOfSorted(rising, i / bins);
    if (edge < rising[rising.length - 1] && edge !== edges[edges.length - 1]) edges.push(edge);
  }
  return edges;
}

/** Inner edges of bins of equal width between two values; likewise k-1 edges for k bins. */
export function uniformBinEdges(low: number, high: number, bins = 10): number[] {
  return Array.from({ length: bins - 1 }, (_, i) => low + ((high - low) * (i + 1)) / bins);
}

/** Counts per bin of `edges.length + 1` bins; NaN values are left out. */
export function histogramOf(values: NumberList, edges: readonly number[]): Float64Array {
  const counts = new Float64Array(edges.length + 1);
  for (let i = 0; i < values.length; i++) {
    if (Number.isNaN(values[i])) continue;
    let low = 0;
    let high = edges.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (values[i] <= edges[middle]) high = middle;
      else low = middle + 1;
    }
    counts[low]++;
  }
  return counts;
}

/** Rows per category, in order of first appearance. Missing values (null) are not counted. */
export function countCategories(values: Iterable<string | null>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const value of values) if (value !== null) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}
