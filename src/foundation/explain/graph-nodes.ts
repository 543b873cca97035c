import type { AttributeValue, AttributeView, ModelView, NodeView, TensorView } from '#onnx';

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

function attribute({ attributes }: NodeView, name: string): AttributeView | undefined {
  return attributes.find((each) => each.name === name)?.attribute;
}

/** A number of an attribute; undefined where there is none of this name and kind, as with the others. */
export function numberOf(node: NodeView, name: string): number | undefined {
  const found = attribute(node, name);
  return found?.type === 'INT' || found?.type === 'FLOAT' ? Number(found.value) : undefined;
}

export function textOf(node: NodeView, name: string): string | undefined {
  const found = attribute(node, name);
  return found?.type === 'STRING' ? found.value : undefined;
}

export function textsOf(node: NodeView, name: string): readonly string[] {
  const found = attribute(node, name);
  return found?.type === 'STRINGS' ? found.value : [];
}

export function intsOf(node: NodeView, name: string): readonly number[] {
  const found = attribute(node, name);
  return found?.type === 'INTS' ? Array.from<number | bigint, number>(found.value, Number) : [];
}

export function tensorAttribute(node: NodeView, name: string): TensorView | undefined {
  const found = attribute(node, name);
  return found?.type === 'TENSOR' ? found.value : undefined;
}

/** Numbers that stand as floats, or (in models of newer opsets) as a tensor of either precision. */
export function realsOf(node: NodeView, name: string): readonly number[] {
  const held = tensorAttribute(node, `${name}_as_tensor`);
  if (held !== undefined) return tensorNumbers(held);
  const found = attribute(node, name);
  return found?.type === 'FLOATS' ? Array.from(found.value) : [];
}

export function tensorNumbers(held: TensorView): readonly number[] {
  return Array.from<unknown, number>(held.read().data, Number);
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
