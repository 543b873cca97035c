import type { Run } from '#contract';
import { GyreError, sha256 } from '#core';
import { targetsOf, trainingRows } from '#features';
import type { RowsSource } from '#features';
import { isLearnerName } from '#learners';
import type { LearnerName, LearnerParams } from '#learners';
import { fitModel, modelBytes, trainingData } from './fit-model.ts';
import type { ExecuteOptions, Execution, TrainingDeps } from './port.ts';

/** A run as its records tell how to train it again. */
export interface RunPlan {
  readonly trainer: LearnerName;
  readonly params: LearnerParams;
  readonly seed: number;
  readonly validation: string;
  readonly transform: string;
}

/** Trains a run again from its records: see `Training.execute`. Nothing that the first training computed is used. */
export async function execute({ features, data, clock }: TrainingDeps, run: Run, options: ExecuteOptions = {}): Promise<Execution> {
  const startedAt = clock.now();
  const { trainer, params, seed, validation, transform } = planOf(run);
  const source: RowsSource = options.data ?? data;
  const train = await features.trainedOn(transform);

  const rows = await trainingRows(source, { train });
  const refitted = await features.refit(transform, rows);
  const { facts } = refitted;
  const validationFrame = await source.open(validation);
  const parts = {
    train: trainingData(facts, await refitted.matrix(rows.frame, { forTraining: true }), targetsOf(rows.frame, facts), rows.weights),
    validation: trainingData(facts, await refitted.matrix(validationFrame), targetsOf(validationFrame, facts)),
  };
  const { workers = 1, signal } = options;
  const fitted = await fitModel(trainer, params, seed, parts, {
    workers,
    // Asked for more than one worker, threads are used however small the data: the claim is that they change nothing.
    ...(workers > 1 ? { workersFromCells: 0 } : {}),
    ...(signal === undefined ? {} : { signal }),
  });
  const onnx = modelBytes(refitted.graph, refitted.features, fitted.model, facts.classes);
  return {
    onnx,
    digest: sha256(onnx),
    transform: refitted.digest,
    metrics: fitted.metrics,
    durationMs: clock.now() - startedAt,
  };
}

/** @throws GyreError FAILED_PRECONDITION when the records of a run do not say how to train it again */
export function planOf(run: Run): RunPlan {
  const digestOf = (role: string): string | undefined => run.inputs.find((input) => input.role === role)?.digest;
  const [validation, transform] = [digestOf('validation'), digestOf('transform')];
  const { trainer, seed } = run;
  const lacking = [
    trainer !== undefined && isLearnerName(trainer) ? '' : 'a trainer of ours',
    seed === undefined ? 'a seed' : '',
    validation === undefined ? 'a validation part' : '',
    transform === undefined ? 'a transform' : '',
  ].filter((one) => one !== '');
  if (trainer === undefined || !isLearnerName(trainer) || seed === undefined || validation === undefined || transform === undefined) {
    throw new GyreError('FAILED_PRECONDITION', `run ${run.id} cannot be trained again: its records lack ${lacking.join(', ')}`, {
      run: run.id,
      lacking,
    });
  }
  const params = Object.fromEntries(
    Object.entries(run.parameters).flatMap(([name, value]) => (typeof value === 'number' ? [[name, value]] : [])),
  );
  return { trainer, params, seed, validation, transform };
}
