import type { CellValue, JudgedVersion, WindowMetric } from '#contract';
import { seedOf, seeded } from '#core';
import { bootstrapMetric, isMetricName, metricEvaluator, metricInfo, metricsOf, wilsonInterval } from '#stats';
import type { MetricName } from '#stats';

/** Predictions and what really happened, in the form that metrics take. */
export interface Actuals {
  readonly task: JudgedVersion['signature']['task'];
  readonly truth: Float64Array;
  /** Binary: P(second class); multiclass: [rows][classes] flat; regression: the predictions. */
  readonly scores: Float64Array;
  /** The decisions that were served, in the same form: 1 for the class that was said. Regression: as `scores`. */
  readonly decisions: Float64Array;
  /** Labels that no class of the model has. */
  readonly foreign: number;
}

interface LabelledRow {
  readonly label: CellValue;
  readonly predicted: string | null;
  readonly score: number | null;
  readonly outputs: Record<string, unknown>;
}

/** @returns the position of a label's class; undefined when the model has no such class */
export function classOf(classes: readonly string[], label: CellValue): number | undefined {
  const texts = typeof label === 'boolean' ? [String(label), String(Number(label))] : label === null ? [] : [String(label)];
  const at = classes.findIndex((name) => texts.includes(name));
  return at < 0 ? undefined : at;
}

/** Labels beside predictions; rows whose label or prediction has no use (another class, no score) are left out and counted. */
export function actualsOf(signature: JudgedVersion['signature'], rows: readonly LabelledRow[]): Actuals {
  const { task, classes } = signature;
  const truth: number[] = [];
  const scores: number[] = [];
  const decisions: number[] = [];
  let foreign = 0;
  for (const { label, predicted, score, outputs } of rows) {
    if (task === 'regression') {
      if (typeof label !== 'number' || score === null) foreign++;
      else {
        truth.push(label);
        scores.push(score);
        decisions.push(score);
      }
      continue;
    }
    const actual = classOf(classes, label);
    const said = predicted === null ? -1 : classes.indexOf(predicted);
    const shares = task === 'binary' ? (score === null ? undefined : [score]) : probabilitiesOf(classes, outputs);
    if (actual === undefined || said < 0 || shares === undefined) {
      foreign++;
      continue;
    }
    truth.push(actual);
    scores.push(...shares);
    decisions.push(...(task === 'binary' ? [said] : classes.map((_, at) => Number(at === said))));
  }
  return {
    task,
    truth: Float64Array.from(truth),
    scores: Float64Array.from(scores),
    decisions: Float64Array.from(decisions),
    foreign,
  };
}

function probabilitiesOf(classes: readonly string[], { probabilities }: Record<string, unknown>): readonly number[] | undefined {
  if (typeof probabilities !== 'object' || probabilities === null) return undefined;
  const byClass = new Map<string, unknown>(Object.entries(probabilities));
  const shares = classes.flatMap((name) => {
    const share = byClass.get(name);
    return typeof share === 'number' ? [share] : [];
  });
  return shares.length === classes.length ? shares : undefined;
}

/** What a summary shows beside the metrics that the project watches. */
const usual: Readonly<Record<Actuals['task'], readonly MetricName[]>> = {
  binary: ['accuracy', 'roc_auc', 'f1', 'log_loss'],
  multiclass: ['accuracy', 'f1', 'log_loss'],
  regression: ['rmse', 'mae', 'r2'],
};
const level = 0.95;
const resamples = 1000;
/** Fewer labels give a value and no interval. */
const leastForInterval = 10;

/**
 * The watched metrics and the usual ones with 95 % intervals: Wilson's for accuracy, a percentile bootstrap for the others.
 * A metric that is not defined on these rows (one class only) is null.
 * @param seed of the resamples: the same rows give the same interval
 */
export function measure(actuals: Actuals, watched: readonly string[], seed: string): WindowMetric[] {
  const { task, truth } = actuals;
  if (truth.length === 0) return [];
  const available = new Set(metricsOf(task));
  const names = [...new Set([...watched, ...usual[task]])].filter((name): name is MetricName => isMetricName(name) && available.has(name));
  return names.map((name) => metricOf(name, actuals, seed));
}

function metricOf(name: MetricName, { task, truth, scores, decisions }: Actuals, seed: string): WindowMetric {
  // What was served counts, not what a threshold would say today: decisions are exact at any threshold between their 0 and 1.
  const values = metricInfo[name].needs === 'labels' ? decisions : scores;
  const value = metricEvaluator(name, task, truth, values)();
  if (!Number.isFinite(value)) return { name, value: null };
  if (truth.length < leastForInterval) return { name, value };
  if (name === 'accuracy') {
    return { name, value, interval: { ...wilsonInterval(Math.round(value * truth.length), truth.length, level), level } };
  }
  const random = seeded(seedOf('monitoring.actuals', seed, name));
  const { low, high } = bootstrapMetric(name, task, truth, values, { random, resamples });
  return { name, value, interval: { low, high, level } };
}
