import { GyreError } from '#core';
import type { Feeds, SessionValue } from './session-types.ts';
import { shapeText, sizeOf } from './tensor.ts';
import type { ElementType, Tensor } from './tensor.ts';
import type { ModelView, ValueView } from './view.ts';

/** What a model takes and gives, as far as dense tensors go. */
export interface Signature {
  readonly inputs: readonly SessionValue[];
  readonly outputs: readonly SessionValue[];
  /** Inputs that have a default value in the model. */
  readonly optional: ReadonlySet<string>;
}

/**
 * The inputs and outputs of a model.
 * @throws GyreError INVALID_ARGUMENT when an input is no dense tensor, or no output is
 */
export function signatureOf(model: ModelView): Signature {
  const runnable = ({ name, type, shape }: ValueView): SessionValue[] => (type === null ? [] : [{ name, type, shape }]);
  const odd = model.inputs.find((input) => input.kind !== 'tensor');
  if (odd !== undefined) {
    throw new GyreError('INVALID_ARGUMENT', `input "${odd.name}" of the model is a ${odd.kind}; Gyre runs models that take dense tensors`, {
      input: odd.name,
    });
  }
  const outputs = model.outputs.flatMap(runnable);
  if (outputs.length === 0) {
    throw new GyreError(
      'INVALID_ARGUMENT',
      `no output of the model is a dense tensor (${model.outputs.map((output) => `"${output.name}" is a ${output.kind}`).join(', ')}); export it without ZipMap`,
    );
  }
  const optional = new Set(model.initializers.map((tensor) => tensor.name));
  return { inputs: model.inputs.flatMap(runnable), outputs, optional };
}

/**
 * Refuses feeds that do not fit a model's inputs, before the runtime sees them.
 * A symbolic axis is one size over all inputs that use it: otherwise one row would silently be spread over all rows.
 * @throws GyreError INVALID_ARGUMENT that names the input, what is expected and what was received
 */
export function requireFeeds(feeds: Feeds, signature: Signature): void {
  if (fitsPlainly(feeds, signature)) return;
  const known = new Set(signature.inputs.map((input) => input.name));
  for (const name of Object.keys(feeds)) {
    if (!known.has(name)) {
      throw new GyreError(
        'INVALID_ARGUMENT',
        `the model has no input "${name}"; its inputs are ${[...known].map((input) => `"${input}"`).join(', ')}`,
        {
          input: name,
        },
      );
    }
  }
  const symbols = new Map<string, { readonly size: number; readonly input: string }>();
  for (const input of signature.inputs) {
    const tensor: Tensor | undefined = Object.hasOwn(feeds, input.name) ? feeds[input.name] : undefined;
    if (tensor !== undefined) requireTensor(tensor, input, symbols);
    else if (!signature.optional.has(input.name)) {
      throw new GyreError(
        'INVALID_ARGUMENT',
        `input "${input.name}" is missing: the model expects ${input.type} ${shapeText(input.shape)}`,
        {
          input: input.name,
          expected: { type: input.type, shape: input.shape },
        },
      );
    }
  }
}

/**
 * Whether feeds fit as they usually do: every input, with nothing symbolic but the rows, which are as many in each. It is asked before every
 * run, so it makes nothing; whoever fails here is looked at again, and told why.
 */
function fitsPlainly(feeds: Feeds, { inputs }: Signature): boolean {
  let rows = -1;
  for (let at = 0; at < inputs.length; at++) {
    const { name, type, shape } = inputs[at];
    const tensor: Tensor | undefined = Object.hasOwn(feeds, name) ? feeds[name] : undefined;
    if (tensor?.type !== type || tensor.shape.length !== shape?.length || !arrayFits[type](tensor.data)) return false;
    let size = 1;
    for (let axis = 0; axis < shape.length; axis++) {
      const given = tensor.shape[axis];
      const declared = shape[axis];
      if (!Number.isSafeInteger(given) || given < 0) return false;
      if (typeof declared === 'string') {
        if (axis > 0 || (rows >= 0 && given !== rows)) return false;
        rows = given;
      } else if (given !== declared) return false;
      size *= given;
    }
    if (tensor.data.length !== size) return false;
  }
  return Object.keys(feeds).length === inputs.length;
}

function requireTensor(tensor: Tensor, input: SessionValue, symbols: Map<string, { readonly size: number; readonly input: string }>): void {
  const refuse = (message: string): GyreError =>
    new GyreError('INVALID_ARGUMENT', `input "${input.name}" ${message}`, {
      input: input.name,
      expected: { type: input.type, shape: input.shape },
      received: { type: tensor.type, shape: tensor.shape },
    });
  if (tensor.type !== input.type) throw refuse(`has the type ${tensor.type}, but the model expects ${input.type}`);
  if (!arrayFits[tensor.type](tensor.data)) throw refuse(`is called ${tensor.type}, but its values are in another kind of array`);
  const size = sizeOf(tensor.shape);
  if (!Number.isSafeInteger(size) || tensor.shape.some((axis) => !Number.isSafeInteger(axis) || axis < 0)) {
    throw refuse(`has the shape ${shapeText(tensor.shape)}, which is none`);
  }
  if (tensor.data.length !== size) {
    throw refuse(`of shape ${shapeText(tensor.shape)} needs ${size} values, but has ${tensor.data.length}`);
  }
  if (input.shape === null) return;
  const misfit = `has the shape ${shapeText(tensor.shape)}, but the model expects ${shapeText(input.shape)}`;
  if (tensor.shape.length !== input.shape.length) throw refuse(misfit);
  for (const [index, axis] of input.shape.entries()) {
    const given = tensor.shape[index];
    if (typeof axis === 'number') {
      if (given !== axis) throw refuse(misfit);
    } else if (axis !== '') {
      const bound = symbols.get(axis);
      if (bound === undefined) symbols.set(axis, { size: given, input: input.name });
      else if (bound.size !== given) throw refuse(`${misfit}, where ${axis} is ${bound.size} as in input "${bound.input}"`);
    }
  }
}

/** Whether the array is of the kind that belongs to the type: callers in other threads and plain JavaScript can get it wrong. */
const arrayFits: Readonly<Record<ElementType, (data: Tensor['data']) => boolean>> = {
  FLOAT: (data) => data instanceof Float32Array,
  UINT8: (data) => data instanceof Uint8Array,
  INT8: (data) => data instanceof Int8Array,
  UINT16: (data) => data instanceof Uint16Array,
  INT16: (data) => data instanceof Int16Array,
  INT32: (data) => data instanceof Int32Array,
  INT64: (data) => data instanceof BigInt64Array,
  STRING: (data) => Array.isArray(data) && data.every((value) => typeof value === 'string'),
  BOOL: (data) => data instanceof Uint8Array,
  FLOAT16: (data) => data instanceof Float16Array,
  DOUBLE: (data) => data instanceof Float64Array,
  UINT32: (data) => data instanceof Uint32Array,
  UINT64: (data) => data instanceof BigUint64Array,
};

/** The outputs to compute. @throws GyreError INVALID_ARGUMENT for a name that is no output */
export function requireOutputs(asked: readonly string[] | undefined, signature: Signature): readonly string[] {
  const names = signature.outputs.map((output) => output.name);
  if (asked === undefined) return names;
  const unknown = asked.find((name) => !names.includes(name));
  if (unknown === undefined && asked.length > 0) return asked;
  const list = names.map((name) => `"${name}"`).join(', ');
  throw new GyreError(
    'INVALID_ARGUMENT',
    unknown === undefined ? `no output is asked for; the model gives ${list}` : `the model has no output "${unknown}"; it gives ${list}`,
    { output: unknown },
  );
}
