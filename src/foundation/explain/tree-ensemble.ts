import type { SplitTree } from '#learners';
import { readTreeNodes } from '#onnx';
import type { NodeView, TreeNode, TreeNodes } from '#onnx';

/** A node of trees, read from a graph: its raw output k is `base[k]` plus the leaves of the trees whose index is k modulo outputs. */
export interface TreeEnsemble {
  readonly outputs: number;
  readonly base: readonly number[];
  /** Covers are all 0: `withCovers` counts them. */
  readonly trees: readonly SplitTree[];
  /** Whether the node has one margin for two classes: that of the second. */
  readonly isBinary: boolean;
}

/**
 * Reads TreeEnsembleClassifier and TreeEnsembleRegressor (ai.onnx.ml 1 to 5) or TreeEnsemble (5).
 * @returns undefined for what is no sum of trees (MIN and MAX), and for trees that are broken
 */
export function readTreeEnsemble(node: NodeView): TreeEnsemble | undefined {
  const read = readTreeNodes(node);
  if (read === undefined || (read.aggregate !== 'SUM' && read.aggregate !== 'AVERAGE')) return undefined;
  const { roots, isOneScoreOfTwo } = read;
  const outputs = isOneScoreOfTwo ? 1 : read.outputs;
  const share = read.aggregate === 'AVERAGE' ? 1 / roots.length : 1;
  const trees: SplitTree[] = [];
  for (const root of roots) {
    const order = orderOf(root, read.nodes);
    if (order === undefined) return undefined;
    const shape = shapeOf(order, read.nodes);
    for (let k = 0; k < outputs; k++) {
      trees.push({ ...shape, value: order.map((key) => leafValue(read.nodes[key], isOneScoreOfTwo ? undefined : k) * share) });
    }
  }
  const base = Array.from({ length: outputs }, (_, k) => (isOneScoreOfTwo ? (read.base.at(-1) ?? 0) : (read.base[k] ?? 0)));
  return { outputs, base, trees, isBinary: isOneScoreOfTwo };
}

/** What a leaf adds to an output, or to the only one that it knows; 0 for a split. */
function leafValue(node: TreeNode | undefined, output: number | undefined): number {
  if (node?.mode !== 'LEAF') return 0;
  return node.weights.reduce((sum, each) => (output === undefined || each.output === output ? sum + each.weight : sum), 0);
}

/** Places of a tree's nodes, each after its parent; undefined when one is missing or is met twice. */
function orderOf(root: number, nodes: TreeNodes['nodes']): number[] | undefined {
  const order = [root];
  const met = new Set(order);
  for (let at = 0; at < order.length; at++) {
    const node = nodes[order[at]];
    if (node === undefined) return undefined;
    if (node.mode === 'LEAF') continue;
    for (const next of [node.whenTrue, node.whenFalse]) {
      if (met.has(next)) return undefined;
      met.add(next);
      order.push(next);
    }
  }
  return order;
}

/** A tree as learners have it: a row goes left when its value is at most the threshold (or a member). */
function shapeOf(order: readonly number[], nodes: TreeNodes['nodes']): Omit<SplitTree, 'value'> {
  const position = new Map(order.map((key, at) => [key, at]));
  const [feature, threshold, missingLeft, left, right]: number[][] = [[], [], [], [], []];
  const members: Record<number, ReadonlySet<number>> = {};
  order.forEach((key, at) => {
    const node = nodes[key];
    if (node === undefined || node.mode === 'LEAF') {
      for (const list of [threshold, missingLeft, left, right]) list.push(0);
      feature.push(-1);
      return;
    }
    // "greater" and "not equal" are "at most" and "equal" with the branches exchanged.
    const isTurned = node.mode === 'BRANCH_GTE' || node.mode === 'BRANCH_GT' || node.mode === 'BRANCH_NEQ';
    const isStrict = node.mode === 'BRANCH_LT' || node.mode === 'BRANCH_GTE';
    const isEqual = node.mode === 'BRANCH_EQ' || node.mode === 'BRANCH_NEQ';
    if (node.mode === 'BRANCH_MEMBER') members[at] = new Set(node.members);
    else if (isEqual) members[at] = new Set([node.threshold]);
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
