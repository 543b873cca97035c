import { GyreError } from '#core';
import { calibrationCurve, expectedCalibrationError } from './calibration.ts';
import {
  accuracyOf,
  averageOverClasses,
  balancedAccuracyOf,
  confusionMatrix,
  mostProbable,
  predictedAt,
  scoresByClass,
} from './confusion.ts';
import type { ConfusionMatrix } from './confusion.ts';
import { metricInfo, metricsOf } from './metric-names.ts';
import type { MetricName } from './metric-names.ts';
import { binaryBrier, binaryLogLoss, multiclassBrier, multiclassLogLoss } from './probability-scores.ts';
import { averagePrecisionOf, rank, rocAucOf } from './ranking.ts';
import type { Ranking } from './ranking.ts';
import { meanAbsoluteError, meanAbsolutePercentageError, meanSquaredError, r2 } from './regression.ts';
import type { NumberList, TaskKind } from './task.ts';

export type MetricValues = Readonly<Partial<Record<MetricName, number>>>;

/** A metric with its sorting and class decisions done: each call costs one pass. @returns NaN where the metric is not defined */
export type MetricEvaluator = (weights?: NumberList) => number;

/**
 * All metrics of a task, or those named. What is not defined on these rows (ROC AUC with one class, say) is left out.
 * @param truth class indices (1 = positive for binary), or numbers for regression
 * @param scores binary: P(class 1) per row; multiclass: [rows][classes], flat; regression: predictions
 * @param threshold binary: rows with `score >= threshold` are predicted positive
 * @throws GyreError INVALID_ARGUMENT when the lengths do not fit or a named metric is not one of the task's
 */
export function computeMetrics(
  task: TaskKind,
  truth: NumberList,
  scores: NumberList,
  threshold = 0.5,
  names: readonly MetricName[] = metricsOf(task),
): MetricValues {
  const context = contextOf(task, truth, scores, threshold);
  const values: Partial<Record<MetricName, number>> = {};
  for (const name of names) {
    const value = evaluatorOf(name, context)();
    if (Number.isFinite(value)) values[name] = value;
  }
  return values;
}

/** One metric prepared for many weightings of the same rows (bootstrap, slices). Parameters and errors as in `computeMetrics`. */
export function metricEvaluator(name: MetricName, task: TaskKind, truth: NumberList, scores: NumberList, threshold = 0.5): MetricEvaluator {
  return evaluatorOf(name, contextOf(task, truth, scores, threshold));
}

interface Context {
  readonly task: TaskKind;
  readonly truth: NumberList;
  readonly scores: NumberList;
  readonly classes: number;
  readonly predicted: () => NumberList;
  readonly rankings: () => readonly Ranking[];
}

function contextOf(task: TaskKind, truth: NumberList, scores: NumberList, threshold: number): Context {
  const rows = truth.length;
  const classes = task === 'binary' ? 2 : task === 'regression' ? 0 : scores.length / rows;
  if (task === 'multiclass' ? rows > 0 && !(Number.isInteger(classes) && classes >= 2) : scores.length !== rows)
    throw new GyreError(
      'INVALID_ARGUMENT',
      `${scores.length} scores for ${rows} rows do not fit a ${task} task: ${task === 'multiclass' ? 'one per row and class' : 'one per row'} is right`,
    );
  return {
    task,
    truth,
    scores,
    classes,
    predicted: once(() => (task === 'binary' ? predictedAt(threshold, scores) : mostProbable(scores, classes))),
    rankings: once(() =>
      task === 'binary'
        ? [rank((row) => truth[row] === 1, scores)]
        : Array.from({ length: classes }, (_, k) => rank((row) => truth[row] === k, column(scores, k, classes))),
    ),
  };
}

function evaluatorOf(name: MetricName, context: Context): MetricEvaluator {
  const { task, truth, scores, classes } = context;
  if (!metricInfo[name].tasks.includes(task))
    throw new GyreError('INVALID_ARGUMENT', `"${name}" is no metric of a ${task} task: it has ${metricsOf(task).join(', ')}`, {
      name,
      task,
    });
  if (truth.length === 0) return () => NaN;
  const onConfusion = (score: (confusion: ConfusionMatrix) => number): MetricEvaluator => {
    const predicted = context.predicted();
    return (weights) => score(confusionMatrix(truth, predicted, classes, weights));
  };
  const ofPositive = (score: 'precision' | 'recall' | 'f1'): MetricEvaluator =>
    onConfusion((confusion) => (task === 'binary' ? scoresByClass(confusion)[1][score] : averageOverClasses(confusion, score, 'macro')));
  const onRankings = (score: (ranking: Ranking, weights?: NumberList) => number): MetricEvaluator => {
    const rankings = context.rankings();
    return (weights) => rankings.reduce((sum, ranking) => sum + score(ranking, weights), 0) / rankings.length;
  };
  switch (name) {
    case 'accuracy':
      return onConfusion(accuracyOf);
    case 'balanced_accuracy':
      return onConfusion(balancedAccuracyOf);
    case 'precision':
    case 'recall':
    case 'f1':
      return ofPositive(name);
    case 'precision_weighted':
      return onConfusion((confusion) => averageOverClasses(confusion, 'precision', 'weighted'));
    case 'recall_weighted':
      return onConfusion((confusion) => averageOverClasses(confusion, 'recall', 'weighted'));
    case 'f1_weighted':
      return onConfusion((confusion) => averageOverClasses(confusion, 'f1', 'weighted'));
    case 'roc_auc':
      return onRankings(rocAucOf);
    case 'pr_auc':
      return onRankings(averagePrecisionOf);
    case 'log_loss':
      return (weights) => (task === 'binary' ? binaryLogLoss(truth, scores, weights) : multiclassLogLoss(truth, scores, classes, weights));
    case 'brier':
      return (weights) => (task === 'binary' ? binaryBrier(truth, scores, weights) : multiclassBrier(truth, scores, classes, weights));
    case 'ece':
      return calibrationError(context);
    case 'mse':
      return (weights) => meanSquaredError(truth, scores, weights);
    case 'rmse':
      return (weights) => Math.sqrt(meanSquaredError(truth, scores, weights));
    case 'mae':
      return (weights) => meanAbsoluteError(truth, scores, weights);
    case 'mape':
      return (weights) => meanAbsolutePercentageError(truth, scores, weights);
    case 'r2':
      return (weights) => r2(truth, scores, weights);
  }
}

/** Multiclass: of the most probable class (is it right as often as it says?), as in Guo et al. 2017. */
function calibrationError({ task, truth, scores, classes, predicted }: Context): MetricEvaluator {
  if (task === 'binary') return (weights) => expectedCalibrationError(calibrationCurve(truth, scores, { ...(weights && { weights }) }));
  const chosen = predicted();
  const right = Uint8Array.from({ length: truth.length }, (_, i) => (chosen[i] === truth[i] ? 1 : 0));
  const confidence = Float64Array.from({ length: truth.length }, (_, i) => scores[i * classes + chosen[i]]);
  return (weights) => expectedCalibrationError(calibrationCurve(right, confidence, { ...(weights && { weights }) }));
}

function column(values: NumberList, index: number, columns: number): Float64Array {
  return Float64Array.from({ length: values.length / columns }, (_, i) => values[i * columns + index]);
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
