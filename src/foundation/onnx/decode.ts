import { GyreError, WireReader } from '#core';
import { readTensor } from './decode-tensor.ts';
import { elementTypeOf } from './tensor.ts';
import type { Dimension } from './tensor.ts';
import type { AttributeView, FunctionView, GraphView, ModelView, NodeView, TensorView, ValueView } from './view.ts';

/** Subgraphs within subgraphs beyond this are no model that anyone wrote, but bytes made to exhaust the stack. */
const maxDepth = 32;

/**
 * Reads an ONNX model without judging it (`checkModel` does). Values of constants stay in the bytes, which are not copied.
 * @throws GyreError INVALID_ARGUMENT when the bytes are no protocol buffer, or hold no graph
 */
export function decodeModel(bytes: Uint8Array): ModelView {
  const reader = new WireReader(bytes, 'ONNX model');
  const opsets: Record<string, number> = {};
  const metadata: Record<string, string> = {};
  const functions: FunctionView[] = [];
  let irVersion = 0;
  let producerName = '';
  let producerVersion = '';
  let docString = '';
  let graph: GraphView | null = null;
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        irVersion = reader.smallInt();
        break;
      case 2:
        producerName = reader.string();
        break;
      case 3:
        producerVersion = reader.string();
        break;
      case 6:
        docString = reader.string();
        break;
      case 7:
        graph = readGraph(reader.message(), 0);
        break;
      case 8: {
        const { domain, version } = readOpset(reader.message());
        // Both spellings mean the same operators.
        opsets[domain === 'ai.onnx' ? '' : domain] = version;
        break;
      }
      case 25:
        functions.push(readFunction(reader.message()));
        break;
      case 14: {
        const [key, value] = readEntry(reader.message());
        metadata[key] = value;
        break;
      }
      default:
        reader.skip();
    }
  }
  if (graph === null) throw new GyreError('INVALID_ARGUMENT', 'the bytes are no ONNX model: there is no graph in them');
  return { ...graph, irVersion, producerName, producerVersion, docString, opsets, metadata, functions };
}

function readOpset(reader: WireReader): { domain: string; version: number } {
  let domain = '';
  let version = 0;
  while (reader.next()) {
    if (reader.field === 1) domain = reader.string();
    else if (reader.field === 2) version = reader.smallInt();
    else reader.skip();
  }
  return { domain, version };
}

function readEntry(reader: WireReader): [key: string, value: string] {
  let key = '';
  let value = '';
  while (reader.next()) {
    if (reader.field === 1) key = reader.string();
    else if (reader.field === 2) value = reader.string();
    else reader.skip();
  }
  return [key, value];
}

function readFunction(reader: WireReader): FunctionView {
  const nodes: NodeView[] = [];
  let name = '';
  let domain = '';
  while (reader.next()) {
    if (reader.field === 1) name = reader.string();
    else if (reader.field === 7) nodes.push(readNode(reader.message(), 0));
    else if (reader.field === 10) domain = reader.string();
    else reader.skip();
  }
  return { name, domain, nodes };
}

function readGraph(reader: WireReader, depth: number): GraphView {
  if (depth > maxDepth) throw new GyreError('INVALID_ARGUMENT', `the model nests graphs deeper than ${maxDepth} levels`);
  const nodes: NodeView[] = [];
  const initializers: TensorView[] = [];
  const inputs: ValueView[] = [];
  const outputs: ValueView[] = [];
  let name = '';
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        nodes.push(readNode(reader.message(), depth));
        break;
      case 2:
        name = reader.string();
        break;
      case 5:
        initializers.push(readTensor(reader.message()));
        break;
      case 11:
        inputs.push(readValue(reader.message()));
        break;
      case 12:
        outputs.push(readValue(reader.message()));
        break;
      case 15:
        initializers.push(...readSparse(reader.message()));
        break;
      default:
        reader.skip();
    }
  }
  return { name, inputs, outputs, nodes, initializers };
}

/** A sparse initializer is named by its values. */
function readSparse(reader: WireReader): TensorView[] {
  const values: TensorView[] = [];
  while (reader.next()) {
    if (reader.field === 1) values.push(readTensor(reader.message()));
    else reader.skip();
  }
  return values;
}

function readNode(reader: WireReader, depth: number): NodeView {
  const inputs: string[] = [];
  const outputs: string[] = [];
  const attributes: NodeView['attributes'][number][] = [];
  let name = '';
  let opType = '';
  let domain = '';
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        inputs.push(reader.string());
        break;
      case 2:
        outputs.push(reader.string());
        break;
      case 3:
        name = reader.string();
        break;
      case 4:
        opType = reader.string();
        break;
      case 5:
        attributes.push(readAttribute(reader.message(), depth));
        break;
      case 7:
        domain = reader.string();
        break;
      default:
        reader.skip();
    }
  }
  return { name, domain: domain === 'ai.onnx' ? '' : domain, opType, inputs, outputs, attributes };
}

function readAttribute(reader: WireReader, depth: number): NodeView['attributes'][number] {
  const floats: number[] = [];
  const ints: (number | bigint)[] = [];
  const strings: string[] = [];
  const tensors: TensorView[] = [];
  const graphs: GraphView[] = [];
  let name = '';
  let code = 0;
  let float = 0;
  let int: number | bigint = 0;
  let string = '';
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        name = reader.string();
        break;
      case 2:
        float = reader.float();
        break;
      case 3:
        int = reader.int();
        break;
      case 4:
        string = reader.string();
        break;
      case 5: // t
      case 10: // tensors
        tensors.push(readTensor(reader.message()));
        break;
      case 6: // g
      case 11: // graphs
        graphs.push(readGraph(reader.message(), depth + 1));
        break;
      case 7:
        reader.floatsInto(floats, 4);
        break;
      case 8:
        reader.intsInto(ints);
        break;
      case 9:
        strings.push(reader.string());
        break;
      case 20:
        code = reader.smallInt();
        break;
      default:
        reader.skip();
    }
  }
  const attributes: Readonly<Record<number, () => AttributeView>> = {
    1: () => ({ type: 'FLOAT', value: float }),
    2: () => ({ type: 'INT', value: int }),
    3: () => ({ type: 'STRING', value: string }),
    4: () => (tensors.length === 1 ? { type: 'TENSOR', value: tensors[0] } : { type: 'OTHER', code: 0 }),
    5: () => (graphs.length === 1 ? { type: 'GRAPH', value: graphs[0] } : { type: 'OTHER', code: 0 }),
    6: () => ({ type: 'FLOATS', value: floats }),
    7: () => ({ type: 'INTS', value: exactInts(ints) }),
    8: () => ({ type: 'STRINGS', value: strings }),
    9: () => ({ type: 'TENSORS', value: tensors }),
    10: () => ({ type: 'GRAPHS', value: graphs }),
  };
  return { name, attribute: attributes[code]?.() ?? { type: 'OTHER', code } };
}

function exactInts(ints: readonly (number | bigint)[]): BigInt64Array | readonly number[] {
  return ints.every((value) => typeof value === 'number') ? ints : BigInt64Array.from(ints, BigInt);
}

/** The kinds of a TypeProto, by their field numbers. */
const kinds: Readonly<Record<number, ValueView['kind']>> = {
  1: 'tensor',
  4: 'sequence',
  5: 'map',
  7: 'opaque',
  8: 'sparse tensor',
  9: 'optional',
};

function readValue(reader: WireReader): ValueView {
  let name = '';
  let kind: ValueView['kind'] = 'none';
  let typeCode = 0;
  let shape: readonly Dimension[] | null = null;
  while (reader.next()) {
    if (reader.field === 1) name = reader.string();
    else if (reader.field === 2) {
      const type = reader.message();
      while (type.next()) {
        const found = kinds[type.field];
        if (found !== undefined) kind = found;
        if (found === 'tensor') ({ typeCode, shape } = readTensorType(type.message()));
        else type.skip();
      }
    } else reader.skip();
  }
  return { name, kind, type: elementTypeOf(typeCode), typeCode, shape };
}

function readTensorType(reader: WireReader): { typeCode: number; shape: readonly Dimension[] | null } {
  let typeCode = 0;
  let shape: Dimension[] | null = null;
  while (reader.next()) {
    if (reader.field === 1) typeCode = reader.smallInt();
    else if (reader.field === 2) {
      shape = [];
      const axes = reader.message();
      while (axes.next()) {
        if (axes.field === 1) shape.push(readAxis(axes.message()));
        else axes.skip();
      }
    } else reader.skip();
  }
  return { typeCode, shape };
}

function readAxis(reader: WireReader): Dimension {
  let axis: Dimension = '';
  while (reader.next()) {
    if (reader.field === 1) axis = reader.smallInt();
    else if (reader.field === 2) axis = reader.string();
    else reader.skip();
  }
  // Some exporters write -1 for "any size".
  return typeof axis === 'number' && axis < 0 ? '' : axis;
}
