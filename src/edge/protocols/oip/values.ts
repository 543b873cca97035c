import { isUtf8 } from 'node:buffer';
import { GyreError } from '#core';
import type { Lease } from '#serving';
import { datatypeFacts } from './datatypes.ts';
import type { Datatype } from './datatypes.ts';

/** Tensors by input name, as the data plane takes them. */
export type Feeds = Parameters<Lease['infer']>[0]['feeds'];
export type Tensor = Feeds[string];

/** No model takes more axes; deeper nesting is refused before it is walked. */
export const mostAxes = 8;

/** Where a value stands, for messages. */
interface Place {
  readonly input: string;
  readonly datatype: Datatype;
}

/**
 * The values of a tensor, flat and in row-major order, whether they came flat or nested.
 * @param shape what the request declares; nested arrays must have exactly these lengths
 * @throws GyreError INVALID_ARGUMENT when their number or nesting is another
 */
export function flatten(data: readonly unknown[], shape: readonly number[], input: string): readonly unknown[] {
  const expected = shape.reduce((size, axis) => size * axis, 1);
  if (shape.length > 1 && Array.isArray(data[0])) {
    const flat: unknown[] = [];
    walk(data, shape, 0, flat, input);
    return flat;
  }
  if (data.length !== expected) {
    throw new GyreError(
      'INVALID_ARGUMENT',
      `the input "${input}" has ${data.length} values, but its shape [${shape.join(', ')}] needs ${expected}`,
      {
        input,
        expected,
        received: data.length,
      },
    );
  }
  return data;
}

function walk(data: unknown, shape: readonly number[], axis: number, flat: unknown[], input: string): void {
  if (!Array.isArray(data) || data.length !== shape[axis]) {
    const found = Array.isArray(data) ? `an array of ${data.length}` : 'a value';
    throw new GyreError(
      'INVALID_ARGUMENT',
      `the data of the input "${input}" is not nested as its shape [${shape.join(', ')}] says: ${found} stands where an array of ${shape[axis]} belongs`,
      { input, axis },
    );
  }
  if (axis === shape.length - 1) {
    for (const value of data) flat.push(value);
    return;
  }
  for (const part of data) walk(part, shape, axis + 1, flat, input);
}

/**
 * Values of a declared datatype as a tensor of the type that the model takes (`widens` allows the pair).
 * FP32 values are rounded to FP32 first, whatever the model takes: that is the value that was sent.
 * @throws GyreError INVALID_ARGUMENT naming input and position of a value that is not of its datatype
 */
export function tensorOf(values: readonly unknown[], shape: readonly number[], sent: Datatype, wanted: Datatype, input: string): Tensor {
  const place: Place = { input, datatype: sent };
  const length = values.length;
  switch (wanted) {
    case 'BYTES':
      return { type: 'STRING', shape, data: values.map((value, at) => textOf(value, at, place)) };
    case 'BOOL':
      return { type: 'BOOL', shape, data: fill(new Uint8Array(length), values, place) };
    case 'UINT8':
      return { type: 'UINT8', shape, data: fill(new Uint8Array(length), values, place) };
    case 'UINT16':
      return { type: 'UINT16', shape, data: fill(new Uint16Array(length), values, place) };
    case 'UINT32':
      return { type: 'UINT32', shape, data: fill(new Uint32Array(length), values, place) };
    case 'INT8':
      return { type: 'INT8', shape, data: fill(new Int8Array(length), values, place) };
    case 'INT16':
      return { type: 'INT16', shape, data: fill(new Int16Array(length), values, place) };
    case 'INT32':
      return { type: 'INT32', shape, data: fill(new Int32Array(length), values, place) };
    case 'FP16':
      return { type: 'FLOAT16', shape, data: fill(new Float16Array(length), values, place) };
    case 'FP32':
      return { type: 'FLOAT', shape, data: fill(new Float32Array(length), values, place) };
    case 'FP64':
      return { type: 'DOUBLE', shape, data: fill(new Float64Array(length), values, place) };
    case 'INT64':
      return { type: 'INT64', shape, data: BigInt64Array.from(values, (value, at) => bigOf(value, at, place)) };
    case 'UINT64':
      return { type: 'UINT64', shape, data: BigUint64Array.from(values, (value, at) => bigOf(value, at, place)) };
  }
}

interface NumberArray {
  [index: number]: number;
}

function fill<T extends NumberArray>(data: T, values: readonly unknown[], place: Place): T {
  const { kind } = datatypeFacts[place.datatype];
  const read = kind === 'real' ? realOf : kind === 'boolean' ? booleanOf : integerOf;
  for (let at = 0; at < values.length; at++) data[at] = read(values[at], at, place);
  return data;
}

const largestReal: Readonly<Partial<Record<Datatype, number>>> = { FP16: 65504, FP32: 3.4028234663852886e38 };

/** JSON has no NaN: null says that a value is missing. */
function realOf(value: unknown, at: number, place: Place): number {
  if (value === null) return Number.NaN;
  const number = typeof value === 'bigint' ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isFinite(number) || Math.abs(number) > (largestReal[place.datatype] ?? Number.MAX_VALUE)) {
    throw mistyped(value, at, place);
  }
  if (place.datatype === 'FP32') return Math.fround(number);
  return place.datatype === 'FP16' ? Math.f16round(number) : number;
}

function booleanOf(value: unknown, at: number, place: Place): number {
  if (typeof value === 'boolean') return Number(value);
  if (value === 0 || value === 1) return value;
  throw mistyped(value, at, place);
}

/** An integer that a number holds exactly. */
function integerOf(value: unknown, at: number, place: Place): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw mistyped(value, at, place);
  const { bits, signed } = datatypeFacts[place.datatype];
  if (value >= 2 ** bits || value < (signed ? -(2 ** bits) : 0)) throw mistyped(value, at, place);
  return value;
}

function bigOf(value: unknown, at: number, place: Place): bigint {
  if (place.datatype !== 'INT64' && place.datatype !== 'UINT64') {
    return BigInt(place.datatype === 'BOOL' ? booleanOf(value, at, place) : integerOf(value, at, place));
  }
  if (typeof value !== 'bigint' && (typeof value !== 'number' || !Number.isSafeInteger(value))) throw mistyped(value, at, place);
  const number = BigInt(value);
  const { bits, signed } = datatypeFacts[place.datatype];
  const end = 2n ** BigInt(bits);
  if (number >= end || number < (signed ? -end : 0n)) throw mistyped(value, at, place);
  return number;
}

/** Bytes travel as strings in JSON; null says that a value is missing. */
function textOf(value: unknown, at: number, place: Place): string {
  if (typeof value === 'string') return value;
  if (value === null) return '';
  // Typed contents of gRPC are bytes.
  if (value instanceof Uint8Array && isUtf8(value)) return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('utf8');
  throw mistyped(value, at, place);
}

function mistyped(value: unknown, at: number, { input, datatype }: Place): GyreError {
  const shown =
    typeof value === 'string'
      ? `the string ${JSON.stringify(value.slice(0, 60))}`
      : typeof value === 'object'
        ? value === null
          ? 'null'
          : 'an array or object'
        : String(value);
  return new GyreError(
    'INVALID_ARGUMENT',
    `value ${at} of the input "${input}" is ${shown}, which is no ${datatype} that can be taken exactly`,
    {
      input,
      position: at,
      datatype,
    },
  );
}
