import { numberOf } from '../node-attributes.ts';
import { fused, twiceRounded } from './float32.ts';
import type { PostTransform } from './post-transform.ts';
import { newRows } from './values.ts';
import type { Arithmetic, Operator } from './values.ts';

// The coefficients of ONNX Runtime's kernels (onnxruntime/core/mlas/lib/compute.cpp).
const log2e = Math.fround(1.4426950408889634);
const ln2High = Math.fround(-6.93145752e-1);
const ln2Low = Math.fround(-1.42860677e-6);
/** 1.5 * 2^23: added to a float32 and taken away again, it leaves the nearest whole number. */
const toWhole = 12582912;
const polynomial = [0x1694 * 2 ** -22, 0x1125edc * 2 ** -31, 0x1555b5a * 2 ** -29, 0x155545 * 2 ** -23, 0x1fffff6 * 2 ** -26, 1, 1];
/** More of them take longer here than the runtime's call. */
const mostClasses = 256;
const lowest = -3.4028234663852886e38;

/** Softmax along the axis behind the rows, the only one. */
export const softmax: Operator = ({ node, opset, inputs: [input], arithmetic }) => {
  if (input?.kind !== 'rows' || input.type !== 'FLOAT' || input.axes.length !== 1) return undefined;
  const axis = numberOf(node, 'axis') ?? (opset < 13 ? 1 : -1);
  const width = input.axes[0];
  if ((axis !== 1 && axis !== -1) || width > mostClasses) return undefined;
  const made = newRows('FLOAT', input.axes);
  const share = softmaxByLanes(arithmetic);
  const [from, to] = [input.block, made.block];
  return {
    outputs: [made],
    step: (rows) => {
      for (let at = 0; at < rows * width; at++) to[at] = from[at];
      for (let row = 0; row < rows; row++) share(to, row * width, width);
    },
  };
};

/** Softmax of the scores of a row, in their place, as the vector kernels have it. */
export function softmaxByLanes(arithmetic: Arithmetic): PostTransform {
  const lanes = new Float32Array(arithmetic.lanes);
  return (scores, start, width) => {
    let greatest = lowest;
    for (let at = start; at < start + width; at++) if (scores[at] > greatest || Number.isNaN(scores[at])) greatest = scores[at];
    lanes.fill(0);
    for (let at = 0; at < width; at++) {
      const power = exponential(Math.fround(scores[start + at] - greatest), arithmetic);
      scores[start + at] = power;
      lanes[at % lanes.length] += power;
    }
    const share = Math.fround(1 / total(lanes));
    for (let at = start; at < start + width; at++) scores[at] *= share;
  };
}

/** e to the power of a float32 number of at most 0, as the kernels have it that sum such. */
function exponential(value: number, { isFused, lanes }: Arithmetic): number {
  const multiplyAdd = isFused ? fused : twiceRounded;
  // The kernel of 16 lanes scales into the subnormal numbers, the others do not reach them.
  const least = lanes === 16 ? Math.fround(-103.9720840454) : Math.fround(-88.3762626647949);
  let x = value < least ? least : value;
  const whole = Math.fround(multiplyAdd(x, log2e, toWhole) - toWhole);
  x = multiplyAdd(whole, ln2High, x);
  x = multiplyAdd(whole, ln2Low, x);
  let p = polynomial[0];
  for (let at = 1; at < polynomial.length; at++) p = multiplyAdd(p, x, polynomial[at]);
  if (lanes !== 16 && whole < -126) return 0;
  return Math.fround(p * 2 ** whole);
}

/** The sum of the lanes: their upper half upon the lower until there are eight, then neighbours, each rounded to float32. */
function total(lanes: Float32Array): number {
  const eight = lanes.length === 16 ? Float32Array.from({ length: 8 }, (_, at) => lanes[at + 8] + lanes[at]) : lanes;
  const four = (at: number): number => Math.fround(Math.fround(eight[at] + eight[at + 1]) + Math.fround(eight[at + 2] + eight[at + 3]));
  return Math.fround(four(0) + four(4));
}

/** The place of the greatest of a row, the first of several. */
export const argMax: Operator = ({ node, inputs: [input] }) => {
  if (input?.kind !== 'rows' || (input.type !== 'FLOAT' && input.type !== 'DOUBLE') || input.axes.length !== 1) return undefined;
  const axis = numberOf(node, 'axis') ?? 0;
  if ((axis !== 1 && axis !== -1) || (numberOf(node, 'select_last_index') ?? 0) !== 0) return undefined;
  const width = input.axes[0];
  const made = newRows('INT64', (numberOf(node, 'keepdims') ?? 1) === 0 ? [] : [1], {
    among: Array.from({ length: width }, (_, at) => at),
  });
  const from: Float32Array | Float64Array = input.block;
  return {
    outputs: [made],
    step: (rows) => {
      for (let row = 0; row < rows; row++) {
        let greatest = 0;
        for (let at = 1; at < width; at++) if (from[row * width + at] > from[row * width + greatest]) greatest = at;
        made.block[row] = greatest;
      }
    },
  };
};
