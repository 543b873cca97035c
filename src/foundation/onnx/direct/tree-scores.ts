import type { FlatTrees } from './flat-trees.ts';

/** The scores of a row's leaves, and which outputs were in any of them. */
export interface TreeScores {
  readonly scores: Float32Array;
  readonly has: Uint8Array;
  /** Makes them of the leaves that a row came to, which begin at `start`. */
  readonly gather: (leaves: Int32Array, start: number) => void;
}

/**
 * Sums, averages, least or greatest of the weights, in float32 and in the order of the trees, as one thread of ONNX Runtime makes them
 * (onnxruntime/core/providers/cpu/ml/tree_ensemble_aggregator.h).
 * @returns undefined for an aggregate that is not known
 */
export function treeScores(flat: FlatTrees, outputs: number, aggregate: string): TreeScores | undefined {
  const trees = flat.roots.length;
  const { leafStart, weightOutput, weight } = flat;
  const scores = new Float32Array(outputs);
  const has = new Uint8Array(outputs);
  const sum = (leaves: Int32Array, start: number): void => {
    scores.fill(0);
    has.fill(0);
    for (let tree = 0; tree < trees; tree++) {
      const leaf = leaves[start + tree];
      for (let each = leafStart[leaf]; each < leafStart[leaf + 1]; each++) {
        const output = weightOutput[each];
        scores[output] += weight[each];
        has[output] = 1;
      }
    }
  };
  const extreme = (sign: number) => (leaves: Int32Array, start: number) => {
    scores.fill(0);
    has.fill(0);
    for (let tree = 0; tree < trees; tree++) {
      const leaf = leaves[start + tree];
      for (let each = leafStart[leaf]; each < leafStart[leaf + 1]; each++) {
        const output = weightOutput[each];
        if (has[output] === 0 || sign * weight[each] > sign * scores[output]) scores[output] = weight[each];
        has[output] = 1;
      }
    }
  };
  switch (aggregate) {
    case 'SUM':
      return { scores, has, gather: sum };
    case 'AVERAGE':
      return {
        scores,
        has,
        gather: (leaves, start) => {
          sum(leaves, start);
          for (let output = 0; output < outputs; output++) scores[output] /= trees;
        },
      };
    case 'MIN':
      return { scores, has, gather: extreme(-1) };
    case 'MAX':
      return { scores, has, gather: extreme(1) };
    default:
      return undefined;
  }
}
