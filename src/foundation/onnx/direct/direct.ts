import type { Signature } from '../feeds.ts';
import type { LoadedModel } from '../runtime.ts';
import type { Feeds } from '../session-types.ts';
import type { Tensor } from '../tensor.ts';
import type { ModelView } from '../view.ts';
import { compileGraph } from './compile.ts';
import type { DirectGraph } from './compile.ts';
import { proofFeeds } from './proof-rows.ts';
import type { Arithmetic } from './values.ts';

export type { DirectGraph } from './compile.ts';

/** As processors have it, the usual first. */
const arithmetics: readonly Arithmetic[] = [
  { isFused: true, lanes: 16 },
  { isFused: true, lanes: 8 },
  { isFused: false, lanes: 8 },
];

/**
 * The graph as one that is computed here, if it gives what ONNX Runtime gives, bit by bit, on some thousand rows: such as lie at the
 * thresholds of its trees, next to them and between, and special numbers.
 * @param runtime the same graph in ONNX Runtime, with one thread, on this machine's processor
 * @returns undefined where the graph has something that is not known, or differs
 */
export async function provenGraph(model: ModelView, signature: Signature, runtime: LoadedModel): Promise<DirectGraph | undefined> {
  const usual = compileGraph(model, signature, arithmetics[0]);
  if (usual === undefined) return undefined;
  await breathe();
  const drawn = proofFeeds(model, signature);
  if (drawn === undefined) return undefined;
  await breathe();
  const outputs = signature.outputs.map(({ name }) => name);
  const cases: Case[] = [];
  for (const feeds of drawn) {
    const expected = await runtime.run(feeds, outputs).catch(() => undefined);
    // What the runtime refuses for its values would have to be refused in the same words.
    if (expected === undefined) return undefined;
    cases.push({ feeds, expected });
    await breathe();
  }
  for (const arithmetic of arithmetics) {
    const graph = arithmetic === arithmetics[0] ? usual : compileGraph(model, signature, arithmetic);
    if (graph !== undefined && (await provesRight(graph, cases, outputs))) return graph;
  }
  return undefined;
}

async function provesRight(graph: DirectGraph, cases: readonly Case[], outputs: readonly string[]): Promise<boolean> {
  for (const { feeds, expected } of cases) {
    if (!agree(graph.run(feeds, outputs), expected)) return false;
    await breathe();
  }
  return true;
}

/** Lets the thread answer others: a model is proved beside those that are served. */
function breathe(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

interface Case {
  readonly feeds: Feeds;
  readonly expected: Readonly<Record<string, Tensor>>;
}

function agree(given: Readonly<Record<string, Tensor>>, expected: Readonly<Record<string, Tensor>>): boolean {
  return Object.entries(expected).every(([name, tensor]) => isSame(given[name], tensor));
}

/** Whether two tensors are the same, bit by bit; of what is no number, only that it is none. */
export function isSame(one: Tensor, other: Tensor): boolean {
  if (one.type !== other.type || one.shape.length !== other.shape.length || one.shape.some((axis, at) => axis !== other.shape[at]))
    return false;
  if (one.type === 'STRING' || other.type === 'STRING') {
    return one.type === 'STRING' && other.type === 'STRING' && one.data.every((text, at) => text === other.data[at]);
  }
  if (Buffer.compare(bytesOf(one.data), bytesOf(other.data)) === 0) return true;
  if ((one.type === 'FLOAT' && other.type === 'FLOAT') || (one.type === 'DOUBLE' && other.type === 'DOUBLE')) {
    // Object.is tells 0 from -0, and NaN is NaN whatever its bits: the runtime's depend on the kernel that it came from.
    for (let at = 0; at < one.data.length; at++) if (!Object.is(one.data[at], other.data[at])) return false;
    return true;
  }
  return false;
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
