import { GyreError } from '#core';
import type { Random } from '#core';
import { fitBoosting } from './boosting/boosting.ts';
import type { IterationMetrics } from './boosting/boosting.ts';
import { learnerCatalog, resolveParams } from './catalog.ts';
import type { LearnerName, LearnerParams } from './catalog.ts';
import { fitLogistic } from './linear/logistic.ts';
import { fitLinear } from './linear/ridge.ts';
import type { TrainingData } from './matrix.ts';
import type { Model } from './model.ts';

export interface FitOptions {
  /** The only source of chance: the same seed and data give the same model, byte for byte. */
  readonly random: Random;
  /** Stops boosting early; never trained on. */
  readonly validation?: TrainingData;
  /** Threads that boosting may use when the data are large enough; no effect on the model. 1 when absent. */
  readonly workers?: number;
  /** Feature values (rows x columns) from which threads are used; four million when absent. */
  readonly workersFromCells?: number;
  readonly onIteration?: (metrics: IterationMetrics) => void;
  readonly signal?: AbortSignal;
}

/**
 * Fits a learner of the catalog.
 * @param params those to set; defaults for the rest
 * @throws GyreError INVALID_ARGUMENT when parameters or data do not fit the learner (the message says what would)
 */
export async function fitLearner(learner: LearnerName, data: TrainingData, params: LearnerParams, options: FitOptions): Promise<Model> {
  const { tasks } = learnerCatalog[learner];
  if (!tasks.includes(data.task))
    throw new GyreError('INVALID_ARGUMENT', `"${learner}" is for ${tasks.join(' and ')}, not for a ${data.task} task`, {
      learner,
      task: data.task,
    });
  const all = resolveParams(learner, params);
  switch (learner) {
    case 'logistic':
      return fitLogistic(data, { l2: all['l2'], max_iterations: all['max_iterations'] }, options);
    case 'linear':
      return fitLinear(data, { l2: all['l2'] });
    case 'gbdt':
      return fitBoosting(
        data,
        {
          iterations: all['iterations'],
          learning_rate: all['learning_rate'],
          max_leaves: all['max_leaves'],
          max_depth: all['max_depth'],
          min_samples_leaf: all['min_samples_leaf'],
          min_child_hessian: all['min_child_hessian'],
          l2: all['l2'],
          min_gain: all['min_gain'],
          subsample: all['subsample'],
          colsample: all['colsample'],
          max_bins: all['max_bins'],
          early_stopping_rounds: all['early_stopping_rounds'],
        },
        options,
      );
  }
}
