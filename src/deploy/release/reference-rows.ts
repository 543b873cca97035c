import { GyreError } from '#core';
import type { JudgedVersion, NamedRow, PredictAnswer, TestReport } from '#contract';
import type { ScoringModel } from '#evaluation';
import type { RowsSource } from '#features';
import { computeMetrics } from '#stats';
import { takeRows, toRecords } from '#tables';
import { goldenTolerance, type ReferenceRows } from './application-tests.ts';

/** So many rows at most are sent over HTTP: enough to compare with the report, few enough for a test of seconds. */
const mostRows = 2_000;

export interface ReferenceSource {
  readonly data: RowsSource;
  readonly model: ScoringModel;
  readonly report: TestReport;
  readonly version: JudgedVersion;
}

/**
 * The rows of a version's test report with the model's own scores, computed here (by the trainer, where it is ours), and the truth.
 * @throws GyreError FAILED_PRECONDITION when the dataset of the test report is empty
 */
export async function referenceRows(source: ReferenceSource): Promise<ReferenceRows> {
  const { version, report, model } = source;
  const all = await source.data.open(report.dataset);
  if (all.rows === 0) throw new GyreError('FAILED_PRECONDITION', `the test dataset ${report.dataset} has no rows`);
  const frame =
    all.rows > mostRows
      ? takeRows(
          all,
          Int32Array.from({ length: mostRows }, (_, row) => row),
        )
      : all;
  const truth = await model.truth(frame);
  const threshold = version.signature.threshold ?? 0.5;
  const own = await model.predict(frame);
  const columns = version.signature.inputs.map((input) => input.name);
  return {
    dataset: report.dataset,
    rows: toRecords(frame).map((record) => pick(record, columns)),
    expected: await model.probabilities(frame),
    score: (answers) => computeMetrics(report.task, truth, agreed(answeredScores(answers, version), own), threshold),
    reported: all.rows === frame.rows ? reportedMetrics(report) : computeMetrics(report.task, truth, own, threshold),
  };
}

/**
 * Scores that agree with the trainer's own to the tolerance of golden requests count as those: a row at the very threshold, which float32
 * puts on its other side, would move the accuracy of 300 rows by 0.003.
 */
function agreed(answered: Float64Array, own: Float64Array): Float64Array {
  return answered.map((score, at) => (Math.abs(score - own[at]) <= goldenTolerance * Math.max(1, Math.abs(own[at])) ? own[at] : score));
}

/** The figures of the report itself, by name; what could not be measured is left out. */
function reportedMetrics(report: TestReport): Readonly<Record<string, number>> {
  return Object.fromEntries(report.metrics.flatMap(({ name, value }) => (value === null ? [] : [[name, value]])));
}

function pick(record: NamedRow, columns: readonly string[]): NamedRow {
  return Object.fromEntries(columns.map((name) => [name, record[name] ?? null]));
}

function answeredScores(answers: PredictAnswer['predictions'], version: JudgedVersion): Float64Array {
  const { task, classes, positive } = version.signature;
  if (task === 'regression') return Float64Array.from(answers, (answer) => answer.value ?? Number.NaN);
  const named = task === 'binary' ? [positive ?? classes[1]] : classes;
  return Float64Array.from(answers.flatMap((answer) => named.map((name) => answer.probabilities?.[name] ?? Number.NaN)));
}
