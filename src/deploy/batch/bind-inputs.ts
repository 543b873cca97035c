import type { InputColumn } from '#contract';
import { GyreError } from '#core';
import type { ElementType, Feeds, Session, SessionValue, Tensor } from '#onnx';
import type { EncodedValues } from './encode-columns.ts';
import type { BatchModel } from './port.ts';

/** A tensor of the graph and the columns that fill it, one for each value of a row. */
export interface InputBinding {
  readonly tensor: SessionValue;
  readonly columns: readonly InputColumn[];
}

export interface BoundInputs {
  readonly bindings: readonly InputBinding[];
  /** Rows of one run, at most; undefined for any number. */
  readonly maxRows?: number;
}

/**
 * Which columns fill which tensor: those of the signature; for a graph that nobody has described, the column with the tensor's name, and
 * for a tensor of several values a row the columns that the caller lists, or all numbers of the input when there are just so many.
 * @param table the columns of the input
 * @throws GyreError INVALID_ARGUMENT when a tensor cannot be filled, naming how many columns it takes
 */
export function bindInputs(
  { name, signature }: Pick<BatchModel, 'name' | 'signature'>,
  session: Pick<Session, 'inputs'>,
  table: readonly { readonly name: string; readonly isNumber: boolean }[],
  features?: readonly string[],
): BoundInputs {
  const described = new Map(signature.inputs.map((input) => [input.name, input]));
  let maxRows: number | undefined;
  const bindings = session.inputs.map((tensor): InputBinding => {
    const [rowAxis, ...rest] = tensor.shape ?? [];
    if (typeof rowAxis === 'number' && (maxRows === undefined || rowAxis < maxRows)) maxRows = rowAxis;
    const input = described.get(tensor.name);
    if (input !== undefined) return { tensor, columns: [input] };
    const width = rest.reduce<number>((product, axis) => (typeof axis === 'number' ? product * axis : NaN), 1);
    if (tensor.shape === null || tensor.shape.length > 2 || Number.isNaN(width) || width < 1) {
      const shape = tensor.shape === null ? 'unknown' : `[${tensor.shape.join(', ')}]`;
      throw new GyreError(
        'INVALID_ARGUMENT',
        `the tensor "${tensor.name}" of ${name} has the shape ${shape}: rows of a table fill [rows], [rows, 1] or [rows, columns]`,
        { tensor: tensor.name },
      );
    }
    const isListed = features?.length === 1 && session.inputs.length === 1;
    if (width === 1 && !isListed) return { tensor, columns: [plainColumn(tensor.name, tensor.type)] };
    const numbers = table.filter(({ isNumber }) => isNumber).map((column) => column.name);
    const chosen = features ?? (numbers.length === width ? numbers : undefined);
    if (chosen?.length !== width) {
      const found = features === undefined ? `the input has ${numbers.length} columns of numbers` : `${features.length} are named`;
      throw new GyreError(
        'INVALID_ARGUMENT',
        `the tensor "${tensor.name}" of ${name} takes ${width} values a row, but ${found}: name its columns, in their order (--features a,b,c)`,
        { tensor: tensor.name, width },
      );
    }
    return { tensor, columns: chosen.map((column) => plainColumn(column, tensor.type)) };
  });
  if (maxRows !== undefined && maxRows !== 1)
    throw new GyreError('INVALID_ARGUMENT', `${name} takes exactly ${maxRows} rows at a time: export it with an axis of any size`, {
      maxRows,
    });
  return { bindings, ...(maxRows === undefined ? {} : { maxRows }) };
}

/** A column of a graph that nobody has described. Whole numbers have no way to say that a value is missing. */
function plainColumn(name: string, type: ElementType): InputColumn {
  if (type === 'STRING') return { name, type: 'string', datatype: 'BYTES', required: false };
  if (type === 'BOOL') return { name, type: 'boolean', datatype: 'FP64', required: true };
  const isReal = type === 'FLOAT' || type === 'DOUBLE' || type === 'FLOAT16';
  return { name, type: isReal ? 'number' : 'integer', datatype: 'FP64', required: !isReal };
}

const ranges: Partial<Readonly<Record<ElementType, readonly [number, number]>>> = {
  INT8: [-128, 127],
  UINT8: [0, 255],
  INT16: [-32_768, 32_767],
  UINT16: [0, 65_535],
  INT32: [-(2 ** 31), 2 ** 31 - 1],
  UINT32: [0, 2 ** 32 - 1],
  INT64: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
  UINT64: [0, Number.MAX_SAFE_INTEGER],
};

/** Whether a tensor of whole numbers can hold a value; any other can. */
export function isHeldBy(type: ElementType, value: number): boolean {
  const range = ranges[type];
  return range === undefined || (Number.isInteger(value) && value >= range[0] && value <= range[1]);
}

/**
 * The tensors of a run.
 * @param encoded for each binding its columns, encoded
 * @param rows the rows that go in, by their position in the encoded columns; undefined for all `count` of them
 */
export function feedsOf(
  bindings: readonly InputBinding[],
  encoded: readonly (readonly EncodedValues[])[],
  count: number,
  rows?: Int32Array,
): Feeds {
  const feeds: Record<string, Tensor> = {};
  const size = rows?.length ?? count;
  for (const [at, { tensor, columns }] of bindings.entries()) {
    const width = columns.length;
    const shape = tensor.shape?.length === 1 ? [size] : [size, width];
    const values = encoded[at];
    const [only] = values;
    if (tensor.type === 'STRING') feeds[tensor.name] = { type: 'STRING', shape, data: textsOf(values, size, rows) };
    else if (tensor.type === 'DOUBLE' && width === 1 && rows === undefined && only instanceof Float64Array && only.length === size)
      feeds[tensor.name] = { type: 'DOUBLE', shape, data: only };
    else feeds[tensor.name] = numbersOf(tensor.type, shape, values, size, rows);
  }
  return feeds;
}

function textsOf(values: readonly EncodedValues[], size: number, rows: Int32Array | undefined): string[] {
  const texts = new Array<string>(size * values.length);
  for (const [k, column] of values.entries())
    for (let i = 0; i < size; i++) texts[i * values.length + k] = String(column[rows === undefined ? i : rows[i]]);
  return texts;
}

function numbersOf(
  type: Exclude<ElementType, 'STRING'>,
  shape: readonly number[],
  values: readonly EncodedValues[],
  size: number,
  rows: Int32Array | undefined,
): Tensor {
  const width = values.length;
  const flat = new Float64Array(size * width);
  for (const [k, column] of values.entries())
    for (let i = 0; i < size; i++) flat[i * width + k] = Number(column[rows === undefined ? i : rows[i]]);
  switch (type) {
    case 'DOUBLE':
      return { type, shape, data: flat };
    case 'FLOAT':
      return { type, shape, data: Float32Array.from(flat) };
    case 'FLOAT16':
      return { type, shape, data: Float16Array.from(flat) };
    case 'INT64':
      return { type, shape, data: BigInt64Array.from(flat, BigInt) };
    case 'UINT64':
      return { type, shape, data: BigUint64Array.from(flat, BigInt) };
    case 'INT32':
      return { type, shape, data: Int32Array.from(flat) };
    case 'UINT32':
      return { type, shape, data: Uint32Array.from(flat) };
    case 'INT16':
      return { type, shape, data: Int16Array.from(flat) };
    case 'UINT16':
      return { type, shape, data: Uint16Array.from(flat) };
    case 'INT8':
      return { type, shape, data: Int8Array.from(flat) };
    case 'UINT8':
    case 'BOOL':
      return { type, shape, data: Uint8Array.from(flat) };
  }
}
