import type { BlobStore } from '#blobs';
import { asSha256, GyreError } from '#core';
import type { JudgedVersion, NamedRow, PredictAnswer, TestReport } from '#contract';
import type { ScoringModel } from '#evaluation';
import type { RowsSource } from '#features';
import { computeMetrics } from '#stats';
import { sliceRows, toRecords } from '#tables';
import type { Frame } from '#tables';
import { goldenTolerance, type ReferenceRows, type SentRows } from './application-tests.ts';

/** So many rows at most are sent over HTTP: enough to compare with the report, few enough for a test of seconds. */
const mostRows = 2_000;
/** Of pictures: each goes through a network, and its bytes over HTTP. */
const mostPictures = 256;
const mostPictureBytes = 64 * 1024 * 1024;

export interface RowsDeps {
  /** Where pictures lie by their SHA-256. */
  readonly blobs: Pick<BlobStore, 'read'>;
  readonly model: ScoringModel;
  readonly version: JudgedVersion;
}

export interface ReferenceSource extends RowsDeps {
  readonly data: RowsSource;
  readonly report: TestReport;
}

/**
 * The rows of a version's test report with the model's own scores, computed here (by the trainer, where it is ours), and the truth.
 * @throws GyreError FAILED_PRECONDITION when the dataset of the test report is empty
 */
export async function referenceRows({ data, report, ...deps }: ReferenceSource): Promise<ReferenceRows> {
  const all = await data.open(report.dataset);
  if (all.rows === 0) throw new GyreError('FAILED_PRECONDITION', `the test dataset ${report.dataset} has no rows`);
  const { own, ...sent } = await rowsToSend(deps, report.dataset, all, mostRows);
  return { ...sent, reported: sent.isWhole ? reportedMetrics(report) : own() };
}

/**
 * Rows as they are sent, the first so many of a frame, with the model's own scores and the truth.
 * @param most rows at most; of pictures fewer
 * @returns with what the metrics are of the model's own scores
 */
export async function rowsToSend(
  { blobs, model, version }: RowsDeps,
  dataset: string,
  all: Frame,
  most: number,
): Promise<SentRows & { readonly own: () => Readonly<Record<string, number>> }> {
  const { inputs, threshold = 0.5 } = version.signature;
  const pictures = inputs.filter(({ image }) => image !== undefined).map(({ name }) => name);
  const count = Math.min(most, pictures.length === 0 ? most : picturesToSend(all));
  const frame = all.rows > count ? sliceRows(all, 0, count) : all;
  const truth = await model.truth(frame);
  const scores = await model.predict(frame);
  const columns = inputs.map((input) => input.name);
  return {
    dataset,
    rows: await Promise.all(
      toRecords(frame).map(async (record) => {
        if (pictures.length === 0) return pick(record, columns);
        const picture = Buffer.from(await blobs.read(asSha256(String(record.sha256)))).toString('base64');
        return { ...pick(record, columns), ...Object.fromEntries(pictures.map((name) => [name, picture])) };
      }),
    ),
    expected: await model.probabilities(frame),
    score: (answers) => {
      const answered = agreed(answeredScores(answers, version), scores);
      return { scores: answered, metrics: computeMetrics(model.task, truth, answered, threshold) };
    },
    frame,
    isWhole: all.rows === frame.rows,
    ...(model.key === undefined ? {} : { key: model.key }),
    truth: Float64Array.from(truth),
    own: () => computeMetrics(model.task, truth, scores, threshold),
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
