import { GyreError, seeded, seedOf } from '#core';
import { chiSquaredTest } from './chi-squared.ts';
import { hellingerDistance, jensenShannonDistance, populationStabilityIndex, totalVariation, wassersteinDistance } from './distances.ts';
import { histogramOf, quantileBinEdges } from './histogram.ts';
import { ksCritical, ksTwoSample } from './kolmogorov-smirnov.ts';
import { standardDeviation } from './moments.ts';
import { permutedTotalVariation, permutedWasserstein, verdictOf } from './permutation.ts';
import type { PermutationVerdict } from './permutation.ts';
import { sorted } from './quantiles.ts';
import { chiSquaredCritical, chiSquaredSurvival } from './special.ts';
import type { NumberList } from './task.ts';

export type DriftStatistic = 'ks' | 'wasserstein' | 'psi' | 'jensen_shannon' | 'chi_squared' | 'total_variation' | 'hellinger';

/** A column's values on one side. NaN (numeric) and `missing` (categorical) are counted apart: a change in them is a matter of integrity. */
export type DriftSample =
  | { readonly kind: 'numeric'; readonly values: NumberList }
  | { readonly kind: 'categorical'; readonly counts: ReadonlyMap<string, number>; readonly missing?: number };

export interface DriftOptions {
  /** `ks` for numeric and `chi_squared` for categorical columns when absent. */
  readonly statistic?: DriftStatistic;
  /** Chance of an alarm without drift; 0.01 when absent. For several columns: compare `benjaminiHochberg(pValues)` with it instead. */
  readonly alpha?: number;
  /** Smallest effect that counts as drift, however significant; 0 when absent. */
  readonly minimumEffect?: number;
  /** Quantile bins for numeric columns and binned statistics; 10 when absent. */
  readonly bins?: number;
  /** Permutations for statistics without a known null law; 199 when absent. */
  readonly permutations?: number;
  /** Seed of those permutations; 0 when absent. */
  readonly seed?: number;
}

export interface DriftResult {
  readonly statistic: DriftStatistic;
  readonly value: number;
  /** Chance of a value at least this great when both sides follow the same law, given their sizes and cardinality. */
  readonly pValue: number;
  /** The value whose p-value is alpha: what a fixed threshold would have to be for these sizes. */
  readonly threshold: number;
  readonly drifted: boolean;
  /** How large the change is, whatever the number of rows: in reference standard deviations (numeric), or as a distance 0 … 0.83 (categorical). */
  readonly effect: { readonly name: 'wasserstein' | 'jensen_shannon'; readonly value: number };
  readonly referenceRows: number;
  readonly currentRows: number;
  /** Share of missing values on each side. */
  readonly missing: { readonly reference: number; readonly current: number };
}

/**
 * Whether a column has drifted: a distance with the p-value of its own null law, so that the verdict does not depend on rows or cardinality
 * as fixed thresholds do (they alarm without drift at small n, and sleep at large n).
 * - `ks`: exact law. `chi_squared`: its law, categories with an expected count below 5 pooled.
 * - `psi`, `jensen_shannon`, `hellinger`: to second order a chi-squared variable times (1/n + 1/m), 1/8 of it for the squared distances
 *   (Yurdakul and Naranjo 2020 for PSI), on the same pooled cells. `wasserstein`, `total_variation`: by seeded permutation.
 * @throws GyreError INVALID_ARGUMENT when kinds differ, the statistic does not fit the kind, or a side has no values
 */
export function driftTest(reference: DriftSample, current: DriftSample, options: DriftOptions = {}): DriftResult {
  if (reference.kind === 'numeric' && current.kind === 'numeric') return numericDrift(reference.values, current.values, options);
  if (reference.kind === 'categorical' && current.kind === 'categorical') return categoricalDrift(reference, current, options);
  throw new GyreError('INVALID_ARGUMENT', `a ${reference.kind} reference cannot be compared with ${current.kind} values`);
}

type CategoricalSample = Extract<DriftSample, { kind: 'categorical' }>;

function numericDrift(reference: NumberList, current: NumberList, options: DriftOptions): DriftResult {
  const { statistic = 'ks', alpha = 0.01, bins = 10 } = options;
  const a = sorted(reference);
  const b = sorted(current);
  refuseEmpty(a.length, b.length);
  const deviation = standardDeviation(a);
  // A constant reference has no scale of its own: any departure is then measured in the unit of the column.
  const scale = deviation > 0 ? deviation : 1;
  const effect = { name: 'wasserstein', value: wassersteinDistance(a, b) / scale } as const;
  const missing = { reference: 1 - a.length / reference.length, current: 1 - b.length / current.length };
  const judged = ((): Judged => {
    if (statistic === 'ks') {
      const { statistic: value, pValue } = ksTwoSample(a, b);
      return { value, pValue, threshold: ksCritical(alpha, a.length, b.length) };
    }
    if (statistic === 'wasserstein') return verdictOf(effect.value, permutedWasserstein(a, b, scale, permutationOptions(options)), alpha);
    const edges = quantileBinEdges(a, bins);
    return binnedVerdict(statistic, histogramOf(a, edges), histogramOf(b, edges), alpha, options);
  })();
  return resultOf(statistic, judged, effect, a.length, b.length, missing, options);
}

function categoricalDrift(reference: CategoricalSample, current: CategoricalSample, options: DriftOptions): DriftResult {
  const { statistic = 'chi_squared', alpha = 0.01 } = options;
  if (statistic === 'ks' || statistic === 'wasserstein')
    throw new GyreError(
      'INVALID_ARGUMENT',
      `"${statistic}" needs numbers: for a categorical column use chi_squared, psi, jensen_shannon, hellinger or total_variation`,
    );
  const names = [...new Set([...reference.counts.keys(), ...current.counts.keys()])];
  const p = Float64Array.from(names, (name) => reference.counts.get(name) ?? 0);
  const q = Float64Array.from(names, (name) => current.counts.get(name) ?? 0);
  const n = p.reduce((sum, count) => sum + count, 0);
  const m = q.reduce((sum, count) => sum + count, 0);
  refuseEmpty(n, m);
  const effect = { name: 'jensen_shannon', value: jensenShannonDistance(p, q) } as const;
  const missing = { reference: missingShare(reference.missing, n), current: missingShare(current.missing, m) };
  return resultOf(statistic, binnedVerdict(statistic, p, q, alpha, options), effect, n, m, missing, options);
}

type Judged = PermutationVerdict;

function binnedVerdict(
  statistic: Exclude<DriftStatistic, 'ks' | 'wasserstein'>,
  reference: Float64Array,
  current: Float64Array,
  alpha: number,
  options: DriftOptions,
): Judged {
  const [p, q] = poolRare(reference, current);
  const n = p.reduce((sum, count) => sum + count, 0);
  const m = q.reduce((sum, count) => sum + count, 0);
  if (statistic === 'total_variation')
    return verdictOf(totalVariation(p, q), permutedTotalVariation(p, q, permutationOptions(options)), alpha);
  const degrees = p.length - 1;
  const critical = degrees === 0 ? 0 : chiSquaredCritical(alpha, degrees);
  const tail = (x: number): number => (degrees === 0 ? 1 : chiSquaredSurvival(x, degrees));
  const unit = 1 / n + 1 / m;
  switch (statistic) {
    case 'chi_squared': {
      const { statistic: value, pValue } = chiSquaredTest(p, q);
      return { value, pValue, threshold: critical };
    }
    case 'psi': {
      const value = populationStabilityIndex(p, q);
      return { value, pValue: tail(value / unit), threshold: critical * unit };
    }
    case 'jensen_shannon':
    case 'hellinger': {
      const value = statistic === 'hellinger' ? hellingerDistance(p, q) : jensenShannonDistance(p, q);
      return { value, pValue: tail((8 * value * value) / unit), threshold: Math.sqrt((critical * unit) / 8) };
    }
  }
}

/** Cells whose expected count on the smaller side is below 5 become one cell, so that the chi-squared law holds. */
function poolRare(reference: Float64Array, current: Float64Array): readonly [Float64Array, Float64Array] {
  const n = reference.reduce((sum, count) => sum + count, 0);
  const m = current.reduce((sum, count) => sum + count, 0);
  const leastShare = 5 / Math.min(n, m);
  const p: number[] = [];
  const q: number[] = [];
  let rareP = 0;
  let rareQ = 0;
  reference.forEach((count, i) => {
    const both = count + current[i];
    if (both / (n + m) >= leastShare) {
      p.push(count);
      q.push(current[i]);
    } else {
      rareP += count;
      rareQ += current[i];
    }
  });
  if (rareP + rareQ > 0) {
    p.push(rareP);
    q.push(rareQ);
  }
  return [Float64Array.from(p), Float64Array.from(q)];
}

function resultOf(
  statistic: DriftStatistic,
  { value, pValue, threshold }: Judged,
  effect: DriftResult['effect'],
  referenceRows: number,
  currentRows: number,
  missing: DriftResult['missing'],
  { alpha = 0.01, minimumEffect = 0 }: DriftOptions,
): DriftResult {
  const drifted = pValue <= alpha && effect.value >= minimumEffect;
  return { statistic, value, pValue, threshold, drifted, effect, referenceRows, currentRows, missing };
}

function permutationOptions({ permutations = 199, seed = 0 }: DriftOptions): {
  readonly permutations: number;
  readonly random: ReturnType<typeof seeded>;
} {
  return { permutations, random: seeded(seedOf(seed, 'drift permutations')) };
}

function missingShare(missing = 0, present: number): number {
  return missing / (missing + present);
}

function refuseEmpty(reference: number, current: number): void {
  if (reference === 0 || current === 0)
    throw new GyreError(
      'INVALID_ARGUMENT',
      `${reference} reference values and ${current} current ones (missing left out) cannot be compared: both sides need values`,
    );
}
