import { sizeOf } from '../tensor.ts';
import { widthOf } from './values.ts';
import type { Value } from './values.ts';

/** Where the values of an operand stand: the row's first at `row * stride`, and behind it those of `places`, one for each of the result. */
export interface Operand {
  readonly stride: number;
  readonly places: Int32Array;
}

export interface Spread {
  /** Of the result, behind its rows. */
  readonly axes: readonly number[];
  readonly width: number;
  readonly left: Operand;
  readonly right: Operand;
}

/**
 * How two tensors are spread over each other, axis by axis from the last (NumPy's rule, which ONNX has), where the result has the rows of
 * what is fed.
 * @returns undefined where the axes do not fit, or rows would meet an axis that is none of rows
 */
export function broadcast(left: Value, right: Value): Spread | undefined {
  const rank = Math.max(rankOf(left), rankOf(right));
  const a = alignedAxes(left, rank);
  const b = alignedAxes(right, rank);
  if (a === undefined || b === undefined || (left.kind === 'fixed' && right.kind === 'fixed')) return undefined;
  const axes: number[] = [];
  for (let axis = 0; axis < a.length; axis++) {
    if (a[axis] !== b[axis] && a[axis] !== 1 && b[axis] !== 1) return undefined;
    axes.push(a[axis] === 1 ? b[axis] : a[axis]);
  }
  return { axes, width: widthOf({ axes }), left: operand(left, a, axes), right: operand(right, b, axes) };
}

function rankOf(value: Value): number {
  return value.kind === 'rows' ? value.axes.length + 1 : value.tensor.shape.length;
}

/** The axes behind the rows, filled up with ones in front. */
function alignedAxes(value: Value, rank: number): readonly number[] | undefined {
  const missing = rank - rankOf(value);
  if (value.kind === 'rows') return missing === 0 ? value.axes : undefined;
  const whole = [...Array.from({ length: missing }, () => 1), ...value.tensor.shape];
  return whole[0] === 1 && sizeOf(whole) > 0 ? whole.slice(1) : undefined;
}

function operand(value: Value, own: readonly number[], axes: readonly number[]): Operand {
  let places = [0];
  let step = widthOf({ axes: own });
  axes.forEach((size, axis) => {
    step /= own[axis];
    const move = own[axis] === 1 ? 0 : step;
    places = places.flatMap((place) => Array.from({ length: size }, (_, at) => place + at * move));
  });
  return { stride: value.kind === 'rows' ? widthOf({ axes: own }) : 0, places: Int32Array.from(places) };
}
