import type { MetricValue, TestReport } from '#contract';
import { seedOf, seeded } from '#core';
import {
  bootstrapMetric,
  calibrationCurve,
  confusionMatrix,
  expectedCalibrationError,
  metricInfo,
  metricsOf,
  mostProbable,
  precisionRecallCurve,
  predictedAt,
  rocCurve,
} from '#stats';
import type { Scored } from './scored.ts';
import { metricsFor } from './scored.ts';

const curvePoints = 120;

export interface Resampling {
  readonly seed: number;
  readonly resamples: number;
}

/** Every metric of the task on the rows, with its bootstrap interval; null where it is not defined. */
export function metricsWithIntervals(scored: Scored, threshold: number, { seed, resamples }: Resampling): MetricValue[] {
  const { task, truth, scores } = scored;
  const values = metricsFor(scored, threshold);
  return metricsOf(task).map((name) => {
    const { higherIsBetter } = metricInfo[name];
    const value = values[name];
    if (value === undefined) return { name, value: null, higherIsBetter };
    const random = seeded(seedOf(seed, 'bootstrap', name));
    const { low, high, confidence } = bootstrapMetric(name, task, truth, scores, { random, resamples, threshold });
    const known = Number.isFinite(low) && Number.isFinite(high);
    return { name, value, ...(known ? { interval: { low, high, level: confidence } } : {}), higherIsBetter };
  });
}

/** Predicted class indexes; undefined for regression. */
export function predictedClasses({ task, scores, classes }: Scored, threshold: number): ArrayLike<number> | undefined {
  if (task === 'regression') return undefined;
  return task === 'binary' ? predictedAt(threshold, scores) : mostProbable(scores, classes.length);
}

/** The counts of truth against prediction, calibration and curves, as far as the task has them. */
export function pictures(scored: Scored, threshold: number): Pick<TestReport, 'confusion' | 'calibration' | 'curves'> {
  const { task, truth, scores, classes } = scored;
  const predicted = predictedClasses(scored, threshold);
  if (predicted === undefined) return {};
  const { counts } = confusionMatrix(truth, Float64Array.from(predicted), classes.length);
  const confusion = {
    classes: [...classes],
    counts: classes.map((_, row) => Array.from(counts.subarray(row * classes.length, (row + 1) * classes.length))),
  };
  if (task !== 'binary') return { confusion };
  const bins = calibrationCurve(truth, scores);
  return {
    confusion,
    calibration: {
      bins: bins.map(({ meanScore, positiveRate, count }) => ({ predicted: meanScore, observed: positiveRate, count })),
      error: expectedCalibrationError(bins),
    },
    curves: {
      roc: rocCurve(truth, scores, curvePoints).map(({ falsePositiveRate, truePositiveRate }) => ({
        x: falsePositiveRate,
        y: truePositiveRate,
      })),
      precisionRecall: precisionRecallCurve(truth, scores, curvePoints).map(({ recall, precision }) => ({ x: recall, y: precision })),
    },
  };
}
