import { GyreError } from '#core';
import type { WireReader } from '#core';
import { elementFacts, elementTypeOf, shapeText, sizeOf } from './tensor.ts';
import type { ElementType, Tensor } from './tensor.ts';
import type { TensorView } from './view.ts';

/** The fields of a TensorProto that hold values; which one is used depends on the writer and the type. */
interface TensorFields {
  raw: Uint8Array | null;
  readonly floats: number[];
  readonly doubles: number[];
  readonly ints: (number | bigint)[];
  readonly strings: string[];
}

/** Reads a TensorProto. Its numbers are copied out of the bytes only by `read()`. */
export function readTensor(reader: WireReader): TensorView {
  const dims: (number | bigint)[] = [];
  const fields: TensorFields = { raw: null, floats: [], doubles: [], ints: [], strings: [] };
  let name = '';
  let typeCode = 0;
  let external = false;
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        reader.intsInto(dims);
        break;
      case 2:
        typeCode = reader.smallInt();
        break;
      case 4:
        reader.floatsInto(fields.floats, 4);
        break;
      case 5: // int32_data
      case 7: // int64_data
      case 11: // uint64_data
        reader.intsInto(fields.ints);
        break;
      case 6:
        fields.strings.push(reader.string());
        break;
      case 8:
        name = reader.string();
        break;
      case 9:
        fields.raw = reader.bytes();
        break;
      case 10:
        reader.floatsInto(fields.doubles, 8);
        break;
      case 13:
        external = true;
        reader.skip();
        break;
      case 14:
        if (reader.smallInt() === 1) external = true;
        break;
      default:
        reader.skip();
    }
  }
  const header = { name, type: elementTypeOf(typeCode), typeCode, shape: dims.map(Number), external };
  return {
    ...header,
    check: () => void requireValues(header, fields),
    read: () => {
      const type = requireValues(header, fields);
      const { shape } = header;
      if (type === 'STRING') return { type, shape, data: fields.strings };
      // A copy starts at an aligned address, whatever the place in the file. Not `slice()`: a Buffer's slice is no copy.
      if (fields.raw !== null) return ofBuffer(type, shape, new Uint8Array(fields.raw).buffer);
      return ofNumbers(type, shape, numbersOf(type, fields));
    },
  };
}

type Header = Omit<TensorView, 'check' | 'read'>;

const numbersOf = (type: ElementType, fields: TensorFields): readonly (number | bigint)[] =>
  type === 'FLOAT' ? fields.floats : type === 'DOUBLE' ? fields.doubles : fields.ints;

function requireValues({ name, type, typeCode, shape, external }: Header, fields: TensorFields): ElementType {
  const refuse = (message: string): GyreError =>
    new GyreError('INVALID_ARGUMENT', `tensor "${name}" ${message}`, { tensor: name, type, shape });
  if (external) throw refuse('keeps its values in another file; a model must hold all of its values itself');
  if (type === null) throw refuse(`has the element type ${typeCode}, which Gyre does not run`);
  const size = sizeOf(shape);
  if (!Number.isSafeInteger(size) || shape.some((axis) => axis < 0)) throw refuse(`has the shape ${shapeText(shape)}, which is none`);
  const [expected, given, unit] =
    type === 'STRING'
      ? [size, fields.strings.length, 'strings']
      : fields.raw !== null
        ? [size * elementFacts[type].bytes, fields.raw.length, 'bytes']
        : [size, numbersOf(type, fields).length, 'values'];
  if (given !== expected) throw refuse(`of shape ${shapeText(shape)} needs ${expected} ${unit}, but has ${given}`);
  return type;
}

function ofBuffer(type: Exclude<ElementType, 'STRING'>, shape: readonly number[], buffer: ArrayBuffer): Tensor {
  switch (type) {
    case 'FLOAT':
      return { type, shape, data: new Float32Array(buffer) };
    case 'DOUBLE':
      return { type, shape, data: new Float64Array(buffer) };
    case 'INT64':
      return { type, shape, data: new BigInt64Array(buffer) };
    case 'UINT64':
      return { type, shape, data: new BigUint64Array(buffer) };
    case 'INT32':
      return { type, shape, data: new Int32Array(buffer) };
    case 'UINT32':
      return { type, shape, data: new Uint32Array(buffer) };
    case 'INT16':
      return { type, shape, data: new Int16Array(buffer) };
    case 'UINT16':
      return { type, shape, data: new Uint16Array(buffer) };
    case 'INT8':
      return { type, shape, data: new Int8Array(buffer) };
    case 'UINT8':
    case 'BOOL':
      return { type, shape, data: new Uint8Array(buffer) };
    case 'FLOAT16':
      return { type, shape, data: new Float16Array(buffer) };
  }
}

function ofNumbers(type: Exclude<ElementType, 'STRING'>, shape: readonly number[], given: readonly (number | bigint)[]): Tensor {
  switch (type) {
    case 'INT64':
      return { type, shape, data: BigInt64Array.from(given, BigInt) };
    case 'UINT64':
      return { type, shape, data: BigUint64Array.from(given, BigInt) };
    case 'FLOAT16': {
      // int32_data holds the 16 bits of each value, not its number.
      const bits = Uint16Array.from(given, Number);
      return { type, shape, data: new Float16Array(bits.buffer) };
    }
    default: {
      const target = ofBuffer(type, shape, new ArrayBuffer(given.length * elementFacts[type].bytes));
      if (target.type !== 'INT64' && target.type !== 'UINT64' && target.type !== 'STRING') target.data.set(given.map(Number));
      return target;
    }
  }
}
