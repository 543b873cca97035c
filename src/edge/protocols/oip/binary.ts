import { isUtf8 } from 'node:buffer';
import { endianness } from 'node:os';
import { GyreError, largeBytes } from '#core';
import { datatypeFacts } from './datatypes.ts';
import type { Datatype } from './datatypes.ts';
import { tensorOf } from './values.ts';
import type { Tensor } from './values.ts';

/*
 * Tensors as bytes: the binary tensor data extension of REST and the raw contents of gRPC. Row-major and little-endian, without padding;
 * an element of BYTES is its length in four bytes and then itself.
 */

/** Bytes of one value; of BYTES none is fixed. */
const widths: Readonly<Record<Datatype, number>> = {
  BOOL: 1,
  UINT8: 1,
  UINT16: 2,
  UINT32: 4,
  UINT64: 8,
  INT8: 1,
  INT16: 2,
  INT32: 4,
  INT64: 8,
  FP16: 2,
  FP32: 4,
  FP64: 8,
  BYTES: 0,
};
const lengthBytes = 4;

if (endianness() !== 'LE') throw new GyreError('UNIMPLEMENTED', 'tensors travel little-endian, which this processor is not');

/**
 * The tensor that some bytes are, of the type that the model takes (`widens` allows the pair).
 * @param bytes all of the tensor and nothing else; large ones that begin where the type may begin are not copied, and are to stay as they are
 * @param shape axes, from 0 on
 * @throws GyreError INVALID_ARGUMENT when there are more or fewer bytes than the shape needs, or values that are none of their datatype
 */
export function tensorOfBytes(bytes: Uint8Array, shape: readonly number[], sent: Datatype, wanted: Datatype, input: string): Tensor {
  const count = shape.reduce((size, axis) => size * axis, 1);
  if (sent === 'BYTES') return { type: 'STRING', shape, data: textsOf(bytes, count, input) };
  const width = widths[sent];
  if (bytes.byteLength !== count * width) {
    throw new GyreError(
      'INVALID_ARGUMENT',
      `the input "${input}" has ${bytes.byteLength} bytes, but its shape [${shape.join(', ')}] of ${sent} needs ${count * width}`,
      { input, expected: count * width, received: bytes.byteLength },
    );
  }
  if (sent === 'BOOL') requireBooleans(bytes, input);
  const own = arrayOf(bytes, sent);
  if (sent === wanted) return { type: datatypeFacts[wanted].element, shape, data: own } as Tensor;
  // Rare: the model takes a wider type, and each value is looked at.
  return widened(own, shape, sent, wanted, input);
}

/** The bytes as values: a copy where they do not begin where the type may begin, or are so few that they would keep a larger buffer. */
function arrayOf(bytes: Uint8Array, datatype: Datatype): NumericData {
  const width = widths[datatype];
  const isCopied = bytes.byteLength < largeBytes || bytes.byteOffset % width !== 0;
  const from = isCopied ? 0 : bytes.byteOffset;
  const buffer = isCopied ? bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) : bytes.buffer;
  const count = bytes.byteLength / width;
  switch (datatype) {
    case 'UINT16':
      return new Uint16Array(buffer, from, count);
    case 'UINT32':
      return new Uint32Array(buffer, from, count);
    case 'UINT64':
      return new BigUint64Array(buffer, from, count);
    case 'INT8':
      return new Int8Array(buffer, from, count);
    case 'INT16':
      return new Int16Array(buffer, from, count);
    case 'INT32':
      return new Int32Array(buffer, from, count);
    case 'INT64':
      return new BigInt64Array(buffer, from, count);
    case 'FP16':
      return new Float16Array(buffer, from, count);
    case 'FP32':
      return new Float32Array(buffer, from, count);
    case 'FP64':
      return new Float64Array(buffer, from, count);
    default:
      return new Uint8Array(buffer, from, count);
  }
}

type NumericData = Exclude<Tensor, { readonly type: 'STRING' }>['data'];

function widened(own: NumericData, shape: readonly number[], sent: Datatype, wanted: Datatype, input: string): Tensor {
  const { kind } = datatypeFacts[sent];
  // What binary data says as NaN or infinity, JSON cannot: floats of another width are taken as they are.
  if (kind === 'real' && wanted === 'FP64') return { type: 'DOUBLE', shape, data: Float64Array.from(own as ArrayLike<number>) };
  if (kind === 'real') return { type: 'FLOAT', shape, data: Float32Array.from(own as ArrayLike<number>) };
  const values: unknown[] = Array.from<number | bigint, number | bigint>(own as ArrayLike<number | bigint>, (value) =>
    typeof value === 'bigint' && wanted === 'FP64' ? exactNumber(value) : value,
  );
  return tensorOf(values, shape, sent, wanted, input);
}

/** An integer as a number where that is exact; else as it is, to be refused by name. */
function exactNumber(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function requireBooleans(bytes: Uint8Array, input: string): void {
  const odd = bytes.findIndex((byte) => byte > 1);
  if (odd < 0) return;
  throw new GyreError(
    'INVALID_ARGUMENT',
    `value ${odd} of the input "${input}" is the byte ${bytes[odd]}, which is no BOOL: 0 or 1 is right`,
    {
      input,
      position: odd,
    },
  );
}

function textsOf(bytes: Uint8Array, count: number, input: string): string[] {
  return elementsOf(bytes, count, input).map((element, position) => {
    const text = Buffer.from(element.buffer, element.byteOffset, element.byteLength);
    if (isUtf8(text)) return text.toString('utf8');
    throw new GyreError('INVALID_ARGUMENT', `value ${position} of the input "${input}" is no text in UTF-8, which the model takes`, {
      input,
      position,
    });
  });
}

/** The elements of a BYTES tensor; not copied. @throws GyreError INVALID_ARGUMENT when there are not exactly so many */
export function elementsOf(bytes: Uint8Array, count: number, input: string): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const elements: Uint8Array[] = [];
  let at = 0;
  while (at < bytes.byteLength) {
    const start = at + lengthBytes;
    const end = start > bytes.byteLength ? Number.POSITIVE_INFINITY : start + view.getUint32(at, true);
    if (end > bytes.byteLength) {
      throw new GyreError('INVALID_ARGUMENT', `the input "${input}" is cut off: value ${elements.length} goes beyond its bytes`, {
        input,
        position: elements.length,
      });
    }
    elements.push(bytes.subarray(start, end));
    at = end;
  }
  if (elements.length === count) return elements;
  throw new GyreError('INVALID_ARGUMENT', `the input "${input}" has ${elements.length} values, but its shape needs ${count}`, {
    input,
    expected: count,
    received: elements.length,
  });
}

/** The bytes of a tensor; numbers are not copied. */
export function bytesOfTensor(tensor: Tensor): Uint8Array {
  if (tensor.type !== 'STRING') return new Uint8Array(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength);
  const sizes = tensor.data.map((text) => Buffer.byteLength(text));
  const bytes = Buffer.allocUnsafe(sizes.reduce((sum, size) => sum + lengthBytes + size, 0));
  let at = 0;
  for (const [index, text] of tensor.data.entries()) {
    at = bytes.writeUInt32LE(sizes[index], at);
    at += bytes.write(text, at, 'utf8');
  }
  return bytes;
}
