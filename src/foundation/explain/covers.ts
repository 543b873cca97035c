import { goesLeft } from '#learners';
import type { FeatureValues, SplitTree } from '#learners';

/** So little that it moves no share of what rows have counted, and yet gives shares where none came by. */
const perLeaf = 1e-9;

/**
 * Trees with the covers that rows give them: the weight of the rows that pass a node. A graph does not say what its trees were grown on. Where no row
 * comes by (everywhere, without rows), the leaves below a node share it equally.
 * @param values [rows][columns], flat
 */
export function withCovers(trees: readonly SplitTree[], values: FeatureValues, columns: number, weights: readonly number[]): SplitTree[] {
  return trees.map((tree) => {
    const cover = leavesBelow(tree).map((leaves) => leaves * perLeaf);
    weights.forEach((weight, row) => {
      for (let node = 0; ;) {
        cover[node] += weight;
        const feature = tree.feature[node];
        if (feature < 0) break;
        node = goesLeft(tree, node, values[row * columns + feature]) ? tree.left[node] : tree.right[node];
      }
    });
    return { ...tree, cover };
  });
}

function leavesBelow({ feature, left, right }: SplitTree): number[] {
  const leaves = feature.map((split): number => (split < 0 ? 1 : 0));
  // Children stand after their parent.
  for (let node = feature.length - 1; node >= 0; node--) if (feature[node] >= 0) leaves[node] = leaves[left[node]] + leaves[right[node]];
  return leaves;
}
