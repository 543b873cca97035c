import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { seeded } from '#core';
import { attr, encodeModel, graphBuilder, mlDomain, openSession, tensor } from '../index.ts';
import type { GraphBuilder, Session } from '../index.ts';
import { isSame } from './direct.ts';
import { sampleRows, sampleTrees } from './sample-trees.ts';
import type { SampleTrees } from './sample-trees.ts';

const modes = ['BRANCH_LEQ', 'BRANCH_LT', 'BRANCH_GTE', 'BRANCH_GT', 'BRANCH_EQ', 'BRANCH_NEQ'];
const columns = 6;

/** Whether the graph is computed here, and to the very bytes, on many more rows than its own proof had. */
async function agreesOn(graph: Uint8Array, rows: number, seed: number): Promise<void> {
  await using runtime = await openSession(graph);
  await using direct = await openSession(graph, { direct: true });
  const random = seeded(seed);
  for (const size of [1, 2, 3, 7, 64, rows]) {
    const feeds = { x: tensor('FLOAT', [size, columns], sampleRows(random, size, columns)) };
    const expected = await runtime.run(feeds);
    const given = computed(direct)(feeds);
    for (const [name, value] of Object.entries(expected)) assert.ok(isSame(given[name], value), `${name} of ${size} rows`);
  }
}

function computed(session: Session): NonNullable<Session['runNow']> {
  assert.ok(session.runNow, 'the graph is not computed here');
  return session.runNow;
}

function regression(shape: Partial<SampleTrees>, base: readonly number[], seed: number): { graph: GraphBuilder; scores: string } {
  const graph = graphBuilder({ name: 'trees' });
  const whole = { trees: 30, depth: 6, columns, outputs: 1, modes: ['BRANCH_LEQ'], kind: 'target' as const, ...shape };
  const scores = graph.op('TreeEnsembleRegressor', [graph.input('x', 'FLOAT', ['N', columns])], {
    domain: mlDomain,
    attributes: {
      ...sampleTrees(seeded(seed), whole),
      n_targets: attr.int(whole.outputs),
      ...(base.length > 0 ? { base_values: attr.floats(base) } : {}),
    },
  });
  return { graph, scores };
}

function encoded({ graph, scores }: { graph: GraphBuilder; scores: string }, outputs: number): Uint8Array {
  graph.output('y', 'FLOAT', ['N', outputs], scores);
  return encodeModel(graph);
}

describe('a graph that is computed here', () => {
  for (const mode of modes) {
    test(`compares by ${mode} as ONNX Runtime does, missing values too`, async () => {
      await agreesOn(encoded(regression({ modes: [mode] }, [0.25], 1), 1), 20_000, 2);
    });
  }

  test('sums trees of all comparisons in the runtime’s order', async () => {
    for (let seed = 0; seed < 6; seed++) await agreesOn(encoded(regression({ modes, trees: 1 + 37 * seed }, [], seed), 1), 10_000, seed);
  });

  test('sums several targets, with their bases, whether a leaf has one or all of them', async () => {
    for (const weightsOfLeaf of ['one', 'all'] as const) {
      await agreesOn(encoded(regression({ outputs: 3, weightsOfLeaf }, [0.1, -2, 3], 5), 3), 20_000, 6);
    }
  });

  test('gives probabilities and labels of a margin', async () => {
    const { graph, scores } = regression({ trees: 60 }, [0.1], 7);
    const positive = graph.op('Sigmoid', [scores]);
    const negative = graph.op('Sub', [graph.initializer('one', tensor('FLOAT', [1], Float32Array.of(1))), positive]);
    graph.output('p', 'FLOAT', ['N', 2], graph.op('Concat', [negative, positive], { attributes: { axis: attr.int(1) } }));
    const chosen = graph.op('GreaterOrEqual', [positive, graph.initializer('limit', tensor('FLOAT', [1], Float32Array.of(0.5)))]);
    const flat = graph.op('Reshape', [chosen, graph.initializer('flat', tensor('INT64', [1], BigInt64Array.of(-1n)))]);
    const index = graph.op('Cast', [flat], { attributes: { to: attr.int(7) } });
    const labels = graph.initializer('labels', tensor('STRING', [2], ['no', 'yes']));
    graph.output('label', 'STRING', ['N'], graph.op('Gather', [labels, index]));
    await agreesOn(encodeModel(graph), 100_000, 8);
  });
});
