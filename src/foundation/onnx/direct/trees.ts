import { readTreeNodes } from '../tree-nodes.ts';
import { flattenTrees } from './flat-trees.ts';
import type { FlatTrees } from './flat-trees.ts';
import { below32 } from './float32.ts';
import { forestOf, walk } from './forest.ts';
import { postTransform } from './post-transform.ts';
import { treeScores } from './tree-scores.ts';
import { blockRows, newRows, widest } from './values.ts';
import type { NodeSite, Operator, RowsOf, Step } from './values.ts';

/** TreeEnsembleRegressor, and TreeEnsemble of ai.onnx.ml 5, of float32 rows. */
export const treeRegressor: Operator = (site) => {
  const features = floatRows(site);
  const trees = readTreeNodes(site.node);
  if (features === undefined || trees === undefined || trees.outputs > widest) return undefined;
  const flat = flattenTrees(trees, features.axes[0], below32);
  if (flat === undefined) return undefined;
  const { outputs, base, aggregate } = trees;
  const made = newRows('FLOAT', [outputs]);
  const to = made.block;
  if (outputs === 1) {
    // Of one target, the runtime only knows how to make a probit.
    if (trees.postTransform === 'PROBIT') return undefined;
    const finish = oneTarget(flat, base.length === 1 ? base[0] : 0, aggregate);
    return finish && { outputs: [made], step: forestStep(flat, features, (leaves, start, row) => (to[row] = finish(leaves, start))) };
  }
  const gathered = treeScores(flat, outputs, aggregate);
  const transform = postTransform(trees.postTransform, site.arithmetic.isFused);
  if (gathered === undefined || transform === undefined) return undefined;
  const { scores, has, gather } = gathered;
  const origin = base.length === outputs ? Float64Array.from(base) : new Float64Array(outputs);
  return {
    outputs: [made],
    step: forestStep(flat, features, (leaves, start, row) => {
      gather(leaves, start);
      // An output that is in no leaf has no score, and its base is not counted.
      for (let k = 0; k < outputs; k++) to[row * outputs + k] = has[k] === 0 ? 0 : scores[k] + origin[k];
      transform(to, row * outputs, outputs);
    }),
  };
};

/** The node's first input where it is [rows, columns] of float32. */
export function floatRows({ inputs: [features] }: NodeSite): RowsOf<'FLOAT'> | undefined {
  return features?.kind === 'rows' && features.type === 'FLOAT' && features.axes.length === 1 ? features : undefined;
}

/** Walks the trees for each row. @param give takes the leaves that a row came to, which begin at `start` */
export function forestStep(
  flat: FlatTrees,
  { axes: [columns], block }: RowsOf<'FLOAT'>,
  give: (leaves: Int32Array, start: number, row: number) => void,
): Step {
  const forest = forestOf(flat);
  const trees = forest.roots.length;
  const width = 2 * columns;
  const values = new Float64Array(blockRows * width);
  const leaves = new Int32Array(blockRows * trees);
  return (rows) => {
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const value = block[row * columns + column];
        values[row * width + column] = value;
        values[row * width + columns + column] = -value;
      }
    }
    walk(forest, { rows, width, values, leaves });
    for (let row = 0; row < rows; row++) give(leaves, row * trees, row);
  };
}

/** The score of a row's leaves where there is one target: of each leaf only the first weight counts. */
function oneTarget(flat: FlatTrees, origin: number, aggregate: string): ((leaves: Int32Array, start: number) => number) | undefined {
  const trees = flat.roots.length;
  const weights = Float64Array.from({ length: flat.leafStart.length - 1 }, (_, leaf) => flat.weight[flat.leafStart[leaf]]);
  const sum = (leaves: Int32Array, start: number): number => {
    let total = 0;
    for (let tree = 0; tree < trees; tree++) total = Math.fround(total + weights[leaves[start + tree]]);
    return total;
  };
  const extreme = (sign: number) => (leaves: Int32Array, start: number) => {
    let found = weights[leaves[start]];
    for (let tree = 1; tree < trees; tree++) {
      const weight = weights[leaves[start + tree]];
      if (sign * weight > sign * found) found = weight;
    }
    return Math.fround(found + origin);
  };
  switch (aggregate) {
    case 'SUM':
      return (leaves, start) => Math.fround(sum(leaves, start) + origin);
    case 'AVERAGE':
      return (leaves, start) => Math.fround(Math.fround(sum(leaves, start) / trees) + origin);
    case 'MIN':
      return extreme(-1);
    case 'MAX':
      return extreme(1);
    default:
      return undefined;
  }
}
