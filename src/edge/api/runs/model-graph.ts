import type { ModelGraph } from '#contract';
import { GyreError } from '#core';
import { decodeModel } from '#onnx';
import type { Dimension, GraphView, NodeView } from '#onnx';

/** Files up to here are read for their graph. */
export const mostModelBytes = 256 * 1024 * 1024;
const mostNodes = 500;
const mostConstants = 20;

/** The graph of an ONNX model, in layers. @throws GyreError INVALID_ARGUMENT when the bytes are none */
export function graphOf(bytes: Uint8Array): ModelGraph {
  const model = decodeModel(bytes);
  const constants = new Map(model.initializers.map((one) => [one.name, one]));
  const layers = layersOf(model);
  const shown = layers.slice(0, mostNodes);
  const places = new Map(shown.map(({ node }, at) => [node, at]));
  const makers = new Map(shown.flatMap(({ node }) => node.outputs.map((output) => [output, node] as const)));
  return {
    inputs: model.inputs.filter(({ name }) => !constants.has(name)).map(valueOf),
    outputs: model.outputs.map(valueOf),
    nodes: shown.map(({ node, layer }) => ({
      name: node.name,
      operator: node.domain === '' || node.domain === 'ai.onnx' ? node.opType : `${node.domain}.${node.opType}`,
      layer,
      after: [...new Set(node.inputs.flatMap((input) => placeOf(places, makers.get(input))))],
      constants: node.inputs
        .flatMap((input) => {
          const constant = constants.get(input);
          return constant === undefined
            ? []
            : [{ name: input, type: constant.type ?? `type ${constant.typeCode}`, shape: shapeText(constant.shape) }];
        })
        .slice(0, mostConstants),
      outputs: [...node.outputs],
    })),
    total: model.nodes.length,
    parameters: model.initializers.reduce((sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1), 0),
    producer: `${model.producerName} ${model.producerVersion}`.trim(),
    opsets: Object.fromEntries(Object.entries(model.opsets).map(([domain, version]) => [domain === '' ? 'ai.onnx' : domain, version])),
  };
}

function placeOf(places: ReadonlyMap<NodeView, number>, node: NodeView | undefined): readonly number[] {
  const at = node === undefined ? undefined : places.get(node);
  return at === undefined ? [] : [at];
}

/** Nodes with the longest way to each from an input, in the order of the file, which is one in which values are made before they are taken. */
function layersOf({ nodes }: GraphView): readonly { readonly node: NodeView; readonly layer: number }[] {
  const madeIn = new Map<string, number>();
  return nodes.map((node) => {
    const layer = Math.max(0, ...node.inputs.map((input) => (madeIn.get(input) ?? -1) + 1));
    for (const output of node.outputs) madeIn.set(output, layer);
    return { node, layer };
  });
}

function valueOf({ name, kind, type, typeCode, shape }: GraphView['inputs'][number]): ModelGraph['inputs'][number] {
  const text = type ?? (kind === 'tensor' ? `type ${typeCode}` : kind);
  return { name, type: text, ...(shape === null ? {} : { shape: shapeText(shape) }) };
}

function shapeText(shape: readonly Dimension[]): string {
  return shape.length === 0 ? 'one value' : shape.map((size) => String(size ?? '?')).join(' × ');
}

/** @throws GyreError RESOURCE_EXHAUSTED */
export function requireModelSize(path: string, size: number): void {
  if (size <= mostModelBytes) return;
  throw new GyreError('RESOURCE_EXHAUSTED', `${path} has ${size} bytes; graphs of models up to ${mostModelBytes} bytes are shown`, {
    path,
  });
}
