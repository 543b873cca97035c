import { tensorAttribute } from '#onnx';
import type { AttributeValue, ModelView, NodeView } from '#onnx';

/** The nodes of a graph, found by what they read and make. */
export interface GraphNodes {
  readonly model: ModelView;
  /** The node that makes a value; undefined for inputs and constants. */
  maker(value: string): NodeView | undefined;
  /** Whether a value is the same whatever is fed. */
  isConstant(value: string): boolean;
  /** Numbers of a constant, flat, with their shape; undefined when it is none that can be read. */
  constant(value: string): ConstantNumbers | undefined;
  /** Names of what has to be fed. */
  readonly inputs: readonly string[];
}

export interface ConstantNumbers {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

export function graphNodes(model: ModelView): GraphNodes {
  const makers = new Map(model.nodes.flatMap((node) => node.outputs.map((output) => [output, node] as const)));
  const tensors = new Map(model.initializers.map((tensor) => [tensor.name, tensor]));
  const constants = new Set(['', ...tensors.keys()]);
  for (const node of model.nodes) {
    const isFixed = node.opType === 'Constant' || (node.inputs.length > 0 && !isRandom(node) && !hasSubgraph(node));
    if (isFixed && node.inputs.every((input) => constants.has(input))) for (const output of node.outputs) constants.add(output);
  }
  return {
    model,
    inputs: model.inputs.filter(({ name }) => !tensors.has(name)).map(({ name }) => name),
    maker: (value) => makers.get(value),
    isConstant: (value) => constants.has(value),
    constant(value) {
      const node = makers.get(value);
      const held = node?.opType === 'Constant' ? tensorAttribute(node, 'value') : tensors.get(value);
      if (held === undefined || held.external || held.type === null || held.type === 'STRING') return undefined;
      const { data } = held.read();
      return { shape: held.shape, data: Float64Array.from<unknown>(data, Number) };
    },
  };
}

function isRandom({ opType }: NodeView): boolean {
  return /^Random|^Multinomial$|^Bernoulli$/.test(opType);
}

function hasSubgraph({ attributes }: NodeView): boolean {
  return attributes.some(({ attribute: { type } }) => type === 'GRAPH' || type === 'GRAPHS');
}

/** A node's attributes to be written again; undefined when one is of a kind that cannot be. */
export function writableAttributes(node: NodeView): Record<string, AttributeValue> | undefined {
  const written: Record<string, AttributeValue> = {};
  for (const { name, attribute: found } of node.attributes) {
    if (found.type === 'TENSOR') written[name] = { type: 'TENSOR', value: found.value.read() };
    else if (found.type === 'TENSORS' || found.type === 'GRAPH' || found.type === 'GRAPHS' || found.type === 'OTHER') return undefined;
    else written[name] = found;
  }
  return written;
}
