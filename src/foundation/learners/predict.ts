import { logSumExp } from './boosting/objective.ts';
import { addTree } from './boosting/tree.ts';
import { checkColumns } from './matrix.ts';
import type { Matrix } from './matrix.ts';
import { outputsOf } from './model.ts';
import type { Model } from './model.ts';

/**
 * Raw outputs in float64: log-odds (binary), one unnormalised log probability per class (multiclass), or the prediction (regression).
 * @returns [rows][outputs], flat
 * @throws GyreError INVALID_ARGUMENT when the matrix has another number of columns than the model was fitted on
 */
export function predictMargins(model: Model, matrix: Matrix): Float64Array {
  checkColumns(matrix, model.featureNames.length);
  const outputs = outputsOf(model);
  const margins = new Float64Array(matrix.rows * outputs);
  if (model.kind === 'gbdt') {
    for (let i = 0; i < margins.length; i++) margins[i] = model.baseMargins[i % outputs];
    model.trees.forEach((tree, t) => addTree(tree, matrix, margins, outputs, t % outputs));
    return margins;
  }
  const { columns, values } = matrix;
  for (let i = 0; i < matrix.rows; i++)
    for (let k = 0; k < outputs; k++) {
      const coefficients = model.coefficients[k];
      let margin = model.intercepts[k];
      for (let c = 0; c < columns; c++) margin += coefficients[c] * values[i * columns + c];
      margins[i * outputs + k] = margin;
    }
  return margins;
}

/**
 * What the metrics of `#stats` take as scores: P(class 1) per row for binary, [rows][classes] for multiclass, predictions for regression.
 * Errors as `predictMargins`.
 */
export function predictScores(model: Model, matrix: Matrix): Float64Array {
  return scoresOfMargins(model, predictMargins(model, matrix));
}

/** Class probabilities, [rows][classes], flat; two columns for binary. For regression: the predictions. Errors as `predictMargins`. */
export function predictProbabilities(model: Model, matrix: Matrix): Float64Array {
  const scores = predictScores(model, matrix);
  if (model.task !== 'binary') return scores;
  const both = new Float64Array(scores.length * 2);
  scores.forEach((score, i) => {
    both[i * 2] = 1 - score;
    both[i * 2 + 1] = score;
  });
  return both;
}

function scoresOfMargins({ task, classes }: Model, margins: Float64Array): Float64Array {
  if (task === 'regression') return margins;
  if (task === 'binary') return margins.map((margin) => 1 / (1 + Math.exp(-margin)));
  const scores = new Float64Array(margins.length);
  for (let start = 0; start < margins.length; start += classes) {
    const log = logSumExp(margins, start, classes);
    for (let k = 0; k < classes; k++) scores[start + k] = Math.exp(margins[start + k] - log);
  }
  return scores;
}
