import { GyreError } from '#core';

/** The array that holds the values of each element type. STRING is a list; BOOL is one byte a value, 0 or 1. */
export interface TensorDataOf {
  readonly FLOAT: Float32Array;
  readonly UINT8: Uint8Array;
  readonly INT8: Int8Array;
  readonly UINT16: Uint16Array;
  readonly INT16: Int16Array;
  readonly INT32: Int32Array;
  readonly INT64: BigInt64Array;
  readonly STRING: readonly string[];
  readonly BOOL: Uint8Array;
  readonly FLOAT16: Float16Array;
  readonly DOUBLE: Float64Array;
  readonly UINT32: Uint32Array;
  readonly UINT64: BigUint64Array;
}

/** An element type of a tensor, by its name in `TensorProto.DataType`. */
export type ElementType = keyof TensorDataOf;

/** A dense tensor of one element type: `data` holds the values in row-major order, as many as the product of `shape`. */
export interface TensorOf<T extends ElementType> {
  readonly type: T;
  readonly shape: readonly number[];
  readonly data: TensorDataOf[T];
}

/** A dense tensor; `type` tells which array `data` is. */
export type Tensor = { [T in ElementType]: TensorOf<T> }[ElementType];

/** One axis of a declared shape: a size, or a symbol such as `'N'` that stands for the same size wherever it is used. `''` is any size. */
export type Dimension = number | string;

interface ElementFacts {
  /** The number that ONNX gives the type (`TensorProto.DataType`). */
  readonly code: number;
  /** Bytes per value; 0 for STRING, whose values have no fixed size. */
  readonly bytes: number;
}

/** The element types that tensors of ours can have, with their ONNX numbers. */
export const elementFacts: Readonly<Record<ElementType, ElementFacts>> = {
  FLOAT: { code: 1, bytes: 4 },
  UINT8: { code: 2, bytes: 1 },
  INT8: { code: 3, bytes: 1 },
  UINT16: { code: 4, bytes: 2 },
  INT16: { code: 5, bytes: 2 },
  INT32: { code: 6, bytes: 4 },
  INT64: { code: 7, bytes: 8 },
  STRING: { code: 8, bytes: 0 },
  BOOL: { code: 9, bytes: 1 },
  FLOAT16: { code: 10, bytes: 2 },
  DOUBLE: { code: 11, bytes: 8 },
  UINT32: { code: 12, bytes: 4 },
  UINT64: { code: 13, bytes: 8 },
};

const typeByCode: readonly (ElementType | null)[] = [
  null,
  'FLOAT',
  'UINT8',
  'INT8',
  'UINT16',
  'INT16',
  'INT32',
  'INT64',
  'STRING',
  'BOOL',
  'FLOAT16',
  'DOUBLE',
  'UINT32',
  'UINT64',
];

/** The element type with this ONNX number, or null for one that Gyre does not run (bfloat16, complex, 8-bit floats, 4-bit integers). */
export function elementTypeOf(code: number): ElementType | null {
  return typeByCode[code] ?? null;
}

/** How many values a tensor of this shape has; 1 for a scalar. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((size, axis) => size * axis, 1);
}

/** A shape as people read it: `[N, 3]`. */
export function shapeText(shape: readonly Dimension[] | null): string {
  return shape === null ? 'any shape' : `[${shape.map((axis) => (axis === '' ? '?' : String(axis))).join(', ')}]`;
}

/**
 * A tensor, with its length checked.
 * @param shape axis sizes, [] for a scalar
 * @param data as many values as the product of `shape`, row-major; not copied
 * @throws GyreError INVALID_ARGUMENT when the shape is no shape or the number of values does not fit it
 */
export function tensor<T extends ElementType>(type: T, shape: readonly number[], data: TensorDataOf[T]): TensorOf<T> {
  if (!shape.every((axis) => Number.isSafeInteger(axis) && axis >= 0)) {
    throw new GyreError('INVALID_ARGUMENT', `${shapeText(shape)} is no shape of a tensor: axes are whole numbers from 0 on`, {
      shape,
    });
  }
  const expected = sizeOf(shape);
  if (data.length !== expected) {
    throw new GyreError(
      'INVALID_ARGUMENT',
      `a ${type} tensor of shape ${shapeText(shape)} has ${expected} values, but ${data.length} were given`,
      { type, shape, expected, received: data.length },
    );
  }
  return { type, shape, data };
}

/** What is no text. */
type NumericType = Exclude<ElementType, 'STRING'>;

/** The array of an element type over a buffer, all of it. */
export function arrayOver<T extends NumericType>(type: T, buffer: ArrayBuffer): TensorDataOf[T] {
  const makers: { readonly [K in NumericType]: (buffer: ArrayBuffer) => TensorDataOf[K] } = arrays;
  return makers[type](buffer);
}

const arrays: { readonly [K in NumericType]: (buffer: ArrayBuffer) => TensorDataOf[K] } = {
  FLOAT: (buffer) => new Float32Array(buffer),
  UINT8: (buffer) => new Uint8Array(buffer),
  INT8: (buffer) => new Int8Array(buffer),
  UINT16: (buffer) => new Uint16Array(buffer),
  INT16: (buffer) => new Int16Array(buffer),
  INT32: (buffer) => new Int32Array(buffer),
  INT64: (buffer) => new BigInt64Array(buffer),
  BOOL: (buffer) => new Uint8Array(buffer),
  FLOAT16: (buffer) => new Float16Array(buffer),
  DOUBLE: (buffer) => new Float64Array(buffer),
  UINT32: (buffer) => new Uint32Array(buffer),
  UINT64: (buffer) => new BigUint64Array(buffer),
};
