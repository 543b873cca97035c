import type { Charter, Fairness, TestReport, TestSpec } from '#contract';
import { parseGate } from '#project';
import { fairnessByGroup, isFairnessMetricName } from '#stats';
import { predictedClasses } from './figures.ts';
import { groupRows } from './groups.ts';
import type { Grouping } from './groups.ts';
import { measured, takeScored } from './scored.ts';
import type { ScoredRows } from './scored.ts';
import { quoted } from './words.ts';

export interface SliceColumns {
  /** Asked for by the project: they must be there. */
  readonly asked: readonly string[];
  /** Personal data by the charter: looked at where they are there and have few values. */
  readonly personal: readonly string[];
  /** Columns between whose groups a decision's rates are compared: personal data, and those that gates on fairness name. */
  readonly compared: readonly string[];
}

/** The columns to slice by: those named in `slices`, those that gates speak of, and the charter's personal data; the row's key is none. */
export function sliceColumns(spec: TestSpec, charter: Charter, key: string | undefined): SliceColumns {
  const gates = (spec.gates ?? []).map((text) => parseGate(text));
  const byGates = gates.map(({ by }) => by).filter((by) => by !== undefined);
  const asked = [...new Set([...(spec.slices ?? []), ...byGates])];
  const protectedColumns = (charter.personalData?.columns ?? []).filter((column) => column !== key);
  const byFairness = gates.flatMap(({ metric, by }) => (isFairnessMetricName(metric) && by !== undefined ? [by] : []));
  return { asked, personal: protectedColumns.filter((column) => !asked.includes(column)), compared: [...protectedColumns, ...byFairness] };
}

export interface Sliced {
  readonly groupings: readonly Grouping[];
  readonly slices: TestReport['slices'];
  readonly fairness: readonly Fairness[];
  readonly warnings: readonly string[];
}

/**
 * Metrics by slice, and for a binary decision the rates by group.
 * @param minRows groups with fewer rows are listed, but not compared for fairness
 * @throws GyreError INVALID_ARGUMENT when a column that was asked for is not there
 */
export function sliceMetrics(scored: ScoredRows, { asked, personal, compared }: SliceColumns, threshold: number, minRows: number): Sliced {
  const warnings: string[] = [];
  const groupings: Grouping[] = [];
  for (const column of [...asked, ...personal.filter((name) => scored.frame.has(name))]) {
    const grouping = groupRows(scored.frame, column);
    if (grouping === undefined) warnings.push(`"${column}" has too many different values to slice by: metrics by it are left out`);
    else groupings.push(grouping);
  }
  const absent = personal.filter((name) => !scored.frame.has(name));
  if (absent.length > 0)
    warnings.push(`the personal columns ${quoted(absent)} are not in the test data: errors by them could not be compared`);
  const slices = groupings.flatMap(({ column, groups }) =>
    groups.map(({ value, rows }) => ({ column, value, rows: rows.length, metrics: measured(takeScored(scored, rows), threshold) })),
  );
  return {
    groupings,
    slices,
    fairness: groupings
      .filter(({ column }) => compared.includes(column))
      .flatMap((grouping) => fairnessOf(scored, grouping, threshold, minRows)),
    warnings,
  };
}

function fairnessOf(scored: ScoredRows, { column, groups }: Grouping, threshold: number, minRows: number): readonly Fairness[] {
  const predicted = predictedClasses(scored, threshold);
  if (scored.task !== 'binary' || predicted === undefined) return [];
  const groupOf = Array.from({ length: scored.truth.length }, () => '');
  for (const { value, rows } of groups) for (const row of rows) groupOf[row] = value;
  const report = fairnessByGroup(scored.truth, Float64Array.from(predicted), groupOf, minRows);
  const comparable = report.groups.filter((group) => group.rows >= minRows).length >= 2;
  return [
    {
      column,
      groups: report.groups.map((group) => ({ ...group })),
      demographicParityDifference: comparable ? report.demographicParityDifference : null,
      equalOpportunityDifference: report.equalOpportunityDifference,
      equalizedOddsDifference: report.equalizedOddsDifference,
    },
  ];
}
