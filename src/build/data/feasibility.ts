import type { Feasibility } from '#contract';
import { GyreError, seeded } from '#core';
import type { Clock } from '#core';
import { fitLearner, predictScores } from '#learners';
import type { TrainingData } from '#learners';
import { meets, thresholdText } from '#project';
import type { ParsedThreshold } from '#project';
import { bootstrapMetric, computeMetrics, isMetricName, metricInfo } from '#stats';
import { takeRows } from '#tables';
import type { Frame } from '#tables';
import { learnableColumns, quickFeatures, rowsWith } from './quick-features.ts';

export interface FeasibilityRequest {
  readonly target: string;
  /** Columns that a model may not look at: the key, what the project excludes. */
  readonly excluded: readonly string[];
  readonly task?: Feasibility['task'];
  /** The class that binary metrics speak of; the rarer one without it. */
  readonly positive?: string;
  readonly success: readonly (ParsedThreshold & { readonly metric: string })[];
}

/** As many rows as a quick look needs: a model of them takes seconds. */
const mostRows = 20_000;
const trainShare = 0.7;
const iterations = 60;
const seed = 20_260_101;

/**
 * Fits gradient boosting with usual parameters on a random sample, tests it on rows that it has not seen, and holds the result against the
 * thresholds of success. A baseline: no features are made, nothing is searched, so that a project should do better.
 * @throws GyreError FAILED_PRECONDITION when there are too few rows with a target, or one class only
 */
export async function feasibility(frame: Frame, version: string, request: FeasibilityRequest, clock: Clock): Promise<Feasibility> {
  const { target, excluded, success } = request;
  const labelled = rowsWith(frame, target);
  if (labelled.length < 20)
    throw new GyreError('FAILED_PRECONDITION', `${labelled.length} rows have a ${target}; a baseline needs at least 20`, { target });
  const order = Int32Array.from(labelled);
  seeded(seed).shuffle(order);
  const sample = takeRows(frame, order.subarray(0, mostRows));
  const answers = answersOf(sample, request);
  const { names, left } = learnableColumns(sample, [target, ...excluded]);
  if (names.length === 0) throw new GyreError('FAILED_PRECONDITION', 'no column is left to learn from', { target });
  const features = quickFeatures(sample, names);
  const trained = Math.floor(sample.rows * trainShare);
  const part = (from: number, to: number): TrainingData => ({
    task: answers.task,
    classes: answers.classes,
    featureNames: names,
    features: { rows: to - from, columns: names.length, values: features.values.subarray(from * names.length, to * names.length) },
    targets: answers.values.subarray(from, to),
  });
  const timed = async (rows: number) => {
    const before = clock.now();
    const model = await fitLearner('gbdt', part(0, rows), { iterations }, { random: seeded(seed) });
    return { model, ms: clock.now() - before };
  };
  // the first fit also compiles: its time says nothing of the rows
  await timed(Math.min(trained, 500));
  const half = await timed(Math.floor(trained / 2));
  const whole = await timed(trained);
  const test = part(trained, sample.rows);
  const scores = predictScores(whole.model, test.features);
  const naive = naiveScores(part(0, trained), test.features.rows);
  const metrics: Feasibility['metrics'] = [];
  const unmeasured: string[] = [];
  for (const threshold of success) {
    const { metric } = threshold;
    if (!isMetricName(metric) || !metricInfo[metric].tasks.includes(answers.task)) {
      unmeasured.push(`${metric} ${thresholdText(threshold)}`);
      continue;
    }
    const { value, low, high } = bootstrapMetric(metric, answers.task, test.targets, scores, { random: seeded(seed) });
    const [worst, best] = metricInfo[metric].higherIsBetter ? [low, high] : [high, low];
    const verdict = meets(worst, threshold) ? 'met' : meets(best, threshold) ? 'within reach' : 'beyond the baseline';
    const constant = computeMetrics(answers.task, test.targets, naive, 0.5, [metric])[metric];
    metrics.push({ metric, threshold: thresholdText(threshold), value, low, high, naive: constant ?? null, verdict });
  }
  const sampleBytes = bytesOf(sample) + features.values.byteLength;
  const perRow = Math.max(0, whole.ms - half.ms) / Math.max(1, trained - Math.floor(trained / 2));
  const allRows = Math.floor(labelled.length * trainShare);
  return {
    dataset: version,
    target,
    task: answers.task,
    rows: frame.rows,
    sampled: sample.rows,
    trained,
    tested: test.features.rows,
    columns: [...names],
    left,
    metrics,
    unmeasured,
    cost: {
      halfMs: half.ms,
      wholeMs: whole.ms,
      estimatedMs: whole.ms + perRow * Math.max(0, allRows - trained),
      sampleBytes,
      estimatedBytes: Math.round((sampleBytes / sample.rows) * frame.rows),
    },
  };
}

interface Answers {
  readonly task: Feasibility['task'];
  readonly classes: number;
  readonly values: Float64Array;
}

/** Class indices or numbers. A number column with more than ten values is regression unless the project says otherwise. */
function answersOf(sample: Frame, { target, task, positive }: FeasibilityRequest): Answers {
  const column = sample.column(target);
  const raw = column.kind === 'text' ? Array.from(column.codes, (code) => column.dictionary[code]) : Array.from(column.values, String);
  const counts = new Map<string, number>();
  for (const value of raw) counts.set(value, (counts.get(value) ?? 0) + 1);
  const isNumber = column.kind !== 'text';
  if (task === 'regression' || (task === undefined && isNumber && counts.size > 10))
    return { task: 'regression', classes: 0, values: column.kind === 'text' ? Float64Array.from(raw, Number) : column.values };
  if (counts.size < 2) throw new GyreError('FAILED_PRECONDITION', `${target} has one class only in the sample (${raw[0]})`, { target });
  // the commonest class first, so that of two the rarer one is positive
  const classes = [...counts].sort(([one, many], [other, few]) => few - many || (one < other ? -1 : 1)).map(([value]) => value);
  if (classes.length === 2 && positive === classes[0]) classes.reverse();
  const indexOf = new Map(classes.map((value, index) => [value, index] as const));
  return {
    task: classes.length === 2 ? 'binary' : 'multiclass',
    classes: classes.length,
    values: Float64Array.from(raw, (value) => indexOf.get(value) ?? 0),
  };
}

/** What one who looks at nothing says of each row: the shares of the classes, or the mean. */
function naiveScores({ task, classes, targets }: TrainingData, rows: number): Float64Array {
  if (task === 'multiclass') {
    const shares = new Float64Array(classes);
    for (const value of targets) shares[value] += 1 / targets.length;
    return Float64Array.from({ length: rows * classes }, (_, at) => shares[at % classes]);
  }
  return new Float64Array(rows).fill(targets.reduce((sum, value) => sum + value, 0) / targets.length);
}

function bytesOf(frame: Frame): number {
  return frame.names.reduce((sum, name) => {
    const column = frame.column(name);
    return sum + (column.kind === 'text' ? column.codes.byteLength : column.values.byteLength);
  }, 0);
}
