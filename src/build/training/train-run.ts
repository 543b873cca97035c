import type { ArtifactFile, Run } from '#contract';
import { GyreError, hasCode, messageOf } from '#core';
import type { LearnerName, LearnerParams } from '#learners';
import type { GraphBuilder } from '#onnx';
import { fitModel, modelBytes } from './fit-model.ts';
import type { TrainingParts } from './fit-model.ts';
import { encodeLearner, learnerPath, modelPath } from './learner-file.ts';
import type { NewMetric, StartRun, TrainingDeps } from './port.ts';
import type { RunLog } from './run-log.ts';

/** What a trainer said while it worked, as a file of the run. */
const logPath = 'train.log';
/** Of iterations, every so many are a line of the log; all are points of metrics. */
const iterationsPerLine = 10;

export interface TrainRun {
  readonly start: StartRun;
  readonly trainer: LearnerName;
  readonly params: LearnerParams;
  readonly seed: number;
  readonly parts: TrainingParts;
  /** The transform's graph, and the name of the features in it. */
  readonly graph: GraphBuilder;
  readonly features: string;
  readonly classes: readonly string[];
  /** Throws when the run is of no use. */
  readonly check?: (metrics: Readonly<Record<string, number>>) => void;
  readonly onLine?: (line: string) => void;
  readonly workers?: number;
  readonly signal?: AbortSignal;
}

/** One run of a trainer of ours, from its start to its model. @throws GyreError CANCELLED, or what ended the run, which then is on record as failed */
export async function trainRun({ blobs }: TrainingDeps, runs: RunLog, request: TrainRun): Promise<Run> {
  const { start, trainer, params, seed, parts, signal, workers } = request;
  const { by } = start;
  const run = await runs.startRun(start);
  const lines: string[] = [];
  const say = (line: string): void => {
    lines.push(line);
    request.onLine?.(`${run.name}: ${line}`);
  };
  say(`${trainer} with seed ${seed}: ${wordsOf(params)}`);
  say(`${parts.train.features.rows} rows to train on, ${parts.validation.features.rows} to validate with`);
  try {
    signal?.throwIfAborted();
    const fitted = await fitModel(trainer, params, seed, parts, {
      ...(workers === undefined ? {} : { workers }),
      ...(signal === undefined ? {} : { signal }),
      onIteration: ({ iteration, trainLoss, validationLoss }) => {
        if (iteration % iterationsPerLine !== 0) return;
        const validation = validationLoss === undefined ? '' : `, validation_loss ${shown(validationLoss)}`;
        say(`iteration ${iteration}: train_loss ${shown(trainLoss)}${validation}`);
      },
    });
    request.check?.(fitted.metrics);
    say(`after ${fitted.model.iterations} iterations: ${wordsOf(fitted.metrics)}`);
    const artifacts = await keep(blobs, [
      [modelPath, modelBytes(request.graph, request.features, fitted.model, request.classes)],
      [learnerPath, encodeLearner(trainer, fitted.model)],
      [logPath, new TextEncoder().encode(`${lines.join('\n')}\n`)],
    ]);
    const last: NewMetric[] = Object.entries(fitted.metrics).map(([key, value]) => ({ key, value }));
    const metrics = [...fitted.history, ...last, { key: 'iterations', value: fitted.model.iterations }];
    return await runs.end({ run: run.id, status: 'FINISHED', metrics, artifacts, by });
  } catch (error) {
    const cancelled = signal?.aborted === true || hasCode(error, 'CANCELLED');
    await runs.failRun(run.id, cancelled ? 'it was cancelled' : messageOf(error), by, cancelled ? 'KILLED' : 'FAILED');
    if (cancelled) throw new GyreError('CANCELLED', `run ${run.name} was cancelled`, { run: run.id }, { cause: error });
    throw error;
  }
}

function wordsOf(values: Readonly<Record<string, number>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name} ${shown(value)}`)
    .join(', ');
}

const shown = (value: number): string => String(Number(value.toPrecision(6)));

async function keep(blobs: TrainingDeps['blobs'], files: readonly (readonly [string, Uint8Array])[]): Promise<readonly ArtifactFile[]> {
  return Promise.all(
    files.map(async ([path, bytes]) => {
      const { digest, size } = await blobs.put(bytes);
      return { path, digest, size };
    }),
  );
}
