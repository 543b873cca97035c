import type { TaskKind } from '#stats';

/** Models are plain data: deterministic for the same input and seed, and JSON-serialisable without loss. */
export type Model = LinearModel | BoostingModel;

/**
 * Margins are `x . coefficients[k] + intercepts[k]` for each output k: one for binary (log-odds of class 1) and regression, one per class
 * for multiclass. Coefficients are float32 values, so that the ONNX graph holds exactly these.
 */
export interface LinearModel {
  readonly kind: 'logistic' | 'linear';
  readonly task: TaskKind;
  readonly classes: number;
  readonly featureNames: readonly string[];
  /** [outputs][features] */
  readonly coefficients: readonly (readonly number[])[];
  readonly intercepts: readonly number[];
  /** Weighted mean of each training feature: the point that contributions are measured from. */
  readonly featureMeans: readonly number[];
  readonly iterations: number;
  readonly converged: boolean;
}

/** A boosted ensemble: the margin of output k is `baseMargins[k]` plus the leaf values of the trees whose index is k modulo outputs. */
export interface BoostingModel {
  readonly kind: 'gbdt';
  readonly task: TaskKind;
  readonly classes: number;
  readonly featureNames: readonly string[];
  readonly baseMargins: readonly number[];
  /** In order: iteration 0 output 0, iteration 0 output 1, … Learning rate already applied to the leaf values. */
  readonly trees: readonly Tree[];
  /** Number of kept iterations (the best one on validation when stopped early). */
  readonly iterations: number;
}

/**
 * A binary tree as parallel lists; node 0 is the root. A row goes left when `x <= threshold`, or when x is NaN and `missingLeft` is 1.
 * Thresholds and values are float32 values, so that training, our predictor and ONNX agree exactly.
 */
export interface Tree {
  /** Feature index of a split, or -1 for a leaf. */
  readonly feature: readonly number[];
  readonly threshold: readonly number[];
  readonly missingLeft: readonly number[];
  readonly left: readonly number[];
  readonly right: readonly number[];
  /** Leaf value (0 at splits). */
  readonly value: readonly number[];
  /** Training rows that passed through the node. */
  readonly cover: readonly number[];
  /** Loss reduction of a split (0 at leaves). */
  readonly gain: readonly number[];
}

/** A tree that may have been grown elsewhere. */
export interface SplitTree extends Tree {
  /** By node, where a split asks whether x is one of these, instead of comparing it with the threshold. */
  readonly members?: Readonly<Record<number, ReadonlySet<number>>>;
}

/** Which way a row goes at a split. @param value of the split's feature */
export function goesLeft({ threshold, missingLeft, members }: SplitTree, node: number, value: number): boolean {
  if (Number.isNaN(value)) return missingLeft[node] === 1;
  return members?.[node]?.has(value) ?? value <= threshold[node];
}

/** Number of margins per row. */
export function outputsOf(model: { readonly task: TaskKind; readonly classes: number }): number {
  return model.task === 'multiclass' ? model.classes : 1;
}
