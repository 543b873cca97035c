import { GyreError, messageOf } from '#core';
import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import type { ExecutionProvider, Feeds, SessionOptions } from './session-types.ts';
import type { ElementType, Tensor } from './tensor.ts';

// onnxruntime-node is imported when the first model is loaded: it maps 40 MB of native code, and most verbs run no model.
type Runtime = typeof import('onnxruntime-node');

/** A model that ONNX Runtime has loaded on this thread. */
export interface LoadedModel {
  run(feeds: Feeds, outputs: readonly string[]): Promise<Record<string, Tensor>>;
  release(): Promise<void>;
}

/**
 * Loads a model into ONNX Runtime on the calling thread, which it blocks while it loads or runs.
 * @throws GyreError INVALID_ARGUMENT when the runtime refuses the model, FAILED_PRECONDITION when the execution provider is not there
 */
export async function loadModel(bytes: Uint8Array, options: SessionOptions): Promise<LoadedModel> {
  const runtime: Runtime = await import('onnxruntime-node');
  const session = await createSession(runtime, bytes, options);
  return {
    async run(feeds, outputs) {
      const given: Record<string, OrtTensor> = {};
      for (const [name, tensor] of Object.entries(feeds)) given[name] = toRuntime(runtime, tensor);
      let results: InferenceSession.OnnxValueMapType;
      try {
        results = await session.run(given, outputs);
      } catch (error) {
        throw runFailure(error);
      }
      const answered: Record<string, Tensor> = {};
      for (const name of outputs) answered[name] = fromRuntime(name, results[name]);
      return answered;
    },
    release: () => session.release(),
  };
}

async function createSession(runtime: Runtime, bytes: Uint8Array, options: SessionOptions): Promise<InferenceSession> {
  const { provider = 'cpu' } = options;
  try {
    return await runtime.InferenceSession.create(bytes, {
      executionProviders: provider === 'cpu' ? ['cpu'] : [provider, 'cpu'],
      intraOpNumThreads: options.intraOpThreads ?? 1,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      // Errors reach the caller as exceptions; without this the runtime also writes to standard error.
      logSeverityLevel: 4,
      // Threads that spin while they wait for the next operation take the cores from other models and from HTTP.
      extra: { session: { intra_op: { allow_spinning: '0' } } },
    });
  } catch (error) {
    if (isMissingProvider(error, provider)) {
      const message = `the execution provider "${provider}" cannot be used here: ${messageOf(error)}`;
      throw new GyreError('FAILED_PRECONDITION', message, { provider }, { cause: error });
    }
    throw new GyreError('INVALID_ARGUMENT', `ONNX Runtime refuses the model: ${messageOf(error)}`, {}, { cause: error });
  }
}

/** A library or a card that is not there, as ONNX Runtime and its binding say it. */
function isMissingProvider(error: unknown, provider: ExecutionProvider): boolean {
  return (
    provider !== 'cpu' &&
    /AppendExecutionProvider|shared library|backend not found|no available backend|CUDA (failure|driver|error)/i.test(messageOf(error))
  );
}

/** Feeds fit the declared inputs when this is reached, so what fails now are values: an unknown category, sizes that do not meet. */
function runFailure(error: unknown): GyreError {
  const message = messageOf(error);
  if (/bad_alloc|failed to allocate|out of memory/i.test(message)) {
    return new GyreError('RESOURCE_EXHAUSTED', `not enough memory to run the model: ${message}`, {}, { cause: error });
  }
  return new GyreError('INVALID_ARGUMENT', `the model cannot be run on these values: ${message}`, {}, { cause: error });
}

const runtimeTypes = {
  FLOAT: 'float32',
  UINT8: 'uint8',
  INT8: 'int8',
  UINT16: 'uint16',
  INT16: 'int16',
  INT32: 'int32',
  INT64: 'int64',
  STRING: 'string',
  BOOL: 'bool',
  FLOAT16: 'float16',
  DOUBLE: 'float64',
  UINT32: 'uint32',
  UINT64: 'uint64',
} as const satisfies Record<ElementType, OrtTensor.Type>;

function toRuntime(runtime: Runtime, tensor: Tensor): OrtTensor {
  if (tensor.type === 'STRING') return new runtime.Tensor('string', tensor.data, tensor.shape);
  if (tensor.type === 'FLOAT16') {
    // The tensor class makes a Float16Array of half floats, which the native binding of 1.30 takes for an empty array
    // ("not enough space: expected 4, got 0"): it wants their bits, so they travel as uint16 and are renamed.
    const { buffer, byteOffset, length } = tensor.data;
    const bits = new runtime.Tensor('uint16', new Uint16Array(buffer, byteOffset, length), tensor.shape);
    return Object.defineProperty(bits, 'type', { value: 'float16' });
  }
  return new runtime.Tensor(runtimeTypes[tensor.type], tensor.data, tensor.shape);
}

function fromRuntime(name: string, value: OrtTensor): Tensor {
  const shape = [...value.dims];
  // Each type of the runtime comes in one kind of array, half floats as Float16Array, which its declared types do not say.
  const data: unknown = value.data;
  if (data instanceof Float32Array) return { type: 'FLOAT', shape, data };
  if (data instanceof Float64Array) return { type: 'DOUBLE', shape, data };
  if (data instanceof BigInt64Array) return { type: 'INT64', shape, data };
  if (data instanceof BigUint64Array) return { type: 'UINT64', shape, data };
  if (data instanceof Int32Array) return { type: 'INT32', shape, data };
  if (data instanceof Uint32Array) return { type: 'UINT32', shape, data };
  if (data instanceof Int16Array) return { type: 'INT16', shape, data };
  if (data instanceof Uint16Array) return { type: 'UINT16', shape, data };
  if (data instanceof Int8Array) return { type: 'INT8', shape, data };
  if (data instanceof Uint8Array) return { type: value.type === 'bool' ? 'BOOL' : 'UINT8', shape, data };
  if (data instanceof Float16Array) return { type: 'FLOAT16', shape, data };
  if (Array.isArray(data)) return { type: 'STRING', shape, data };
  throw new GyreError('INTERNAL', `output "${name}" has the type ${value.type}, which Gyre does not read`, { output: name });
}
