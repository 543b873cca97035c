import { median } from '#stats';
import type { NumberPlan } from './recipe.ts';
import type { Treatment } from './treatments.ts';

/**
 * Fits one number: what stands in for missing values, and how it is scaled. Statistics are those of the training rows, missing values filled.
 * @param values the source's values on the training rows, NaN = missing
 * `standard` divides by the population standard deviation, as scikit-learn's StandardScaler does; a constant is divided by 1.
 */
export function fitNumber({ source, transforms }: Treatment, values: Float64Array, warnings: string[]): NumberPlan {
  const present = values.filter((value) => !Number.isNaN(value));
  if (present.length === 0) warnings.push(`"${source}" is missing in every training row`);
  const impute = transforms.impute ?? 'median';
  const fill =
    impute === 'none' ? null : typeof impute === 'object' ? Number(impute.constant) : present.length === 0 ? 0 : centre(impute, present);
  const filled = fill === null ? present : values.map((value) => (Number.isNaN(value) ? fill : value));
  const scale = transforms.scale ?? 'none';
  return { source, fill, flagMissing: impute === 'missing', ...scaling(scale, filled), scale };
}

function centre(impute: 'median' | 'mean' | 'most_frequent' | 'missing', present: Float64Array): number {
  if (impute === 'mean') return meanOf(present);
  return impute === 'most_frequent' ? mostFrequent(present) : median(present);
}

function scaling(scale: 'standard' | 'minmax' | 'none', values: Float64Array): { readonly offset: number; readonly divisor: number } {
  if (scale === 'none' || values.length === 0) return { offset: 0, divisor: 1 };
  if (scale === 'minmax') {
    let low = Infinity;
    let high = -Infinity;
    for (const value of values) {
      if (value < low) low = value;
      if (value > high) high = value;
    }
    return { offset: low, divisor: usable(high - low) };
  }
  const offset = meanOf(values);
  let squares = 0;
  for (const value of values) squares += (value - offset) ** 2;
  return { offset, divisor: usable(Math.sqrt(squares / values.length)) };
}

const usable = (divisor: number): number => (divisor > 0 && Number.isFinite(divisor) ? divisor : 1);

/** Mean by the running update, which does not overflow for huge values. */
function meanOf(values: Float64Array): number {
  let mean = 0;
  let count = 0;
  for (const value of values) mean += (value - mean) / ++count;
  return mean;
}

/** The value that occurs most often; of several the smallest. */
function mostFrequent(values: Float64Array): number {
  const rising = values.toSorted();
  let best = rising[0];
  let most = 0;
  for (let start = 0; start < rising.length;) {
    let end = start;
    while (end < rising.length && rising[end] === rising[start]) end++;
    if (end - start > most) {
      most = end - start;
      best = rising[start];
    }
    start = end;
  }
  return best;
}
