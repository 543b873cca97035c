import type { Random } from '#core';
import type { Matrix, TrainingData } from './matrix.ts';
import type { Model } from './model.ts';

export type { Matrix, TrainingData } from './matrix.ts';
export type { BoostingModel, LinearModel, Model, Tree } from './model.ts';

// Signatures first; implementations follow and replace these declarations with exports of the same names and shapes.
export type LearnerName = 'logistic' | 'linear' | 'gbdt';
export interface LearnerParam {
  readonly name: string;
  readonly default: number;
  readonly min: number;
  readonly max: number;
  readonly integer: boolean;
  readonly log: boolean;
  readonly help: string;
}
export interface Learner {
  readonly name: LearnerName;
  readonly title: string;
  readonly tasks: readonly ('binary' | 'multiclass' | 'regression')[];
  /** Whether NaN features are learned from (gbdt) or refused (impute first). */
  readonly missingValues: boolean;
  readonly params: readonly LearnerParam[];
}
export type LearnerParams = Readonly<Record<string, number>>;
export interface IterationMetrics {
  readonly iteration: number;
  readonly trainLoss: number;
  readonly validationLoss?: number;
}
export interface FitOptions {
  readonly random: Random;
  readonly validation?: TrainingData;
  readonly workers?: number;
  readonly onIteration?: (metrics: IterationMetrics) => void;
  readonly signal?: AbortSignal;
}
export interface Contributions {
  /** Number of margins per row: 1, or one per class for multiclass. */
  readonly outputs: number;
  /** One per output. */
  readonly baseValues: readonly number[];
  /** [rows][outputs][features], flat. Base value + sum over features = margin. */
  readonly values: Float64Array;
}
export interface OnnxOutputs {
  readonly label?: string;
  readonly probabilities?: string;
  readonly prediction?: string;
}
export declare const learnerCatalog: Readonly<Record<LearnerName, Learner>>;
/** Defaults filled in; throws INVALID_ARGUMENT for unknown names and values out of range. */
export declare function resolveParams(learner: LearnerName, given: LearnerParams): LearnerParams;
export declare function fitLearner(learner: LearnerName, data: TrainingData, params: LearnerParams, options: FitOptions): Promise<Model>;
/** [rows][outputs], flat. */
export declare function predictMargins(model: Model, matrix: Matrix): Float64Array;
/** Binary: rows values, P(class 1). Multiclass: [rows][classes], flat. Regression: the predictions. (The `scores` of #stats computeMetrics.) */
export declare function predictScores(model: Model, matrix: Matrix): Float64Array;
/** [rows][classes], flat (two columns for binary). */
export declare function predictProbabilities(model: Model, matrix: Matrix): Float64Array;
export declare function contributions(model: Model, matrix: Matrix): Contributions;
/** Gain (trees) or |coefficient| x deviation is left to permutation importance; sums to 1. */
export declare function gainImportance(model: Model): Float64Array;
/** graph: GraphBuilder of #onnx; featuresValueName: float32 [N, columns]; classes: the labels in index order. Gives value names. */
export declare function appendToOnnx(
  graph: unknown,
  featuresValueName: string,
  model: Model,
  options: { readonly classes?: readonly string[] | readonly number[]; readonly threshold?: number },
): OnnxOutputs;
