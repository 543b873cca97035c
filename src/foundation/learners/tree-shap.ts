import type { FeatureValues } from './matrix.ts';
import type { SplitTree, Tree } from './model.ts';
import { goesLeft } from './model.ts';

/**
 * Adds a tree's Shapley values for one row: path-dependent TreeSHAP (Lundberg et al. 2018, "Consistent individualized feature attribution for
 * tree ensembles", algorithm 2). What a set of known features is worth is the tree's expectation when unknown ones are averaged by the
 * training rows that went each way. Cost: leaves x depth².
 * @param start index of the row's first value; @param phi one entry per feature, added to
 */
export function addTreeShap(tree: SplitTree, values: FeatureValues, start: number, phi: Float64Array, path: ShapPath): void {
  descend(tree, values, start, phi, path, 0, 0, 0, 1, 1, -1);
}

/** The tree's mean value over its training rows: where its contributions start from. */
export function expectedValue({ feature, value, cover }: Tree): number {
  let sum = 0;
  feature.forEach((split, node) => {
    if (split < 0) sum += cover[node] * value[node];
  });
  return sum / cover[0];
}

/** Scratch for the unique features on the way down, one copy per level: feature, share of zero and one paths, and weight by subset size. */
export interface ShapPath {
  readonly feature: Int32Array;
  readonly zero: Float64Array;
  readonly one: Float64Array;
  readonly weight: Float64Array;
}

/** @param depth of the deepest tree */
export function shapPath(depth: number): ShapPath {
  const size = ((depth + 2) * (depth + 3)) / 2 + depth + 2;
  return { feature: new Int32Array(size), zero: new Float64Array(size), one: new Float64Array(size), weight: new Float64Array(size) };
}

export function depthOf({ feature, left, right }: Tree): number {
  const depths = new Int32Array(feature.length);
  let deepest = 0;
  // Children are added after their parent.
  feature.forEach((split, node) => {
    if (split < 0) return;
    depths[left[node]] = depths[node] + 1;
    depths[right[node]] = depths[node] + 1;
    deepest = Math.max(deepest, depths[node] + 1);
  });
  return deepest;
}

/** `base` is where this level's path begins in the scratch, `length` the entries it has before this one. */
function descend(
  tree: SplitTree,
  values: FeatureValues,
  start: number,
  phi: Float64Array,
  path: ShapPath,
  node: number,
  base: number,
  length: number,
  zero: number,
  one: number,
  feature: number,
): void {
  extend(path, base, length, zero, one, feature);
  const split = tree.feature[node];
  if (split < 0) {
    for (let i = 1; i <= length; i++)
      phi[path.feature[base + i]] += unwoundSum(path, base, length, i) * (path.one[base + i] - path.zero[base + i]) * tree.value[node];
    return;
  }
  const isLeft = goesLeft(tree, node, values[start + split]);
  const hot = isLeft ? tree.left[node] : tree.right[node];
  const cold = isLeft ? tree.right[node] : tree.left[node];
  let incomingZero = 1;
  let incomingOne = 1;
  let kept = length;
  for (let i = 1; i <= length; i++) {
    if (path.feature[base + i] !== split) continue;
    // A feature met before counts once: take its first split out and multiply the shares.
    incomingZero = path.zero[base + i];
    incomingOne = path.one[base + i];
    unwind(path, base, length, i);
    kept--;
    break;
  }
  const next = base + kept + 1;
  for (const [child, share] of [
    [hot, incomingOne],
    [cold, 0],
  ]) {
    path.feature.copyWithin(next, base, next);
    path.zero.copyWithin(next, base, next);
    path.one.copyWithin(next, base, next);
    path.weight.copyWithin(next, base, next);
    descend(tree, values, start, phi, path, child, next, kept + 1, (tree.cover[child] / tree.cover[node]) * incomingZero, share, split);
  }
}

function extend(
  { feature, zero, one, weight }: ShapPath,
  base: number,
  length: number,
  zeroShare: number,
  oneShare: number,
  by: number,
): void {
  feature[base + length] = by;
  zero[base + length] = zeroShare;
  one[base + length] = oneShare;
  weight[base + length] = length === 0 ? 1 : 0;
  for (let i = length - 1; i >= 0; i--) {
    weight[base + i + 1] += (oneShare * weight[base + i] * (i + 1)) / (length + 1);
    weight[base + i] = (zeroShare * weight[base + i] * (length - i)) / (length + 1);
  }
}

function unwind({ feature, zero, one, weight }: ShapPath, base: number, length: number, index: number): void {
  const oneShare = one[base + index];
  const zeroShare = zero[base + index];
  let next = weight[base + length];
  for (let i = length - 1; i >= 0; i--) {
    if (oneShare !== 0) {
      const held = weight[base + i];
      weight[base + i] = (next * (length + 1)) / ((i + 1) * oneShare);
      next = held - (weight[base + i] * zeroShare * (length - i)) / (length + 1);
    } else {
      weight[base + i] = (weight[base + i] * (length + 1)) / (zeroShare * (length - i));
    }
  }
  for (let i = base + index; i < base + length; i++) {
    feature[i] = feature[i + 1];
    zero[i] = zero[i + 1];
    one[i] = one[i + 1];
  }
}

function unwoundSum({ zero, one, weight }: ShapPath, base: number, length: number, index: number): number {
  const oneShare = one[base + index];
  const zeroShare = zero[base + index];
  let next = weight[base + length];
  let total = 0;
  for (let i = length - 1; i >= 0; i--) {
    if (oneShare !== 0) {
      const part = (next * (length + 1)) / ((i + 1) * oneShare);
      total += part;
      next = weight[base + i] - (part * zeroShare * (length - i)) / (length + 1);
    } else {
      total += (weight[base + i] * (length + 1)) / (zeroShare * (length - i));
    }
  }
  return total;
}
