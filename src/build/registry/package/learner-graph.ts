import { GyreError } from '#core';
import { decodeModel, graphBuilder, inlineModel } from '#onnx';
import type { GraphBuilder, NodeView } from '#onnx';

/** The operations that our learners begin with; the last one in a graph is the learner's, those before it are a transform's. */
const learnerOperations = ['TreeEnsembleRegressor', 'Gemm'];

/**
 * Cuts the learner out of a packaged model: the same nodes and constants, taken from its bytes, behind an input `features` [N, columns].
 * @param output the output to keep
 * @throws GyreError FAILED_PRECONDITION when the model holds no learner of ours
 */
export function learnerGraph(onnx: Uint8Array, columns: number, output: string): GraphBuilder {
  const model = decodeModel(onnx);
  const first = model.nodes.findLastIndex(({ opType }) => learnerOperations.includes(opType));
  if (first < 0)
    throw new GyreError(
      'FAILED_PRECONDITION',
      `the ONNX model "${model.name}" holds no learner of ours: none of ${learnerOperations.join(', ')}`,
    );
  const [features] = model.nodes[first].inputs;
  const values = new Set([features, ...model.initializers.map(({ name }) => name)]);
  const nodes: NodeView[] = [];
  for (const node of model.nodes.slice(first)) {
    if (!node.inputs.every((input) => input === '' || values.has(input))) continue;
    nodes.push(node);
    for (const made of node.outputs) values.add(made);
  }
  const outputs = model.outputs.filter(({ name }) => name === output);
  const [kept] = outputs;
  if (kept === undefined)
    throw new GyreError('FAILED_PRECONDITION', `the ONNX model "${model.name}" has no output "${output}"`, { output });
  const input = { name: features, kind: 'tensor', type: 'FLOAT', typeCode: 1, shape: ['N', columns] } as const;
  const graph = graphBuilder({ name: 'learner', opset: model.opsets[''], mlOpset: model.opsets['ai.onnx.ml'] ?? 3 });
  graph.input('features', 'FLOAT', ['N', columns]);
  const made = inlineModel(graph, { ...model, inputs: [input], nodes, outputs }, { [features]: 'features' });
  graph.output(output, 'FLOAT', kept.shape ?? ['N', 1], made[output]);
  return graph;
}
