import type { BlobStore } from '#blobs';
import { asSha256, GyreError } from '#core';
import type { JudgedVersion, NamedRow, PredictAnswer, TestReport } from '#contract';
import type { ScoringModel } from '#evaluation';
import type { RowsSource } from '#features';
import { computeMetrics } from '#stats';
import { takeRows, toRecords } from '#tables';
import type { Frame } from '#tables';
import { goldenTolerance, type ReferenceRows } from './application-tests.ts';

/** So many rows at most are sent over HTTP: enough to compare with the report, few enough for a test of seconds. */
const mostRows = 2_000;
/** Of pictures: each goes through a network, and its bytes over HTTP. */
const mostPictures = 256;
const mostPictureBytes = 64 * 1024 * 1024;

export interface ReferenceSource {
  readonly data: RowsSource;
  /** Where pictures lie by their SHA-256. */
  readonly blobs: Pick<BlobStore, 'read'>;
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
  const { inputs } = version.signature;
  const pictures = inputs.filter(({ image }) => image !== undefined).map(({ name }) => name);
  const most = pictures.length === 0 ? mostRows : picturesToSend(all);
  const frame =
    all.rows > most
      ? takeRows(
          all,
          Int32Array.from({ length: most }, (_, row) => row),
        )
      : all;
  const truth = await model.truth(frame);
  const threshold = version.signature.threshold ?? 0.5;
  const own = await model.predict(frame);
  const columns = inputs.map((input) => input.name);
  const records = toRecords(frame);
  return {
    dataset: report.dataset,
    rows: await Promise.all(
      records.map(async (record) => {
        if (pictures.length === 0) return pick(record, columns);
        const picture = Buffer.from(await source.blobs.read(asSha256(String(record.sha256)))).toString('base64');
        return { ...pick(record, columns), ...Object.fromEntries(pictures.map((name) => [name, picture])) };
      }),
    ),
    expected: await model.probabilities(frame),
    score: (answers) => {
      const scores = agreed(answeredScores(answers, version), own);
      return { scores, metrics: computeMetrics(report.task, truth, scores, threshold) };
    },
    frame,
    isWhole: all.rows === frame.rows,
    ...(model.key === undefined ? {} : { key: model.key }),
    truth: Float64Array.from(truth),
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

/** How many pictures are sent, from the first on. */
function picturesToSend(frame: Frame): number {
  const sizes = frame.numbers('size');
  let [rows, bytes] = [0, 0];
  while (rows < Math.min(frame.rows, mostPictures) && (rows === 0 || bytes + sizes[rows] <= mostPictureBytes)) bytes += sizes[rows++];
  return rows;
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
