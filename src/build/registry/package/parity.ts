import { GyreError } from '#core';
import type { Evidence } from '#contract';
import { graphScores } from '#evaluation';
import type { FeatureMatrix, Features } from '#features';
import { predictProbabilities, predictScores } from '#learners';
import { encodeModel, openSession, openSessionPool } from '#onnx';
import type { Feeds } from '#onnx';
import { sliceRows } from '#tables';
import type { Frame } from '#tables';
import type { TrainedModel } from '#training';
import { boundaryRows } from './boundary-rows.ts';
import { learnerGraph } from './learner-graph.ts';

/** How far the ONNX model's probabilities may lie from the trainer's own; for a regression this share of the target's greatest size. */
export const parityTolerance = 1e-5;

export interface ParityInputs {
  readonly model: TrainedModel;
  /** The test rows. */
  readonly frame: Frame;
  /** Their truth, for the scale of a regression's target. */
  readonly truth: Float64Array;
  /** Their features. */
  readonly matrix: FeatureMatrix;
  readonly features: Pick<Features, 'feeds'>;
}

/** Pictures that are compared, the first ones: each goes through the whole network once more. */
const mostPictures = 256;
/** Not one at a time, as the features were made: rows beside a row must not matter. */
const picturesPerRun = 8;

/**
 * Holds the packaged ONNX model against the trainer's own: on every test row (of pictures: on the first 256) from raw columns, and (trees) on rows whose features lie exactly
 * on a split's threshold, one float32 step beside it, or are missing.
 * @throws GyreError FAILED_PRECONDITION naming the row and the difference when they disagree
 */
export async function requireParity({
  model,
  frame: all,
  truth,
  matrix,
  features,
}: ParityInputs): Promise<NonNullable<Evidence['parity']>> {
  const tolerance = model.transform.task === 'regression' ? parityTolerance * greatestSize(truth) : parityTolerance;
  const isOfPictures = model.transform.backbone !== undefined;
  const frame = isOfPictures ? sliceRows(all, 0, Math.min(all.rows, mostPictures)) : all;
  const own = await model.probabilities(frame);
  let greatest = 0;
  {
    // A network takes long for each row: not on this thread, and few at a time.
    await using session = await (isOfPictures ? openSessionPool(model.onnx, { workers: 1 }) : openSession(model.onnx));
    const pixels = isOfPictures ? await features.feeds(model.transform, frame) : undefined;
    const part = (from: number, to: number) =>
      pixels === undefined ? features.feeds(model.transform, sliceRows(frame, from, to)) : rowsOf(pixels, from, to);
    const given = await graphScores(session, frame.rows, outputName(model), part, isOfPictures ? picturesPerRun : undefined);
    greatest = compare(own, given, model, tolerance, (row) => `test row ${row}`);
  }
  const boundary = boundaryRows(model.model, matrix);
  if (boundary.rows > 0) {
    const learner = learnerGraph(model.onnx, matrix.columns, outputName(model));
    await using session = await openSession(encodeModel(learner));
    const given = await graphScores(session, boundary.rows, outputName(model), (from, to) => ({
      features: {
        type: 'FLOAT',
        shape: [to - from, matrix.columns],
        data: boundary.values.slice(from * matrix.columns, to * matrix.columns),
      },
    }));
    const wanted = model.model.task === 'regression' ? predictScores(model.model, boundary) : predictProbabilities(model.model, boundary);
    greatest = Math.max(
      greatest,
      compare(wanted, given, model, tolerance, (row) => boundary.describe(row, matrix.names)),
    );
  }
  return { rows: frame.rows + boundary.rows, maxDifference: greatest, tolerance };
}

/** Some rows of tensors of pixels. */
function rowsOf(pixels: Feeds, from: number, to: number): Feeds {
  return Object.fromEntries(
    Object.entries(pixels).map(([name, tensor]) => {
      if (tensor.type !== 'UINT8') throw new GyreError('INTERNAL', `pixels of type ${tensor.type} are not cut`);
      const [, ...rest] = tensor.shape;
      const width = rest.reduce((size, axis) => size * axis, 1);
      return [name, { ...tensor, shape: [to - from, ...rest], data: tensor.data.slice(from * width, to * width) }];
    }),
  );
}

function outputName(model: TrainedModel): string {
  return model.transform.task === 'regression' ? 'prediction' : 'probabilities';
}

function compare(own: Float64Array, given: Float32Array, model: TrainedModel, tolerance: number, rowName: (row: number) => string): number {
  if (own.length !== given.length)
    throw new GyreError(
      'FAILED_PRECONDITION',
      `the ONNX model gives ${given.length} values where the trainer's own gives ${own.length}: it is another model`,
      {},
    );
  const width = Math.max(1, model.classes.length);
  let greatest = 0;
  let at = 0;
  for (let i = 0; i < own.length; i++) {
    const difference = Math.abs(own[i] - given[i]);
    // NaN on either side is as far apart as can be.
    const size = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
    if (size > greatest) {
      greatest = size;
      at = i;
    }
  }
  if (greatest <= tolerance) return greatest;
  const row = Math.floor(at / width);
  const about = model.classes.length === 0 ? '' : ` for class "${model.classes[at % width]}"`;
  throw new GyreError(
    'FAILED_PRECONDITION',
    `the ONNX model and the trainer's own disagree on ${rowName(row)}: ${given[at]} and ${own[at]}${about}, a difference of ${greatest.toExponential(2)}; at most ${tolerance.toExponential(0)} is allowed. The package is not made`,
    { row, difference: greatest, tolerance, run: model.run.id },
  );
}

function greatestSize(values: Float64Array): number {
  const size = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return size === 0 ? 1 : size;
}
