import { seeded } from '#core';
import { appendToOnnx, fitLearner, predictScores } from '#learners';
import type { LearnerName, LearnerParams, Model, TrainingData } from '#learners';
import { encodeModel } from '#onnx';
import type { GraphBuilder } from '#onnx';
import { computeMetrics } from '#stats';
import type { FeatureMatrix, TargetFacts } from '#features';
import type { NewMetric } from './port.ts';

/** What a model is fitted and judged on. */
export interface TrainingParts {
  readonly train: TrainingData;
  readonly validation: TrainingData;
}

/** One model, with what was measured on the way. */
export interface FittedModel {
  readonly model: Model;
  /** `train_loss` and `validation_loss` per iteration, for boosting. */
  readonly history: readonly NewMetric[];
  /** `train_<metric>` and `validation_<metric>` for every metric of the task. */
  readonly metrics: Readonly<Record<string, number>>;
}

export interface FitOptions {
  readonly workers?: number;
  readonly workersFromCells?: number;
  readonly signal?: AbortSignal;
  readonly onIteration?: (progress: { readonly iteration: number; readonly trainLoss: number; readonly validationLoss?: number }) => void;
}

/** A feature matrix with its targets, as learners take it. */
export function trainingData(
  { task, classes }: Pick<TargetFacts, 'task' | 'classes'>,
  matrix: FeatureMatrix,
  targets: Float64Array,
  weights?: Float64Array,
): TrainingData {
  return {
    task,
    classes: classes.length,
    features: { rows: matrix.rows, columns: matrix.columns, values: matrix.values },
    featureNames: matrix.names,
    targets,
    ...(weights === undefined || weights.every((weight) => weight === 1) ? {} : { weights }),
  };
}

/**
 * Fits a learner and measures it on both parts. The result depends on data, parameters and seed alone, not on the number of workers.
 * @throws GyreError INVALID_ARGUMENT when data or parameters do not fit the learner; CANCELLED when the signal aborts
 */
export async function fitModel(
  trainer: LearnerName,
  params: LearnerParams,
  seed: number,
  { train, validation }: TrainingParts,
  options: FitOptions = {},
): Promise<FittedModel> {
  const { onIteration, ...rest } = options;
  const history: NewMetric[] = [];
  const model = await fitLearner(trainer, train, params, {
    ...rest,
    random: seeded(seed),
    validation,
    onIteration: (progress) => {
      const { iteration, trainLoss, validationLoss } = progress;
      onIteration?.(progress);
      history.push({ key: 'train_loss', value: trainLoss, step: iteration });
      if (validationLoss !== undefined) history.push({ key: 'validation_loss', value: validationLoss, step: iteration });
    },
  });
  const metrics: Record<string, number> = {};
  for (const [part, data] of [
    ['train', train],
    ['validation', validation],
  ] as const) {
    const measured = computeMetrics(data.task, data.targets, predictScores(model, data.features));
    for (const [name, value] of Object.entries(measured)) metrics[`${part}_${name}`] = value;
  }
  return { model, history, metrics };
}

/**
 * The whole model as ONNX: the transform's graph with the learner's nodes behind it. Outputs: `label` [N] (the class by probability 0.5 for
 * binary) and `probabilities` [N, classes], or `prediction` [N, 1].
 */
export function modelBytes(graph: GraphBuilder, features: string, model: Model, classes: readonly string[]): Uint8Array {
  const whole = graph.clone();
  const values = appendToOnnx(whole, features, model, { classes });
  if (values.kind === 'regression') {
    whole.output('prediction', 'FLOAT', ['N', 1], values.prediction);
  } else {
    whole.output('label', values.labelType, ['N'], values.label);
    whole.output('probabilities', 'FLOAT', ['N', classes.length], values.probabilities);
  }
  return encodeModel(whole);
}
