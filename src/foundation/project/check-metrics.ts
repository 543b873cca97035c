import type { Task } from '#contract';
import { isFairnessMetricName, isMetricName, metricInfo, metricNames } from '#stats';
import type { ComparisonOperator, ParsedGate } from './conditions.ts';
import type { Finding, PathStep } from './problems.ts';
import { suggestionFor } from './suggest.ts';

/** Words that other tools use for metrics of ours. */
const otherNames: Readonly<Record<string, string>> = {
  auc: 'roc_auc',
  auroc: 'roc_auc',
  rocauc: 'roc_auc',
  auprc: 'pr_auc',
  average_precision: 'pr_auc',
  acc: 'accuracy',
  f1_score: 'f1',
  logloss: 'log_loss',
  cross_entropy: 'log_loss',
  brier_score: 'brier',
  calibration_error: 'ece',
  r2_score: 'r2',
  mean_squared_error: 'mse',
  mean_absolute_error: 'mae',
};

/** What is wrong with a metric's name at a place, given the task it is measured for and the direction it is compared in. */
export function checkMetric(
  metric: string,
  path: readonly PathStep[],
  task?: Task,
  options: { readonly operator?: ComparisonOperator; readonly atKey?: boolean } = {},
): Finding[] {
  const atKey = options.atKey ?? false;
  if (!isMetricName(metric)) {
    const meant = otherNames[metric.toLowerCase()];
    const suggestion = meant === undefined ? suggestionFor(metric, metricNames, 'metrics') : `did you mean "${meant}"?`;
    return [{ path, atKey, message: `"${metric}" is no metric`, ...(suggestion === undefined ? {} : { suggestion }) }];
  }
  const info = metricInfo[metric];
  if (task !== undefined && !info.tasks.includes(task)) {
    return [
      { path, atKey, message: `${metric} is not measured for a ${task} target`, suggestion: `it is for ${info.tasks.join(' and ')}` },
    ];
  }
  const wrongWay = options.operator !== undefined && options.operator.startsWith('>') !== info.higherIsBetter;
  if (!wrongWay) return [];
  const better = info.higherIsBetter ? 'a higher' : 'a lower';
  return [{ path, message: `${better} ${metric} is better, but "${options.operator}" asks for the opposite`, severity: 'warning' }];
}

/** As `checkMetric` for a gate, which may also be on a gap between the groups of a column. */
export function checkGateMetric({ metric, by, operator }: ParsedGate, path: readonly PathStep[], task?: Task): Finding[] {
  if (!isFairnessMetricName(metric)) return checkMetric(metric, path, task, { operator });
  if (by === undefined)
    return [{ path, message: `${metric} is a gap between groups`, suggestion: `name their column: "${metric} by COLUMN <= 0.1"` }];
  if (task !== undefined && task !== 'binary')
    return [{ path, message: `${metric} is not measured for a ${task} target`, suggestion: 'it is for a binary decision' }];
  if (!operator.startsWith('>')) return [];
  return [{ path, message: `a lower ${metric} is better, but "${operator}" asks for the opposite`, severity: 'warning' }];
}
