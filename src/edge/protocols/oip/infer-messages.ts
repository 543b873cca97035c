import { GyreError, WireReader, WireWriter } from '#core';
import type { Inferred, ServedModel } from '#serving';
import { bytesOfTensor } from './binary.ts';
import { datatypeOf } from './datatypes.ts';
import type { Members, RawTensors, WantedOutput } from './decode.ts';
import type { Tensor } from './values.ts';

/*
 * ModelInferRequest and ModelInferResponse (grpc_service.proto of the Open Inference Protocol), by hand: they are the hot path, and tensors
 * go from the message to the model without a list of values in between.
 */

export interface InferMessage {
  readonly model: string;
  readonly version: string;
  /** The request as REST has it; values are in `data` where they came as typed contents. */
  readonly body: Members;
  readonly raw: RawContents;
}

/** `raw_input_contents`: the bytes of all inputs, in their order. */
export class RawContents implements RawTensors {
  readonly #contents: readonly Uint8Array[];
  #taken = 0;

  constructor(contents: readonly Uint8Array[]) {
    this.#contents = contents;
  }

  /** Whether the request's values came as bytes. */
  get isUsed(): boolean {
    return this.#contents.length > 0;
  }

  of(_input: Members, at: number): Uint8Array | undefined {
    if (at >= this.#contents.length) return undefined;
    this.#taken += 1;
    return this.#contents[at];
  }

  requireNone(): void {
    const left = this.#contents.length - this.#taken;
    if (left === 0) return;
    throw new GyreError(
      'INVALID_ARGUMENT',
      `there are ${this.#contents.length} raw input contents for ${this.#taken} inputs: each input has one`,
    );
  }
}

/** @throws GyreError INVALID_ARGUMENT when the bytes are no such message */
export function readInferRequest(message: Uint8Array): InferMessage {
  const reader = new WireReader(message, 'ModelInferRequest');
  const inputs: Members[] = [];
  const outputs: Members[] = [];
  const contents: Uint8Array[] = [];
  const parameters: Record<string, unknown> = {};
  let [model, version, id] = ['', '', ''];
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        model = reader.string();
        break;
      case 2:
        version = reader.string();
        break;
      case 3:
        id = reader.string();
        break;
      case 4:
        readParameter(reader.message(), parameters);
        break;
      case 5:
        inputs.push(readInput(reader.message()));
        break;
      case 6:
        outputs.push(readOutput(reader.message()));
        break;
      case 7:
        contents.push(reader.bytes());
        break;
      default:
        reader.skip();
    }
  }
  const both = contents.length === 0 ? undefined : inputs.find(({ data }) => Array.isArray(data) && data.length > 0);
  if (both !== undefined)
    throw new GyreError(
      'INVALID_ARGUMENT',
      `the input "${String(both['name'])}" has typed contents beside the raw ones: one of them is right`,
    );
  const body = { ...(id === '' ? {} : { id }), parameters, inputs, ...(outputs.length === 0 ? {} : { outputs }) };
  return { model, version, body, raw: new RawContents(contents) };
}

function readInput(reader: WireReader): Members {
  let [name, datatype] = ['', ''];
  const shape: (number | bigint)[] = [];
  const parameters: Record<string, unknown> = {};
  let data: readonly unknown[] = [];
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        name = reader.string();
        break;
      case 2:
        datatype = reader.string();
        break;
      case 3:
        reader.intsInto(shape);
        break;
      case 4:
        readParameter(reader.message(), parameters);
        break;
      case 5:
        data = readContents(reader.message(), { name, datatype });
        break;
      default:
        reader.skip();
    }
  }
  return { name, datatype, shape, parameters, data };
}

/** The member of `InferTensorContents` that holds the values of a datatype; FP16 has none. */
const contentsOf: Readonly<Record<string, number>> = {
  BOOL: 1,
  INT8: 2,
  INT16: 2,
  INT32: 2,
  INT64: 3,
  UINT8: 4,
  UINT16: 4,
  UINT32: 4,
  UINT64: 5,
  FP32: 6,
  FP64: 7,
  BYTES: 8,
};
const memberNames = ['', 'bool', 'int', 'int64', 'uint', 'uint64', 'fp32', 'fp64', 'bytes'] as const;

/** `InferTensorContents`: values by the kind of their datatype. @throws GyreError INVALID_ARGUMENT when they are those of another one */
function readContents(reader: WireReader, { name, datatype }: { readonly name: string; readonly datatype: string }): readonly unknown[] {
  const { [datatype]: own } = contentsOf;
  const numbers: (number | bigint)[] = [];
  const reals: number[] = [];
  const elements: Uint8Array[] = [];
  let isUnsigned = false;
  while (reader.next()) {
    if (own !== undefined && reader.field !== own && reader.field < memberNames.length)
      throw new GyreError(
        'INVALID_ARGUMENT',
        `the input "${name}" is ${datatype}, whose values are its ${memberNames[own]}_contents, and has ${memberNames[reader.field]}_contents`,
      );
    switch (reader.field) {
      case 5:
        isUnsigned = true;
        reader.intsInto(numbers);
        break;
      case 1:
      case 2:
      case 3:
      case 4:
        reader.intsInto(numbers);
        break;
      case 6:
        reader.floatsInto(reals, 4);
        break;
      case 7:
        reader.floatsInto(reals, 8);
        break;
      case 8:
        elements.push(reader.bytes());
        break;
      default:
        reader.skip();
    }
  }
  if (datatype === 'BYTES') return elements;
  if (reals.length > 0) return reals;
  return isUnsigned ? numbers.map((value) => (value < 0 ? BigInt.asUintN(64, BigInt(value)) : value)) : numbers;
}

function readOutput(reader: WireReader): Members {
  let name = '';
  const parameters: Record<string, unknown> = {};
  while (reader.next()) {
    if (reader.field === 1) name = reader.string();
    else if (reader.field === 2) readParameter(reader.message(), parameters);
    else reader.skip();
  }
  return { name, parameters };
}

/** One entry of a `map<string, InferParameter>`. */
function readParameter(entry: WireReader, into: Record<string, unknown>): void {
  let key = '';
  let value: unknown;
  while (entry.next()) {
    if (entry.field === 1) key = entry.string();
    else if (entry.field === 2) value = readParameterValue(entry.message());
    else entry.skip();
  }
  into[key] = value;
}

function readParameterValue(reader: WireReader): unknown {
  let value: unknown;
  while (reader.next()) {
    if (reader.field === 1) value = reader.bool();
    else if (reader.field === 2 || reader.field === 5) value = reader.int();
    else if (reader.field === 3) value = reader.string();
    else if (reader.field === 4) value = reader.double();
    else reader.skip();
  }
  return value;
}

/**
 * @param asBytes whether outputs go as bytes, as the request's inputs came; FP16 has no other way
 */
export function writeInferResponse(
  { entry }: Pick<ServedModel, 'entry'>,
  id: string | undefined,
  wanted: readonly WantedOutput[],
  inferred: Inferred,
  asBytes: boolean,
): Uint8Array {
  const writer = new WireWriter();
  const tensors = wanted.map(({ name }) => ({ name, tensor: inferred.outputs[name] }));
  const raw = asBytes || tensors.some(({ tensor }) => tensor.type === 'FLOAT16');
  writer.string(1, entry.name);
  writer.string(2, entry.version);
  writer.string(3, id ?? inferred.ids[0]);
  writer.message(4, (parameter) => {
    parameter.string(1, 'prediction_ids');
    parameter.message(2, (value) => value.string(3, inferred.ids.join(',')));
  });
  for (const { name, tensor } of tensors) {
    writer.message(5, (output) => {
      output.string(1, name);
      output.string(2, datatypeOf[tensor.type]);
      output.packedInts(3, tensor.shape);
      if (!raw) output.message(5, (contents) => writeContents(contents, tensor));
    });
  }
  if (raw) for (const { tensor } of tensors) writer.bytes(6, bytesOfTensor(tensor));
  return writer.finish();
}

function writeContents(writer: WireWriter, tensor: Tensor): void {
  switch (tensor.type) {
    case 'BOOL':
      writer.packedInts(1, Array.from(tensor.data));
      break;
    case 'INT8':
    case 'INT16':
    case 'INT32':
      writer.packedInts(2, Array.from(tensor.data));
      break;
    case 'INT64':
      writer.packedInts(3, tensor.data);
      break;
    case 'UINT8':
    case 'UINT16':
    case 'UINT32':
      writer.packedInts(4, Array.from(tensor.data));
      break;
    case 'UINT64':
      writer.packedInts(5, new BigInt64Array(tensor.data.buffer, tensor.data.byteOffset, tensor.data.length));
      break;
    case 'FLOAT':
      writer.packedFloats(6, tensor.data);
      break;
    case 'DOUBLE':
      writer.bytes(7, bytesOfTensor(tensor));
      break;
    case 'STRING':
      for (const text of tensor.data) writer.string(8, text);
      break;
    case 'FLOAT16':
      break;
  }
}
