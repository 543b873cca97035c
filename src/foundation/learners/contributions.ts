import { checkColumns } from './matrix.ts';
import type { FeatureValues, Matrix } from './matrix.ts';
import { outputsOf } from './model.ts';
import type { BoostingModel, LinearModel, Model, SplitTree } from './model.ts';
import { addTreeShap, depthOf, expectedValue, shapPath } from './tree-shap.ts';

/** How much each feature moved each row's margin away from the base value: base value + sum over features = margin, within 1e-6. */
export interface Contributions {
  /** Margins per row: 1, or one per class for multiclass. */
  readonly outputs: number;
  /** The margin when nothing is known of a row, one per output. */
  readonly baseValues: readonly number[];
  /** [rows][outputs][features], flat. */
  readonly values: Float64Array;
}

/**
 * Exact contributions of features to margins: `coefficient x (value - mean)` for linear models, path-dependent TreeSHAP for trees.
 * @throws GyreError INVALID_ARGUMENT when the matrix has another number of columns than the model was fitted on
 */
export function contributions(model: Model, matrix: Matrix): Contributions {
  checkColumns(matrix, model.featureNames.length);
  return model.kind === 'gbdt' ? ofTrees(model, matrix) : ofLinear(model, matrix);
}

function ofLinear(
  { coefficients, intercepts, featureMeans, task, classes }: LinearModel,
  { rows, columns, values }: Matrix,
): Contributions {
  const outputs = outputsOf({ task, classes });
  const baseValues = intercepts.map((intercept, k) =>
    coefficients[k].reduce((sum, coefficient, c) => sum + coefficient * featureMeans[c], intercept),
  );
  const parts = new Float64Array(rows * outputs * columns);
  for (let i = 0; i < rows; i++)
    for (let k = 0; k < outputs; k++)
      for (let c = 0; c < columns; c++)
        parts[(i * outputs + k) * columns + c] = coefficients[k][c] * (values[i * columns + c] - featureMeans[c]);
  return { outputs, baseValues, values: parts };
}

function ofTrees({ trees, baseMargins, task, classes }: BoostingModel, { rows, columns, values }: Matrix): Contributions {
  const outputs = outputsOf({ task, classes });
  const explained = treeContributions(trees, outputs);
  return {
    outputs,
    baseValues: baseMargins.map((margin, k) => margin + explained.expected[k]),
    values: explained.of(values, rows, columns),
  };
}

/** Contributions of a sum of trees. */
export interface TreeContributions {
  /** The mean of the trees of each output over the rows that their covers count. */
  readonly expected: readonly number[];
  /** Shapley values of rows, [rows][outputs][columns], flat. @param values [rows][columns], flat */
  readonly of: (values: FeatureValues, rows: number, columns: number) => Float64Array;
}

/** Prepares path-dependent TreeSHAP once for many rows. @param trees in the order of boosting: tree t belongs to output t modulo `outputs` */
export function treeContributions(trees: readonly SplitTree[], outputs: number): TreeContributions {
  const expected = Array.from({ length: outputs }, () => 0);
  trees.forEach((tree, t) => (expected[t % outputs] += expectedValue(tree)));
  const path = shapPath(trees.reduce((deepest, tree) => Math.max(deepest, depthOf(tree)), 0));
  return {
    expected,
    of(values, rows, columns) {
      const parts = new Float64Array(rows * outputs * columns);
      for (let i = 0; i < rows; i++)
        trees.forEach((tree, t) => {
          const at = (i * outputs + (t % outputs)) * columns;
          addTreeShap(tree, values, i * columns, parts.subarray(at, at + columns), path);
        });
      return parts;
    },
  };
}

/** Share of each feature in the loss that all splits removed (trees), or in the sum of absolute coefficients (linear, for scaled features). Sums to 1, or is all 0. */
export function featureImportance(model: Model): Float64Array {
  const importance = new Float64Array(model.featureNames.length);
  if (model.kind === 'gbdt') {
    for (const { feature, gain } of model.trees)
      feature.forEach((split, node) => {
        if (split >= 0) importance[split] += gain[node];
      });
  } else {
    for (const output of model.coefficients) output.forEach((coefficient, c) => (importance[c] += Math.abs(coefficient)));
  }
  const total = importance.reduce((sum, value) => sum + value, 0);
  return total > 0 ? importance.map((value) => value / total) : importance;
}
