import type { ElementType, Tensor, TensorDataOf } from '#onnx';

export type NumericType = Exclude<ElementType, 'STRING'>;
const arrays: { readonly [K in NumericType]: (values: number[]) => TensorDataOf[K] } = {
  FLOAT: (values) => Float32Array.from(values),
  DOUBLE: (values) => Float64Array.from(values),
  FLOAT16: (values) => Float16Array.from(values),
  BOOL: (values) => Uint8Array.from(values),
  UINT8: (values) => Uint8Array.from(values),
  INT8: (values) => Int8Array.from(values),
  UINT16: (values) => Uint16Array.from(values),
  INT16: (values) => Int16Array.from(values),
  UINT32: (values) => Uint32Array.from(values),
  INT32: (values) => Int32Array.from(values),
  INT64: (values) => BigInt64Array.from(values, BigInt),
  UINT64: (values) => BigUint64Array.from(values, BigInt),
};

/** A tensor of numbers in whatever type it has. @param numbers in row-major order, as many as the shape has values */
export function numberTensor(type: NumericType, shape: readonly number[], numbers: number[]): Tensor {
  // The pair of type and array is made here; the compiler cannot follow it over the union.
  return { type, shape, data: arrays[type](numbers) } as Tensor;
}
