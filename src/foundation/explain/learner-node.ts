import { classLabels, mlDomain, numberOf, textOf } from '#onnx';
import type { GraphNode, NodeView } from '#onnx';
import { writableAttributes } from './graph-nodes.ts';
import type { GraphNodes } from './graph-nodes.ts';
import { readLinear, readProduct } from './linear-node.ts';
import type { LinearNode } from './linear-node.ts';
import { readTreeEnsemble } from './tree-ensemble.ts';
import type { TreeEnsemble } from './tree-ensemble.ts';
import type { ExplanationScale } from '#contract';

/** What a graph learned, where that is one linear or tree node with nothing but a link behind it. */
export interface LearnerNode {
  readonly kind: 'linear' | 'trees';
  /** The value that it reads: [N, columns]. */
  readonly features: string;
  /** What makes its raw output again, before any link, for the same graph; none where `raw` is a value of the graph itself. */
  readonly again: readonly GraphNode[];
  /** The value with the raw output, [N, …]. */
  readonly raw: string;
  readonly scale: ExplanationScale;
  readonly classes?: readonly string[];
  readonly read: () => TreeEnsemble | LinearNode | undefined;
}

const treeOperations = ['TreeEnsembleClassifier', 'TreeEnsembleRegressor', 'TreeEnsemble'];
const linearOperations = ['LinearClassifier', 'LinearRegressor'];

/** Operations that may stand behind a learner: they change what its margin is called, not what moved it. */
const links = new Set([
  'Add', 'ArgMax', 'ArrayFeatureExtractor', 'Cast', 'Clip', 'Concat', 'Div', 'Equal', 'Flatten', 'Gather', 'Greater', 'GreaterOrEqual', 'Identity',
  'LabelEncoder', 'Less', 'LessOrEqual', 'LogSoftmax', 'Mul', 'Neg', 'Not', 'ReduceSum', 'Reshape', 'Shape', 'Sigmoid', 'Slice', 'Softmax', 'Squeeze', 'Sub',
  'Unsqueeze', 'Where', 'ZipMap',
]); // prettier-ignore

/**
 * Finds the learner of a graph.
 * @returns undefined for graphs with several learners, other operations behind it, or none that contributions can be computed of exactly
 */
export function learnerNode(nodes: GraphNodes): LearnerNode | undefined {
  const { model } = nodes;
  const classic = model.nodes.filter(
    ({ domain, opType }) => domain === mlDomain && (treeOperations.includes(opType) || linearOperations.includes(opType)),
  );
  if (classic.length > 1 || model.functions.length > 0) return undefined;
  const [only] = classic;
  if (only !== undefined) return isLinked(nodes, only.outputs) ? ofClassic(nodes, only) : undefined;
  const product = model.nodes.findLast(({ domain, opType }) => domain === '' && (opType === 'Gemm' || opType === 'MatMul'));
  if (product === undefined || nodes.isConstant(product.inputs[0])) return undefined;
  const read = readProduct(nodes, product);
  if (read === undefined || !isLinked(nodes, [read.output])) return undefined;
  return {
    kind: 'linear',
    features: product.inputs[0],
    again: [],
    raw: read.output,
    scale: scaleOf(nodes, [read.output], 'NONE', false),
    read: () => read.linear,
  };
}

function ofClassic(nodes: GraphNodes, node: NodeView): LearnerNode | undefined {
  const isUnified = node.opType === 'TreeEnsemble';
  const attributes = writableAttributes(node);
  if (attributes === undefined) return undefined;
  const isClassifier = node.opType.endsWith('Classifier');
  const transform = isUnified
    ? ['NONE', 'SOFTMAX', 'LOGISTIC', 'SOFTMAX_ZERO', 'PROBIT'][numberOf(node, 'post_transform') ?? 0]
    : (textOf(node, 'post_transform') ?? 'NONE');
  const raw = 'explained_raw';
  const classes = classLabels(node);
  return {
    kind: linearOperations.includes(node.opType) ? 'linear' : 'trees',
    features: node.inputs[0],
    again: [
      {
        name: 'explained_again',
        domain: mlDomain,
        opType: node.opType,
        inputs: node.inputs,
        outputs: isClassifier ? ['explained_label', raw] : [raw],
        attributes: {
          ...attributes,
          post_transform: isUnified ? { type: 'INT', value: 0 } : { type: 'STRING', value: 'NONE' },
        },
      },
    ],
    raw,
    scale: scaleOf(nodes, node.outputs, transform, isClassifier),
    ...(classes === undefined ? {} : { classes }),
    read: () => (linearOperations.includes(node.opType) ? readLinear(node) : readTreeEnsemble(node)),
  };
}

/** Whether the graph's outputs come from these values alone, through links. */
function isLinked(nodes: GraphNodes, from: readonly string[]): boolean {
  const behind = new Set(from);
  for (const node of nodes.model.nodes) {
    const reads = node.inputs.filter((input) => behind.has(input));
    if (reads.length === 0) continue;
    if (!links.has(node.opType) || node.inputs.some((input) => !behind.has(input) && !nodes.isConstant(input))) return false;
    for (const output of node.outputs) behind.add(output);
  }
  return nodes.model.outputs.every(({ name }) => behind.has(name));
}

/** What a margin is, by what the learner or the graph makes of it. */
function scaleOf(nodes: GraphNodes, outputs: readonly string[], transform: string, isClassifier: boolean): ExplanationScale {
  const behind = new Set(outputs);
  const operations = new Set<string>();
  for (const node of nodes.model.nodes) {
    if (!node.inputs.some((input) => behind.has(input))) continue;
    operations.add(node.opType);
    for (const output of node.outputs) behind.add(output);
  }
  if (transform === 'LOGISTIC' || operations.has('Sigmoid')) return 'log_odds';
  if (transform.startsWith('SOFTMAX') || operations.has('Softmax') || operations.has('LogSoftmax')) return 'log_probability';
  return isClassifier ? 'score' : 'value';
}
