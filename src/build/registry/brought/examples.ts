import { Type, type Static } from 'typebox';
import { Check } from 'typebox/schema';
import { NamedRow } from '#contract';
import type { Signature } from '#contract';
import { GyreError } from '#core';
import { feeds } from '#features';
import { openSession } from '#onnx';
import type { Feeds, SessionValue, Tensor } from '#onnx';
import { withoutZipMaps } from './foreign-graph.ts';
import { numberTensor } from './number-tensor.ts';

/*
 * Reference answers that come along with a model that was trained elsewhere: inputs, and what the model gave for them where it was trained.
 * The graph that Gyre will serve has to give the same.
 */

/** The file of a package that holds them. */
export const examplesFile = 'examples.json';
const usualTolerance = 1e-5;

const ReferenceExamples = Type.Object({
  /** Rows with named columns, for a model that takes columns. */
  rows: Type.Optional(Type.Array(NamedRow, { minItems: 1 })),
  /** Input → its values, nested as its axes are. */
  inputs: Type.Optional(Type.Record(Type.String(), Type.Array(Type.Unknown()))),
  /** Output → the values that are right, nested as its axes are, or flat. */
  outputs: Type.Record(Type.String(), Type.Array(Type.Unknown())),
  /** How far a number may lie from the right one, in shares of its size, or of 1 where it is smaller. */
  tolerance: Type.Optional(Type.Number({ minimum: 0 })),
});
type ReferenceExamples = Static<typeof ReferenceExamples>;

/**
 * Runs a graph on its reference examples.
 * @throws GyreError INVALID_ARGUMENT for examples of another form, or such as the graph does not take; FAILED_PRECONDITION naming the output,
 * the value and the difference where the graph does not give what it should
 */
export async function requireExamples(onnx: Uint8Array, signature: Signature | undefined, text: string): Promise<void> {
  const examples = parsed(text);
  const tolerance = examples.tolerance ?? usualTolerance;
  await using session = await openSession(withoutZipMaps(onnx));
  const given = await session.run(feedsOf(examples, session.inputs, signature));
  for (const [name, wanted] of Object.entries(examples.outputs)) {
    const found = given[name];
    if (found === undefined)
      throw wrong(`the model has no output "${name}"; it gives ${session.outputs.map((output) => `"${output.name}"`).join(', ')}`);
    requireSame(name, flatten(wanted), found, tolerance);
  }
}

function parsed(text: string): ReferenceExamples {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new GyreError('INVALID_ARGUMENT', `${examplesFile} is no JSON`, {}, { cause: error });
  }
  if (Check(ReferenceExamples, value) && (value.rows === undefined) !== (value.inputs === undefined)) return value;
  throw wrong('it is an object with "outputs" (output → values), and either "inputs" (input → values) or "rows" (objects by column)');
}

function feedsOf({ rows, inputs }: ReferenceExamples, taken: readonly SessionValue[], signature: Signature | undefined): Feeds {
  if (rows !== undefined) {
    if (signature === undefined || signature.inputs.length < taken.length)
      throw wrong('the model takes other tensors than named columns: give "inputs" instead of "rows"');
    return feeds(signature.inputs, rows);
  }
  const made: Record<string, Tensor> = {};
  for (const input of taken) {
    const values = inputs?.[input.name];
    if (values !== undefined) made[input.name] = tensorOf(input, values);
  }
  return made;
}

function tensorOf({ name, type }: SessionValue, values: readonly unknown[]): Tensor {
  const flat = flatten(values);
  const shape = shapeOf(values);
  if (shape.reduce((size, axis) => size * axis, 1) !== flat.length) throw wrong(`the values of input "${name}" are not nested evenly`);
  return type === 'STRING' ? { type, shape, data: flat.map(String) } : numberTensor(type, shape, flat.map(Number));
}

function shapeOf(values: readonly unknown[]): number[] {
  const [first] = values;
  return [values.length, ...(Array.isArray(first) ? shapeOf(first) : [])];
}

function flatten(values: readonly unknown[]): unknown[] {
  return values.flatMap((value: unknown) => (Array.isArray(value) ? flatten(value) : [value]));
}

function requireSame(output: string, wanted: readonly unknown[], { data }: Tensor, tolerance: number): void {
  if (data.length !== wanted.length)
    throw wrong(`output "${output}" has ${wanted.length} reference values, but the model gives ${data.length}`);
  wanted.forEach((right, at) => {
    const found = data[at];
    const isText = typeof found === 'string';
    const difference = isText ? 0 : Math.abs(Number(found) - Number(right));
    const allowed = tolerance * Math.max(1, Math.abs(Number(right)));
    const same = isText ? found === String(right) : difference <= allowed || (Number.isNaN(Number(found)) && right === null);
    if (same) return;
    const how = isText ? '' : `, a difference of ${difference.toExponential(2)}; at most ${allowed.toExponential(0)} is allowed`;
    throw new GyreError(
      'FAILED_PRECONDITION',
      `the model does not give what it gave where it was trained: value ${at + 1} of output "${output}" is ${String(found)}, not ${String(right)}${how}. It is not registered`,
      { output, at },
    );
  });
}

function wrong(why: string): GyreError {
  return new GyreError('INVALID_ARGUMENT', `${examplesFile}: ${why}`);
}
