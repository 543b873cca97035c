import { numberOf } from '../node-attributes.ts';
import type { Tensor } from '../tensor.ts';
import { fused, twiceRounded } from './float32.ts';
import { newRows } from './values.ts';
import type { Arithmetic, Compiled, Operator, RowsOf, Value } from './values.ts';

/** A product is added up at once where it has no more terms than this; ONNX Runtime breaks longer ones. */
const mostTerms = 128;
/** Products of a row. More of them take longer here than the runtime's call. */
const mostProducts = 2048;

/** Weights of a linear function, output by output, and what is added to each. */
export interface Weights {
  readonly columns: number;
  readonly outputs: number;
  /** Of output k and column c: `values[k * columns + c]`. */
  readonly values: Float32Array;
  readonly addends: Float32Array | undefined;
}

/** Gemm of rows with constant weights: `x * B + C`, where B may be turned. */
export const gemm: Operator = ({ node, inputs: [input, weights, addend], arithmetic }) => {
  if ((numberOf(node, 'alpha') ?? 1) !== 1 || (numberOf(node, 'beta') ?? 1) !== 1 || (numberOf(node, 'transA') ?? 0) !== 0)
    return undefined;
  const held = weightsOf(weights, (numberOf(node, 'transB') ?? 0) === 1);
  if (held === undefined) return undefined;
  const addends = addend === undefined ? undefined : addendsOf(addend, held.outputs);
  return addends === null ? undefined : product(input, { ...held, addends }, arithmetic);
};

/** MatMul of rows with constant weights. */
export const matMul: Operator = ({ inputs: [input, weights], arithmetic }) => {
  if (input?.kind === 'rows' && input.type === 'DOUBLE') return chosen(input, weights);
  const held = weightsOf(weights, false);
  return held && product(input, { ...held, addends: undefined }, arithmetic);
};

/** One of a list of numbers, by which of the row's is 1, or 0: whatever the order of the sum, that is its result. */
function chosen(input: RowsOf<'DOUBLE'>, weights: Value | undefined): Compiled | undefined {
  const tensor = weights?.kind === 'fixed' ? weights.tensor : undefined;
  if (input.isAtMostOne !== true || input.axes.length !== 1 || tensor?.type !== 'DOUBLE' || tensor.shape.length !== 2) return undefined;
  const { data } = tensor;
  const width = input.axes[0];
  if (tensor.shape[0] !== width || tensor.shape[1] !== 1 || !data.every((value) => Number.isFinite(value))) return undefined;
  const made = newRows('DOUBLE', [1], { among: [0, ...data] });
  const [from, to] = [input.block, made.block];
  return {
    outputs: [made],
    step: (rows) => {
      for (let row = 0; row < rows; row++) {
        let found = 0;
        for (let at = 0; at < width; at++) if (from[row * width + at] !== 0) found = data[at];
        to[row] = found;
      }
    },
  };
}

function weightsOf(value: Value | undefined, isTurned: boolean): Omit<Weights, 'addends'> | undefined {
  const tensor: Tensor | undefined = value?.kind === 'fixed' ? value.tensor : undefined;
  if (tensor?.type !== 'FLOAT' || tensor.shape.length !== 2) return undefined;
  const { data } = tensor;
  const [columns, outputs] = isTurned ? [tensor.shape[1], tensor.shape[0]] : tensor.shape;
  const values = isTurned
    ? data
    : Float32Array.from({ length: columns * outputs }, (_, at) => data[(at % columns) * outputs + Math.floor(at / columns)]);
  return { columns, outputs, values };
}

/** One for each output, of a constant that is spread over the rows; null for one that is not. */
function addendsOf(value: Value, outputs: number): Float32Array | null {
  if (value.kind !== 'fixed' || value.tensor.type !== 'FLOAT') return null;
  const { shape, data } = value.tensor;
  const isRow = shape.length === 0 || shape.length === 1 || (shape.length === 2 && shape[0] === 1);
  if (!isRow || (data.length !== outputs && data.length !== 1)) return null;
  return Float32Array.from({ length: outputs }, (_, k) => data[data.length === 1 ? 0 : k]);
}

function product(input: Value | undefined, weights: Weights, arithmetic: Arithmetic): Compiled | undefined {
  if (!fits(input, weights)) return undefined;
  const made = newRows('FLOAT', [weights.outputs]);
  return {
    outputs: [made],
    step: (rows) => {
      for (let row = 0; row < rows; row++) multiplyRow(input.block, made.block, row, weights, arithmetic.isFused);
    },
  };
}

export function fits(input: Value | undefined, { columns, outputs }: Weights): input is RowsOf<'FLOAT'> {
  if (input?.kind !== 'rows' || input.type !== 'FLOAT' || input.axes.length !== 1) return false;
  return input.axes[0] === columns && columns > 0 && columns <= mostTerms && outputs > 0 && columns * outputs <= mostProducts;
}

/** Sums one after the other, as the kernels do that have the weights packed (onnxruntime/core/mlas/lib/sgemm.cpp). */
export function multiplyRow(from: Float32Array, to: Float32Array, row: number, weights: Weights, isFused: boolean): void {
  const { columns, outputs, values, addends } = weights;
  const multiplyAdd = isFused ? fused : twiceRounded;
  for (let k = 0; k < outputs; k++) {
    let sum = 0;
    for (let c = 0; c < columns; c++) sum = multiplyAdd(from[row * columns + c], values[k * columns + c], sum);
    to[row * outputs + k] = addends === undefined ? sum : sum + addends[k];
  }
}
