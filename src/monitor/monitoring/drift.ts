import type { ColumnDrift } from '#contract';
import { benjaminiHochberg, driftTest, histogramOf, populationStabilityIndex } from '#stats';
import { currentSample } from './column-reference.ts';
import type { ColumnReference } from './column-reference.ts';

/** A column of a window beside its reference. */
export interface DriftSubject {
  readonly column: string;
  /** `prediction`: the model's own scores or classes. */
  readonly kind: ColumnDrift['kind'];
  readonly reference: ColumnReference;
  readonly values: readonly unknown[];
}

export interface DriftLimits {
  /** Chance that a window without any drift names a column at all. */
  readonly alpha: number;
  /** Least population stability index that counts, however significant. */
  readonly psi: number;
}

/**
 * Tests every column of a window against its reference: Kolmogorov-Smirnov for numbers, chi-squared for categories, p-values adjusted
 * over all columns together (Benjamini-Hochberg: with no drift anywhere, the chance of naming any column is at most `alpha`), the
 * population stability index as the size of the effect. A column drifted when both say so. Columns without a value are left out.
 */
export function driftOf(subjects: readonly DriftSubject[], { alpha, psi: leastPsi }: DriftLimits): ColumnDrift[] {
  const tested = subjects.flatMap(({ column, kind, reference, values }) => {
    const current = currentSample(reference, values);
    if (current === undefined || (reference.kind === 'numeric' ? reference.values.length : reference.rows) === 0) return [];
    if (reference.kind === 'numeric' && current.kind === 'numeric') {
      const { statistic, value, pValue } = driftTest({ kind: 'numeric', values: reference.values }, current, { alpha });
      const psi = populationStabilityIndex(reference.binned, histogramOf(current.values, reference.edges));
      return [{ column, kind, test: statistic, statistic: value, pValue, psi }];
    }
    if (reference.kind !== 'categorical' || current.kind !== 'categorical') return [];
    const { statistic, value, pValue } = driftTest({ kind: 'categorical', counts: reference.counts }, current, { alpha });
    const names = [...new Set([...reference.counts.keys(), ...current.counts.keys()])];
    const psi = populationStabilityIndex(
      names.map((name) => reference.counts.get(name) ?? 0),
      names.map((name) => current.counts.get(name) ?? 0),
    );
    return [{ column, kind, test: statistic, statistic: value, pValue, psi }];
  });
  const adjusted = benjaminiHochberg(tested.map(({ pValue }) => pValue));
  return tested.map((result, at) => ({
    ...result,
    adjustedPValue: adjusted[at],
    drifted: adjusted[at] <= alpha && result.psi >= leastPsi,
  }));
}
