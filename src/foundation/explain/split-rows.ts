import type { Feeds, Tensor } from '#onnx';

/** The first so many rows of feeds, and those behind them. */
export function splitRows(feeds: Feeds, first: number): readonly [Feeds, Feeds] {
  const part = (isFirst: boolean): Feeds =>
    Object.fromEntries(
      Object.entries(feeds).map(([name, tensor]) => [name, isFirst ? rowsOf(tensor, 0, first) : rowsOf(tensor, first, tensor.shape[0])]),
    );
  return [part(true), part(false)];
}

function rowsOf(tensor: Tensor, from: number, to: number): Tensor {
  const width = tensor.shape.slice(1).reduce((size, axis) => size * axis, 1);
  // `slice` of an array gives one of the same kind; the pair of type and array stays what it was.
  return { type: tensor.type, shape: [to - from, ...tensor.shape.slice(1)], data: tensor.data.slice(from * width, to * width) } as Tensor;
}
