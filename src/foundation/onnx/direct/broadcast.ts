import { sizeOf } from '../tensor.ts';
import { widest, widthOf } from './values.ts';
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
  /** In the order of the values. */
  readonly operands: readonly Operand[];
}

/**
 * How tensors are spread over each other, axis by axis from the last (NumPy's rule, which ONNX has), where the result has the rows of what
 * is fed.
 * @returns undefined where the axes do not fit, none of them has rows, or rows would meet an axis that is none of rows
 */
export function broadcast(...values: readonly Value[]): Spread | undefined {
  if (values.every(({ kind }) => kind === 'fixed')) return undefined;
  const rank = Math.max(...values.map(rankOf));
  const aligned: (readonly number[])[] = [];
  for (const value of values) {
    const axes = alignedAxes(value, rank);
    if (axes === undefined) return undefined;
    aligned.push(axes);
  }
  const axes: number[] = [];
  for (let axis = 0; axis < rank - 1; axis++) {
    const size = aligned.map((own) => own[axis]).find((own) => own !== 1) ?? 1;
    if (aligned.some((own) => own[axis] !== size && own[axis] !== 1)) return undefined;
    axes.push(size);
  }
  const width = widthOf({ axes });
  return width > widest ? undefined : { axes, width, operands: values.map((value, at) => operand(value, aligned[at], axes)) };
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
