import { fused, twiceRounded } from './float32.ts';
import { newRows, widthOf } from './values.ts';
import type { Operator } from './values.ts';

// The coefficients of ONNX Runtime's kernel (onnxruntime/core/mlas/lib/logistic.cpp), which are Eigen's: a rational function, odd around 0.
const limit = 18;
const numerator = [4.37031012579801e-11, 1.15627324459942e-7, 6.08574864600143e-5, 8.51377133304701e-3, 2.48287947061529e-1].map(
  Math.fround,
);
const denominator = [
  6.10247389755681e-13, 5.76102136993427e-9, 6.29106785017040e-6, 1.70198817374094e-3, 1.16817656904453e-1, 9.93151921023180e-1,
].map(Math.fround); // prettier-ignore

type MultiplyAdd = (a: number, b: number, c: number) => number;

/** The logistic function of a float32 number, as the kernel has it. */
export function logistic(value: number, multiplyAdd: MultiplyAdd): number {
  if (Number.isNaN(value)) return value;
  const x = Math.min(limit, Math.max(-limit, value));
  const square = Math.fround(x * x);
  let p = numerator[0];
  for (let at = 1; at < numerator.length; at++) p = multiplyAdd(p, square, numerator[at]);
  let q = denominator[0];
  for (let at = 1; at < denominator.length; at++) q = multiplyAdd(q, square, denominator[at]);
  const ratio = Math.fround(Math.fround(x * p) / q);
  return Math.min(1, Math.max(0, Math.fround(ratio + 0.5)));
}

export const sigmoid: Operator = ({ inputs: [input], arithmetic }) => {
  if (input?.kind !== 'rows' || input.type !== 'FLOAT') return undefined;
  const made = newRows('FLOAT', input.axes);
  const width = widthOf(input);
  const multiplyAdd = arithmetic.isFused ? fused : twiceRounded;
  const from = input.block;
  const to = made.block;
  return {
    outputs: [made],
    step: (rows) => {
      for (let at = 0; at < rows * width; at++) to[at] = logistic(from[at], multiplyAdd);
    },
  };
};
