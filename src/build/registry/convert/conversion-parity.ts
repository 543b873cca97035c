import { Type, type Static } from 'typebox';
import { GyreError } from '#core';
import { openSession, tensor } from '#onnx';
import type { Feeds, Tensor } from '#onnx';

/** How a graph differs from the model that it was made of. */
export interface Parity {
  readonly rows: number;
  /** What both were compared on: rows or tensors that somebody brought, or tensors that were drawn by chance. */
  readonly on: 'example' | 'rows' | 'examples' | 'random';
  readonly maxAbsolute: number;
  /** In shares of the model's own number, or of 1 where that is smaller. */
  readonly maxRelative: number;
  /** Share of rows whose label is the same; absent where there are none. */
  readonly labelAgreement?: number;
  readonly tolerance: number;
}

const versions = Type.Record(Type.String(), Type.String());

/** What a model on named columns says of the rows. */
export const ColumnAnswers = Type.Object({
  task: Type.Union([Type.Literal('binary'), Type.Literal('multiclass'), Type.Literal('regression')]),
  classes: Type.Array(Type.String()),
  labels: Type.Array(Type.String()),
  scores: Type.Array(Type.Number()),
  width: Type.Integer({ minimum: 1 }),
  versions,
});
export type ColumnAnswers = Static<typeof ColumnAnswers>;

const Written = Type.Object({
  name: Type.String(),
  datatype: Type.String(),
  shape: Type.Array(Type.Integer({ minimum: 0 })),
  at: Type.Integer({ minimum: 0 }),
  bytes: Type.Integer({ minimum: 0 }),
});
/** What a model of tensors says; the tensors lie in a file beside it. */
export const TensorAnswers = Type.Object({
  inputs: Type.Array(Written),
  outputs: Type.Array(Written),
  compared: Type.Union([Type.Literal('examples'), Type.Literal('random')]),
  versions,
});
export type TensorAnswers = Static<typeof TensorAnswers>;

/** A parity in words. */
export function parityText({ rows, on, maxAbsolute, maxRelative, labelAgreement }: Parity): string {
  const labels = labelAgreement === undefined ? '' : `, ${(labelAgreement * 100).toFixed(1)} % of labels the same`;
  const what = on === 'random' ? `${rows} rows drawn by chance` : `${rows} rows`;
  return `greatest difference ${maxAbsolute.toExponential(1)} (relative ${maxRelative.toExponential(1)})${labels} on ${what}`;
}

/** @throws GyreError FAILED_PRECONDITION when the graph gives other than the model gives, in number */
export async function columnParity(
  onnx: Uint8Array,
  feeds: Feeds,
  said: ColumnAnswers,
  { rows, on, tolerance }: Pick<Parity, 'rows' | 'on' | 'tolerance'>,
): Promise<Parity> {
  await using session = await openSession(onnx);
  const { label, probabilities, prediction } = await session.run(feeds);
  const scores = said.task === 'regression' ? prediction : probabilities;
  if (scores?.type !== 'FLOAT' || scores.data.length !== said.scores.length)
    throw new GyreError(
      'FAILED_PRECONDITION',
      `the graph gives ${scores?.data.length ?? 'no'} numbers; the model gives ${said.scores.length}`,
    );
  const differs = differences(scores.data, said.scores);
  const same = label?.type === 'STRING' ? label.data.filter((name, at) => name === said.labels[at]).length : 0;
  return { rows, on, ...differs, ...(said.task === 'regression' ? {} : { labelAgreement: same / rows }), tolerance };
}

/** @throws GyreError FAILED_PRECONDITION when the graph gives tensors of other names or shapes than the model */
export async function tensorParity(onnx: Uint8Array, said: TensorAnswers, values: Uint8Array, tolerance: number): Promise<Parity> {
  await using session = await openSession(onnx);
  const given = await session.run(Object.fromEntries(said.inputs.map((one) => [one.name, tensorIn(values, one)])));
  let [maxAbsolute, maxRelative] = [0, 0];
  for (const output of said.outputs) {
    const wanted = tensorIn(values, output);
    const found = given[output.name];
    if (found === undefined || found.shape.join() !== wanted.shape.join())
      throw new GyreError(
        'FAILED_PRECONDITION',
        `the graph gives "${output.name}" as [${found?.shape.join(', ') ?? 'nothing'}], the model as [${wanted.shape.join(', ')}]`,
      );
    const differs = differences(numbersOf(found), numbersOf(wanted));
    maxAbsolute = Math.max(maxAbsolute, differs.maxAbsolute);
    maxRelative = Math.max(maxRelative, differs.maxRelative);
  }
  return { rows: said.inputs[0]?.shape[0] ?? 0, on: said.compared, maxAbsolute, maxRelative, tolerance };
}

function differences(given: ArrayLike<number>, wanted: ArrayLike<number>): Pick<Parity, 'maxAbsolute' | 'maxRelative'> {
  let [maxAbsolute, maxRelative] = [0, 0];
  for (let at = 0; at < wanted.length; at++) {
    const difference = given[at] === wanted[at] ? 0 : Math.abs(given[at] - wanted[at]);
    // One that is no number on one side alone differs beyond every tolerance.
    const off = Number.isNaN(difference) ? (Number.isNaN(wanted[at]) && Number.isNaN(given[at]) ? 0 : Number.MAX_VALUE) : difference;
    maxAbsolute = Math.max(maxAbsolute, off);
    maxRelative = Math.max(maxRelative, off / Math.max(1, Math.abs(wanted[at])));
  }
  return { maxAbsolute, maxRelative };
}

function numbersOf({ data }: Tensor): ArrayLike<number> {
  return Array.from<number | bigint | string, number>(data, Number);
}

function tensorIn(values: Uint8Array, { datatype, shape, at, bytes }: Static<typeof Written>): Tensor {
  // A copy begins where every type of number may.
  const { buffer } = Uint8Array.from(values.subarray(at, at + bytes));
  switch (datatype) {
    case 'FP32':
      return tensor('FLOAT', shape, new Float32Array(buffer));
    case 'FP64':
      return tensor('DOUBLE', shape, new Float64Array(buffer));
    case 'FP16':
      return tensor('FLOAT16', shape, new Float16Array(buffer));
    case 'INT8':
      return tensor('INT8', shape, new Int8Array(buffer));
    case 'INT16':
      return tensor('INT16', shape, new Int16Array(buffer));
    case 'INT32':
      return tensor('INT32', shape, new Int32Array(buffer));
    case 'INT64':
      return tensor('INT64', shape, new BigInt64Array(buffer));
    case 'UINT8':
      return tensor('UINT8', shape, new Uint8Array(buffer));
    case 'UINT16':
      return tensor('UINT16', shape, new Uint16Array(buffer));
    case 'UINT32':
      return tensor('UINT32', shape, new Uint32Array(buffer));
    case 'UINT64':
      return tensor('UINT64', shape, new BigUint64Array(buffer));
    case 'BOOL':
      return tensor('BOOL', shape, new Uint8Array(buffer));
    default:
      throw new GyreError('FAILED_PRECONDITION', `the model takes or gives ${datatype}, which is not compared`);
  }
}
