import { readTreeNodes } from '../tree-nodes.ts';
import { flattenTrees } from './flat-trees.ts';
import type { FlatTrees } from './flat-trees.ts';
import { below32 } from './float32.ts';
import { forestOf, walk } from './forest.ts';
import { newRows } from './values.ts';
import type { NodeSite, Operator, RowsOf, Step } from './values.ts';

/** TreeEnsembleRegressor of float32 rows: sums, in float32 and in the order of the trees, as ONNX Runtime's one thread adds them. */
export const treeRegressor: Operator = (site) => {
  const features = rowsOfFloats(site);
  const trees = readTreeNodes(site.node);
  if (features === undefined || trees === undefined || trees.aggregate !== 'SUM' || trees.postTransform !== 'NONE') return undefined;
  const columns = features.axes[0];
  const flat = flattenTrees(trees, columns, below32);
  if (flat === undefined || flat.roots.length === 0) return undefined;
  const aggregate = trees.outputs === 1 ? sumOfOne(flat, trees.base) : sumOfMany(flat, trees.outputs, trees.base);
  if (aggregate === undefined) return undefined;
  const made = newRows('FLOAT', [trees.outputs]);
  return { outputs: [made], step: forestStep(flat, features, (leaves, row) => aggregate(leaves, made.block, row * trees.outputs)) };
};

/** The node's first input where it is [rows, columns] of float32. */
function rowsOfFloats({ inputs: [features] }: NodeSite): RowsOf<'FLOAT'> | undefined {
  return features?.kind === 'rows' && features.type === 'FLOAT' && features.axes.length === 1 ? features : undefined;
}

/** Makes a row's scores of the leaves that it came to; `to[at]` is the first. */
type Aggregate = (leaves: Int32Array, to: Float32Array, at: number) => void;

/** @param give takes the leaves that a row came to */
function forestStep(flat: FlatTrees, { axes: [columns], block }: RowsOf<'FLOAT'>, give: (leaves: Int32Array, row: number) => void): Step {
  const forest = forestOf(flat);
  const values = new Float64Array(2 * columns);
  const leaves = new Int32Array(forest.roots.length);
  return (rows) => {
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const value = block[row * columns + column];
        values[column] = value;
        values[columns + column] = -value;
      }
      walk(forest, values, leaves);
      give(leaves, row);
    }
  };
}

/** Each leaf has one weight that counts, its first. */
function sumOfOne(flat: FlatTrees, base: readonly number[]): Aggregate {
  const trees = flat.roots.length;
  const weights = Float64Array.from({ length: flat.leafStart.length - 1 }, (_, leaf) => flat.weight[flat.leafStart[leaf]]);
  const origin = base.length === 1 ? base[0] : 0;
  return (leaves, to, at) => {
    let sum = 0;
    for (let tree = 0; tree < trees; tree++) sum = Math.fround(sum + weights[leaves[tree]]);
    to[at] = sum + origin;
  };
}

/** @returns undefined where an output may be in no leaf that a row comes to: the runtime leaves its base out then */
function sumOfMany(flat: FlatTrees, outputs: number, base: readonly number[]): Aggregate | undefined {
  const trees = flat.roots.length;
  const { leafStart, weightOutput, weight } = flat;
  const hasBase = base.length === outputs;
  const scored = alwaysScored(flat);
  if (hasBase && base.some((value, output) => value !== 0 && !scored.has(output))) return undefined;
  const origin = Float64Array.from({ length: outputs }, (_, output) => (hasBase ? base[output] : 0));
  const sums = new Float32Array(outputs);
  return (leaves, to, at) => {
    sums.fill(0);
    for (let tree = 0; tree < trees; tree++) {
      const leaf = leaves[tree];
      for (let each = leafStart[leaf]; each < leafStart[leaf + 1]; each++) sums[weightOutput[each]] += weight[each];
    }
    for (let output = 0; output < outputs; output++) to[at + output] = sums[output] + origin[output];
  };
}

/** Outputs that some tree has in each of its leaves. */
function alwaysScored({ roots, next, leafStart, weightOutput }: FlatTrees): Set<number> {
  const scored = new Set<number>();
  for (const root of roots) {
    let common: Set<number> | undefined;
    const open = [root];
    const met = new Set(open);
    for (let node = open.pop(); node !== undefined; node = open.pop()) {
      if (node < 0) {
        const own = new Set(weightOutput.subarray(leafStart[~node], leafStart[~node + 1]));
        common = common?.intersection(own) ?? own;
        continue;
      }
      for (const following of [next[2 * node], next[2 * node + 1]]) {
        if (met.has(following)) continue;
        met.add(following);
        open.push(following);
      }
    }
    for (const output of common ?? []) scored.add(output);
  }
  return scored;
}
