import { GyreError, unfilledBuffer } from '#core';
import { arrayOver, elementFacts } from '#onnx';
import type { ElementType, Tensor, TensorOf } from '#onnx';

/** Some rows of a tensor: `from` is the first, `to` the one after the last. */
export interface RowRange {
  readonly tensor: Tensor;
  readonly from: number;
  readonly to: number;
}

/**
 * Rows of a tensor along its first axis, without copying numbers.
 * @param from first row; @param to the row after the last
 */
export function sliceRows(tensor: Tensor, from: number, to: number): Tensor {
  if (from === 0 && to === tensor.shape[0]) return tensor;
  const [, ...rest] = tensor.shape;
  const width = rest.reduce((size, axis) => size * axis, 1);
  const shape = [to - from, ...rest];
  const [start, end] = [from * width, to * width];
  switch (tensor.type) {
    case 'STRING':
      return { type: 'STRING', shape, data: tensor.data.slice(start, end) };
    case 'INT64':
      return { type: 'INT64', shape, data: tensor.data.subarray(start, end) };
    case 'UINT64':
      return { type: 'UINT64', shape, data: tensor.data.subarray(start, end) };
    default:
      // Every other array has the same `subarray`; the pair of type and array is the one that came in.
      return { type: tensor.type, shape, data: tensor.data.subarray(start, end) } as Tensor;
  }
}

/**
 * Rows of several tensors, one below the other, in a new array.
 * @param ranges at least one; all tensors of one type, equal in all axes but the first
 * @throws GyreError INTERNAL when they are not
 */
export function stackRows(ranges: readonly RowRange[]): Tensor {
  const [first] = ranges;
  const [, ...rest] = first.tensor.shape;
  const width = rest.reduce((size, axis) => size * axis, 1);
  const rows = ranges.reduce((sum, { from, to }) => sum + to - from, 0);
  const shape = [rows, ...rest];
  if (first.tensor.type === 'STRING') {
    return {
      type: 'STRING',
      shape,
      data: ranges.flatMap((range) => sliceRows(range.tensor, range.from, range.to).data as readonly string[]),
    };
  }
  // Filled below, every value.
  const data = arrayOver(first.tensor.type, unfilledBuffer(rows * width * elementFacts[first.tensor.type].bytes));
  let at = 0;
  for (const { tensor, from, to } of ranges) {
    if (tensor.type !== first.tensor.type)
      throw new GyreError('INTERNAL', `tensors of type ${tensor.type} and ${first.tensor.type} cannot be stacked`);
    // `set` of one kind of typed array by the same kind; the types are equal, which the compiler cannot follow over the union.
    (data as Float64Array).set(sliceRows(tensor, from, to).data as Float64Array, at);
    at += (to - from) * width;
  }
  return { type: first.tensor.type, shape, data } as Tensor;
}

/** A tensor of zeros or empty strings. */
export function zeros(type: ElementType, shape: readonly number[]): Tensor {
  const length = shape.reduce((size, axis) => size * axis, 1);
  if (type === 'STRING') return { type, shape, data: Array.from({ length }, () => '') } satisfies TensorOf<'STRING'>;
  return { type, shape, data: arrayOver(type, new ArrayBuffer(length * elementFacts[type].bytes)) } as Tensor;
}
