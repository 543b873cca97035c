import { GyreError } from '#core';
import type { Random } from '#core';
import { appendToOnnx } from '../onnx-export.ts';
import type { Matrix } from '../matrix.ts';
import type { Tree } from '../model.ts';
import { attr, tensor } from '#onnx';
import type { GraphBuilder } from '#onnx';

/** Trees of random splits (Liu, Ting and Zhou 2008): what is alone soon lies far from the rest. */
export interface IsolationForest {
  readonly kind: 'isolation_forest';
  readonly features: number;
  /** The value of a leaf is the length of its path. */
  readonly trees: readonly Tree[];
  /** Rows that each tree was grown on. */
  readonly sample: number;
}

export interface IsolationOptions {
  /** Default 100. */
  readonly trees?: number;
  /** Rows of each tree. Default 256, at most all. */
  readonly sample?: number;
  readonly random: Random;
}

const euler = 0.5772156649015329;

/** The mean length of a path to one of so many rows, of a search that fails in a binary tree of them. */
export function meanPath(rows: number): number {
  if (rows <= 1) return 0;
  return rows === 2 ? 1 : 2 * (Math.log(rows - 1) + euler) - (2 * (rows - 1)) / rows;
}

/**
 * Grows a forest. The same data and chance give the same forest.
 * @throws GyreError INVALID_ARGUMENT when there are fewer than two rows, or a value is not finite
 */
export function fitIsolationForest(
  matrix: Matrix,
  { trees: count = 100, sample: wanted = 256, random }: IsolationOptions,
): IsolationForest {
  const { rows, columns, values } = matrix;
  if (rows < 2 || columns === 0)
    throw new GyreError(
      'INVALID_ARGUMENT',
      `${rows} rows of ${columns} features: an isolation forest needs at least two rows and one feature`,
    );
  if (!values.every(Number.isFinite))
    throw new GyreError('INVALID_ARGUMENT', 'an isolation forest needs finite values: impute missing ones first');
  const sample = Math.min(wanted, rows);
  const depth = Math.ceil(Math.log2(Math.max(sample, 2)));
  const order = Int32Array.from({ length: rows }, (_, row) => row);
  const trees = Array.from({ length: count }, () => {
    // The front of a shuffle that goes only so far is a sample without repeats.
    for (let k = 0; k < sample; k++) {
      const other = k + random.int(rows - k);
      const held = order[k];
      order[k] = order[other];
      order[other] = held;
    }
    return grow(matrix, order.slice(0, sample), depth, random);
  });
  return { kind: 'isolation_forest', features: columns, trees, sample };
}

interface Growing {
  readonly feature: number[];
  readonly threshold: number[];
  readonly left: number[];
  readonly right: number[];
  readonly value: number[];
  readonly cover: number[];
}

function grow({ columns, values }: Matrix, rows: Int32Array, mostDepth: number, random: Random): Tree {
  const tree: Growing = { feature: [], threshold: [], left: [], right: [], value: [], cover: [] };
  const add = (node: number, some: Int32Array, depth: number): void => {
    const split = depth < mostDepth && some.length > 1 ? splitOf(columns, values, some, random) : undefined;
    tree.cover[node] = some.length;
    tree.feature[node] = split?.feature ?? -1;
    tree.threshold[node] = split?.threshold ?? 0;
    tree.value[node] = split === undefined ? depth + meanPath(some.length) : 0;
    tree.left[node] = -1;
    tree.right[node] = -1;
    if (split === undefined) return;
    const isLeft = (row: number): boolean => values[row * columns + split.feature] <= split.threshold;
    for (const [side, part] of [
      ['left', some.filter(isLeft)],
      ['right', some.filter((row) => !isLeft(row))],
    ] as const) {
      // prettier-ignore
      const child = tree.feature.length;
      tree[side][node] = child;
      add(child, part, depth + 1);
    }
  };
  add(0, rows, 0);
  const zeros = tree.feature.map(() => 0);
  return { ...tree, missingLeft: zeros, gain: zeros };
}

function splitOf(
  columns: number,
  values: Float32Array,
  rows: Int32Array,
  random: Random,
): { feature: number; threshold: number } | undefined {
  const order = Array.from({ length: columns }, (_, c) => c);
  random.shuffle(order);
  for (const feature of order) {
    let [least, most] = [Infinity, -Infinity];
    for (const row of rows) {
      const value = values[row * columns + feature];
      least = Math.min(least, value);
      most = Math.max(most, value);
    }
    if (least === most) continue;
    const threshold = Math.fround(least + random.next() * (most - least));
    // Rounded up to the greatest value, it would divide nothing.
    return { feature, threshold: threshold < most ? threshold : least };
  }
  return undefined;
}

/**
 * Adds the score of rows to a graph: 2 to the power of minus their mean path over that of the sample; near 1 is alone, 0.5 is usual (scikit-learn's
 * `-score_samples`).
 * @param features name of a float32 value [N, features] @returns name of a float64 value [N, 1]
 */
export function appendIsolationForest(
  graph: GraphBuilder,
  features: string,
  { trees, features: columns, sample }: IsolationForest,
): string {
  const shared = trees.map((tree) => ({ ...tree, value: tree.value.map((length) => length / trees.length) }));
  const featureNames = Array.from({ length: columns }, (_, c) => String(c));
  const sums = {
    kind: 'gbdt',
    task: 'regression',
    classes: 0,
    featureNames,
    baseMargins: [0],
    trees: shared,
    iterations: trees.length,
  } as const;
  const lengths = appendToOnnx(graph, features, sums);
  const mean = lengths.kind === 'regression' ? lengths.prediction : '';
  const double = graph.op('Cast', [mean], { attributes: { to: attr.int(11) } });
  const rate = graph.initializer('rate', tensor('DOUBLE', [1], Float64Array.of(-Math.LN2 / meanPath(sample))));
  return graph.op('Exp', [graph.op('Mul', [double, rate])]);
}
