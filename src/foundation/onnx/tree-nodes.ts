import { intsOf, numberOf, realsOf, tensorAttribute, tensorNumbers, textOf, textsOf } from './node-attributes.ts';
import type { NodeView } from './view.ts';

/** How a split compares a value with its threshold. */
export type SplitMode = 'BRANCH_LEQ' | 'BRANCH_LT' | 'BRANCH_GTE' | 'BRANCH_GT' | 'BRANCH_EQ' | 'BRANCH_NEQ' | 'BRANCH_MEMBER';

/** What a leaf adds to one output. */
export interface LeafWeight {
  readonly output: number;
  readonly weight: number;
}

/** A split or a leaf, as the formats of ai.onnx.ml have it. */
export type TreeNode =
  | {
      readonly mode: SplitMode;
      readonly feature: number;
      readonly threshold: number;
      /** Of BRANCH_MEMBER: the values that go the true way. */
      readonly members: readonly number[];
      /** Places of the nodes that follow; what is none (-1, or beyond the last) is broken. */
      readonly whenTrue: number;
      readonly whenFalse: number;
      readonly missingIsTrue: boolean;
    }
  | { readonly mode: 'LEAF'; readonly weights: readonly LeafWeight[] };

/** The trees of a node. */
export interface TreeNodes {
  /** Places in `nodes`. */
  readonly roots: readonly number[];
  readonly nodes: readonly TreeNode[];
  /** Targets, or classes. */
  readonly outputs: number;
  /** Of a classifier: two classes, and leaves that only know one of them. */
  readonly isOneScoreOfTwo: boolean;
  readonly base: readonly number[];
  readonly aggregate: string;
  readonly postTransform: string;
}

/**
 * Reads TreeEnsembleClassifier and TreeEnsembleRegressor (ai.onnx.ml 1 to 5) or TreeEnsemble (5).
 * @returns undefined when a TreeEnsemble lacks what it must have
 */
export function readTreeNodes(node: NodeView): TreeNodes | undefined {
  return node.opType === 'TreeEnsemble' ? readUnified(node) : readClassic(node);
}

function readClassic(node: NodeView): TreeNodes {
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
  // Node ids are only unique within a tree.
  const places = new Map<number, Map<number, number>>();
  ids.forEach((id, at) => places.getOrInsertComputed(trees[at], () => new Map()).set(id, at));
  const placeOf = (tree: number, id: number): number => places.get(tree)?.get(id) ?? -1;
  const leafOutputs = intsOf(node, `${kind}_ids`);
  const outputs = isClassifier ? (classLabels(node)?.length ?? 0) : (numberOf(node, 'n_targets') ?? 1);
  const leaves = new Map<number, LeafWeight[]>();
  const weights = realsOf(node, `${kind}_weights`);
  const leafTrees = intsOf(node, `${kind}_treeids`);
  intsOf(node, `${kind}_nodeids`).forEach((id, at) => {
    leaves.getOrInsertComputed(placeOf(leafTrees[at], id), () => []).push({ output: leafOutputs[at], weight: weights[at] });
  });
  const nodes = ids.map((_, at): TreeNode => {
    const mode = modes[at];
    if (mode === 'LEAF') return { mode, weights: leaves.get(at) ?? [] };
    return {
      // What is none of the others is taken for "not equal" by the runtime.
      mode: splitModes.find((each) => each === mode) ?? 'BRANCH_NEQ',
      feature: features[at],
      threshold: thresholds[at],
      members: [],
      whenTrue: placeOf(trees[at], whenTrue[at]),
      whenFalse: placeOf(trees[at], whenFalse[at]),
      missingIsTrue: missing[at] === 1,
    };
  });
  // The first node of each tree is its root.
  const roots = Array.from(places.values(), (own): number => own.values().next().value ?? -1);
  return {
    roots,
    nodes,
    outputs,
    isOneScoreOfTwo: isClassifier && outputs === 2 && new Set(leafOutputs).size === 1,
    base: realsOf(node, 'base_values'),
    aggregate: textOf(node, 'aggregate_function') ?? 'SUM',
    postTransform: textOf(node, 'post_transform') ?? 'NONE',
  };
}

/** The classes that a classifier names, in the order of its scores. Of TreeEnsembleClassifier and LinearClassifier. */
export function classLabels(node: NodeView): readonly string[] | undefined {
  for (const name of ['classlabels_strings', 'classlabels_int64s', 'classlabels_ints']) {
    const labels = name === 'classlabels_strings' ? textsOf(node, name) : intsOf(node, name).map((label) => String(label));
    if (labels.length > 0) return labels;
  }
  return undefined;
}

/** In the order of their numbers in TreeEnsemble. */
const splitModes: readonly SplitMode[] = ['BRANCH_LEQ', 'BRANCH_LT', 'BRANCH_GTE', 'BRANCH_GT', 'BRANCH_EQ', 'BRANCH_NEQ', 'BRANCH_MEMBER'];
const unifiedAggregates = ['AVERAGE', 'SUM', 'MIN', 'MAX'];
const unifiedTransforms = ['NONE', 'SOFTMAX', 'LOGISTIC', 'SOFTMAX_ZERO', 'PROBIT'];

/** TreeEnsemble of ai.onnx.ml 5: splits and leaves are numbered apart, sets of members follow each other with NaN between them. */
function readUnified(node: NodeView): TreeNodes | undefined {
  const splits = tensorAttribute(node, 'nodes_splits');
  const modes = tensorAttribute(node, 'nodes_modes');
  const leafWeights = tensorAttribute(node, 'leaf_weights');
  if (splits === undefined || modes === undefined || leafWeights === undefined) return undefined;
  const modeCodes = tensorNumbers(modes);
  const features = intsOf(node, 'nodes_featureids');
  const trueIds = intsOf(node, 'nodes_trueleafs');
  const falseIds = intsOf(node, 'nodes_falseleafs');
  const whenTrue = intsOf(node, 'nodes_truenodeids');
  const whenFalse = intsOf(node, 'nodes_falsenodeids');
  const missing = intsOf(node, 'nodes_missing_value_tracks_true');
  const sets = memberSets(node);
  const thresholds = tensorNumbers(splits);
  let nextSet = 0;
  const inner = thresholds.map((threshold, at): TreeNode => {
    const mode = splitModes[modeCodes[at]];
    return {
      feature: features[at],
      mode,
      threshold,
      whenTrue: trueIds[at] === 1 ? thresholds.length + whenTrue[at] : whenTrue[at],
      whenFalse: falseIds[at] === 1 ? thresholds.length + whenFalse[at] : whenFalse[at],
      missingIsTrue: missing[at] === 1,
      members: mode === 'BRANCH_MEMBER' ? sets[nextSet++] : [],
    };
  });
  const targets = intsOf(node, 'leaf_targetids');
  const leaves = tensorNumbers(leafWeights).map((weight, at): TreeNode => ({ mode: 'LEAF', weights: [{ output: targets[at], weight }] }));
  return {
    roots: intsOf(node, 'tree_roots'),
    nodes: [...inner, ...leaves],
    outputs: numberOf(node, 'n_targets') ?? 1,
    isOneScoreOfTwo: false,
    base: [],
    aggregate: unifiedAggregates[numberOf(node, 'aggregate_function') ?? 1],
    postTransform: unifiedTransforms[numberOf(node, 'post_transform') ?? 0],
  };
}

function memberSets(node: NodeView): readonly number[][] {
  const held = tensorAttribute(node, 'membership_values');
  const sets: number[][] = [[]];
  if (held === undefined) return sets;
  for (const value of tensorNumbers(held)) {
    if (Number.isNaN(value)) sets.push([]);
    else sets[sets.length - 1].push(value);
  }
  return sets;
}
