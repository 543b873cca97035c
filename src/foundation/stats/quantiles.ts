import type { NumberList } from './task.ts';

/** The numbers in rising order, NaN left out. */
export function sorted(values: NumberList): Float64Array {
  const kept = Float64Array.from(values).filter((value) => !Number.isNaN(value));
  return kept.sort();
}

/**
 * A quantile of numbers in rising order by linear interpolation (Hyndman and Fan 1996, type 7: the default of R and NumPy).
 * @param level 0 … 1. NaN for an empty list.
 */
export function quantileOfSorted(rising: NumberList, level: number): number {
  if (rising.length === 0) return NaN;
  const position = (rising.length - 1) * level;
  const below = Math.floor(position);
  const part = position - below;
  const low = rising[below];
  return part === 0 ? low : low + part * (rising[below + 1] - low);
}

/** Several quantiles of numbers in rising order. */
export function quantilesOfSorted(rising: NumberList, levels: readonly number[]): number[] {
  return levels.map((level) => quantileOfSorted(rising, level));
}

/** A quantile of numbers in any order; NaN values are left out. */
export function quantile(values: NumberList, level: number): number {
  return quantileOfSorted(sorted(values), level);
}

/** The middle value (mean of the two middle ones for an even count); NaN values are left out. */
export function median(values: NumberList): number {
  return quantile(values, 0.5);
}

/** A numeric column in a few hundred numbers: moments, extremes and an even grid of quantiles. Plain JSON. */
export interface NumericSketch {
  /** Values that are not missing. */
  readonly count: number;
  readonly missing: number;
  /** null when count is 0. */
  readonly mean: number | null;
  /** Sample standard deviation (n-1); null when count is below 2. */
  readonly standardDeviation: number | null;
  /** Quantiles at levels 0, 1/(k-1), …, 1; empty when count is 0. */
  readonly quantiles: readonly number[];
}

/** @param size number of quantiles kept, at least 2; the distribution function read from them is off by at most 1/(size-1) */
export function numericSketch(values: NumberList, size = 101): NumericSketch {
  const rising = sorted(values);
  const count = rising.length;
  const missing = values.length - count;
  if (count === 0) return { count, missing, mean: null, standardDeviation: null, quantiles: [] };
  let mean = 0;
  let squares = 0;
  for (let i = 0; i < count; i++) {
    const delta = rising[i] - mean;
    mean += delta / (i + 1);
    squares += delta * (rising[i] - mean);
  }
  const quantiles = quantilesOfSorted(
    rising,
    Array.from({ length: size }, (_, i) => i / (size - 1)),
  );
  return { count, missing, mean, standardDeviation: count < 2 ? null : Math.sqrt(squares / (count - 1)), quantiles };
}
