import type { Run } from '#contract';
import { GyreError, asSha256 } from '#core';
import type { Sha256 } from '#core';
import { contributions, predictMargins, predictProbabilities, predictScores } from '#learners';
import type { Matrix } from '#learners';
import type { Frame } from '#tables';
import { entryAt } from './artifacts/artifacts-store.ts';
import { placeOf, runFolder } from './artifacts/paths.ts';
import { decodeLearner, learnerPath, modelPath } from './learner-file.ts';
import type { TrainedModel, TrainingDeps } from './port.ts';

/** The model that a run made, with its transform. See `Training.readModel`. */
export async function readModel({ store, blobs, features }: TrainingDeps, run: Run): Promise<TrainedModel> {
  const digestOf = async (path: string): Promise<Sha256> => {
    const entry = await store.read((db) => entryAt(db, placeOf(`${runFolder(run)}/${path}`)));
    if (entry?.kind === 'file') return asSha256(entry.digest);
    throw new GyreError(
      'FAILED_PRECONDITION',
      `run ${run.id} is ${run.status} and has no ${path}: only finished runs of our trainers have a model`,
      {
        run: run.id,
        path,
      },
    );
  };
  const transformDigest = run.inputs.find(({ role }) => role === 'transform')?.digest;
  if (transformDigest === undefined) throw new GyreError('FAILED_PRECONDITION', `run ${run.id} names no transform`, { run: run.id });
  const [onnx, learnerBytes, transform] = await Promise.all([
    blobs.read(await digestOf(modelPath)),
    blobs.read(await digestOf(learnerPath)),
    features.get(transformDigest),
  ]);
  const { trainer, model } = decodeLearner(learnerBytes);
  const matrixOf = (frame: Frame): Promise<Matrix> => features.apply(transform, frame);
  return {
    run,
    trainer,
    model,
    transform,
    classes: transform.classes,
    onnx,
    predict: async (frame) => predictScores(model, await matrixOf(frame)),
    probabilities: async (frame) => {
      const matrix = await matrixOf(frame);
      return model.task === 'regression' ? predictScores(model, matrix) : predictProbabilities(model, matrix);
    },
    contributions: async (frame) => {
      const matrix = await matrixOf(frame);
      return { ...contributions(model, matrix), features: model.featureNames, margins: predictMargins(model, matrix) };
    },
  };
}
