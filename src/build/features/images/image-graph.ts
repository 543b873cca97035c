import { GyreError } from '#core';
import { attr, decodeModel, encodeModel, graphBuilder, inlineModel, tensor } from '#onnx';
import type { GraphBuilder, ModelView, NodeView, ValueView } from '#onnx';
import type { ImagePlan } from '../recipe.ts';

/** What of a backbone is used: one input of pictures in planes, one output of features. */
export interface Backbone {
  readonly model: ModelView;
  readonly input: ValueView;
  readonly output: ValueView;
  readonly columns: number;
}

/**
 * Reads a backbone, and looks for its input and the output that is wanted.
 * @param wanted name of the output; undefined: `features`, or the only one
 * @throws GyreError INVALID_ARGUMENT saying what does not fit
 */
export function readBackbone(bytes: Uint8Array, size: { readonly width: number; readonly height: number }, wanted?: string): Backbone {
  const model = decodeModel(bytes);
  const refuse = (message: string): never => {
    throw new GyreError('INVALID_ARGUMENT', `the backbone "${model.name}": ${message}`);
  };
  const constants = new Set(model.initializers.map(({ name }) => name));
  const [input, ...more] = model.inputs.filter(({ name }) => !constants.has(name));
  const takes = (axis: number, length: number): boolean => {
    const found = input?.shape?.[axis];
    return typeof found === 'string' || found === length;
  };
  if (
    input?.type !== 'FLOAT' ||
    more.length > 0 ||
    input.shape?.length !== 4 ||
    !takes(1, 3) ||
    !takes(2, size.height) ||
    !takes(3, size.width)
  )
    return refuse(
      `one float input of pictures in planes [N, 3, ${size.height}, ${size.width}] is wanted, it takes ${[input, ...more].map(described).join(' and ')}`,
    );
  const names = model.outputs.map(({ name }) => `"${name}"`).join(', ');
  const name = wanted ?? (model.outputs.length === 1 ? model.outputs[0].name : 'features');
  const output = model.outputs.find((one) => one.name === name);
  if (output === undefined) return refuse(`there is no output "${name}"; it has ${names}: say which with "output"`);
  const columns = output.shape?.[1];
  if (output.type !== 'FLOAT' || output.shape?.length !== 2 || typeof columns !== 'number')
    return refuse(`features are floats [N, number of them]; "${name}" is ${described(output)}`);
  return { model, input, output, columns };
}

function described(value: ValueView | undefined): string {
  return value === undefined ? 'nothing' : `"${value.name}" (${value.type ?? value.kind} [${value.shape?.join(', ') ?? ''}])`;
}

/**
 * Pictures in, features out, in one graph: pixels as they were decoded ([N, height, width, 3], bytes), scaled, laid out in planes, and the part
 * of the backbone that leads to its features.
 */
export function compileImage(
  name: string,
  plan: ImagePlan,
  backbone: Uint8Array,
): { readonly graph: GraphBuilder; readonly features: string; readonly columns: number } {
  const { image, mean, std, output, columns } = plan;
  const { model, input } = readBackbone(backbone, image, output);
  const graph = graphBuilder({ name: 'gyre_transform', opset: model.opsets[''] ?? 17 });
  const pixels = graph.input(name, 'UINT8', ['N', image.height, image.width, 3]);
  let value = graph.op('Cast', [pixels], { attributes: { to: attr.int(1) } });
  const constant = (prefix: string, values: readonly number[]): string =>
    graph.initializer(prefix, tensor('FLOAT', [3], Float32Array.from(values)));
  if (mean.some((one) => one !== 0)) value = graph.op('Sub', [value, constant('mean', mean)]);
  if (std.some((one) => one !== 1)) value = graph.op('Div', [value, constant('std', std)]);
  const planes = graph.op('Transpose', [value], { attributes: { perm: attr.ints([0, 3, 1, 2]) } });
  const made = inlineModel(graph, leadingTo(model, output), { [input.name]: planes });
  return { graph, features: made[output], columns };
}

/** A model without what its output does not need, such as the classifier that the network was trained with. */
function leadingTo(model: ModelView, output: string): ModelView {
  const needed = new Set([output]);
  const nodes: NodeView[] = [];
  for (const node of model.nodes.toReversed()) {
    if (!node.outputs.some((name) => name !== '' && needed.has(name))) continue;
    nodes.unshift(node);
    for (const name of node.inputs) needed.add(name);
  }
  return {
    ...model,
    nodes,
    initializers: model.initializers.filter(({ name }) => needed.has(name)),
    outputs: model.outputs.filter(({ name }) => name === output),
  };
}

/** The transform's own model: one output `features`, float32 [N, F]. */
export function encodeImage(name: string, plan: ImagePlan, backbone: Uint8Array): Uint8Array {
  const { graph, features, columns } = compileImage(name, plan, backbone);
  return encodeModel(graph, { outputs: [{ name: 'features', type: 'FLOAT', shape: ['N', columns], value: features }] });
}
