import type { Tree } from '../model.ts';
import type { BinnedFeatures } from './binning.ts';
import type { HistogramPool } from './histogram-pool.ts';
import { subtractHistogram } from './histograms.ts';
import { findSplit } from './split.ts';
import type { NodeSums, Split, SplitRules } from './split.ts';

export interface GrowthRules extends SplitRules {
  readonly maxLeaves: number;
  readonly maxDepth: number;
  readonly learningRate: number;
}

/** Rows `start … end-1` of the grower's row list, which ended in one leaf of this value. */
export interface LeafRows {
  readonly start: number;
  readonly end: number;
  readonly value: number;
}

export interface GrownTree {
  readonly tree: Tree;
  readonly leaves: readonly LeafRows[];
}

interface Candidate {
  readonly node: number;
  readonly start: number;
  readonly end: number;
  readonly depth: number;
  readonly slot: number;
  readonly sums: NodeSums;
  readonly split: Split | undefined;
}

/** Tree lists while they grow. */
interface Lists {
  readonly feature: number[];
  readonly threshold: number[];
  readonly missingLeft: number[];
  readonly left: number[];
  readonly right: number[];
  readonly value: number[];
  readonly cover: number[];
  readonly gain: number[];
}

/**
 * Grows one tree leaf by leaf, the greatest gain first (Shi 2007; Ke et al. 2017), on the rows `0 … rowCount-1` of the pool's row list,
 * whose gradients and hessians stand beside them. The row list is reordered: each node's rows stay together, in their first order.
 */
export function growTree(
  pool: HistogramPool,
  binned: BinnedFeatures,
  rowCount: number,
  featureCount: number,
  rules: GrowthRules,
  scratch: Scratch,
): GrownTree {
  const { sources } = pool;
  const lists: Lists = { feature: [], threshold: [], missingLeft: [], left: [], right: [], value: [], cover: [], gain: [] };
  const candidateOf = (node: number, start: number, end: number, depth: number, slot: number, sums: NodeSums): Candidate => {
    const split =
      depth < rules.maxDepth ? findSplit(sources.histograms, slot, binned, sources.features, featureCount, sums, rules) : undefined;
    return { node, start, end, depth, slot, sums, split };
  };
  const rootSums = sumRows(sources.gradients, sources.hessians, rowCount);
  addNode(lists, rowCount);
  if (rules.maxLeaves > 1) pool.fill(0, rowCount, 0, featureCount);
  const open: Candidate[] = [
    rules.maxLeaves > 1
      ? candidateOf(0, 0, rowCount, 0, 0, rootSums)
      : { node: 0, start: 0, end: rowCount, depth: 0, slot: 0, sums: rootSums, split: undefined },
  ];
  for (let leaves = 1; leaves < rules.maxLeaves; leaves++) {
    const best = takeBest(open);
    if (best?.split === undefined) break;
    const { split, sums } = best;
    const middle = partition(pool, binned, best, split, scratch);
    const left = addNode(lists, middle - best.start);
    const right = addNode(lists, best.end - middle);
    lists.feature[best.node] = split.feature;
    lists.threshold[best.node] = binned.edges[split.feature][split.bin];
    lists.missingLeft[best.node] = split.missingLeft ? 1 : 0;
    lists.left[best.node] = left;
    lists.right[best.node] = right;
    lists.gain[best.node] = split.gain / 2;
    const rightSums = {
      gradient: sums.gradient - split.left.gradient,
      hessian: sums.hessian - split.left.hessian,
      rows: sums.rows - split.left.rows,
    };
    const depth = best.depth + 1;
    const last = leaves + 1 === rules.maxLeaves || depth >= rules.maxDepth;
    const tooSmall = Math.max(middle - best.start, best.end - middle) < 2 * rules.minSamplesLeaf;
    if (last || tooSmall) {
      open.push({ node: left, start: best.start, end: middle, depth, slot: best.slot, sums: split.left, split: undefined });
      open.push({ node: right, start: middle, end: best.end, depth, slot: leaves, sums: rightSums, split: undefined });
      continue;
    }
    // The smaller child is summed, the larger one is what remains of the parent, in the parent's slot.
    const leftIsSmaller = middle - best.start <= best.end - middle;
    const [smallStart, smallEnd] = leftIsSmaller ? [best.start, middle] : [middle, best.end];
    pool.fill(smallStart, smallEnd, leaves, featureCount);
    subtractHistogram(sources, best.slot, leaves, featureCount);
    open.push(candidateOf(left, best.start, middle, depth, leftIsSmaller ? leaves : best.slot, split.left));
    open.push(candidateOf(right, middle, best.end, depth, leftIsSmaller ? best.slot : leaves, rightSums));
  }
  const leaves = open.map(({ node, start, end, sums }) => {
    const value = Math.fround((-rules.learningRate * sums.gradient) / (sums.hessian + rules.l2));
    lists.value[node] = Number.isFinite(value) ? value : 0;
    return { start, end, value: lists.value[node] };
  });
  return { tree: lists, leaves };
}

/** Buffers for the right-hand rows of a partition. */
export interface Scratch {
  readonly rows: Int32Array;
  readonly gradients: Float64Array;
  readonly hessians: Float64Array;
}

export function scratchOf(rows: number): Scratch {
  return { rows: new Int32Array(rows), gradients: new Float64Array(rows), hessians: new Float64Array(rows) };
}

/** Stable: rows keep their order within each side, so that later sums do too. @returns where the right side starts */
function partition({ sources }: HistogramPool, binned: BinnedFeatures, { start, end }: Candidate, split: Split, scratch: Scratch): number {
  const { rows, gradients, hessians } = sources;
  const column = split.feature * binned.rows;
  const missing = binned.binCounts[split.feature];
  let kept = start;
  let moved = 0;
  for (let i = start; i < end; i++) {
    const bin = binned.bins[column + rows[i]];
    const goesLeft = bin === missing ? split.missingLeft : bin <= split.bin;
    if (goesLeft) {
      rows[kept] = rows[i];
      gradients[kept] = gradients[i];
      hessians[kept] = hessians[i];
      kept++;
    } else {
      scratch.rows[moved] = rows[i];
      scratch.gradients[moved] = gradients[i];
      scratch.hessians[moved] = hessians[i];
      moved++;
    }
  }
  rows.set(scratch.rows.subarray(0, moved), kept);
  gradients.set(scratch.gradients.subarray(0, moved), kept);
  hessians.set(scratch.hessians.subarray(0, moved), kept);
  return kept;
}

function takeBest(open: Candidate[]): Candidate | undefined {
  let best = -1;
  open.forEach((candidate, i) => {
    if (candidate.split === undefined) return;
    const champion = best === -1 ? undefined : open[best];
    const ahead = champion?.split === undefined || candidate.split.gain > champion.split.gain;
    if (ahead || (candidate.split.gain === champion?.split?.gain && candidate.node < champion.node)) best = i;
  });
  return best === -1 ? undefined : open.splice(best, 1)[0];
}

function sumRows(gradients: Float64Array, hessians: Float64Array, rows: number): NodeSums {
  let gradient = 0;
  let hessian = 0;
  for (let i = 0; i < rows; i++) {
    gradient += gradients[i];
    hessian += hessians[i];
  }
  return { gradient, hessian, rows };
}

function addNode(lists: Lists, cover: number): number {
  lists.feature.push(-1);
  lists.threshold.push(0);
  lists.missingLeft.push(0);
  lists.left.push(-1);
  lists.right.push(-1);
  lists.value.push(0);
  lists.cover.push(cover);
  lists.gain.push(0);
  return lists.feature.length - 1;
}
