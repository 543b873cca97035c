import { GyreError } from '#core';
import type { NumberList } from './task.ts';

export interface GroupRates {
  readonly group: string;
  readonly rows: number;
  /** Truly positive rows. */
  readonly positives: number;
  /** Share of rows that are predicted positive. */
  readonly selectionRate: number;
  /** Share of truly positive rows that are predicted positive; null without any. */
  readonly truePositiveRate: number | null;
  /** Share of truly negative rows that are predicted positive; null without any. */
  readonly falsePositiveRate: number | null;
}

export interface FairnessReport {
  readonly groups: readonly GroupRates[];
  /** Greatest minus least selection rate over the groups. */
  readonly demographicParityDifference: number;
  /** Greatest minus least true positive rate over the groups that have positive rows (Hardt et al. 2016); null with fewer than two such groups. */
  readonly equalOpportunityDifference: number | null;
  /** The greater of the gaps in true and in false positive rates; null when neither can be compared. */
  readonly equalizedOddsDifference: number | null;
}

/** Gaps between groups, as gates name them: the greatest minus the least rate over the groups of a column. Lower is better. */
const fairnessMetricNames = ['demographic_parity_difference', 'equal_opportunity_difference', 'equalized_odds_difference'] as const;
export type FairnessMetricName = (typeof fairnessMetricNames)[number];

/** Whether a name from outside is that of a gap between groups. */
export function isFairnessMetricName(name: string): name is FairnessMetricName {
  return fairnessMetricNames.some((known) => known === name);
}

/**
 * Rates of a binary decision by group.
 * @param truth 0 or 1; @param predicted 0 or 1; @param groups the group of each row; @param minRows groups with fewer rows are listed, but not compared
 * @throws GyreError INVALID_ARGUMENT when the lengths differ or there are no rows
 */
export function fairnessByGroup(truth: NumberList, predicted: NumberList, groups: readonly string[], minRows = 1): FairnessReport {
  if (truth.length !== predicted.length || truth.length !== groups.length || truth.length === 0)
    throw new GyreError(
      'INVALID_ARGUMENT',
      `${truth.length} true classes, ${predicted.length} predicted ones and ${groups.length} groups must pair up, and there must be rows`,
    );
  const counts = new Map<string, { rows: number; positives: number; selected: number; hits: number }>();
  for (let i = 0; i < groups.length; i++) {
    let cell = counts.get(groups[i]);
    if (cell === undefined) counts.set(groups[i], (cell = { rows: 0, positives: 0, selected: 0, hits: 0 }));
    cell.rows++;
    if (truth[i] === 1) cell.positives++;
    if (predicted[i] === 1) cell.selected++;
    if (truth[i] === 1 && predicted[i] === 1) cell.hits++;
  }
  const rates = [...counts].map(([group, { rows, positives, selected, hits }]) => ({
    group,
    rows,
    positives,
    selectionRate: selected / rows,
    truePositiveRate: positives === 0 ? null : hits / positives,
    falsePositiveRate: rows === positives ? null : (selected - hits) / (rows - positives),
  }));
  rates.sort((a, b) => (a.group < b.group ? -1 : 1));
  const compared = rates.filter((rate) => rate.rows >= minRows);
  const equalOpportunityDifference = gap(compared.map((rate) => rate.truePositiveRate));
  const falsePositiveGap = gap(compared.map((rate) => rate.falsePositiveRate));
  const gaps = [equalOpportunityDifference, falsePositiveGap].filter((value) => value !== null);
  return {
    groups: rates,
    demographicParityDifference: gap(compared.map((rate) => rate.selectionRate)) ?? 0,
    equalOpportunityDifference,
    equalizedOddsDifference: gaps.length === 0 ? null : Math.max(...gaps),
  };
}

function gap(rates: readonly (number | null)[]): number | null {
  const known = rates.filter((rate) => rate !== null);
  return known.length < 2 ? null : Math.max(...known) - Math.min(...known);
}
