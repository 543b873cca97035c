import type { Task } from '#contract';
import type { RowsSource } from '#features';
import { computeMetrics, isMetricName, metricInfo, metricsOf } from '#stats';
import type { MetricName, MetricValues } from '#stats';
import { GyreError } from '#core';
import type { Frame } from '#tables';
import type { ScoringModel } from './scoring-model.ts';

/** Rows with their truth and what a model says about them, as `#stats` takes both. */
export interface Scored {
  readonly task: Task;
  readonly classes: readonly string[];
  /** Class indexes, or numbers for regression. */
  readonly truth: Float64Array;
  /** P(class 1) per row for binary, [rows][classes] flat for multiclass, predictions for regression. */
  readonly scores: Float64Array;
}

export interface ScoredRows extends Scored {
  readonly version: string;
  readonly frame: Frame;
}

export interface ScoringDeps {
  readonly data: RowsSource;
}

/** Opens a dataset version and has a model judge its rows. @throws GyreError FAILED_PRECONDITION when it has none */
export async function scoreVersion({ data }: ScoringDeps, model: ScoringModel, version: string): Promise<ScoredRows> {
  const frame = await data.open(version);
  if (frame.rows === 0)
    throw new GyreError('FAILED_PRECONDITION', `dataset version ${version} has no rows to judge a model on`, { version });
  const truth = await model.truth(frame);
  const scores = await model.predict(frame);
  return { version, frame, truth, scores, task: model.task, classes: model.classes };
}

/** Some of the rows. */
export function takeScored<S extends Scored>(scored: S, positions: readonly number[]): Scored {
  const { task, classes, truth, scores } = scored;
  const width = task === 'multiclass' ? classes.length : 1;
  const taken = new Float64Array(positions.length * width);
  positions.forEach((row, i) => taken.set(scores.subarray(row * width, (row + 1) * width), i * width));
  return { task, classes, truth: Float64Array.from(positions, (row) => truth[row]), scores: taken };
}

export function metricsFor({ task, truth, scores }: Scored, threshold: number): MetricValues {
  return computeMetrics(task, truth, scores, threshold);
}

/** Every metric of the task by name, null where it is not defined on the rows. */
export function measured(scored: Scored, threshold: number): Record<string, number | null> {
  const values = metricsFor(scored, threshold);
  return Object.fromEntries(metricsOf(scored.task).map((name) => [name, values[name] ?? null]));
}

/** What a model without any knowledge of the row reaches: it always says the share of each class, or the mean. NaN where not defined. */
export function withoutSkill(metric: MetricName, scored: Scored, threshold: number): number {
  const { task, truth, classes } = scored;
  const rows = truth.length;
  const mean = truth.reduce((sum, value) => sum + value, 0) / rows;
  let scores = new Float64Array(rows).fill(mean);
  if (task === 'multiclass') {
    const shares = new Float64Array(classes.length);
    for (const index of truth) shares[index] += 1 / rows;
    scores = new Float64Array(rows * classes.length);
    for (let row = 0; row < rows; row++) scores.set(shares, row * classes.length);
  }
  return computeMetrics(task, truth, scores, threshold, [metric])[metric] ?? Number.NaN;
}

/** How much better `left` is than `right`, in the direction in which the metric improves. */
export function improvement(metric: MetricName, left: number, right: number): number {
  return metricInfo[metric].higherIsBetter ? left - right : right - left;
}

const usualMetric: Readonly<Record<Task, MetricName>> = { binary: 'roc_auc', multiclass: 'log_loss', regression: 'rmse' };

/** The metric that stands for the whole: the one asked for, else the charter's first that fits the task, else the task's usual one. */
export function primaryMetric(task: Task, asked: MetricName | undefined, success: Readonly<Record<string, string>>): MetricName {
  if (asked !== undefined) return requireMetric(asked, task);
  for (const name of Object.keys(success)) if (isMetricName(name) && metricInfo[name].tasks.includes(task)) return name;
  return usualMetric[task];
}

/** @throws GyreError INVALID_ARGUMENT naming the metrics that the task has */
export function requireMetric(name: string, task: Task): MetricName {
  if (isMetricName(name) && metricInfo[name].tasks.includes(task)) return name;
  throw new GyreError('INVALID_ARGUMENT', `"${name}" is no metric of a ${task} task: it has ${metricsOf(task).join(', ')}`, {
    metric: name,
    task,
  });
}
