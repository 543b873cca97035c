import type { Run } from '#contract';
import { GyreError, asSha256 } from '#core';
import { contributions, predictMargins, predictProbabilities, predictScores } from '#learners';
import type { Matrix } from '#learners';
import type { Frame } from '#tables';
import { decodeLearner, learnerPath, modelPath } from './learner-file.ts';
import type { TrainedModel, TrainingDeps } from './port.ts';

/** The model that a run made, with its transform. See `Training.readModel`. */
export async function readModel({ blobs, features }: TrainingDeps, run: Run): Promise<TrainedModel> {
  const digestOf = (path: string): string => {
    const artifact = run.artifacts.find((one) => one.path === path);
    if (artifact !== undefined) return artifact.digest;
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
    blobs.read(asSha256(digestOf(modelPath))),
    blobs.read(asSha256(digestOf(learnerPath))),
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
