import { attr, elementFacts, surroundModel, tensor } from '#onnx';
import type { AttributeValue, GraphNode, Tensor } from '#onnx';
import type { ForeignGraph } from './foreign-graph.ts';
import type { Wiring } from './settle-wiring.ts';

/** No column of a table begins so. */
const foreign = '\u0001/';

/**
 * A foreign graph behind named columns: each an input [N, 1] of doubles or texts, put together into the tensors that it takes; its scores as
 * `probabilities` [N, classes] with a `label`, or as `prediction` [N, 1]. Its own operations stay as they are.
 */
export function wireGraph({ bytes }: ForeignGraph, wiring: Wiring): Uint8Array {
  const { inputs, scores, classes } = wiring;
  const parts = nodeList();
  feed(parts, wiring);
  const before = parts.take();
  const value = `${foreign}${scores.value}`;
  if (wiring.task === 'regression') {
    parts.add('Reshape', [parts.add('Cast', [value], { to: attr.int(elementFacts.FLOAT.code) }), parts.shape(-1, 1)], {}, 'prediction');
  } else {
    const probabilities = probabilitiesOf(parts, value, wiring);
    const index = parts.add('ArgMax', [probabilities], { axis: attr.int(1), keepdims: attr.int(0) });
    parts.add('Gather', [parts.constant(tensor('STRING', [classes.length], [...classes])), index], { axis: attr.int(0) }, 'label');
  }
  return surroundModel(bytes, {
    prefix: foreign,
    inputs: inputs.map(({ name, datatype }) => ({ name, type: datatype === 'BYTES' ? 'STRING' : 'DOUBLE', shape: ['N', 1] })),
    outputs:
      wiring.task === 'regression'
        ? [{ name: 'prediction', type: 'FLOAT', shape: ['N', 1] }]
        : [
            { name: 'label', type: 'STRING', shape: ['N'] },
            { name: 'probabilities', type: 'FLOAT', shape: ['N', classes.length] },
          ],
    before,
    after: parts.take(),
    constants: parts.constants,
    without: scores.value === scores.name ? new Set() : new Set([scores.name]),
  });
}

function feed(parts: NodeList, { tensors }: Wiring): void {
  for (const { tensor: taken, columns } of tensors) {
    const joined = columns.length === 1 ? columns[0] : parts.add('Concat', columns, { axis: attr.int(1) });
    const ready =
      taken.type === 'STRING' || taken.type === 'DOUBLE'
        ? joined
        : parts.add('Cast', [joined], { to: attr.int(elementFacts[taken.type].code) });
    const target = `${foreign}${taken.name}`;
    if (taken.isFlat) parts.add('Reshape', [ready, parts.shape(-1)], {}, target);
    else parts.add('Identity', [ready], {}, target);
  }
}

/** In the order of the classes, under the name `probabilities`. */
function probabilitiesOf(parts: NodeList, value: string, { scores, order }: Wiring): string {
  const floats = parts.add('Cast', [value], { to: attr.int(elementFacts.FLOAT.code) });
  if (scores.width !== 1) {
    const indexes = tensor(
      'INT64',
      [order.length],
      BigInt64Array.from(order, (at) => BigInt(at ?? 0)),
    );
    return parts.add('Gather', [floats, parts.constant(indexes)], { axis: attr.int(1) }, 'probabilities');
  }
  const said = parts.add('Reshape', [floats, parts.shape(-1, 1)]);
  const rest = parts.add('Sub', [parts.constant(tensor('FLOAT', [1], Float32Array.of(1))), said]);
  return parts.add(
    'Concat',
    order.map((at) => (at === null ? rest : said)),
    { axis: attr.int(1) },
    'probabilities',
  );
}

interface NodeList {
  readonly constants: ReadonlyMap<string, Tensor>;
  /** @returns the name of the output: `name`, or one that nothing else has */
  add(opType: string, inputs: readonly string[], attributes?: Readonly<Record<string, AttributeValue>>, name?: string): string;
  constant(value: Tensor): string;
  shape(...axes: number[]): string;
  /** What was added since it was last taken. */
  take(): readonly GraphNode[];
}

function nodeList(): NodeList {
  let nodes: GraphNode[] = [];
  let made = 0;
  const constants = new Map<string, Tensor>();
  const fresh = (): string => `\u0001gyre/${made++}`;
  const list: NodeList = {
    constants,
    add(opType, inputs, attributes = {}, name = fresh()) {
      nodes.push({ name, domain: '', opType, inputs, outputs: [name], attributes });
      return name;
    },
    constant(value) {
      const name = fresh();
      constants.set(name, value);
      return name;
    },
    shape: (...axes) => list.constant(tensor('INT64', [axes.length], BigInt64Array.from(axes, BigInt))),
    take() {
      const taken = nodes;
      nodes = [];
      return taken;
    },
  };
  return list;
}
