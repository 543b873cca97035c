import type { TreeNode, TreeNodes } from '../tree-nodes.ts';

/**
 * Trees as arrays of tests of one kind: a row goes on to `next[2 * test + 1]` where `values[place[test]] <= limit[test]`, else (also where
 * the value is NaN) to `next[2 * test]`. `values` are a row's features and, behind them, the features negated. What is below 0 is a leaf:
 * the complement of its number.
 */
export interface FlatTrees {
  /** Where each tree begins: a test, or a leaf. */
  readonly roots: Int32Array;
  readonly place: Int32Array;
  readonly limit: Float64Array;
  readonly next: Int32Array;
  /** Weights of leaf i are those from `leafStart[i]` to before `leafStart[i + 1]`. */
  readonly leafStart: Int32Array;
  readonly weightOutput: Int32Array;
  readonly weight: Float64Array;
}

/** `value <= limit` of a feature or of its negative. */
interface Test {
  readonly isNegated: boolean;
  readonly limit: number;
}

/** Splits upon each other beyond this are no tree that anyone learned, but bytes made to exhaust the stack. */
const deepest = 1000;

/**
 * Lays trees out for walking. Thresholds have to be numbers of the precision of the rows: "less than" becomes "at most" the next lower one.
 * @param columns features of a row
 * @param below the greatest number of the rows' precision that is less than its argument
 * @returns undefined for trees that are broken, that go in a circle, or that ask for other features
 */
export function flattenTrees(trees: TreeNodes, columns: number, below: (value: number) => number): FlatTrees | undefined {
  const flat = {
    place: [] as number[],
    limit: [] as number[],
    next: [] as number[],
    leafStart: [0],
    weightOutput: [] as number[],
    weight: [] as number[],
  };
  const laid: (number | undefined)[] = [];
  const isOnPath = new Set<number>();

  const addTest = (feature: number, { isNegated, limit }: Test): number => {
    flat.place.push(isNegated ? columns + feature : feature);
    flat.limit.push(limit);
    flat.next.push(0, 0);
    return flat.place.length - 1;
  };
  const link = (test: number, whenTrue: number, whenFalse: number): void => {
    flat.next[2 * test + 1] = whenTrue;
    flat.next[2 * test] = whenFalse;
  };
  /** @returns where the node stands, or undefined when it is broken */
  const lay = (at: number): number | undefined => {
    const known = laid[at];
    if (known !== undefined) return known;
    const node = trees.nodes[at];
    if (node === undefined || isOnPath.has(at) || isOnPath.size > deepest) return undefined;
    if (node.mode === 'LEAF') {
      if (node.weights.length === 0) return undefined;
      for (const { output, weight } of node.weights) {
        if (!(output >= 0 && output < trees.outputs) || !Number.isFinite(weight)) return undefined;
        flat.weightOutput.push(output);
        flat.weight.push(weight);
      }
      flat.leafStart.push(flat.weight.length);
      laid[at] = 1 - flat.leafStart.length;
      return laid[at];
    }
    const { feature, threshold } = node;
    if (!(feature >= 0 && feature < columns) || Number.isNaN(threshold)) return undefined;
    const asked = testsOf(node, below);
    if (asked === undefined) return undefined;
    const places = asked.map(({ test }) => addTest(feature, test));
    isOnPath.add(at);
    const whenTrue = lay(node.whenTrue);
    const whenFalse = lay(node.whenFalse);
    isOnPath.delete(at);
    if (whenTrue === undefined || whenFalse === undefined) return undefined;
    const wayTo = (way: Way): number => (typeof way === 'number' ? places[way] : way ? whenTrue : whenFalse);
    asked.forEach(({ yes, no }, step) => link(places[step], wayTo(yes), wayTo(no)));
    laid[at] = places[0];
    return places[0];
  };

  const roots: number[] = [];
  for (const root of trees.roots) {
    const start = lay(root);
    if (start === undefined) return undefined;
    roots.push(start);
  }
  return {
    roots: Int32Array.from(roots),
    place: Int32Array.from(flat.place),
    limit: Float64Array.from(flat.limit),
    next: Int32Array.from(flat.next),
    leafStart: Int32Array.from(flat.leafStart),
    weightOutput: Int32Array.from(flat.weightOutput),
    weight: Float64Array.from(flat.weight),
  };
}

/** Where an answer leads: the node's true or false branch, or one of its further tests. */
type Way = boolean | number;

/** A test of a node. NaN answers no. */
interface Asked {
  readonly test: Test;
  readonly yes: Way;
  readonly no: Way;
}

type Split = Exclude<TreeNode, { readonly mode: 'LEAF' }>;

/** A comparison as tests in which NaN takes the way that it takes in the comparison. */
function testsOf({ mode, threshold, missingIsTrue }: Split, below: (value: number) => number): readonly Asked[] | undefined {
  const atMost: Test = { isNegated: false, limit: threshold };
  const less: Test = { isNegated: false, limit: below(threshold) };
  const atLeast: Test = { isNegated: true, limit: -threshold };
  const greater: Test = { isNegated: true, limit: below(-threshold) };
  const one = (test: Test, opposite: Test): readonly Asked[] =>
    missingIsTrue ? [{ test: opposite, yes: false, no: true }] : [{ test, yes: true, no: false }];
  switch (mode) {
    case 'BRANCH_LEQ':
      return one(atMost, greater);
    case 'BRANCH_LT':
      return one(less, atLeast);
    case 'BRANCH_GTE':
      return one(atLeast, less);
    case 'BRANCH_GT':
      return one(greater, atMost);
    case 'BRANCH_EQ':
      return missingIsTrue
        ? [
            { test: greater, yes: false, no: 1 },
            { test: less, yes: false, no: true },
          ]
        : [
            { test: atMost, yes: 1, no: false },
            { test: atLeast, yes: true, no: false },
          ];
    case 'BRANCH_NEQ':
      // NaN is unequal to everything, whatever the node says of missing values.
      return [
        { test: atMost, yes: 1, no: true },
        { test: atLeast, yes: false, no: true },
      ];
    case 'BRANCH_MEMBER':
      // The runtime has the members as bits of whole numbers, which other values meet as well.
      return undefined;
  }
}
