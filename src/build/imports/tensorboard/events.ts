import { doubleOf, fieldsOf, floatOf, signedOf } from '../protobuf.ts';

/*
 * Events of TensorBoard, as tensorflow/core/util/event.proto, framework/summary.proto and framework/tensor.proto number their fields, and
 * plugins/hparams/plugin_data.proto those of hyperparameters.
 */

export interface EventValue {
  readonly tag: string;
  /** A scalar; undefined where the value is something else. */
  readonly scalar?: number;
  readonly text?: string;
  /** Hyperparameters of the session that begins, by name. */
  readonly parameters?: Readonly<Record<string, string>>;
  /** How the session ended. */
  readonly ended?: 'FINISHED' | 'FAILED';
}

export interface BoardEvent {
  /** UTC milliseconds. */
  readonly time: number;
  readonly step: number;
  readonly values: readonly EventValue[];
}

/** @throws RangeError when the bytes are no event */
export function readEvent(bytes: Uint8Array): BoardEvent {
  let time = 0;
  let step = 0;
  const values: EventValue[] = [];
  for (const { number, bits, bytes: inner } of fieldsOf(bytes)) {
    if (number === 1) time = Math.round(doubleOf(bits) * 1000);
    else if (number === 2) step = signedOf(bits);
    else if (number === 5) for (const field of fieldsOf(inner)) if (field.number === 1) values.push(readValue(field.bytes));
  }
  return { time, step, values };
}

function readValue(bytes: Uint8Array): EventValue {
  let tag = '';
  let scalar: number | undefined;
  let tensor: Buffer | undefined;
  let plugin = { name: '', content: Buffer.alloc(0) };
  for (const { number, bits, bytes: inner } of fieldsOf(bytes)) {
    if (number === 1) tag = inner.toString('utf8');
    else if (number === 2) scalar = floatOf(bits);
    else if (number === 8) tensor = inner;
    else if (number === 9) plugin = readPlugin(inner);
  }
  if (plugin.name === 'hparams') return { tag, ...readSession(plugin.content) };
  if (scalar !== undefined) return { tag, scalar };
  if (tensor === undefined) return { tag };
  if (plugin.name === 'text') {
    const text = firstText(tensor);
    return { tag, ...(text === undefined ? {} : { text }) };
  }
  const value = plugin.name === '' || plugin.name === 'scalars' ? firstNumber(tensor) : undefined;
  return { tag, ...(value === undefined ? {} : { scalar: value }) };
}

function readPlugin(metadata: Uint8Array): { readonly name: string; readonly content: Buffer<ArrayBuffer> } {
  let name = '';
  let content = Buffer.alloc(0);
  for (const { number, bytes } of fieldsOf(metadata)) {
    if (number !== 1) continue;
    for (const field of fieldsOf(bytes)) {
      if (field.number === 1) name = field.bytes.toString('utf8');
      else if (field.number === 2) content = Buffer.from(field.bytes);
    }
  }
  return { name, content };
}

function readSession(content: Uint8Array): Pick<EventValue, 'parameters' | 'ended'> {
  for (const { number, bytes } of fieldsOf(content)) {
    if (number === 3) {
      const parameters: Record<string, string> = {};
      for (const field of fieldsOf(bytes)) {
        if (field.number !== 1) continue;
        const [name, value] = readEntry(field.bytes);
        parameters[name] = value;
      }
      return { parameters };
    }
    if (number === 4) {
      // STATUS_SUCCESS 1, STATUS_FAILURE 2, STATUS_RUNNING 3.
      for (const field of fieldsOf(bytes))
        if (field.number === 1 && field.bits < 3n) return { ended: field.bits === 2n ? 'FAILED' : 'FINISHED' };
    }
  }
  return {};
}

/** An entry of a map to google.protobuf.Value. */
function readEntry(entry: Uint8Array): readonly [string, string] {
  let name = '';
  let value = '';
  for (const { number, bytes } of fieldsOf(entry)) {
    if (number === 1) name = bytes.toString('utf8');
    else if (number === 2)
      for (const field of fieldsOf(bytes)) {
        if (field.number === 2) value = String(doubleOf(field.bits));
        else if (field.number === 3) value = field.bytes.toString('utf8');
        else if (field.number === 4) value = field.bits === 0n ? 'false' : 'true';
      }
  }
  return [name, value];
}

/** Types of tensors (framework/types.proto) with the bytes of one element and how they are read. */
const elements: Readonly<Record<number, readonly [number, (bytes: Buffer) => number]>> = {
  1: [4, (bytes) => bytes.readFloatLE(0)],
  2: [8, (bytes) => bytes.readDoubleLE(0)],
  3: [4, (bytes) => bytes.readInt32LE(0)],
  9: [8, (bytes) => Number(bytes.readBigInt64LE(0))],
  // bfloat16 is the upper half of a float; a half is read by its own rules.
  14: [2, (bytes) => floatOf(BigInt(bytes.readUInt16LE(0)) << 16n)],
  19: [2, (bytes) => halfOf(bytes.readUInt16LE(0))],
};

function halfOf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

function firstNumber(tensor: Uint8Array): number | undefined {
  let type = 0;
  for (const { number, bits, bytes } of fieldsOf(tensor)) {
    if (number === 1) type = Number(bits);
    else if (number === 4) {
      const [size, read] = elements[type] ?? [0, undefined];
      if (read !== undefined && bytes.length >= size) return read(bytes);
    }
    // Lists of one kind each: packed, or one number at a time.
    else if (number === 5) return bytes.length >= 4 ? bytes.readFloatLE(0) : floatOf(bits);
    else if (number === 6) return bytes.length >= 8 ? bytes.readDoubleLE(0) : doubleOf(bits);
    else if (number === 7 || number === 10 || number === 13) {
      const first = bytes.length > 0 ? firstVarint(bytes) : bits;
      if (number === 13) return type === 14 ? floatOf(first << 16n) : halfOf(Number(first));
      return signedOf(first);
    }
  }
  return undefined;
}

function firstVarint(bytes: Uint8Array): bigint {
  let value = 0n;
  for (const [at, byte] of bytes.entries()) {
    value |= BigInt(byte & 0x7f) << BigInt(7 * at);
    if (byte < 0x80) break;
  }
  return BigInt.asUintN(64, value);
}

function firstText(tensor: Uint8Array): string | undefined {
  for (const { number, bytes } of fieldsOf(tensor)) if (number === 8) return bytes.toString('utf8');
  return undefined;
}
