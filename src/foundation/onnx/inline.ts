import { GyreError } from '#core';
import type { GraphBuilder } from './builder.ts';
import type { AttributeValue } from './model.ts';
import type { ModelView, NodeView } from './view.ts';

/**
 * Adds the operations of a decoded model to a graph, e.g. a learner behind a transform, or both behind raw columns.
 * @param bindings the value of `builder` that stands for each input of the model, by input name
 * @returns the value of `builder` that each output of the model became, by output name
 * @throws GyreError INVALID_ARGUMENT when an input is not bound, the opsets differ, or the model has subgraphs or functions of its own
 */
export function inlineModel(builder: GraphBuilder, model: ModelView, bindings: Readonly<Record<string, string>>): Record<string, string> {
  const refuse = (message: string): GyreError =>
    new GyreError('INVALID_ARGUMENT', `model "${model.name}" cannot be added to the graph: ${message}`, { model: model.name });
  const versions: Readonly<Record<string, number>> = { '': builder.opset, 'ai.onnx.ml': builder.mlOpset };
  for (const domain of new Set(model.nodes.map((node) => node.domain))) {
    const expected = versions[domain] ?? 1;
    if (model.opsets[domain] !== expected) {
      throw refuse(`it uses version ${model.opsets[domain]} of "${domain || 'ai.onnx'}", the graph version ${expected}`);
    }
  }
  if (model.functions.length > 0) throw refuse('it defines functions of its own');
  const values = new Map([['', '']]);
  for (const tensor of model.initializers) values.set(tensor.name, builder.initializer(tensor.name, tensor.read()));
  for (const input of model.inputs) {
    const value = Object.hasOwn(bindings, input.name) ? bindings[input.name] : undefined;
    if (value !== undefined) values.set(input.name, value);
    else if (!values.has(input.name)) throw refuse(`its input "${input.name}" is bound to no value`);
  }
  const translate = (name: string): string => {
    const value = values.get(name);
    if (value === undefined) throw refuse(`it reads "${name}", which nothing defines`);
    return value;
  };
  for (const node of model.nodes) {
    const made = builder.node(node.opType, node.inputs.map(translate), {
      domain: node.domain,
      attributes: attributesOf(node, refuse),
      outputs: node.outputs.length,
    });
    for (const [index, output] of node.outputs.entries()) if (output !== '') values.set(output, made[index]);
  }
  return Object.fromEntries(model.outputs.map((output) => [output.name, translate(output.name)]));
}

function attributesOf(node: NodeView, refuse: (message: string) => GyreError): Record<string, AttributeValue> {
  return Object.fromEntries(
    node.attributes.map(({ name, attribute }): [string, AttributeValue] => {
      switch (attribute.type) {
        case 'TENSOR':
          return [name, { type: 'TENSOR', value: attribute.value.read() }];
        case 'TENSORS':
        case 'GRAPH':
        case 'GRAPHS':
        case 'OTHER':
          throw refuse(`attribute "${name}" of node "${node.name}" is of a kind that is not written`);
        default:
          return [name, attribute];
      }
    }),
  );
}
