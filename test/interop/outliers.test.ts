import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { seeded } from '#core';
import { appendIsolationForest, appendMahalanobis, fitIsolationForest, fitMahalanobis, meanPath } from '#learners';
import type { IsolationForest, Tree } from '#learners';
import { encodeModel, graphBuilder, openSession, tensor } from '#onnx';
import type { GraphBuilder } from '#onnx';
import { spearman } from '#stats';
import { pythonMissing, runPython } from './python.ts';

interface PeerTree {
  readonly feature: readonly number[];
  readonly threshold: readonly number[];
  readonly left: readonly number[];
  readonly right: readonly number[];
  readonly rows: readonly number[];
}
interface Peers {
  readonly trees: readonly PeerTree[];
  readonly scores: readonly number[];
  readonly others: readonly (readonly number[])[];
  readonly distances: readonly number[];
}

const random = seeded(12);
const columns = 4;
/** Correlated rows, and at the end ten that lie apart. */
const x = Array.from({ length: 600 }, (_, row) => {
  const shared = random.normal();
  return Array.from({ length: columns }, (__, c) => Math.fround((row >= 590 ? 6 : 0) + shared * (c === 1 ? 2 : 1) + random.normal() * 0.7));
});
const values = Float32Array.from(x.flat());

async function scores(type: 'FLOAT' | 'DOUBLE', append: (graph: GraphBuilder, value: string) => string): Promise<Float64Array> {
  const graph = graphBuilder({ name: 'scores' });
  graph.input('x', type, ['N', columns]);
  graph.output('score', 'DOUBLE', ['N', 1], append(graph, 'x'));
  await using session = await openSession(encodeModel(graph));
  const rows =
    type === 'FLOAT' ? tensor('FLOAT', [x.length, columns], values) : tensor('DOUBLE', [x.length, columns], Float64Array.from(values));
  const { score } = await session.run({ x: rows });
  return Float64Array.from<unknown>(score.data, Number);
}

/** The peer's tree as ours: its leaves at the depth that they are found at. */
function treeOf({ feature, threshold, left, right, rows }: PeerTree): Tree {
  const value = feature.map(() => 0);
  const walk = (node: number, depth: number): void => {
    if (feature[node] < 0) {
      value[node] = depth + meanPath(rows[node]);
      return;
    }
    walk(left[node], depth + 1);
    walk(right[node], depth + 1);
  };
  walk(0, 0);
  const zeros = feature.map(() => 0);
  // The peer compares float32 rows with float64 thresholds: the greatest float32 at or below says the same.
  const below = threshold.map((limit) => (Math.fround(limit) <= limit ? Math.fround(limit) : Math.fround(limit - Math.abs(limit) * 1e-7)));
  return { feature, threshold: below, missingLeft: zeros, left, right, value, cover: rows, gain: zeros };
}

describe('outlier scores beside scikit-learn and scipy', { skip: pythonMissing }, () => {
  let peers: Peers;
  before(async () => {
    peers = await runPython<Peers>('outliers_peer.py', { x });
  });

  test('of the same trees are the same scores', async () => {
    const forest: IsolationForest = { kind: 'isolation_forest', features: columns, sample: 256, trees: peers.trees.map(treeOf) };
    const ours = await scores('FLOAT', (graph, value) => appendIsolationForest(graph, value, forest));
    // A hundred lengths of paths, added in float32.
    ours.forEach((score, row) =>
      assert.ok(Math.abs(score - peers.scores[row]) < 1e-5, `row ${row}: ours ${score}, theirs ${peers.scores[row]}`),
    );
  });

  test('of forests of our own differ from theirs no more than those differ by their seed, and rank the rows apart first', async () => {
    const forest = fitIsolationForest({ rows: x.length, columns, values }, { random: seeded(1) });
    const ours = await scores('FLOAT', (graph, value) => appendIsolationForest(graph, value, forest));
    const distance = (left: ArrayLike<number>, right: ArrayLike<number>): number =>
      Array.from(left).reduce((sum, value, row) => sum + Math.abs(value - right[row]) / left.length, 0);
    const among = peers.others.flatMap((one, at) => peers.others.slice(at + 1).map((other) => distance(one, other)));
    for (const other of peers.others) {
      // Chance moves scores by some hundredths; twice what moves theirs is no other method.
      assert.ok(distance(ours, other) < 2 * Math.max(...among), `${distance(ours, other)}, among theirs ${among.join(', ')}`);
      assert.ok(spearman(ours, Float64Array.from(other)) > 0.9);
    }
    const [tenth] = Float64Array.from(ours).sort().slice(-10);
    assert.ok(ours.slice(590).every((score) => score >= tenth));
  });

  test('by Mahalanobis are the distances of scipy', async () => {
    const fitted = fitMahalanobis(Float64Array.from(values), x.length, columns);
    const ours = await scores('DOUBLE', (graph, value) => appendMahalanobis(graph, value, fitted));
    ours.forEach((distance, row) => assert.ok(Math.abs(distance - peers.distances[row]) < 1e-9 * Math.max(1, distance), `row ${row}`));
  });
});
