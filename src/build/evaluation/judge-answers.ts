import type { Charter, Check, Fairness, TestReport } from '#contract';
import { metricInfo } from '#stats';
import { judgeGates } from './gates.ts';
import { requireMetric } from './scored.ts';
import type { ScoredRows } from './scored.ts';
import { sliceColumns, sliceMetrics } from './slices.ts';

export interface AnswersToJudge extends Omit<ScoredRows, 'version'> {
  /** Decision threshold of the positive class. */
  readonly threshold: number;
  /** The column that names a row. */
  readonly key?: string;
  readonly charter: Charter;
  /** Columns to slice by. */
  readonly slices: readonly string[];
  /** Gates that speak of groups (`accuracy by Contract >= 0.65`, `equal_opportunity_difference by gender <= 0.1`), or of all rows. */
  readonly gates: readonly string[];
  /** Of all rows; gates that speak of none of the groups are judged by these. */
  readonly metrics?: Readonly<Record<string, number>>;
}

export interface JudgedAnswers {
  readonly slices: TestReport['slices'];
  readonly fairness: readonly Fairness[];
  /** Of each gate, in their order. */
  readonly checks: readonly Check[];
}

const minSliceRows = 30;

/**
 * Slices, gaps between groups and the gates on them, over answers that came from elsewhere than the model itself: from a data plane. Columns that the
 * rows have not, or of which every row has its own value, are left out.
 * @throws GyreError INVALID_ARGUMENT when a gate names a metric that the task has not
 */
export function judgeAnswers(answers: AnswersToJudge): JudgedAnswers {
  const { threshold, key, charter, frame, slices, gates } = answers;
  const rows: ScoredRows = { ...answers, version: '' };
  const columns = sliceColumns({ slices: [...slices], gates: [...gates] }, charter, key);
  const sliced = sliceMetrics(rows, { ...columns, asked: columns.asked.filter((column) => frame.has(column)) }, threshold, minSliceRows);
  const checks = judgeGates({}, gates, {
    task: answers.task,
    metrics: Object.entries(answers.metrics ?? {}).map(([name, value]) => ({
      name,
      value,
      higherIsBetter: metricInfo[requireMetric(name, answers.task)].higherIsBetter,
    })),
    sets: [],
    slices: sliced.slices,
    fairness: sliced.fairness,
    minSliceRows,
  });
  return { slices: sliced.slices, fairness: sliced.fairness, checks };
}
