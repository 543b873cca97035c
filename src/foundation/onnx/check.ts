import { GyreError } from '#core';
import { decodeModel } from './decode.ts';
import type { GraphView, ModelView, NodeView, TensorView, ValueView } from './view.ts';

/** Names that a graph can use: its own and those of the graphs around it. */
type Scope = ReadonlySet<string>;

/**
 * Checks the structure of a model: versions, names, types, constants, and that every node reads what stands before it.
 * Whether an operator exists and fits its types is for the runtime to say when it loads the model.
 * @returns the decoded model
 * @throws GyreError INVALID_ARGUMENT that names the node, value or tensor and what would be right
 */
export function checkModel(bytes: Uint8Array): ModelView {
  const model = decodeModel(bytes);
  if (model.irVersion < 3) refuse(`IR version ${model.irVersion} is not supported: a model needs 3 or higher`, {});
  if (Object.keys(model.opsets).length === 0) refuse('no opset is imported: a model must say which version of ai.onnx it uses', {});
  for (const [domain, version] of Object.entries(model.opsets)) {
    if (version < 1) refuse(`opset version ${version} of "${domainName(domain)}" is none: versions start at 1`, { domain, version });
  }
  if (model.outputs.length === 0) refuse(`graph "${model.name}" has no outputs`, {});
  for (const value of [...model.inputs, ...model.outputs]) checkValue(value);
  checkGraph(model, new Set(), model.opsets);
  for (const { nodes } of model.functions) for (const node of nodes) checkAttributeTensors(node);
  return model;
}

function refuse(message: string, details: Record<string, unknown>): never {
  throw new GyreError('INVALID_ARGUMENT', `the ONNX model is broken: ${message}`, details);
}

const domainName = (domain: string): string => (domain === '' ? 'ai.onnx' : domain);
const nodeText = (node: NodeView): string => `node "${node.name}" (${node.opType})`;

function checkValue(value: ValueView): void {
  if (value.kind === 'none') refuse(`"${value.name}" has no type`, { value: value.name });
  if (value.kind === 'tensor' && value.type === null) {
    refuse(`"${value.name}" has the element type ${value.typeCode}, which Gyre does not run`, {
      value: value.name,
      typeCode: value.typeCode,
    });
  }
}

function checkGraph(graph: GraphView, outer: Scope, opsets: ModelView['opsets']): void {
  if (graph.name === '') refuse('a graph has no name', {});
  const known = new Set(outer);
  const own = new Set<string>();
  const define = (name: string, what: string): void => {
    if (name === '') refuse(`${what} has no name`, {});
    if (own.has(name)) refuse(`${what} gives the name "${name}", which another value has already`, { value: name });
    own.add(name);
    known.add(name);
  };
  for (const input of graph.inputs) define(input.name, 'an input');
  const inputNames = new Set(own);
  for (const tensor of graph.initializers) {
    checkTensor(tensor, `initializer "${tensor.name}"`);
    // In models before IR 4 each constant is also listed as an input, which it gives a default value.
    if (inputNames.delete(tensor.name)) continue;
    define(tensor.name, 'an initializer');
  }
  const producers = new Map(graph.nodes.flatMap((node, index) => node.outputs.map((output) => [output, index] as const)));
  const nodeNames = new Set<string>();
  for (const [index, node] of graph.nodes.entries()) {
    if (node.opType === '') refuse(`node "${node.name}" does not say which operator it is`, { node: node.name });
    if (node.name !== '' && nodeNames.has(node.name)) refuse(`there are two nodes "${node.name}"`, { node: node.name });
    nodeNames.add(node.name);
    if (opsets[node.domain] === undefined) {
      refuse(`${nodeText(node)} uses operators of "${domainName(node.domain)}", for which no opset is imported`, {
        node: node.name,
        domain: node.domain,
      });
    }
    for (const input of node.inputs) {
      if (input === '' || known.has(input)) continue;
      refuseInput(graph, producers, index, input);
    }
    checkAttributes(node, known, opsets);
    for (const output of node.outputs) if (output !== '') define(output, nodeText(node));
  }
  const outputNames = new Set<string>();
  for (const output of graph.outputs) {
    if (!known.has(output.name)) refuse(`output "${output.name}" is made by no node`, { value: output.name });
    if (outputNames.has(output.name)) refuse(`there are two outputs "${output.name}"`, { value: output.name });
    outputNames.add(output.name);
  }
}

/** Says why a node cannot read an input: it is nowhere, or it comes later, in a wrong order or in a circle. */
function refuseInput(graph: GraphView, producers: ReadonlyMap<string, number>, index: number, input: string): never {
  const node = graph.nodes[index];
  const details = { node: node.name, input };
  const producer = producers.get(input);
  if (producer === undefined) refuse(`${nodeText(node)} reads "${input}", which nothing defines`, details);
  const seen = new Set<number>();
  const queue = [producer];
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    if (next === index) {
      refuse(`${nodeText(node)} reads "${input}", which depends on the node's own result: the graph has a cycle`, details);
    }
    if (seen.has(next)) continue;
    seen.add(next);
    for (const name of graph.nodes[next].inputs) {
      const before = producers.get(name);
      if (before !== undefined) queue.push(before);
    }
  }
  const later = nodeText(graph.nodes[producer]);
  refuse(`${nodeText(node)} reads "${input}" before ${later} makes it: nodes must be sorted topologically`, details);
}

function checkAttributes(node: NodeView, known: Scope, opsets: ModelView['opsets']): void {
  const names = new Set<string>();
  for (const { name, attribute } of node.attributes) {
    const what = `attribute "${name}" of ${nodeText(node)}`;
    if (names.has(name)) refuse(`${what} stands there twice`, { node: node.name, attribute: name });
    names.add(name);
    if (attribute.type === 'OTHER' && attribute.code === 0) {
      refuse(`${what} has no type, or not the value of its type`, { node: node.name, attribute: name });
    }
    if (attribute.type === 'GRAPH') checkGraph(attribute.value, known, opsets);
    if (attribute.type === 'GRAPHS') for (const graph of attribute.value) checkGraph(graph, known, opsets);
  }
  checkAttributeTensors(node);
}

function checkAttributeTensors(node: NodeView): void {
  for (const { name, attribute } of node.attributes) {
    const what = `attribute "${name}" of ${nodeText(node)}`;
    if (attribute.type === 'TENSOR') checkTensor(attribute.value, what);
    if (attribute.type === 'TENSORS') for (const tensor of attribute.value) checkTensor(tensor, what);
    // The graphs of a node outside functions were checked with their scope already; a function's only keep no values elsewhere.
    const graphs = attribute.type === 'GRAPH' ? [attribute.value] : attribute.type === 'GRAPHS' ? attribute.value : [];
    for (const graph of graphs) {
      for (const tensor of graph.initializers) checkTensor(tensor, `initializer "${tensor.name}"`);
      for (const inner of graph.nodes) checkAttributeTensors(inner);
    }
  }
}

function checkTensor(tensor: TensorView, what: string): void {
  const details = { tensor: tensor.name };
  if (tensor.external) {
    refuse(`${what} keeps its values in another file; only models that hold all of their values are accepted`, details);
  }
  if (tensor.typeCode === 0) refuse(`${what} has no element type`, details);
  // Values of types that Gyre does not read (bfloat16 weights, say) are the runtime's to judge.
  if (tensor.type !== null) tensor.check();
}
