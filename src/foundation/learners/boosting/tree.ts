import type { Matrix } from '../matrix.ts';
import type { Tree } from '../model.ts';

/** The leaf that a row ends in. @param start index of the row's first value */
export function leafOf({ feature, threshold, missingLeft, left, right }: Tree, values: Float32Array, start: number): number {
  let node = 0;
  while (feature[node] >= 0) {
    const value = values[start + feature[node]];
    // NaN fails the comparison, so only what is not "at most the threshold" has to be asked whether it is missing.
    const goesLeft = value <= threshold[node] || (missingLeft[node] === 1 && Number.isNaN(value));
    node = goesLeft ? left[node] : right[node];
  }
  return node;
}

/** Adds the tree's value for each row to `margins[row * outputs + output]`. */
export function addTree(tree: Tree, { rows, columns, values }: Matrix, margins: Float64Array, outputs: number, output: number): void {
  for (let i = 0; i < rows; i++) margins[i * outputs + output] += tree.value[leafOf(tree, values, i * columns)];
}
