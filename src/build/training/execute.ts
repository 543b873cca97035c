import type { Run } from '#contract';
import { GyreError, canonicalJson, sha256 } from '#core';
import { compileRecipe, fitTransform, matrixOf, targetsOf, trainingRows } from '#features';
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
  const { spec, key } = await features.specOf(transform);
  const train = await features.trainedOn(transform);

  const { frame, weights } = await trainingRows(source, { train });
  const { description, graph } = await fitTransform(frame, spec, { train, weights, ...(key === undefined ? {} : { key }) });
  const validationFrame = await source.open(validation);
  const fittedNow = { description, graph };
  const trainMatrix = await matrixOf(fittedNow, frame, { forTraining: true });
  const validationMatrix = await matrixOf(fittedNow, validationFrame);
  const parts = {
    train: trainingData(description, trainMatrix, targetsOf(frame, description), weights),
    validation: trainingData(description, validationMatrix, targetsOf(validationFrame, description)),
  };
  const { workers = 1, signal } = options;
  const fitted = await fitModel(trainer, params, seed, parts, {
    workers,
    // Asked for more than one worker, threads are used however small the data: the claim is that they change nothing.
    ...(workers > 1 ? { workersFromCells: 0 } : {}),
    ...(signal === undefined ? {} : { signal }),
  });
  const compiled = compileRecipe(description.recipe);
  const onnx = modelBytes(compiled.graph, compiled.features, fitted.model, description.classes);
  return {
    onnx,
    digest: sha256(onnx),
    transform: sha256(canonicalJson(description)),
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
