import { GyreError, WireWriter } from '#core';
import type { GraphBuilder } from './builder.ts';
import { mlDomain } from './model.ts';
import type { AttributeValue, GraphNode, GraphOutput, GraphState, ValueInfo } from './model.ts';
import { elementFacts } from './tensor.ts';
import type { Tensor } from './tensor.ts';

export interface EncodeOptions {
  /** Default: the outputs that the builder declared. With others, one builder gives several models, e.g. its transform part alone. */
  readonly outputs?: readonly GraphOutput[];
  /** Version of Gyre that wrote the model; left out by default, so that equal graphs are equal bytes across versions. */
  readonly producerVersion?: string;
  /** Free facts in the model file, written in the order of their keys. */
  readonly metadata?: Readonly<Record<string, string>>;
  readonly docString?: string;
}

// Field numbers are those of onnx.proto; the numbers of AttributeProto.AttributeType are in `attributeCodes`.
const attributeCodes = { FLOAT: 1, INT: 2, STRING: 3, TENSOR: 4, FLOATS: 6, INTS: 7, STRINGS: 8 } as const;

/** The IR version that came with each version of ai.onnx (onnx/docs/Versioning.md). */
const irVersionOf = (opset: number): number => (opset <= 18 ? 8 : opset <= 20 ? 9 : 10);

/**
 * The bytes of an ONNX model (ModelProto). Only nodes and constants that an output needs are written; inputs always all are.
 * The same graph and options give the same bytes.
 * @throws GyreError INVALID_ARGUMENT when there are no outputs, or an output shows no value of the graph
 */
export function encodeModel(builder: GraphBuilder, options: EncodeOptions = {}): Uint8Array<ArrayBuffer> {
  const state = builder.state();
  const outputs = options.outputs ?? state.outputs;
  if (outputs.length === 0) {
    throw new GyreError('INVALID_ARGUMENT', `graph "${state.name}" has no outputs: declare one before it is encoded`);
  }
  const part = neededBy(outputs, state);
  const nodes = [...part.nodes, ...renames(outputs)];
  const writer = new WireWriter();
  writer.int(1, irVersionOf(state.opset));
  writer.string(2, 'gyre');
  if (options.producerVersion !== undefined) writer.string(3, options.producerVersion);
  if (options.docString !== undefined) writer.string(6, options.docString);
  writer.message(7, () => writeGraph(writer, state.name, { ...part, nodes }, state.inputs, outputs));
  writeOpset(writer, '', state.opset);
  const domains = [...new Set(nodes.map((node) => node.domain))].filter((domain) => domain !== '').toSorted();
  for (const domain of domains) writeOpset(writer, domain, domain === mlDomain ? state.mlOpset : 1);
  const metadata = Object.entries(options.metadata ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1));
  for (const [key, value] of metadata) {
    writer.message(14, () => {
      writer.string(1, key);
      writer.string(2, value);
    });
  }
  return writer.finish();
}

interface GraphPart {
  readonly nodes: readonly GraphNode[];
  readonly initializers: readonly (readonly [name: string, tensor: Tensor])[];
}

function neededBy(outputs: readonly GraphOutput[], state: GraphState): GraphPart {
  const known = new Set([...state.inputs.map((input) => input.name), ...state.initializers.keys()]);
  for (const node of state.nodes) for (const output of node.outputs) known.add(output);
  const needed = new Set<string>();
  for (const { name, value } of outputs) {
    if (!known.has(value)) {
      throw new GyreError('INVALID_ARGUMENT', `output "${name}" shows "${value}", which is no value of graph "${state.name}"`, {
        graph: state.name,
        name,
        value,
      });
    }
    if (name !== value && known.has(name)) {
      throw new GyreError('INVALID_ARGUMENT', `output "${name}" has the name of another value of graph "${state.name}"`, {
        graph: state.name,
        name,
      });
    }
    needed.add(value);
  }
  const nodes: GraphNode[] = [];
  // A node stands behind all that it reads, so one walk from the end finds everything.
  for (const node of state.nodes.toReversed()) {
    if (!node.outputs.some((output) => needed.has(output))) continue;
    nodes.push(node);
    for (const input of node.inputs) needed.add(input);
  }
  return { nodes: nodes.reverse(), initializers: [...state.initializers].filter(([name]) => needed.has(name)) };
}

function renames(outputs: readonly GraphOutput[]): GraphNode[] {
  return outputs
    .filter((output) => output.name !== output.value)
    .map(({ name, value }) => ({ name, domain: '', opType: 'Identity', inputs: [value], outputs: [name], attributes: {} }));
}

function writeGraph(writer: WireWriter, name: string, part: GraphPart, inputs: readonly ValueInfo[], outputs: readonly ValueInfo[]): void {
  for (const node of part.nodes) writer.message(1, () => writeNode(writer, node));
  writer.string(2, name);
  for (const [tensorName, tensor] of part.initializers) writer.message(5, () => writeTensor(writer, tensor, tensorName));
  for (const input of inputs) writer.message(11, () => writeValueInfo(writer, input));
  for (const output of outputs) writer.message(12, () => writeValueInfo(writer, output));
}

export function writeOpset(writer: WireWriter, domain: string, version: number): void {
  writer.message(8, () => {
    writer.string(1, domain);
    writer.int(2, version);
  });
}

export function writeNode(writer: WireWriter, node: GraphNode): void {
  for (const input of node.inputs) writer.string(1, input);
  for (const output of node.outputs) writer.string(2, output);
  writer.string(3, node.name);
  writer.string(4, node.opType);
  for (const name of Object.keys(node.attributes).toSorted()) {
    writer.message(5, () => writeAttribute(writer, name, node.attributes[name]));
  }
  if (node.domain !== '') writer.string(7, node.domain);
}

function writeAttribute(writer: WireWriter, name: string, attribute: AttributeValue): void {
  writer.string(1, name);
  switch (attribute.type) {
    case 'FLOAT':
      writer.float(2, attribute.value);
      break;
    case 'INT':
      writer.int(3, attribute.value);
      break;
    case 'STRING':
      writer.string(4, attribute.value);
      break;
    case 'TENSOR':
      writer.message(5, () => writeTensor(writer, attribute.value, name));
      break;
    case 'FLOATS':
      writer.packedFloats(7, attribute.value);
      break;
    case 'INTS':
      writer.packedInts(8, attribute.value);
      break;
    case 'STRINGS':
      for (const text of attribute.value) writer.string(9, text);
      break;
  }
  writer.int(20, attributeCodes[attribute.type]);
}

export function writeTensor(writer: WireWriter, tensor: Tensor, name: string): void {
  writer.packedInts(1, tensor.shape);
  writer.int(2, elementFacts[tensor.type].code);
  if (tensor.type === 'STRING') for (const text of tensor.data) writer.string(6, text);
  writer.string(8, name);
  if (tensor.type !== 'STRING') {
    const { buffer, byteOffset, byteLength } = tensor.data;
    writer.bytes(9, new Uint8Array(buffer, byteOffset, byteLength));
  }
}

export function writeValueInfo(writer: WireWriter, value: ValueInfo): void {
  writer.string(1, value.name);
  writer.message(2, () =>
    writer.message(1, () => {
      writer.int(1, elementFacts[value.type].code);
      writer.message(2, () => {
        for (const axis of value.shape) {
          writer.message(1, () => {
            if (typeof axis === 'number') writer.int(1, axis);
            else if (axis !== '') writer.string(2, axis);
          });
        }
      });
    }),
  );
}
