import type { SplitTree } from '#learners';
import type { NodeView } from '#onnx';
import { intsOf, numberOf, realsOf, tensorAttribute, tensorNumbers, textOf, textsOf } from './graph-nodes.ts';

/** A node of trees, read from a graph: its raw output k is `base[k]` plus the leaves of the trees whose index is k modulo outputs. */
export interface TreeEnsemble {
  readonly outputs: number;
  readonly base: readonly number[];
  /** Covers are all 0: `withCovers` counts them. */
  readonly trees: readonly SplitTree[];
  /** Whether the node has one margin for two classes: that of the second. */
  readonly isBinary: boolean;
}

/** A split as the formats of ai.onnx.ml have it; a leaf has no mode. */
interface RawNode {
  readonly feature: number;
  readonly mode: string;
  readonly threshold: number;
  /** Where the split asks for members of a set. */
  readonly members?: ReadonlySet<number>;
  /** Keys of the nodes that follow. */
  readonly whenTrue: number;
  readonly whenFalse: number;
  readonly missingIsTrue: boolean;
  /** Of a leaf: values by output. */
  readonly leaf?: ReadonlyMap<number, number>;
}

interface RawTrees {
  readonly roots: readonly number[];
  readonly nodes: ReadonlyMap<number, RawNode>;
  readonly outputs: number;
  readonly isBinary: boolean;
  readonly base: readonly number[];
  readonly aggregate: string;
}

/**
 * Reads TreeEnsembleClassifier and TreeEnsembleRegressor (ai.onnx.ml 1 to 5) or TreeEnsemble (5).
 * @returns undefined for what is no sum of trees (MIN and MAX), and for trees that are broken
 */
export function readTreeEnsemble(node: NodeView): TreeEnsemble | undefined {
  const raw = node.opType === 'TreeEnsemble' ? readUnified(node) : readClassic(node);
  if (raw === undefined || (raw.aggregate !== 'SUM' && raw.aggregate !== 'AVERAGE')) return undefined;
  const { roots, outputs } = raw;
  const share = raw.aggregate === 'AVERAGE' ? 1 / roots.length : 1;
  const trees: SplitTree[] = [];
  for (const root of roots) {
    const order = orderOf(root, raw.nodes);
    if (order === undefined) return undefined;
    const shape = shapeOf(order, raw.nodes);
    for (let k = 0; k < outputs; k++) trees.push({ ...shape, value: order.map((key) => (raw.nodes.get(key)?.leaf?.get(k) ?? 0) * share) });
  }
  const base = Array.from({ length: outputs }, (_, k) => (raw.isBinary ? (raw.base.at(-1) ?? 0) : (raw.base[k] ?? 0)));
  return { outputs, base, trees, isBinary: raw.isBinary };
}

/** Keys of a tree's nodes, each after its parent; undefined when one is missing or is met twice. */
function orderOf(root: number, nodes: ReadonlyMap<number, RawNode>): number[] | undefined {
  const order = [root];
  const met = new Set(order);
  for (let at = 0; at < order.length; at++) {
    const node = nodes.get(order[at]);
    if (node === undefined) return undefined;
    if (node.leaf !== undefined) continue;
    for (const next of [node.whenTrue, node.whenFalse]) {
      if (met.has(next)) return undefined;
      met.add(next);
      order.push(next);
    }
  }
  return order;
}

/** A tree as learners have it: a row goes left when its value is at most the threshold (or a member). */
function shapeOf(order: readonly number[], nodes: ReadonlyMap<number, RawNode>): Omit<SplitTree, 'value'> {
  const position = new Map(order.map((key, at) => [key, at]));
  const [feature, threshold, missingLeft, left, right]: number[][] = [[], [], [], [], []];
  const members: Record<number, ReadonlySet<number>> = {};
  order.forEach((key, at) => {
    const node = nodes.get(key);
    if (node === undefined || node.leaf !== undefined) {
      for (const list of [threshold, missingLeft, left, right]) list.push(0);
      feature.push(-1);
      return;
    }
    // "greater" and "not equal" are "at most" and "equal" with the branches exchanged.
    const isTurned = node.mode === 'BRANCH_GTE' || node.mode === 'BRANCH_GT' || node.mode === 'BRANCH_NEQ';
    const isStrict = node.mode === 'BRANCH_LT' || node.mode === 'BRANCH_GTE';
    const isEqual = node.mode === 'BRANCH_EQ' || node.mode === 'BRANCH_NEQ';
    const set = node.members ?? (isEqual ? new Set([node.threshold]) : undefined);
    if (set !== undefined) members[at] = set;
    const whenTrue = position.get(node.whenTrue) ?? 0;
    const whenFalse = position.get(node.whenFalse) ?? 0;
    feature.push(node.feature);
    threshold.push(isStrict ? nextBelow(node.threshold) : node.threshold);
    // A missing value is unequal to everything, as the runtime has it.
    const missingIsTrue = node.missingIsTrue || node.mode === 'BRANCH_NEQ';
    missingLeft.push(missingIsTrue === isTurned ? 0 : 1);
    left.push(isTurned ? whenFalse : whenTrue);
    right.push(isTurned ? whenTrue : whenFalse);
  });
  const zeros = order.map(() => 0);
  return { feature, threshold, missingLeft, left, right, members, cover: zeros, gain: zeros };
}

/** The greatest float64 below a number: "less than" is "at most" this, for float32 values as well. */
function nextBelow(value: number): number {
  if (value === 0) return -Number.MIN_VALUE;
  if (!Number.isFinite(value)) return value === Infinity ? Number.MAX_VALUE : value;
  const numbers = Float64Array.of(value);
  const bits = new BigInt64Array(numbers.buffer);
  // IEEE 754 numbers of one sign are ordered as their bits are, by size.
  bits[0] += value > 0 ? -1n : 1n;
  return numbers[0];
}

/** Node ids are only unique within a tree: keys are made of both. */
const treeStride = 2 ** 32;

function readClassic(node: NodeView): RawTrees | undefined {
  const isClassifier = node.opType === 'TreeEnsembleClassifier';
  const kind = isClassifier ? 'class' : 'target';
  const trees = intsOf(node, 'nodes_treeids');
  const ids = intsOf(node, 'nodes_nodeids');
  const features = intsOf(node, 'nodes_featureids');
  const thresholds = realsOf(node, 'nodes_values');
  const modes = textsOf(node, 'nodes_modes');
  const whenTrue = intsOf(node, 'nodes_truenodeids');
  const whenFalse = intsOf(node, 'nodes_falsenodeids');
  const missing = intsOf(node, 'nodes_missing_value_tracks_true');
  const key = (tree: number, id: number): number => tree * treeStride + id;
  const leafOutputs = intsOf(node, `${kind}_ids`);
  const classes = isClassifier ? classCount(node) : (numberOf(node, 'n_targets') ?? 1);
  const isBinary = isClassifier && classes === 2 && new Set(leafOutputs).size === 1;
  const leaves = new Map<number, Map<number, number>>();
  const weights = realsOf(node, `${kind}_weights`);
  const leafTrees = intsOf(node, `${kind}_treeids`);
  intsOf(node, `${kind}_nodeids`).forEach((id, at) => {
    const values = leaves.getOrInsertComputed(key(leafTrees[at], id), () => new Map());
    const output = isBinary ? 0 : leafOutputs[at];
    values.set(output, (values.get(output) ?? 0) + weights[at]);
  });
  const nodes = new Map<number, RawNode>();
  const roots: number[] = [];
  const seen = new Set<number>();
  ids.forEach((id, at) => {
    const tree = trees[at];
    // The first node of each tree is its root.
    if (!seen.has(tree)) roots.push(key(tree, id));
    seen.add(tree);
    nodes.set(key(tree, id), {
      feature: features[at],
      mode: modes[at],
      threshold: thresholds[at],
      whenTrue: key(tree, whenTrue[at]),
      whenFalse: key(tree, whenFalse[at]),
      missingIsTrue: missing[at] === 1,
      ...(modes[at] === 'LEAF' ? { leaf: leaves.get(key(tree, id)) ?? new Map() } : {}),
    });
  });
  return {
    roots,
    nodes,
    outputs: isBinary ? 1 : classes,
    isBinary,
    base: realsOf(node, 'base_values'),
    aggregate: textOf(node, 'aggregate_function') ?? 'SUM',
  };
}

/** Of TreeEnsembleClassifier and LinearClassifier. */
export function classCount(node: NodeView): number {
  return classLabels(node)?.length ?? 0;
}

/** The classes that a classifier names, in the order of its scores. */
export function classLabels(node: NodeView): readonly string[] | undefined {
  for (const name of ['classlabels_strings', 'classlabels_int64s', 'classlabels_ints']) {
    const labels = name === 'classlabels_strings' ? textsOf(node, name) : intsOf(node, name).map((label) => String(label));
    if (labels.length > 0) return labels;
  }
  return undefined;
}

const unifiedModes = ['BRANCH_LEQ', 'BRANCH_LT', 'BRANCH_GTE', 'BRANCH_GT', 'BRANCH_EQ', 'BRANCH_NEQ', 'BRANCH_MEMBER'];
const unifiedAggregates = ['AVERAGE', 'SUM', 'MIN', 'MAX'];

/** TreeEnsemble of ai.onnx.ml 5: splits and leaves are numbered apart, sets of members follow each other with NaN between them. */
function readUnified(node: NodeView): RawTrees | undefined {
  const splits = tensorAttribute(node, 'nodes_splits');
  const modes = tensorAttribute(node, 'nodes_modes');
  const leafWeights = tensorAttribute(node, 'leaf_weights');
  if (splits === undefined || modes === undefined || leafWeights === undefined) return undefined;
  const thresholds = tensorNumbers(splits);
  const modeCodes = tensorNumbers(modes);
  const features = intsOf(node, 'nodes_featureids');
  const trueIds = intsOf(node, 'nodes_trueleafs');
  const falseIds = intsOf(node, 'nodes_falseleafs');
  const whenTrue = intsOf(node, 'nodes_truenodeids');
  const whenFalse = intsOf(node, 'nodes_falsenodeids');
  const missing = intsOf(node, 'nodes_missing_value_tracks_true');
  const sets = memberSets(node);
  const leafKey = (leaf: number): number => treeStride + leaf;
  const nodes = new Map<number, RawNode>();
  let nextSet = 0;
  thresholds.forEach((threshold, at) => {
    const mode = unifiedModes[modeCodes[at]];
    nodes.set(at, {
      feature: features[at],
      mode,
      threshold,
      whenTrue: trueIds[at] === 1 ? leafKey(whenTrue[at]) : whenTrue[at],
      whenFalse: falseIds[at] === 1 ? leafKey(whenFalse[at]) : whenFalse[at],
      missingIsTrue: missing[at] === 1,
      ...(mode === 'BRANCH_MEMBER' ? { members: sets[nextSet++] } : {}),
    });
  });
  const targets = intsOf(node, 'leaf_targetids');
  tensorNumbers(leafWeights).forEach((weight, at) => {
    const none = { feature: 0, mode: 'LEAF', threshold: 0, whenTrue: 0, whenFalse: 0, missingIsTrue: false };
    nodes.set(leafKey(at), { ...none, leaf: new Map([[targets[at], weight]]) });
  });
  return {
    roots: intsOf(node, 'tree_roots'),
    nodes,
    outputs: numberOf(node, 'n_targets') ?? 1,
    isBinary: false,
    base: [],
    aggregate: unifiedAggregates[numberOf(node, 'aggregate_function') ?? 1],
  };
}

function memberSets(node: NodeView): ReadonlySet<number>[] {
  const held = tensorAttribute(node, 'membership_values');
  const sets: Set<number>[] = [new Set()];
  if (held === undefined) return sets;
  for (const value of tensorNumbers(held)) {
    if (Number.isNaN(value)) sets.push(new Set());
    else sets[sets.length - 1].add(value);
  }
  return sets;
}
