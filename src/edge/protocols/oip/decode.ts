import { GyreError } from '#core';
import { eventTimeOf, keysOf, parseJson } from '#serving';
import type { ServedModel } from '#serving';
import { datatypeOf, datatypes, isDatatype, protocolShape, widens } from './datatypes.ts';
import { flatten, mostAxes, tensorOf } from './values.ts';
import type { Feeds, Tensor } from './values.ts';

/** An inference request of the protocol, fitted to a model. */
export interface DecodedRequest {
  readonly id?: string;
  readonly feeds: Feeds;
  /** Names of the outputs that are wanted; left out: all. */
  readonly outputs?: readonly string[];
  readonly eventTime?: string;
  readonly keys?: readonly string[];
}

type Members = Readonly<Record<string, unknown>>;

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
 * @throws GyreError INVALID_ARGUMENT naming the input or member and what is wanted
 */
export function decodeInferRequest(body: Members, { entry, loaded }: ServedModel): DecodedRequest {
  const { id, inputs, outputs, parameters } = body;
  if (id !== undefined && (typeof id !== 'string' || id.length > 1000)) throw invalid('"id" must be a string of at most 1000 characters');
  if (!Array.isArray(inputs)) throw invalid('"inputs" must be an array of tensors');
  const feeds = new Map<string, Tensor>();
  for (const [at, input] of inputs.entries()) {
    const [name, tensor] = decodeInput(input, at, loaded.inputs, entry.name);
    if (feeds.has(name)) throw invalid(`the input "${name}" is there twice`, { input: name });
    feeds.set(name, tensor);
  }
  const missing = loaded.inputs.filter(({ name }) => !feeds.has(name));
  if (missing.length > 0) {
    const named = missing.map(({ name, type, shape }) => `"${name}" (${datatypeOf[type]} [${protocolShape(shape).join(', ')}])`);
    throw invalid(`${missing.length === 1 ? 'an input is' : `${missing.length} inputs are`} missing: ${named.join(', ')}`, {
      missing: missing.map(({ name }) => name),
    });
  }
  return {
    ...(id === undefined ? {} : { id }),
    feeds: Object.fromEntries(feeds),
    ...(outputs === undefined ? {} : { outputs: decodeOutputs(outputs, loaded.outputs) }),
    ...decodeParameters(parameters),
  };
}

function decodeInput(input: unknown, at: number, known: ServedModel['loaded']['inputs'], model: string): [string, Tensor] {
  if (!isObject(input)) throw invalid(`input ${at} must be an object with name, shape, datatype and data`);
  const { name, shape, datatype, data, parameters } = input;
  if (typeof name !== 'string') throw invalid(`input ${at} has no name`);
  const wanted = known.find((declared) => declared.name === name);
  if (wanted === undefined) {
    throw invalid(`${model} has no input "${name.slice(0, 100)}"; it takes ${known.map((declared) => `"${declared.name}"`).join(', ')}`, {
      input: name,
    });
  }
  if (!isDatatype(datatype)) throw invalid(`the datatype of the input "${name}" must be one of ${datatypes.join(', ')}`, { input: name });
  const own = datatypeOf[wanted.type];
  if (!widens(datatype, own))
    throw invalid(`the input "${name}" is ${datatype}; the model takes ${own}, which does not hold every ${datatype} exactly`, {
      input: name,
    });
  if (isObject(parameters) && parameters.binary_data_size !== undefined) {
    throw invalid(`the input "${name}" comes as binary data, which this server does not take: send it as JSON (binary_data=False)`, {
      input: name,
    });
  }
  const axes = shapeOf(shape, name);
  const declared = wanted.shape;
  if (declared !== null && (axes.length !== declared.length || declared.some((axis, k) => typeof axis === 'number' && axis !== axes[k]))) {
    throw invalid(
      `the input "${name}" has the shape [${axes.join(', ')}]; the model takes [${protocolShape(declared).join(', ')}] (-1: any size)`,
      { input: name },
    );
  }
  if (!Array.isArray(data)) throw invalid(`the data of the input "${name}" must be an array`, { input: name });
  return [name, tensorOf(flatten(data, axes, name), axes, datatype, own, name)];
}

function shapeOf(shape: unknown, input: string): number[] {
  const isAxis = (axis: unknown): axis is number => typeof axis === 'number' && Number.isSafeInteger(axis) && axis >= 0;
  if (Array.isArray(shape) && shape.length <= mostAxes && shape.every(isAxis)) return shape;
  throw invalid(`the shape of the input "${input}" must be an array of at most ${mostAxes} whole numbers from 0 on`, { input });
}

function decodeOutputs(outputs: unknown, known: ServedModel['loaded']['outputs']): string[] {
  if (!Array.isArray(outputs)) throw invalid('"outputs" must be an array of objects with a name');
  return outputs.map((output: unknown, at) => {
    const name = isObject(output) ? output.name : undefined;
    if (typeof name !== 'string') throw invalid(`output ${at} must be an object with a name`);
    if (!known.some((declared) => declared.name === name)) {
      throw invalid(
        `there is no output "${name.slice(0, 100)}"; the model gives ${known.map((declared) => `"${declared.name}"`).join(', ')}`,
      );
    }
    return name;
  });
}

/** Ours among the request's parameters: `event_time` (ISO 8601) and `keys` (an array of strings, or such an array as JSON text, since the protocol's own parameters are scalars). */
function decodeParameters(parameters: unknown): Pick<DecodedRequest, 'eventTime' | 'keys'> {
  if (parameters === undefined || parameters === null) return {};
  if (!isObject(parameters)) throw invalid('"parameters" must be an object');
  const { event_time: eventTime, keys } = parameters;
  return {
    ...(eventTime === undefined ? {} : { eventTime: eventTimeOf(eventTime) }),
    ...(keys === undefined
      ? {}
      : { keys: keysOf(typeof keys === 'string' && keys.startsWith('[') ? parseJson(keys) : typeof keys === 'string' ? [keys] : keys) }),
  };
}

function isObject(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
