import { intsOf, numberOf, realsOf, textOf, textsOf } from '../node-attributes.ts';
import type { NodeView } from '../view.ts';
import { fits, multiplyRow } from './dense.ts';
import type { Weights } from './dense.ts';
import { postTransform } from './post-transform.ts';
import type { PostTransform } from './post-transform.ts';
import { logistic } from './sigmoid.ts';
import { softmaxByLanes } from './softmax.ts';
import { fused, twiceRounded } from './float32.ts';
import { newRows } from './values.ts';
import type { Arithmetic, Operator, RowsOf, Step } from './values.ts';

/** LinearRegressor of float32 rows. */
export const linearRegressor: Operator = ({ node, inputs: [input], arithmetic }) => {
  const targets = numberOf(node, 'targets') ?? 1;
  const weights = weightsOf(node, targets);
  if (weights === undefined || !fits(input, weights) || (textOf(node, 'post_transform') ?? 'NONE') !== 'NONE') return undefined;
  const made = newRows('FLOAT', [targets]);
  return { outputs: [made], step: multiplication(input, made, weights, arithmetic.isFused) };
};

/** LinearClassifier of float32 rows: a label and a score for each class. */
export const linearClassifier: Operator = ({ node, inputs: [input], arithmetic }) => {
  const { isFused } = arithmetic;
  const texts = textsOf(node, 'classlabels_strings');
  const numbers = intsOf(node, 'classlabels_ints');
  const classes = realsOf(node, 'intercepts').length;
  const weights = weightsOf(node, classes);
  const transform = scoresTransform(textOf(node, 'post_transform') ?? 'NONE', classes, arithmetic);
  if (weights === undefined || transform === undefined || !fits(input, weights) || classes < 2) return undefined;
  if ((texts.length > 0 ? texts : numbers).length !== classes || !numbers.every((label) => Number.isSafeInteger(label))) return undefined;
  const made = newRows('FLOAT', [classes]);
  const scores = made.block;
  const multiply = multiplication(input, made, weights, isFused);
  const label = texts.length > 0 ? newRows('STRING', []) : newRows('INT64', []);
  return {
    outputs: [label, made],
    step: (rows, total) => {
      multiply(rows, total);
      for (let row = 0; row < rows; row++) {
        let greatest = 0;
        for (let k = 1; k < classes; k++) if (scores[row * classes + k] > scores[row * classes + greatest]) greatest = k;
        if (label.type === 'STRING') label.block[row] = texts[greatest];
        else label.block[row] = numbers[greatest];
        transform(total)(scores, row * classes, classes);
      }
    },
  };
};

/**
 * What becomes of the scores of so many rows. For few classes the runtime takes its vector kernel of softmax only where there are many scores
 * altogether (`batched_update_scores_inplace` in onnxruntime/core/providers/cpu/ml/ml_common.h).
 */
function scoresTransform(name: string, classes: number, arithmetic: Arithmetic): ((total: number) => PostTransform) | undefined {
  const plain = postTransform(name, arithmetic.isFused);
  if (name === 'SOFTMAX' && plain !== undefined) {
    const least = classes > 4 ? 0 : classes === 2 ? 32 * 1024 : 16 * 1024;
    const byLanes = softmaxByLanes(arithmetic);
    return (total) => (total * classes >= least ? byLanes : plain);
  }
  if (name !== 'LOGISTIC') return plain && (() => plain);
  const multiplyAdd = arithmetic.isFused ? fused : twiceRounded;
  const logistics: PostTransform = (scores, at, count) => {
    for (let each = at; each < at + count; each++) scores[each] = logistic(scores[each], multiplyAdd);
  };
  return () => logistics;
}

function weightsOf(node: NodeView, outputs: number): Weights | undefined {
  const values = Float32Array.from(realsOf(node, 'coefficients'));
  const intercepts = realsOf(node, 'intercepts');
  const columns = values.length / outputs;
  if (!Number.isInteger(columns)) return undefined;
  return { columns, outputs, values, addends: intercepts.length === outputs ? Float32Array.from(intercepts) : undefined };
}

/** Of one row alone the runtime sums eight columns side by side, else one column after the other. */
function multiplication(input: RowsOf<'FLOAT'>, made: RowsOf<'FLOAT'>, weights: Weights, isFused: boolean): Step {
  const lanes = new Float32Array(8);
  return (rows, total) => {
    if (total === 1) multiplyOnly(input.block, made.block, weights, lanes);
    else for (let row = 0; row < rows; row++) multiplyRow(input.block, made.block, row, weights, isFused);
  };
}

/** As onnxruntime/core/mlas/lib/x86_64/SgemmKernelM1TransposeBAvx.S: four outputs at a time, then two, then one, each kind with its own order. */
function multiplyOnly(from: Float32Array, to: Float32Array, { columns, outputs, values, addends }: Weights, lanes: Float32Array): void {
  for (let k = 0; k < outputs; k++) {
    lanes.fill(0);
    for (let c = 0; c < columns; c++) lanes[c % 8] += Math.fround(from[c] * values[k * columns + c]);
    const left = outputs - (outputs % 4);
    const sum = k < left ? ofFour(lanes) : k < left + (outputs % 4 >= 2 ? 2 : 0) ? ofTwo(lanes) : ofOne(lanes);
    to[k] = addends === undefined ? sum : sum + addends[k];
  }
}

const plus = (a: number, b: number): number => Math.fround(a + b);

function ofFour([a, b, c, d, e, f, g, h]: Float32Array): number {
  return plus(plus(plus(plus(a, b), c), d), plus(plus(plus(e, f), g), h));
}

function ofTwo([a, b, c, d, e, f, g, h]: Float32Array): number {
  return plus(plus(plus(a, c), plus(e, g)), plus(plus(b, d), plus(f, h)));
}

function ofOne([a, b, c, d, e, f, g, h]: Float32Array): number {
  return plus(plus(plus(a, b), plus(c, d)), plus(plus(e, f), plus(g, h)));
}
