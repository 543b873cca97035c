import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { seeded } from '#core';
import { attr, encodeModel, graphBuilder, mlDomain, tensor } from '../index.ts';
import type { AttributeValue, ElementType } from '../index.ts';
import { assertSameBytes, isComputedHere } from './same-bytes.ts';
import { sampleRows, sampleTrees } from './sample-trees.ts';
import type { SampleTrees } from './sample-trees.ts';

const modes = ['BRANCH_LEQ', 'BRANCH_LT', 'BRANCH_GTE', 'BRANCH_GT', 'BRANCH_EQ', 'BRANCH_NEQ'];
const columns = 6;

interface Trees extends Partial<SampleTrees> {
  readonly seed?: number;
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
}

function regressor({ seed = 1, attributes = {}, ...shape }: Trees): Uint8Array {
  const graph = graphBuilder({ name: 'trees' });
  const whole = { trees: 30, depth: 6, columns, outputs: 1, modes: ['BRANCH_LEQ'], kind: 'target' as const, ...shape };
  const scores = graph.op('TreeEnsembleRegressor', [graph.input('x', 'FLOAT', ['N', columns])], {
    domain: mlDomain,
    attributes: { ...sampleTrees(seeded(seed), whole), n_targets: attr.int(whole.outputs), ...attributes },
  });
  graph.output('y', 'FLOAT', ['N', whole.outputs], scores);
  return encodeModel(graph);
}

function classifier({ seed = 1, attributes = {}, ...shape }: Trees, labelType: ElementType = 'STRING'): Uint8Array {
  const graph = graphBuilder({ name: 'trees' });
  const whole = { trees: 30, depth: 6, columns, outputs: 3, modes: ['BRANCH_LEQ'], kind: 'class' as const, ...shape };
  const classes = Array.from({ length: whole.outputs }, (_, k) => k);
  const [label, scores] = graph.node('TreeEnsembleClassifier', [graph.input('x', 'FLOAT', ['N', columns])], {
    domain: mlDomain,
    outputs: 2,
    attributes: {
      ...sampleTrees(seeded(seed), whole),
      ...(labelType === 'STRING'
        ? { classlabels_strings: attr.strings(classes.map((k) => `class ${k}`)) }
        : { classlabels_int64s: attr.ints(classes.map((k) => 10 * k - 5)) }),
      ...attributes,
    },
  });
  graph.output('label', labelType, ['N'], label);
  graph.output('scores', 'FLOAT', ['N', whole.outputs], scores);
  return encodeModel(graph);
}

/** Many more rows than the proof at load has, in the sizes at which something changes. */
async function holds(graph: Uint8Array, rows = 20_000, seed = 2): Promise<void> {
  const random = seeded(seed);
  const feeds = [1, 2, 3, 7, 64, 129, rows].map((size) => ({ x: tensor('FLOAT', [size, columns], sampleRows(random, size, columns)) }));
  await assertSameBytes(graph, feeds);
}

describe('trees that are computed here', () => {
  for (const mode of modes) {
    test(`compare by ${mode} as ONNX Runtime does, missing values too`, () =>
      holds(regressor({ modes: [mode], attributes: { base_values: attr.floats([0.25]) } })));
  }

  test('are added in the runtime’s order, whatever their comparisons and however many they are', async () => {
    for (let seed = 0; seed < 8; seed++) await holds(regressor({ seed, modes, trees: 1 + 17 * seed, depth: seed }), 10_000, seed);
  });

  for (const aggregate of ['SUM', 'AVERAGE', 'MIN', 'MAX']) {
    test(`are put together by ${aggregate}, for one target and for several`, async () => {
      const attributes = { aggregate_function: attr.string(aggregate) };
      await holds(regressor({ attributes: { ...attributes, base_values: attr.floats([-3.5]) } }));
      for (const weightsOfLeaf of ['one', 'all'] as const) {
        await holds(regressor({ outputs: 3, weightsOfLeaf, attributes: { ...attributes, base_values: attr.floats([0.1, -2, 3]) } }));
      }
    });
  }

  test('leave out the base of a target that no leaf knows, as the runtime does', () =>
    holds(regressor({ trees: 2, outputs: 3, attributes: { base_values: attr.floats([1, 2, 3]) } })));

  for (const transform of ['NONE', 'LOGISTIC', 'SOFTMAX']) {
    test(`give scores by ${transform}, and the label of the greatest, of two classes and of more`, async () => {
      const attributes = { post_transform: attr.string(transform) };
      await holds(regressor({ outputs: 4, attributes }));
      for (const outputs of [2, 3, 7]) {
        for (const bases of [[], Array.from({ length: outputs }, (_, k) => 0.3 * k - 0.2)]) {
          const based = bases.length === 0 ? attributes : { ...attributes, base_values: attr.floats(bases) };
          await holds(classifier({ outputs, attributes: based }), 4000);
          await holds(classifier({ outputs, weightsOfLeaf: 'all', attributes: based }, 'INT64'), 4000);
        }
      }
    });
  }

  test('with one score for two classes say both, whichever class the leaves name and with positive weights or not', async () => {
    for (const transform of ['NONE', 'LOGISTIC']) {
      for (const only of [0, 1]) {
        for (const bases of [[], [0.25], [0.5, -0.5]]) {
          const trees = sampleTrees(seeded(3), { trees: 30, depth: 6, columns, outputs: 1, modes: ['BRANCH_LEQ'], kind: 'class' });
          const { class_ids: ids, class_weights: weights } = trees;
          assert.ok(ids.type === 'INTS' && weights.type === 'FLOATS');
          for (const turned of [weights.value, Float32Array.from(weights.value, (weight) => Math.abs(weight) / 30)]) {
            const attributes = {
              ...trees,
              class_ids: attr.ints(Array.from({ length: ids.value.length }, () => only)),
              class_weights: attr.floats(turned),
              post_transform: attr.string(transform),
              ...(bases.length === 0 ? {} : { base_values: attr.floats(bases) }),
            };
            await holds(classifier({ outputs: 2, attributes }), 2000);
          }
        }
      }
    }
  });

  test('that share a branch of a node, as a set of categories becomes, are walked as they are', async () => {
    for (const missing of [0, 1]) {
      const attributes = {
        nodes_treeids: attr.ints([0, 0, 0, 0, 0]),
        nodes_nodeids: attr.ints([0, 1, 2, 3, 4]),
        nodes_featureids: attr.ints([0, 0, 0, 0, 0]),
        nodes_values: attr.floats([2, 1, 0, 0, 0]),
        nodes_modes: attr.strings(['BRANCH_EQ', 'BRANCH_EQ', 'BRANCH_EQ', 'LEAF', 'LEAF']),
        nodes_truenodeids: attr.ints([4, 4, 4, 0, 0]),
        nodes_falsenodeids: attr.ints([1, 2, 3, 0, 0]),
        nodes_missing_value_tracks_true: attr.ints([missing, missing, missing, 0, 0]),
        target_treeids: attr.ints([0, 0]),
        target_nodeids: attr.ints([3, 4]),
        target_ids: attr.ints([0, 0]),
        target_weights: attr.floats([-1, 1]),
      };
      await holds(regressor({ trees: 1, attributes }));
    }
  });

  test('of ai.onnx.ml 5 are walked as well, but for sets of members', async () => {
    for (const [aggregate, mode] of [
      [0, 1],
      [1, 4],
      [2, 5],
      [3, 2],
      [1, 6],
    ]) {
      const graph = graphBuilder({ name: 'trees', opset: 21, mlOpset: 5 });
      const scores = graph.op('TreeEnsemble', [graph.input('x', 'FLOAT', ['N', columns])], {
        domain: mlDomain,
        attributes: {
          n_targets: attr.int(2),
          aggregate_function: attr.int(aggregate),
          post_transform: attr.int(0),
          tree_roots: attr.ints([0, 2]),
          nodes_featureids: attr.ints([0, 1, 2]),
          nodes_splits: attr.tensor(tensor('FLOAT', [3], Float32Array.of(0.5, 0, -0.25))),
          nodes_modes: attr.tensor(tensor('UINT8', [3], Uint8Array.of(0, mode, 3))),
          nodes_truenodeids: attr.ints([1, 0, 2]),
          nodes_trueleafs: attr.ints([0, 1, 1]),
          nodes_falsenodeids: attr.ints([1, 2, 3]),
          nodes_falseleafs: attr.ints([1, 1, 1]),
          nodes_missing_value_tracks_true: attr.ints([1, 0, 1]),
          ...(mode === 6 ? { membership_values: attr.tensor(tensor('FLOAT', [3], Float32Array.of(1, -1, NaN))) } : {}),
          leaf_targetids: attr.ints([0, 1, 0, 1]),
          leaf_weights: attr.tensor(tensor('FLOAT', [4], Float32Array.of(0.1, -0.7, 3.3, -4.4))),
        },
      });
      graph.output('y', 'FLOAT', ['N', 2], scores);
      if (mode === 6) assert.equal(await isComputedHere(encodeModel(graph)), false);
      else await holds(encodeModel(graph));
    }
  });

  test('are left to the runtime where an attribute is not known', async () => {
    for (const transform of ['PROBIT', 'SOFTMAX_ZERO']) {
      const attributes = { post_transform: attr.string(transform) };
      assert.equal(await isComputedHere(classifier({ attributes })), false, transform);
    }
  });
});
