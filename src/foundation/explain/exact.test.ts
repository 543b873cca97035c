import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Signature } from '#contract';
import { hasCode, seeded } from '#core';
import type { Random } from '#core';
import { attr, encodeModel, graphBuilder, mlDomain, tensor } from '#onnx';
import type { AttributeValue, Feeds } from '#onnx';
import { openExplainer } from './explainer.ts';
import type { Background } from './request.ts';

const undescribed: Signature = { inputs: [], outputs: [], classes: [] };
const modes = ['BRANCH_LEQ', 'BRANCH_LT', 'BRANCH_GTE', 'BRANCH_GT', 'BRANCH_EQ', 'BRANCH_NEQ'];
const columns = 4;

/** Rows of few distinct values, so that splits are met exactly, some of them missing. */
function table(random: Random, rows: number): Feeds {
  const data = Float32Array.from({ length: rows * columns }, () => (random.next() < 0.15 ? Number.NaN : Math.fround(random.int(7) / 10)));
  return { x: tensor('FLOAT', [rows, columns], data) };
}

/** Full trees of depth 3 whose nodes ask in every way there is. */
function classicTrees(random: Random, trees: number, targets: number): Record<string, AttributeValue> {
  const nodes = { trees: [] as number[], ids: [] as number[], features: [] as number[], values: [] as number[], modes: [] as string[], yes: [] as number[], no: [] as number[], missing: [] as number[] }; // prettier-ignore
  const leaves = { trees: [] as number[], ids: [] as number[], targets: [] as number[], weights: [] as number[] };
  for (let tree = 0; tree < trees; tree++)
    for (let id = 0; id < 15; id++) {
      const isLeaf = id >= 7;
      nodes.trees.push(tree);
      nodes.ids.push(id);
      nodes.features.push(isLeaf ? 0 : random.int(columns));
      nodes.values.push(isLeaf ? 0 : Math.fround(random.int(7) / 10));
      nodes.modes.push(isLeaf ? 'LEAF' : modes[random.int(modes.length)]);
      nodes.yes.push(isLeaf ? 0 : 2 * id + 1);
      nodes.no.push(isLeaf ? 0 : 2 * id + 2);
      nodes.missing.push(isLeaf ? 0 : random.int(2));
      if (!isLeaf) continue;
      for (let target = 0; target < targets; target++) {
        leaves.trees.push(tree);
        leaves.ids.push(id);
        leaves.targets.push(target);
        leaves.weights.push(random.normal());
      }
    }
  return {
    n_targets: attr.int(targets),
    nodes_treeids: attr.ints(nodes.trees),
    nodes_nodeids: attr.ints(nodes.ids),
    nodes_featureids: attr.ints(nodes.features),
    nodes_values: attr.floats(nodes.values),
    nodes_modes: attr.strings(nodes.modes),
    nodes_truenodeids: attr.ints(nodes.yes),
    nodes_falsenodeids: attr.ints(nodes.no),
    nodes_missing_value_tracks_true: attr.ints(nodes.missing),
    target_treeids: attr.ints(leaves.trees),
    target_nodeids: attr.ints(leaves.ids),
    target_ids: attr.ints(leaves.targets),
    target_weights: attr.floats(leaves.weights),
  };
}

function treeGraph(attributes: Record<string, AttributeValue>, operation = 'TreeEnsembleRegressor', mlOpset = 3): Uint8Array {
  const graph = graphBuilder({ name: 'trees', mlOpset });
  graph.input('x', 'FLOAT', ['N', columns]);
  graph.output('y', 'FLOAT', ['N', 'K'], graph.op(operation, ['x'], { domain: mlDomain, attributes }));
  return encodeModel(graph);
}

const backgroundOf = (feeds: Feeds): Background => {
  const [rows] = feeds['x'].shape;
  return { kind: 'request', feeds, weights: Array.from({ length: rows }, () => 1) };
};

describe('exact contributions of a graph', () => {
  test('trees are read as the runtime reads them, in every mode of a split, with missing values', async () => {
    const random = seeded(5);
    for (let round = 0; round < 20; round++) {
      const graph = treeGraph({ ...classicTrees(random, 6, 2), base_values: attr.floats([0.5, -1]) });
      await using explainer = openExplainer({ graph, signature: undescribed });
      const feeds = table(random, 40);
      const { method, explanations = [] } = await explainer.explain({
        feeds,
        options: { class: '1' },
        background: backgroundOf(table(random, 60)),
      });
      assert.equal(method, 'tree_shap');
      // Sums of six float32 leaves.
      for (const { residual } of explanations) assert.ok(Math.abs(residual) < 1e-5, String(residual));
    }
  });

  test('trees whose average counts, and splits by members of a set (TreeEnsemble of ai.onnx.ml 5)', async () => {
    const random = seeded(6);
    const average = treeGraph({ ...classicTrees(random, 5, 1), aggregate_function: attr.string('AVERAGE') });
    const unified = treeGraph(
      {
        n_targets: attr.int(1),
        aggregate_function: attr.int(1),
        tree_roots: attr.ints([0, 2]),
        nodes_splits: attr.tensor(tensor('FLOAT', [4], Float32Array.of(0.3, Number.NaN, 0.5, 0.2))),
        nodes_modes: attr.tensor(tensor('UINT8', [4], Uint8Array.of(0, 6, 1, 4))),
        nodes_featureids: attr.ints([0, 1, 2, 0]),
        nodes_truenodeids: attr.ints([1, 0, 2, 4]),
        nodes_trueleafs: attr.ints([0, 1, 1, 1]),
        nodes_falsenodeids: attr.ints([5, 1, 3, 3]),
        nodes_falseleafs: attr.ints([1, 1, 0, 1]),
        membership_values: attr.tensor(tensor('FLOAT', [4], Float32Array.of(0.1, 0.4, 0.6, Number.NaN))),
        leaf_targetids: attr.ints([0, 0, 0, 0, 0, 0]),
        leaf_weights: attr.tensor(tensor('FLOAT', [6], Float32Array.of(1, -2, 3, 0.25, -0.5, 7))),
      },
      'TreeEnsemble',
      5,
    );
    for (const graph of [average, unified]) {
      await using explainer = openExplainer({ graph, signature: undescribed });
      const rows = Float32Array.from({ length: 50 * columns }, () => Math.fround(random.int(7) / 10));
      const feeds = { x: tensor('FLOAT', [50, columns], rows) };
      const { method, explanations = [] } = await explainer.explain({ feeds, options: {}, background: backgroundOf(feeds) });
      assert.equal(method, 'tree_shap');
      for (const { residual } of explanations) assert.ok(Math.abs(residual) < 1e-5, String(residual));
    }
  });

  test('a layer behind layers that mix columns, and two learners after each other, are no linear model: KernelSHAP with the reason', async () => {
    const random = seeded(7);
    const graph = graphBuilder({ name: 'network' });
    graph.input('x', 'FLOAT', ['N', columns]);
    const dense = (value: string, from: number, to: number): string =>
      graph.op('Gemm', [
        value,
        graph.initializer(
          'w',
          tensor(
            'FLOAT',
            [from, to],
            Float32Array.from({ length: from * to }, () => random.normal()),
          ),
        ),
      ]);
    graph.output('y', 'FLOAT', ['N', 1], dense(graph.op('Relu', [dense('x', columns, 3)]), 3, 1));
    await using explainer = openExplainer({ graph: encodeModel(graph), signature: undescribed });
    const rows = Float32Array.from({ length: 8 * columns }, () => random.normal());
    const feeds = { x: tensor('FLOAT', [8, columns], rows) };
    const job = { feeds, background: backgroundOf(feeds) };
    const { method, reason } = await explainer.explain({ ...job, options: {} });
    assert.equal(method, 'kernel_shap');
    assert.match(reason ?? '', /made of several columns/);
    await assert.rejects(explainer.explain({ ...job, options: { method: 'exact' } }), (error) => hasCode(error, 'FAILED_PRECONDITION'));
  });

  test('an explanation ends where nobody waits any longer', async () => {
    const random = seeded(9);
    await using explainer = openExplainer({ graph: treeGraph(classicTrees(random, 4, 1)), signature: undescribed });
    const feeds = table(random, 100);
    let looks = 0;
    const patience = (): void => {
      looks += 1;
      if (looks === 3) throw new Error('enough');
    };
    await assert.rejects(explainer.explain({ feeds, options: {}, background: backgroundOf(feeds) }, patience), /enough/);
    assert.equal(looks, 3);
  });
});
