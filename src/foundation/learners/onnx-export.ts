import { GyreError } from '#core';
import { attr, mlDomain, tensor } from '#onnx';
import type { GraphBuilder, TensorOf } from '#onnx';
import { outputsOf } from './model.ts';
import type { BoostingModel, LinearModel, Model } from './model.ts';

export interface OnnxOptions {
  /** Labels by class index: strings, or integers (the indices themselves when absent). Not used for regression. */
  readonly classes?: readonly string[] | readonly number[];
  /** Binary: class 1 is the label where its probability is at least this; 0.5 when absent. */
  readonly threshold?: number;
}

/** Names of the values that a model adds to a graph. */
export type OnnxValues =
  | {
      readonly kind: 'classification';
      /** [N]; strings or int64, as the classes. */
      readonly label: string;
      readonly labelType: 'STRING' | 'INT64';
      /** float32 [N, classes] */
      readonly probabilities: string;
    }
  | {
      readonly kind: 'regression';
      /** float32 [N, 1] */
      readonly prediction: string;
    };

/**
 * Adds a model to a graph, behind the transforms. Margins are made by Gemm (linear) or TreeEnsembleRegressor (trees; ai.onnx.ml 3), which
 * compares and adds in float32 what the model holds as float32, then Sigmoid or Softmax.
 * @param features name of a float32 value [N, columns], in the order of the model's feature names
 * @throws GyreError INVALID_ARGUMENT when the number of classes does not fit
 */
export function appendToOnnx(graph: GraphBuilder, features: string, model: Model, options: OnnxOptions = {}): OnnxValues {
  const margins = model.kind === 'gbdt' ? treeMargins(graph, features, model) : linearMargins(graph, features, model);
  if (model.task === 'regression') return { kind: 'regression', prediction: margins };
  const labels = options.classes ?? Array.from({ length: model.classes }, (_, k) => k);
  if (labels.length !== model.classes)
    throw new GyreError('INVALID_ARGUMENT', `${labels.length} labels for a model of ${model.classes} classes: one each is right`, {
      classes: labels,
    });
  const { probabilities, index } =
    model.task === 'binary' ? binaryOutputs(graph, margins, options.threshold ?? 0.5) : multiclassOutputs(graph, margins);
  const table = labelTable(labels);
  const label = graph.op('Gather', [graph.initializer('classes', table), index], { attributes: { axis: attr.int(0) } });
  return { kind: 'classification', label, labelType: table.type, probabilities };
}

function labelTable(labels: readonly (string | number)[]): TensorOf<'STRING'> | TensorOf<'INT64'> {
  const texts = labels.filter((label) => typeof label === 'string');
  if (texts.length === labels.length) return tensor('STRING', [texts.length], texts);
  return tensor(
    'INT64',
    [labels.length],
    BigInt64Array.from(labels, (label) => BigInt(label)),
  );
}

function binaryOutputs(graph: GraphBuilder, margins: string, threshold: number): { probabilities: string; index: string } {
  const positive = graph.op('Sigmoid', [margins]);
  const one = graph.initializer('one', tensor('FLOAT', [1], Float32Array.of(1)));
  const negative = graph.op('Sub', [one, positive]);
  const probabilities = graph.op('Concat', [negative, positive], { attributes: { axis: attr.int(1) } });
  const limit = graph.initializer('threshold', tensor('FLOAT', [1], Float32Array.of(threshold)));
  const chosen = graph.op('GreaterOrEqual', [positive, limit]);
  const flat = graph.op('Reshape', [chosen, graph.initializer('flat', tensor('INT64', [1], BigInt64Array.of(-1n)))]);
  const int64 = 7;
  return { probabilities, index: graph.op('Cast', [flat], { attributes: { to: attr.int(int64) } }) };
}

function multiclassOutputs(graph: GraphBuilder, margins: string): { probabilities: string; index: string } {
  const probabilities = graph.op('Softmax', [margins], { attributes: { axis: attr.int(1) } });
  return { probabilities, index: graph.op('ArgMax', [probabilities], { attributes: { axis: attr.int(1), keepdims: attr.int(0) } }) };
}

function linearMargins(graph: GraphBuilder, features: string, { coefficients, intercepts }: LinearModel): string {
  const columns = coefficients[0].length;
  const weights = new Float32Array(columns * coefficients.length);
  coefficients.forEach((output, k) => output.forEach((coefficient, c) => (weights[c * coefficients.length + k] = coefficient)));
  return graph.op('Gemm', [
    features,
    graph.initializer('coefficients', tensor('FLOAT', [columns, coefficients.length], weights)),
    graph.initializer('intercepts', tensor('FLOAT', [intercepts.length], Float32Array.from(intercepts))),
  ]);
}

function treeMargins(graph: GraphBuilder, features: string, model: BoostingModel): string {
  const outputs = outputsOf(model);
  const nodes = {
    tree: [] as number[],
    id: [] as number[],
    feature: [] as number[],
    threshold: [] as number[],
    mode: [] as string[],
    left: [] as number[],
    right: [] as number[],
    missing: [] as number[],
  };
  const leaves = { tree: [] as number[], id: [] as number[], output: [] as number[], value: [] as number[] };
  model.trees.forEach((tree, t) =>
    tree.feature.forEach((feature, node) => {
      const isLeaf = feature < 0;
      nodes.tree.push(t);
      nodes.id.push(node);
      nodes.feature.push(isLeaf ? 0 : feature);
      nodes.threshold.push(isLeaf ? 0 : tree.threshold[node]);
      nodes.mode.push(isLeaf ? 'LEAF' : 'BRANCH_LEQ');
      nodes.left.push(isLeaf ? 0 : tree.left[node]);
      nodes.right.push(isLeaf ? 0 : tree.right[node]);
      nodes.missing.push(isLeaf ? 0 : tree.missingLeft[node]);
      if (!isLeaf) return;
      leaves.tree.push(t);
      leaves.id.push(node);
      leaves.output.push(t % outputs);
      leaves.value.push(tree.value[node]);
    }),
  );
  return graph.op('TreeEnsembleRegressor', [features], {
    domain: mlDomain,
    attributes: {
      n_targets: attr.int(outputs),
      aggregate_function: attr.string('SUM'),
      post_transform: attr.string('NONE'),
      base_values: attr.floats(model.baseMargins),
      nodes_treeids: attr.ints(nodes.tree),
      nodes_nodeids: attr.ints(nodes.id),
      nodes_featureids: attr.ints(nodes.feature),
      nodes_values: attr.floats(nodes.threshold),
      nodes_modes: attr.strings(nodes.mode),
      nodes_truenodeids: attr.ints(nodes.left),
      nodes_falsenodeids: attr.ints(nodes.right),
      nodes_missing_value_tracks_true: attr.ints(nodes.missing),
      target_treeids: attr.ints(leaves.tree),
      target_nodeids: attr.ints(leaves.id),
      target_ids: attr.ints(leaves.output),
      target_weights: attr.floats(leaves.value),
    },
  });
}
