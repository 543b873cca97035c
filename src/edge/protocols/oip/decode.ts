import { GyreError } from '#core';
import { eventTimeOf, imageColumns, keysOf, parseJson } from '#serving';
import type { Images, ServedModel } from '#serving';
import { tensorOfBytes } from './binary.ts';
import { datatypeOf, datatypes, isDatatype, protocolShape, widens } from './datatypes.ts';
import { asksForOutliers } from './outlier-outputs.ts';
import { decodePictures } from './pictures.ts';
import type { Pictures } from './pictures.ts';
import { flatten, mostAxes, tensorOf } from './values.ts';
import type { Feeds, Tensor } from './values.ts';

/** An output that is wanted. */
export interface WantedOutput {
  readonly name: string;
  /** Whether its values come as bytes behind the JSON. */
  readonly binary: boolean;
}

/** An inference request of the protocol, fitted to a model. */
export interface DecodedRequest {
  readonly id?: string;
  readonly feeds: Feeds;
  readonly images?: Images;
  readonly outputs: readonly WantedOutput[];
  readonly eventTime?: string;
  readonly keys?: readonly string[];
  /** How long the caller waits at most. */
  readonly timeoutMs?: number;
  /** Whether outlier scores are wanted too. */
  readonly outlier: boolean;
}

export type Members = Readonly<Record<string, unknown>>;

const invalid = (message: string, details: Members = {}): GyreError => new GyreError('INVALID_ARGUMENT', message, details);

/**
 * Reads the JSON of an inference request (Open Inference Protocol v2, REST). Integers beyond 2^53 keep every digit.
 * @throws GyreError INVALID_ARGUMENT when it is no JSON object
 */
export function parseInferRequest(text: string): Members {
  const body = parseJson(text);
  if (!isObject(body)) throw invalid('the body must be a JSON object: {"inputs": [{"name", "shape", "datatype", "data"}]}');
  const { inputs } = body;
  const hasLongIntegers =
    Array.isArray(inputs) && inputs.some((input) => isObject(input) && (input.datatype === 'INT64' || input.datatype === 'UINT64'));
  // Rare and slow: the second parse looks at the digits of each number.
  return hasLongIntegers && /\d{16}/.test(text) ? (JSON.parse(text, exactInteger) as Members) : body;
}

function exactInteger(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value) || context?.source === undefined) return value;
  return /^-?\d+$/.test(context.source) ? BigInt(context.source) : value;
}

/**
 * Fits a request to a model: every input is there once, of a datatype that the model's own holds exactly, of a shape that the model takes.
 * Members that the protocol does not know are passed over, as it asks; unknown parameters too.
 * @param raw where the values are of inputs that come as bytes
 * @throws GyreError INVALID_ARGUMENT naming the input or member and what is wanted
 */
export function decodeInferRequest(body: Members, raw: RawTensors, { entry, loaded }: ServedModel): DecodedRequest {
  const { id, inputs, outputs, parameters = {} } = body;
  if (id !== undefined && (typeof id !== 'string' || id.length > 1000)) throw invalid('"id" must be a string of at most 1000 characters');
  if (!Array.isArray(inputs)) throw invalid('"inputs" must be an array of tensors');
  if (parameters !== null && !isObject(parameters)) throw invalid('"parameters" must be an object');
  const feeds = new Map<string, Tensor>();
  const images = new Map<string, readonly Uint8Array[]>();
  for (const [at, input] of inputs.entries()) {
    const [name, decoded] = decodeInput(input, at, loaded.inputs, entry, raw);
    if (feeds.has(name) || images.has(name)) throw invalid(`the input "${name}" is there twice`, { input: name });
    if ('pictures' in decoded) images.set(name, decoded.pictures);
    else feeds.set(name, decoded);
  }
  raw.requireNone();
  const missing = loaded.inputs.filter(({ name }) => !feeds.has(name) && !images.has(name));
  if (missing.length > 0) {
    const named = missing.map(({ name, type, shape }) => `"${name}" (${datatypeOf[type]} [${protocolShape(shape).join(', ')}])`);
    throw invalid(`${missing.length === 1 ? 'an input is' : `${missing.length} inputs are`} missing: ${named.join(', ')}`, {
      missing: missing.map(({ name }) => name),
    });
  }
  return {
    ...(id === undefined ? {} : { id }),
    feeds: Object.fromEntries(feeds),
    ...(images.size === 0 ? {} : { images: Object.fromEntries(images) }),
    outputs: decodeOutputs(outputs, parameters?.binary_data_output === true, loaded.outputs),
    outlier: asksForOutliers(parameters),
    ...decodeParameters(parameters ?? {}),
  };
}

/** Where the values of those inputs are that come as bytes. */
export interface RawTensors {
  /** @returns undefined when this input's values are in its `data` */
  of(input: Members, at: number, name: string): Uint8Array | undefined;
  /** @throws GyreError INVALID_ARGUMENT when there are bytes that no input says are its own */
  requireNone(): void;
}

/** The bytes behind the JSON of a request: the values of those inputs that say `binary_data_size`, in their order. */
export class BytesBehindJson implements RawTensors {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  of({ parameters, data }: Members, _at: number, input: string): Uint8Array | undefined {
    const size = isObject(parameters) ? parameters.binary_data_size : undefined;
    if (size === undefined) return undefined;
    if (data !== undefined) throw invalid(`the input "${input}" has "data" and "binary_data_size": one of them is right`, { input });
    const left = this.#bytes.byteLength - this.#at;
    if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0)
      throw invalid(`"binary_data_size" of the input "${input}" must be a whole number of bytes`, { input });
    if (size > left)
      throw invalid(`the input "${input}" says that it has ${size} bytes of binary data; ${left} are left behind the JSON`, { input });
    this.#at += size;
    return this.#bytes.subarray(this.#at - size, this.#at);
  }

  requireNone(): void {
    const left = this.#bytes.byteLength - this.#at;
    if (left > 0) throw invalid(`${left} bytes of binary data are left over: no input says in "binary_data_size" that they are its own`);
  }
}

function decodeInput(
  input: unknown,
  at: number,
  known: ServedModel['loaded']['inputs'],
  { name: model, signature }: ServedModel['entry'],
  raw: RawTensors,
): [string, Tensor | Pictures] {
  if (!isObject(input)) throw invalid(`input ${at} must be an object with name, shape, datatype and data`);
  const { name, shape, datatype, data } = input;
  if (typeof name !== 'string') throw invalid(`input ${at} has no name`);
  const wanted = known.find((declared) => declared.name === name);
  if (wanted === undefined) {
    throw invalid(`${model} has no input "${name.slice(0, 100)}"; it takes ${known.map((declared) => `"${declared.name}"`).join(', ')}`, {
      input: name,
    });
  }
  if (!isDatatype(datatype)) throw invalid(`the datatype of the input "${name}" must be one of ${datatypes.join(', ')}`, { input: name });
  if (datatype === 'BYTES' && imageColumns(signature).some((column) => column.name === name))
    return [name, decodePictures(input, shapeOf(shape, name), raw.of(input, at, name), name)];
  const own = datatypeOf[wanted.type];
  if (!widens(datatype, own))
    throw invalid(`the input "${name}" is ${datatype}; the model takes ${own}, which does not hold every ${datatype} exactly`, {
      input: name,
    });
  const axes = shapeOf(shape, name);
  const declared = wanted.shape;
  if (declared !== null && (axes.length !== declared.length || declared.some((axis, k) => typeof axis === 'number' && axis !== axes[k]))) {
    throw invalid(
      `the input "${name}" has the shape [${axes.join(', ')}]; the model takes [${protocolShape(declared).join(', ')}] (-1: any size)`,
      { input: name },
    );
  }
  const bytes = raw.of(input, at, name);
  if (bytes !== undefined) return [name, tensorOfBytes(bytes, axes, datatype, own, name)];
  if (!Array.isArray(data)) throw invalid(`the data of the input "${name}" must be an array`, { input: name });
  return [name, tensorOf(flatten(data, axes, name), axes, datatype, own, name)];
}

function shapeOf(shape: unknown, input: string): number[] {
  const isAxis = (axis: unknown): axis is number => typeof axis === 'number' && Number.isSafeInteger(axis) && axis >= 0;
  if (Array.isArray(shape) && shape.length <= mostAxes && shape.every(isAxis)) return shape;
  throw invalid(`the shape of the input "${input}" must be an array of at most ${mostAxes} whole numbers from 0 on`, { input });
}

/** @param allBinary whether outputs come as bytes that say nothing of it themselves */
function decodeOutputs(outputs: unknown, allBinary: boolean, known: ServedModel['loaded']['outputs']): readonly WantedOutput[] {
  if (outputs === undefined) return known.map(({ name }) => ({ name, binary: allBinary }));
  if (!Array.isArray(outputs)) throw invalid('"outputs" must be an array of objects with a name');
  return outputs.map((output: unknown, at) => {
    if (!isObject(output) || typeof output.name !== 'string') throw invalid(`output ${at} must be an object with a name`);
    const { name, parameters } = output;
    if (!known.some((declared) => declared.name === name)) {
      throw invalid(
        `there is no output "${name.slice(0, 100)}"; the model gives ${known.map((declared) => `"${declared.name}"`).join(', ')}`,
      );
    }
    const asked: Members = isObject(parameters) ? parameters : {};
    if (asked.classification !== undefined)
      throw invalid(
        `the output "${name}" is asked for as a classification, an extension that this server does not have: ask for its values`,
      );
    return { name, binary: typeof asked.binary_data === 'boolean' ? asked.binary_data : allBinary };
  });
}

/** The first row's key, before the request is fitted to a model: routes may go by it. What is no key is refused later. */
export function firstKey({ parameters }: Members): string | undefined {
  if (!isObject(parameters) || parameters.keys === undefined) return undefined;
  const { keys } = parameters;
  if (typeof keys !== 'string') return Array.isArray(keys) && typeof keys[0] === 'string' ? keys[0] : undefined;
  return keys.startsWith('[') ? /^\[\s*"((?:[^"\\]|\\.)*)"/.exec(keys)?.[1] : keys;
}

/** Known among the request's parameters: `timeout` (microseconds), and ours: `event_time` (ISO 8601) and `keys` (an array of strings, or such an array as JSON text, since the protocol's own parameters are scalars). */
function decodeParameters(parameters: Members): Pick<DecodedRequest, 'eventTime' | 'keys' | 'timeoutMs'> {
  const { event_time: eventTime, keys, timeout } = parameters;
  return {
    ...(timeout === undefined ? {} : { timeoutMs: timeoutOf(timeout) }),
    ...(eventTime === undefined ? {} : { eventTime: eventTimeOf(eventTime) }),
    ...(keys === undefined
      ? {}
      : { keys: keysOf(typeof keys === 'string' && keys.startsWith('[') ? parseJson(keys) : typeof keys === 'string' ? [keys] : keys) }),
  };
}

/** A request that waits no longer than its caller's transport does. */
export function soonest<R extends Pick<DecodedRequest, 'timeoutMs'>>(request: R, timeoutMs: number | undefined): R {
  if (timeoutMs === undefined) return request;
  return { ...request, timeoutMs: Math.min(timeoutMs, request.timeoutMs ?? timeoutMs) };
}

/** @returns milliseconds; the parameter's 0 means as long as it takes */
function timeoutOf(timeout: unknown): number {
  const micros = typeof timeout === 'string' && /^\d{1,15}$/.test(timeout) ? Number(timeout) : timeout;
  if (typeof micros !== 'number' || !Number.isFinite(micros) || micros < 0)
    throw invalid('the parameter "timeout" must be a number of microseconds from 0 on');
  return micros === 0 ? Number.POSITIVE_INFINITY : micros / 1000;
}

function isObject(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
