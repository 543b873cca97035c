import { GyreError } from '#core';
import type { Random } from '#core';
import type { MetricName } from './metric-names.ts';
import { metricEvaluator } from './metrics.ts';
import type { MetricEvaluator } from './metrics.ts';
import { quantileOfSorted } from './quantiles.ts';
import type { NumberList, TaskKind } from './task.ts';

export interface BootstrapOptions {
  readonly random: Random;
  /** Resamples drawn; 1,000 when absent. */
  readonly resamples?: number;
  /** Coverage of the interval, 0 … 1; 0.95 when absent. */
  readonly confidence?: number;
  /** Decision thresholds for metrics on labels; 0.5 when absent. */
  readonly threshold?: number;
}

/** A value with its percentile bootstrap interval (Efron 1979). */
export interface BootstrapInterval {
  readonly value: number;
  readonly low: number;
  readonly high: number;
  readonly confidence: number;
  /** Resamples on which the metric was defined (a resample may hold one class only). */
  readonly resamples: number;
}

export interface PairedDifference extends BootstrapInterval {
  readonly metric: MetricName;
  readonly champion: number;
  readonly challenger: number;
  /** Share of resamples in which the challenger's value was greater (ties half). */
  readonly greaterShare: number;
}

/**
 * Interval of one metric on one set of rows.
 * @throws GyreError INVALID_ARGUMENT when the metric is not defined on the rows (one class only, no rows)
 */
export function bootstrapMetric(
  metric: MetricName,
  task: TaskKind,
  truth: NumberList,
  scores: NumberList,
  options: BootstrapOptions,
): BootstrapInterval {
  const evaluate = metricEvaluator(metric, task, truth, scores, options.threshold);
  const { value, draws } = resample([evaluate], truth.length, metric, options, (values) => values[0]);
  return interval(value, draws, options);
}

/**
 * Difference challenger - champion of one metric on the same rows: rows are resampled in pairs, so that what both find hard cancels out.
 * @param champion scores as in `computeMetrics`; @param challenger likewise, for the same rows
 * @throws GyreError INVALID_ARGUMENT when the metric is not defined on the rows
 */
export function pairedBootstrap(
  metric: MetricName,
  task: TaskKind,
  truth: NumberList,
  champion: NumberList,
  challenger: NumberList,
  options: BootstrapOptions & { readonly challengerThreshold?: number },
): PairedDifference {
  const evaluators = [
    metricEvaluator(metric, task, truth, champion, options.threshold),
    metricEvaluator(metric, task, truth, challenger, options.challengerThreshold ?? options.threshold),
  ];
  const { value, draws } = resample(evaluators, truth.length, metric, options, ([a, b]) => b - a);
  let greater = 0;
  for (const draw of draws) greater += draw > 0 ? 1 : draw === 0 ? 0.5 : 0;
  return {
    metric,
    champion: evaluators[0](),
    challenger: evaluators[1](),
    greaterShare: greater / draws.length,
    ...interval(value, draws, options),
  };
}

/** Rows drawn with replacement are passed on as counts per row, so that nothing is sorted or copied again. */
function resample(
  evaluators: readonly MetricEvaluator[],
  rows: number,
  metric: MetricName,
  { random, resamples = 1000 }: BootstrapOptions,
  combine: (values: readonly number[]) => number,
): { readonly value: number; readonly draws: Float64Array } {
  const value = combine(evaluators.map((evaluate) => evaluate()));
  if (!Number.isFinite(value))
    throw new GyreError('INVALID_ARGUMENT', `"${metric}" is not defined on these ${rows} rows: it needs rows, and of more than one class`, {
      metric,
      rows,
    });
  const counts = new Float64Array(rows);
  const draws = new Float64Array(resamples);
  let kept = 0;
  for (let r = 0; r < resamples; r++) {
    counts.fill(0);
    for (let i = 0; i < rows; i++) counts[random.int(rows)]++;
    const drawn = combine(evaluators.map((evaluate) => evaluate(counts)));
    if (Number.isFinite(drawn)) draws[kept++] = drawn;
  }
  return { value, draws: draws.slice(0, kept).sort() };
}

function interval(value: number, rising: Float64Array, { confidence = 0.95 }: BootstrapOptions): BootstrapInterval {
  const tail = (1 - confidence) / 2;
  return { value, low: quantileOfSorted(rising, tail), high: quantileOfSorted(rising, 1 - tail), confidence, resamples: rising.length };
}
