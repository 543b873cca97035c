import { GyreError } from '#core';
import { imageColumns } from '#serving';
import type { Inferred, Plane, ServedModel } from '#serving';
import { bytesOfTensor } from './binary.ts';
import { datatypeOf, protocolShape } from './datatypes.ts';
import type { WantedOutput } from './decode.ts';
import type { Tensor } from './values.ts';

export interface EncodedResponse {
  readonly json: string;
  /** The values of the outputs that are wanted as bytes, in their order. */
  readonly binary: readonly Uint8Array[];
}

/**
 * An inference response of the protocol, as JSON text. Made by hand: numbers go from the tensor to the text without a list in between.
 * Its `id` is the request's, or the first prediction's when the request had none. `parameters.prediction_ids` names each row's
 * prediction, separated by commas (the protocol's parameters are scalars).
 */
export function encodeInferResponse(
  { entry }: Pick<ServedModel, 'entry'>,
  id: string | undefined,
  wanted: readonly WantedOutput[],
  inferred: Inferred,
): EncodedResponse {
  const binary: Uint8Array[] = [];
  const outputs = wanted.map(({ name, binary: isBinary }) => {
    const tensor = inferred.outputs[name];
    const values = isBinary
      ? `"parameters":{"binary_data_size":${append(binary, bytesOfTensor(tensor))}}`
      : `"data":[${textOf(name, tensor)}]`;
    return `{"name":${JSON.stringify(name)},"datatype":"${datatypeOf[tensor.type]}","shape":[${tensor.shape.join(',')}],${values}}`;
  });
  const json =
    `{"model_name":${JSON.stringify(entry.name)},"model_version":${JSON.stringify(entry.version)},"id":${JSON.stringify(id ?? inferred.ids[0])},` +
    `"parameters":{"prediction_ids":"${inferred.ids.join(',')}"},"outputs":[${outputs.join(',')}]}`;
  return { json, binary };
}

/** @returns how many bytes were added */
function append(parts: Uint8Array[], bytes: Uint8Array): number {
  parts.push(bytes);
  return bytes.byteLength;
}

/** @throws GyreError OUT_OF_RANGE when the values make a text that is longer than texts can be here */
function textOf(name: string, tensor: Tensor): string {
  try {
    return valuesOf(tensor);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new GyreError(
      'OUT_OF_RANGE',
      `the output "${name}" has ${tensor.data.length} values, which is too long an answer in JSON: ask for it as bytes ("binary_data")`,
      { output: name },
      { cause: error },
    );
  }
}

function valuesOf(tensor: Tensor): string {
  switch (tensor.type) {
    case 'STRING':
      return tensor.data.map((value) => JSON.stringify(value)).join(',');
    case 'BOOL':
      return Array.from(tensor.data, (value) => (value === 0 ? 'false' : 'true')).join(',');
    case 'FLOAT':
    case 'DOUBLE':
    case 'FLOAT16':
      // JSON has neither NaN nor infinities: null stands for them.
      return tensor.data.every((value) => Number.isFinite(value))
        ? tensor.data.join(',')
        : Array.from(tensor.data, (value) => (Number.isFinite(value) ? value : 'null')).join(',');
    default:
      return tensor.data.join(',');
  }
}

export interface TensorMetadata {
  readonly name: string;
  readonly datatype: string;
  /** -1: any size. */
  readonly shape: readonly number[];
  /** Of an input that takes pictures: what becomes of them, as MLServer's metadata has parameters. */
  readonly parameters?: Readonly<Record<string, unknown>>;
}

export interface ModelMetadata {
  readonly name: string;
  readonly versions: readonly string[];
  readonly platform: string;
  readonly inputs: readonly TensorMetadata[];
  readonly outputs: readonly TensorMetadata[];
}

/** By the names that Triton's clients look for. */
const extensions = ['binary_tensor_data', 'model_repository', 'statistics'] as const;

/** The server's metadata. @param version Gyre's */
export function serverMetadata(version: string): {
  readonly name: string;
  readonly version: string;
  readonly extensions: readonly string[];
} {
  return { name: 'gyre', version, extensions };
}

/** A model as the repository extension lists it. */
export interface IndexEntry {
  readonly name: string;
  readonly version: string;
  readonly state: 'READY' | 'UNAVAILABLE';
  readonly reason: string;
}

/** @param onlyReady leaves out what is not loaded */
export function indexOf({ repository }: Pick<Plane, 'repository'>, onlyReady: boolean): readonly IndexEntry[] {
  return repository
    .filter(({ loaded }) => loaded || !onlyReady)
    .map(({ name, version, loaded }) => ({ name, version, state: loaded ? 'READY' : 'UNAVAILABLE', reason: loaded ? '' : 'unloaded' }));
}

/** A model's metadata. */
export function modelMetadata(models: readonly ServedModel[], { entry, loaded }: ServedModel): ModelMetadata {
  const describe = ({ name, type, shape }: ServedModel['loaded']['inputs'][number]): TensorMetadata => ({
    name,
    datatype: datatypeOf[type],
    shape: protocolShape(shape),
  });
  const pictures = new Map(imageColumns(entry.signature).map(({ name, image }) => [name, image]));
  const describeInput = (input: ServedModel['loaded']['inputs'][number]): TensorMetadata => {
    const image = pictures.get(input.name);
    const tensor = describe(input);
    if (image === undefined) return tensor;
    // The graph's own tensor is taken under the same name, by its datatype and shape.
    const parameters = { content_type: 'base64', image: { ...image, shape: tensor.shape } };
    return { name: input.name, datatype: 'BYTES', shape: [-1], parameters };
  };
  return {
    name: entry.name,
    versions: models.filter((model) => model.entry.name === entry.name).map((model) => model.entry.version),
    platform: loaded.platform,
    inputs: loaded.inputs.map(describeInput),
    outputs: loaded.outputs.map((output) => {
      const { classes } = entry.signature;
      // Nothing else of the protocol says which class a probability is of.
      return output.name === 'probabilities' && classes.length > 0 ? { ...describe(output), parameters: { classes } } : describe(output);
    }),
  };
}
