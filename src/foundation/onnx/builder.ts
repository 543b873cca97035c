import { GyreError } from '#core';
import type { AttributeValue, GraphNode, GraphOutput, GraphState, ValueInfo } from './model.ts';
import type { Dimension, ElementType, Tensor } from './tensor.ts';

export interface GraphOptions {
  /** The graph's name; no effect on what it computes. */
  readonly name: string;
  /** Version of the ai.onnx operators; default 17. */
  readonly opset?: number;
  /** Version of the ai.onnx.ml operators; default 3. */
  readonly mlOpset?: number;
}

export interface NodeOptions {
  /** `''` (default) for ai.onnx, `mlDomain` for the classic learners. */
  readonly domain?: string;
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
  /** How many outputs the node has (default 1). */
  readonly outputs?: number;
  /** The node's name; default: the name of its first output. */
  readonly name?: string;
}

/**
 * Builds a graph step by step. Values are named by strings that the builder makes: the same calls give the same names.
 * Nodes are in the order in which they were added, so a graph from here is topologically sorted and has no cycle.
 * Steps compose by taking value names of the same builder; `clone` splits off a second graph that shares what there is so far.
 */
export interface GraphBuilder {
  readonly opset: number;
  readonly mlOpset: number;
  /** The names of the inputs declared so far, in order. */
  readonly inputs: readonly ValueInfo[];
  /**
   * Declares an input of the graph and returns its value name, which is `name`.
   * @throws GyreError INVALID_ARGUMENT when a value has this name already, or the opset is out of range
   */
  input(name: string, type: ElementType, shape: readonly Dimension[]): string;
  /**
   * Declares an output named `name`, of a value that exists already; a value that shows under another name goes through an Identity node.
   * @param value default: the value called `name`
   * @throws GyreError INVALID_ARGUMENT when there is no such value or output name is taken
   */
  output(name: string, type: ElementType, shape: readonly Dimension[], value?: string): void;
  /** Adds a constant and returns its value name, made from `prefix`. */
  initializer(prefix: string, tensor: Tensor): string;
  /**
   * Adds an operation and returns the names of its outputs.
   * @param inputs value names; `''` leaves an optional input out
   * @throws GyreError INVALID_ARGUMENT when an input is no value of this builder
   */
  node(opType: string, inputs: readonly string[], options?: NodeOptions): string[];
  /** As `node`, for the many operations with one output. */
  op(opType: string, inputs: readonly string[], options?: Omit<NodeOptions, 'outputs'>): string;
  /** A builder of its own with everything so far; the two no longer affect each other. */
  clone(): GraphBuilder;
  /** Everything so far, as data: what `encodeModel` reads. */
  state(): GraphState;
}

/**
 * An empty graph.
 * @throws GyreError INVALID_ARGUMENT when the name is empty, opset is not 17 to 21, or mlOpset not 1 to 5
 */
export function graphBuilder(options: GraphOptions): GraphBuilder {
  const { name, opset = 17, mlOpset = 3 } = options;
  if (name === '') throw new GyreError('INVALID_ARGUMENT', 'a graph needs a name that is not empty');
  requireVersion('ai.onnx', opset, 17, 21);
  requireVersion('ai.onnx.ml', mlOpset, 1, 5);
  return builderOf({ name, opset, mlOpset, inputs: [], outputs: [], initializers: new Map(), nodes: [] });
}

function requireVersion(domain: string, version: number, lowest: number, highest: number): void {
  if (!Number.isInteger(version) || version < lowest || version > highest) {
    throw new GyreError(
      'INVALID_ARGUMENT',
      `opset ${version} of ${domain} cannot be written: choose a version from ${lowest} to ${highest}`,
      { domain, version },
    );
  }
}

function builderOf(start: GraphState): GraphBuilder {
  const { name: graphName, opset, mlOpset } = start;
  const inputs: ValueInfo[] = [...start.inputs];
  const outputs: GraphOutput[] = [...start.outputs];
  const initializers = new Map(start.initializers);
  const nodes: GraphNode[] = [...start.nodes];
  const values = new Set([...inputs.map((input) => input.name), ...initializers.keys(), ...nodes.flatMap((node) => node.outputs)]);
  /** Names that a new value cannot have: those of values, and of outputs that will show a value under another name. */
  const taken = new Set([...values, ...outputs.map((output) => output.name)]);
  const counters = new Map<string, number>();

  const refuse = (message: string, details: Record<string, unknown>): never => {
    throw new GyreError('INVALID_ARGUMENT', `graph "${graphName}": ${message}`, { graph: graphName, ...details });
  };
  const freshName = (prefix: string): string => {
    let count = counters.get(prefix) ?? 0;
    let candidate: string;
    do candidate = `${prefix}_${count++}`;
    while (taken.has(candidate));
    counters.set(prefix, count);
    values.add(candidate);
    taken.add(candidate);
    return candidate;
  };

  const builder: GraphBuilder = {
    opset,
    mlOpset,
    inputs,
    input(name, type, shape) {
      if (name === '') refuse('an input needs a name that is not empty', {});
      if (taken.has(name)) refuse(`there is a value "${name}" already; an input needs a name of its own`, { name });
      values.add(name);
      taken.add(name);
      inputs.push({ name, type, shape });
      return name;
    },
    output(name, type, shape, value = name) {
      if (name === '') refuse('an output needs a name that is not empty', {});
      if (!values.has(value)) refuse(`output "${name}" shows "${value}", which is no value of this graph`, { name, value });
      if (outputs.some((output) => output.name === name)) refuse(`there is an output "${name}" already`, { name });
      if (value !== name && taken.has(name)) refuse(`output "${name}" has the name of another value`, { name, value });
      taken.add(name);
      outputs.push({ name, type, shape, value });
    },
    initializer(prefix, tensor) {
      const name = freshName(prefix);
      initializers.set(name, tensor);
      return name;
    },
    node(opType, nodeInputs, options = {}) {
      for (const input of nodeInputs) {
        if (input !== '' && !values.has(input)) {
          refuse(`a ${opType} node reads "${input}", which is no value of this graph`, { opType, input });
        }
      }
      const made = Array.from({ length: options.outputs ?? 1 }, () => freshName(opType));
      nodes.push({
        name: options.name ?? made[0] ?? opType,
        domain: options.domain ?? '',
        opType,
        inputs: [...nodeInputs],
        outputs: made,
        attributes: options.attributes ?? {},
      });
      return [...made];
    },
    op(opType, nodeInputs, options = {}) {
      return builder.node(opType, nodeInputs, options)[0];
    },
    clone: () => builderOf(builder.state()),
    state: () => ({
      name: graphName,
      opset,
      mlOpset,
      inputs: [...inputs],
      outputs: [...outputs],
      initializers: new Map(initializers),
      nodes: [...nodes],
    }),
  };
  return builder;
}
