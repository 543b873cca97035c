import { setImmediate } from 'node:timers/promises';
import { GyreError } from '#core';
import type { Random } from '#core';
import { checkColumns, checkTrainingData } from '../matrix.ts';
import type { TrainingData } from '../matrix.ts';
import type { BoostingModel, Tree } from '../model.ts';
import { binFeatures } from './binning.ts';
import type { BinnedFeatures } from './binning.ts';
import { HistogramPool } from './histogram-pool.ts';
import { cellSize } from './histograms.ts';
import type { HistogramSources } from './histograms.ts';
import { objectiveFor } from './objective.ts';
import { addTree } from './tree.ts';
import { growTree, scratchOf } from './tree-grower.ts';

export interface BoostingParams {
  /** Upper bound of iterations (one tree each; one per class for multiclass). */
  readonly iterations: number;
  readonly learning_rate: number;
  readonly max_leaves: number;
  readonly max_depth: number;
  readonly min_samples_leaf: number;
  /** Least sum of hessians in a child. */
  readonly min_child_hessian: number;
  /** Penalty on leaf values: l2 / 2 times their square. */
  readonly l2: number;
  /** Least gain (drop of the loss, doubled) of a split. */
  readonly min_gain: number;
  /** Share of rows drawn for each tree, without replacement. */
  readonly subsample: number;
  /** Share of features drawn for each tree. */
  readonly colsample: number;
  readonly max_bins: number;
  /** Iterations without a better validation loss after which to stop; 0 never stops. Needs validation data. */
  readonly early_stopping_rounds: number;
}

/** Losses after an iteration: log loss in nats, or root mean squared error for regression. */
export interface IterationMetrics {
  readonly iteration: number;
  readonly trainLoss: number;
  readonly validationLoss?: number;
}

export interface BoostingOptions {
  /** Draws rows and features; not used when both shares are 1. */
  readonly random: Random;
  readonly validation?: TrainingData;
  /** Threads for histograms; 1 when absent. The model's bytes do not depend on it. */
  readonly workers?: number;
  /** Threads are used from this many feature values (rows x columns) on, below which starting them costs more than they save. */
  readonly workersFromCells?: number;
  readonly onIteration?: (metrics: IterationMetrics) => void;
  readonly signal?: AbortSignal;
}

/** Cautious: each histogram costs a hand-over between threads, and small fits are many and end within a second alone. */
const defaultWorkersFromCells = 4_000_000;

/**
 * Gradient boosting of histogram trees with second-order steps (Friedman 2001; Chen and Guestrin 2016; Ke et al. 2017): leaf-wise growth,
 * quantile bins, missing values sent to the side that gains more. Categories come encoded (one-hot, ordinal or target) from the transforms.
 * Yields to the event loop after each iteration.
 * @throws GyreError INVALID_ARGUMENT for data that do not fit (see `checkTrainingData`; NaN features are allowed); what `signal` carries when aborted
 */
export async function fitBoosting(data: TrainingData, params: BoostingParams, options: BoostingOptions): Promise<BoostingModel> {
  checkTrainingData(data, 'allowed');
  const { validation, random, signal, onIteration } = options;
  if (validation !== undefined) checkValidation(data, validation);
  const { rows, columns } = data.features;
  const threads =
    rows * columns >= (options.workersFromCells ?? defaultWorkersFromCells) ? Math.max(1, Math.min(options.workers ?? 1, columns)) : 1;
  const binned = binFeatures(data.features, params.max_bins, threads > 1);
  const objective = objectiveFor(data.task, data.classes);
  const { outputs } = objective;
  const baseMargins = objective.baseMargins(data);
  const margins = fillMargins(rows, baseMargins);
  const validationMargins = fillMargins(validation?.features.rows ?? 0, baseMargins);
  await using pool = await HistogramPool.open(sourcesOf(binned, params.max_leaves, threads > 1), threads);
  const { sources } = pool;
  const rules = {
    maxLeaves: params.max_leaves,
    maxDepth: params.max_depth,
    learningRate: params.learning_rate,
    minSamplesLeaf: params.min_samples_leaf,
    minChildHessian: params.min_child_hessian,
    l2: params.l2,
    minGain: params.min_gain,
  };
  const scratch = scratchOf(rows);
  const gradients = new Float64Array(rows);
  const hessians = new Float64Array(rows);
  const rowCount = Math.max(1, Math.round(rows * params.subsample));
  const featureCount = Math.max(1, Math.round(columns * params.colsample));
  const trees: Tree[] = [];
  let best = { iteration: 0, loss: validation === undefined ? Infinity : objective.loss(validation, validationMargins) };
  for (let iteration = 1; iteration <= params.iterations; iteration++) {
    signal?.throwIfAborted();
    const before = outputs > 1 ? margins.slice() : margins;
    const drawnRows = draw(rows, rowCount, random);
    sources.features.set(draw(columns, featureCount, random));
    for (let output = 0; output < outputs; output++) {
      // All classes step from the same margins.
      objective.gradients(data, before, output, gradients, hessians);
      sources.rows.set(drawnRows);
      for (let i = 0; i < rowCount; i++) {
        sources.gradients[i] = gradients[drawnRows[i]];
        sources.hessians[i] = hessians[drawnRows[i]];
      }
      const { tree, leaves } = growTree(pool, binned, rowCount, featureCount, rules, scratch);
      trees.push(tree);
      if (rowCount === rows)
        for (const { start, end, value } of leaves) for (let i = start; i < end; i++) margins[sources.rows[i] * outputs + output] += value;
      else addTree(tree, data.features, margins, outputs, output);
      if (validation !== undefined) addTree(tree, validation.features, validationMargins, outputs, output);
    }
    const trainLoss = objective.loss(data, margins);
    if (validation === undefined) {
      onIteration?.({ iteration, trainLoss });
    } else {
      const validationLoss = objective.loss(validation, validationMargins);
      onIteration?.({ iteration, trainLoss, validationLoss });
      if (validationLoss < best.loss) best = { iteration, loss: validationLoss };
      else if (params.early_stopping_rounds > 0 && iteration - best.iteration >= params.early_stopping_rounds) break;
    }
    await setImmediate();
  }
  const stoppedEarly = validation !== undefined && params.early_stopping_rounds > 0;
  const iterations = stoppedEarly ? Math.max(1, best.iteration) : trees.length / outputs;
  return {
    kind: 'gbdt',
    task: data.task,
    classes: data.classes,
    featureNames: [...data.featureNames],
    baseMargins,
    trees: trees.slice(0, iterations * outputs),
    iterations,
  };
}

function checkValidation(data: TrainingData, validation: TrainingData): void {
  checkColumns(validation.features, data.features.columns);
  if (validation.task !== data.task || validation.classes !== data.classes || validation.targets.length !== validation.features.rows)
    throw new GyreError('INVALID_ARGUMENT', 'validation data must have the task, classes and shapes of the training data');
}

function sourcesOf(binned: BinnedFeatures, maxLeaves: number, shared: boolean): HistogramSources {
  const memory = (bytes: number): ArrayBuffer | SharedArrayBuffer => (shared ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes));
  const { rows, columns } = binned;
  const cells = binned.offsets[columns];
  const offsets = new Int32Array(memory(binned.offsets.byteLength));
  offsets.set(binned.offsets);
  return {
    rowCount: rows,
    bins: binned.bins,
    offsets,
    rows: new Int32Array(memory(rows * 4)),
    gradients: new Float64Array(memory(rows * 8)),
    hessians: new Float64Array(memory(rows * 8)),
    features: new Int32Array(memory(columns * 4)),
    histograms: new Float64Array(memory(maxLeaves * cells * cellSize * 8)),
  };
}

/** `count` of 0 … total-1 without replacement, in rising order; all of them without touching chance. */
function draw(total: number, count: number, random: Random): Int32Array {
  const all = Int32Array.from({ length: total }, (_, i) => i);
  if (count === total) return all;
  for (let i = 0; i < count; i++) {
    const j = i + random.int(total - i);
    const held = all[i];
    all[i] = all[j];
    all[j] = held;
  }
  return all.slice(0, count).sort();
}

function fillMargins(rows: number, base: readonly number[]): Float64Array {
  const margins = new Float64Array(rows * base.length);
  for (let i = 0; i < margins.length; i++) margins[i] = base[i % base.length];
  return margins;
}
