import { WireReader, WireWriter } from '#core';
import { writeNode, writeOpset, writeTensor, writeValueInfo } from './encode.ts';
import type { GraphNode, ValueInfo } from './model.ts';
import type { Tensor } from './tensor.ts';

/** What is put around a graph. Values of the graph are meant by its own names behind the prefix. */
export interface Surroundings {
  /** Put before every name of the graph, so that it does not meet those around it. */
  readonly prefix: string;
  /** Instead of the graph's own. */
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  /** Make the graph's inputs. */
  readonly before: readonly GraphNode[];
  /** Make the outputs. */
  readonly after: readonly GraphNode[];
  readonly constants: ReadonlyMap<string, Tensor>;
  /** Nodes that are left out, by one of their outputs. */
  readonly without: ReadonlySet<string>;
}

/** The operators that are known to be there in every version since; for a model that uses none of ai.onnx itself. */
const usualOpset = 17;

/**
 * The bytes of a model with other operations before and after its own. Its own are kept as they are, of whatever version and kind: subgraphs,
 * functions and operators of other domains too. Operations around it have to be of ai.onnx, in a form that all its versions since 7 know.
 * @throws GyreError INVALID_ARGUMENT when the bytes are no model
 */
export function surroundModel(bytes: Uint8Array, surroundings: Surroundings): Uint8Array<ArrayBuffer> {
  const reader = new WireReader(bytes, 'ONNX model');
  const writer = new WireWriter();
  let hasOperators = false;
  while (reader.next()) {
    if (reader.field === 7) {
      const graph = reader.message();
      writer.message(7, () => surroundGraph(writer, graph, surroundings));
      continue;
    }
    const field = reader.raw();
    if (reader.field === 8) hasOperators ||= isMainDomain(field);
    writer.raw(field);
  }
  if (!hasOperators) writeOpset(writer, '', usualOpset);
  return writer.finish();
}

function isMainDomain(field: Uint8Array): boolean {
  const opset = new WireReader(field, 'ONNX model');
  if (!opset.next()) return false;
  const entry = opset.message();
  let domain = '';
  while (entry.next()) {
    if (entry.field === 1) domain = entry.string();
    else entry.skip();
  }
  return domain === '' || domain === 'ai.onnx';
}

function surroundGraph(writer: WireWriter, reader: WireReader, around: Surroundings): void {
  for (const node of around.before) writer.message(1, () => writeNode(writer, node));
  renameGraph(writer, reader, around.prefix, around.without);
  for (const node of around.after) writer.message(1, () => writeNode(writer, node));
  for (const [name, tensor] of around.constants) writer.message(5, () => writeTensor(writer, tensor, name));
  for (const input of around.inputs) writer.message(11, () => writeValueInfo(writer, input));
  for (const output of around.outputs) writer.message(12, () => writeValueInfo(writer, output));
}

/** A graph but for its inputs and outputs, and for what only describes its values, under other names. */
function renameGraph(writer: WireWriter, reader: WireReader, prefix: string, without: ReadonlySet<string>): void {
  while (reader.next()) {
    switch (reader.field) {
      case 1: {
        const node = reader.bytes();
        if (!isLeftOut(new WireReader(node, 'ONNX model'), without))
          writer.message(1, () => renameNode(writer, new WireReader(node, 'ONNX model'), prefix));
        break;
      }
      case 5: {
        const tensor = reader.message();
        writer.message(5, () => renameField(writer, tensor, 8, prefix));
        break;
      }
      case 15: {
        const sparse = reader.message();
        writer.message(15, () => {
          while (sparse.next()) {
            if (sparse.field !== 1) writer.raw(sparse.raw());
            else {
              const values = sparse.message();
              writer.message(1, () => renameField(writer, values, 8, prefix));
            }
          }
        });
        break;
      }
      case 11:
      case 12:
      case 13:
      case 14:
        reader.skip();
        break;
      default:
        writer.raw(reader.raw());
    }
  }
}

function isLeftOut(reader: WireReader, without: ReadonlySet<string>): boolean {
  while (reader.next()) {
    if (reader.field !== 2) reader.skip();
    else if (without.has(reader.string())) return true;
  }
  return false;
}

/** A message with the text of one of its fields behind the prefix; an empty text means that something is left out. */
function renameField(writer: WireWriter, reader: WireReader, field: number, prefix: string): void {
  while (reader.next()) {
    if (reader.field === field) writeName(writer, field, reader.string(), prefix);
    else writer.raw(reader.raw());
  }
}

function writeName(writer: WireWriter, field: number, name: string, prefix: string): void {
  writer.string(field, name === '' ? '' : `${prefix}${name}`);
}

function renameNode(writer: WireWriter, reader: WireReader, prefix: string): void {
  while (reader.next()) {
    switch (reader.field) {
      case 1:
      case 2:
      case 3:
        writeName(writer, reader.field, reader.string(), prefix);
        break;
      case 5: {
        const attribute = reader.message();
        writer.message(5, () => renameAttribute(writer, attribute, prefix));
        break;
      }
      default:
        writer.raw(reader.raw());
    }
  }
}

/** Names within subgraphs change along, since they may mean values of the graph around them. */
function renameAttribute(writer: WireWriter, reader: WireReader, prefix: string): void {
  while (reader.next()) {
    if (reader.field === 6 || reader.field === 11) {
      const { field } = reader;
      const graph = reader.message();
      writer.message(field, () => renameSubgraph(writer, graph, prefix));
    } else writer.raw(reader.raw());
  }
}

function renameSubgraph(writer: WireWriter, reader: WireReader, prefix: string): void {
  const ends = new WireWriter();
  const rest = new WireWriter();
  while (reader.next()) {
    if (reader.field === 11 || reader.field === 12) {
      const { field } = reader;
      const value = reader.message();
      ends.message(field, () => renameField(ends, value, 1, prefix));
    } else rest.raw(reader.raw());
  }
  renameGraph(writer, new WireReader(rest.finish(), 'ONNX model'), prefix, new Set());
  writer.raw(ends.finish());
}
