import type { InputColumn, Run, Signature } from '#contract';
import { GyreError } from '#core';
import { feeds, targetsOf } from '#features';
import type { Features } from '#features';
import type { Session } from '#onnx';
import { sliceRows } from '#tables';
import type { Frame } from '#tables';
import type { Training } from '#training';
import { graphScores } from './graph-scores.ts';

/** A model that was trained elsewhere: all that Gyre has of it is something to run, behind named columns. */
export interface BroughtGraph {
  readonly modelVersion: string;
  /** Opens what takes the columns of the signature as [N, 1] and gives `probabilities` [N, classes] or `prediction` [N, 1], float32. */
  readonly open: () => Promise<Session>;
  readonly signature: Signature & Required<Pick<Signature, 'task'>>;
  /** The column with the truth, and the one that names a row. */
  readonly target: string;
  readonly key?: string;
}

/** Where a model comes from: the id of a run of our trainers, or a graph from elsewhere. */
export type ModelSource = string | BroughtGraph;

/** A model as judgements see it, wherever it was trained. */
export interface ScoringModel extends AsyncDisposable {
  /** Its run's id, or that of the version that it was brought as. */
  readonly id: string;
  /** Absent for a model that was trained elsewhere: nobody here knows what it has learned from. */
  readonly run?: Run;
  readonly task: NonNullable<Signature['task']>;
  /** In the order of the probabilities; empty for regression. */
  readonly classes: readonly string[];
  readonly inputs: readonly InputColumn[];
  readonly target: string;
  readonly key?: string;
  /** P(class 1) per row for binary, [rows][classes] flat for multiclass, predictions for regression. As `#stats` takes them. */
  predict(frame: Frame): Promise<Float64Array>;
  /** Probabilities [rows][classes], flat (classification), or predictions [rows] (regression). */
  probabilities(frame: Frame): Promise<Float64Array>;
  /** Class indexes, or numbers for regression. @throws GyreError INVALID_ARGUMENT when a row has no target, or a class that the model has not */
  truth(frame: Frame): Promise<Float64Array>;
}

export interface ModelDeps {
  readonly features: Pick<Features, 'target' | 'specOf'>;
  readonly training: Pick<Training, 'readModel'>;
}

/** @throws GyreError NOT_FOUND; FAILED_PRECONDITION when the run has no model of ours */
export async function openScoringModel(deps: ModelDeps, source: ModelSource): Promise<ScoringModel> {
  return typeof source === 'string' ? trainedModel(deps, source) : broughtModel(source);
}

async function trainedModel({ features, training }: ModelDeps, id: string): Promise<ScoringModel> {
  const model = await training.readModel(id);
  const { run, transform } = model;
  const { key } = await features.specOf(transform);
  return {
    id: run.id,
    run,
    task: transform.task,
    classes: transform.classes,
    inputs: transform.inputs,
    target: transform.target,
    ...(key === undefined ? {} : { key }),
    predict: (frame) => model.predict(frame),
    probabilities: (frame) => model.probabilities(frame),
    truth: (frame) => features.target(transform, frame),
    [Symbol.asyncDispose]: async () => undefined,
  };
}

async function broughtModel({ modelVersion, open, signature, target, key }: BroughtGraph): Promise<ScoringModel> {
  const { task, classes, inputs } = signature;
  const session = await open();
  const output = task === 'regression' ? 'prediction' : 'probabilities';
  const probabilities = async (frame: Frame): Promise<Float64Array> => {
    const scores = await graphScores(session, frame.rows, output, (from, to) => feeds(inputs, sliceRows(frame, from, to)));
    const width = task === 'regression' ? 1 : classes.length;
    if (scores.length !== frame.rows * width)
      throw new GyreError(
        'FAILED_PRECONDITION',
        `the model gives ${scores.length} values for ${frame.rows} rows; ${width === 1 ? 'one each' : `${width} each, one for each class,`} would be right`,
      );
    const at = scores.findIndex((score) => !Number.isFinite(score));
    if (at >= 0) throw notFinite(frame, inputs, Math.floor(at / width), scores[at]);
    return Float64Array.from(scores);
  };
  return {
    id: modelVersion,
    task,
    classes,
    inputs,
    target,
    ...(key === undefined ? {} : { key }),
    probabilities,
    predict: async (frame) => {
      const all = await probabilities(frame);
      return task === 'binary' ? Float64Array.from({ length: frame.rows }, (_, row) => all[row * 2 + 1]) : all;
    },
    truth: async (frame) => targetsOf(frame, { target, task, classes }),
    [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
  };
}

function notFinite(frame: Frame, inputs: readonly InputColumn[], row: number, score: number): GyreError {
  const missing = inputs
    .filter(({ name, datatype }) => datatype === 'FP64' && Number.isNaN(frame.numbers(name)[row]))
    .map(({ name }) => `"${name}"`);
  const why =
    missing.length === 0 ? '' : `, where ${missing.join(', ')} ${missing.length === 1 ? 'is' : 'are'} missing: it takes no missing values`;
  return new GyreError('FAILED_PRECONDITION', `the model gives ${score} for row ${row}${why}`, { row });
}
