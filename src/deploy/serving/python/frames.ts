import { endianness } from 'node:os';
import type { Duplex } from 'node:stream';
import { datatypeOfElement } from '#contract';
import { GyreError } from '#core';
import { arrayOver } from '#onnx';
import type { ElementType, Feeds, Tensor } from '#onnx';

/*
 * What goes between a data plane and the Python process of a model (runner.py says it once more, from the other side): frames of two
 * little-endian uint32 (the bytes of the JSON header, and of the tensors behind it), the header and the tensors, row-major and little-endian
 * as in the Open Inference Protocol's binary tensor data extension.
 */

const prefixBytes = 8;
const lengthBytes = 4;
/** A frame's parts are counted in 32 bits. */
const mostBytes = 2 ** 32 - 1;

if (endianness() !== 'LE') throw new GyreError('UNIMPLEMENTED', 'tensors travel little-endian, which this processor is not');

/** A tensor in a frame's header; its bytes follow those of the ones before it. */
interface Described {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly bytes: number;
}

export interface Frame {
  readonly header: Readonly<Record<string, unknown>>;
  readonly body: Buffer;
}

/** Writes a frame. @throws GyreError INVALID_ARGUMENT when the tensors have more bytes than a frame can hold */
export function writeFrame(stream: Duplex, header: object, parts: readonly Uint8Array[] = []): void {
  const text = Buffer.from(JSON.stringify(header));
  const size = parts.reduce((sum, { byteLength }) => sum + byteLength, 0);
  if (size > mostBytes) throw new GyreError('INVALID_ARGUMENT', `a request of ${size} bytes is too large for a model in Python`, { size });
  const prefix = Buffer.allocUnsafe(prefixBytes);
  prefix.writeUInt32LE(text.byteLength, 0);
  prefix.writeUInt32LE(size, lengthBytes);
  stream.cork();
  stream.write(prefix);
  stream.write(text);
  for (const part of parts) if (part.byteLength > 0) stream.write(part);
  stream.uncork();
}

/** Calls back for each frame that comes whole; what is torn when the stream ends is nobody's answer. */
export function readFrames(stream: Duplex, onFrame: (frame: Frame) => void, onBroken: (why: string) => void): void {
  let chunks: Buffer[] = [];
  let held = 0;
  let needed = prefixBytes;
  stream.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    held += chunk.byteLength;
    // Large answers come in many chunks: they are put together once, when all are there.
    if (held < needed) return;
    let bytes = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks, held);
    for (;;) {
      needed = prefixBytes;
      if (bytes.byteLength < prefixBytes) break;
      const headerBytes = bytes.readUInt32LE(0);
      needed += headerBytes + bytes.readUInt32LE(lengthBytes);
      if (bytes.byteLength < needed) break;
      const body = bytes.subarray(prefixBytes + headerBytes, needed);
      const header = parsed(bytes.subarray(prefixBytes, prefixBytes + headerBytes));
      if (header === undefined) {
        onBroken('it sent a header that is no JSON object');
        return;
      }
      onFrame({ header, body });
      bytes = bytes.subarray(needed);
    }
    chunks = bytes.byteLength === 0 ? [] : [bytes];
    held = bytes.byteLength;
  });
}

function parsed(bytes: Buffer): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

/** Tensors as a frame holds them; numbers are not copied. */
export function frameTensors(feeds: Feeds): { readonly described: readonly Described[]; readonly parts: readonly Uint8Array[] } {
  const parts: Uint8Array[] = [];
  const described = Object.entries(feeds).map(([name, tensor]): Described => {
    const bytes = bytesOf(tensor);
    parts.push(bytes);
    return { name, datatype: datatypeOfElement[tensor.type], shape: tensor.shape, bytes: bytes.byteLength };
  });
  return { described, parts };
}

function bytesOf(tensor: Tensor): Uint8Array {
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

/**
 * The tensors of an answer, each in memory of its own.
 * @throws GyreError INTERNAL when the header does not describe the bytes
 */
export function tensorsOf({ header, body }: Frame): Record<string, Tensor> {
  const tensors: Record<string, Tensor> = {};
  let at = 0;
  for (const { name, datatype, shape, bytes } of describedIn(header)) {
    const count = shape.reduce((size, axis) => size * axis, 1);
    const part = body.subarray(at, at + bytes);
    at += bytes;
    const type = elementOf.get(datatype);
    if (type === undefined || part.byteLength !== bytes) throw broken(`the output "${name}" is no tensor`);
    if (type === 'STRING') {
      tensors[name] = { type, shape, data: textsOf(part, count, name) };
      continue;
    }
    const data = arrayOver(type, new Uint8Array(part).buffer);
    if (data.length !== count) throw broken(`the output "${name}" has ${data.length} values, but its shape needs ${count}`);
    tensors[name] = { type, shape, data } as Tensor;
  }
  return tensors;
}

function describedIn(header: Frame['header']): readonly Described[] {
  const { ok } = header;
  const listed: unknown = typeof ok === 'object' && ok !== null ? Reflect.get(ok, 'tensors') : undefined;
  if (Array.isArray(listed) && listed.every(isDescribed)) return listed;
  throw broken('it holds no tensors');
}

function isDescribed(value: unknown): value is Described {
  if (typeof value !== 'object' || value === null) return false;
  const { name, datatype, shape, bytes } = value as Partial<Record<keyof Described, unknown>>;
  return (
    typeof name === 'string' &&
    typeof datatype === 'string' &&
    Array.isArray(shape) &&
    shape.every((axis) => Number.isSafeInteger(axis) && Number(axis) >= 0) &&
    Number.isSafeInteger(bytes) &&
    Number(bytes) >= 0
  );
}

function textsOf(bytes: Buffer, count: number, output: string): string[] {
  const texts: string[] = [];
  let at = 0;
  while (at + lengthBytes <= bytes.byteLength && texts.length < count) {
    const end = at + lengthBytes + bytes.readUInt32LE(at);
    texts.push(bytes.toString('utf8', at + lengthBytes, end));
    at = end;
  }
  if (texts.length !== count || at !== bytes.byteLength) throw broken(`the output "${output}" has not ${count} texts`);
  return texts;
}

function broken(why: string): GyreError {
  return new GyreError('INTERNAL', `the answer of the model's Python process is broken: ${why}`);
}

const elementOf: ReadonlyMap<string, ElementType> = new Map(
  (Object.entries(datatypeOfElement) as [ElementType, string][]).map(([element, datatype]) => [datatype, element]),
);
