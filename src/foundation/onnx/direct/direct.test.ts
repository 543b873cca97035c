import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { seeded } from '#core';
import { attr, encodeModel, graphBuilder, mlDomain, openSession, tensor } from '../index.ts';
import type { Feeds, GraphBuilder } from '../index.ts';
import { assertSameBytes, computed, isComputedHere } from './same-bytes.ts';
import { sampleRows, sampleTrees } from './sample-trees.ts';

const columns = 6;

/** A margin of trees. */
function margin(graph: GraphBuilder, features: string): string {
  return graph.op('TreeEnsembleRegressor', [features], {
    domain: mlDomain,
    attributes: {
      ...sampleTrees(seeded(7), { trees: 60, depth: 6, columns, outputs: 1, modes: ['BRANCH_LEQ'], kind: 'target' }),
      n_targets: attr.int(1),
    },
  });
}

/** Probabilities and labels of a margin, as our own packages have them. */
function binaryModel(): Uint8Array {
  const graph = graphBuilder({ name: 'binary' });
  const positive = graph.op('Sigmoid', [margin(graph, graph.input('x', 'FLOAT', ['N', columns]))]);
  const negative = graph.op('Sub', [graph.initializer('one', tensor('FLOAT', [1], Float32Array.of(1))), positive]);
  graph.output('p', 'FLOAT', ['N', 2], graph.op('Concat', [negative, positive], { attributes: { axis: attr.int(1) } }));
  const chosen = graph.op('GreaterOrEqual', [positive, graph.initializer('limit', tensor('FLOAT', [1], Float32Array.of(0.5)))]);
  const flat = graph.op('Reshape', [chosen, graph.initializer('flat', tensor('INT64', [1], BigInt64Array.of(-1n)))]);
  const index = graph.op('Cast', [flat], { attributes: { to: attr.int(7) } });
  graph.output('label', 'STRING', ['N'], graph.op('Gather', [graph.initializer('labels', tensor('STRING', [2], ['no', 'yes'])), index]));
  return encodeModel(graph);
}

const rowsOf = (rows: number, seed = 8): Feeds => ({ x: tensor('FLOAT', [rows, columns], sampleRows(seeded(seed), rows, columns)) });

describe('a graph that is computed here', () => {
  test('gives probabilities and labels of a margin, of hundreds of thousands of rows', async () => {
    await assertSameBytes(binaryModel(), [rowsOf(1), rowsOf(2), rowsOf(0), rowsOf(200_000)]);
  });

  test('gives the probabilities of several margins, and the place of the greatest', async () => {
    for (const classes of [3, 5, 17, 40]) {
      const graph = graphBuilder({ name: 'many' });
      const weights = tensor('FLOAT', [columns, classes], sampleOrdinary(columns * classes));
      const margins = graph.op('MatMul', [graph.input('x', 'FLOAT', ['N', columns]), graph.initializer('weights', weights)]);
      const probabilities = graph.op('Softmax', [margins], { attributes: { axis: attr.int(1) } });
      graph.output('p', 'FLOAT', ['N', classes], probabilities);
      graph.output('k', 'INT64', ['N'], graph.op('ArgMax', [probabilities], { attributes: { axis: attr.int(1), keepdims: attr.int(0) } }));
      await assertSameBytes(encodeModel(graph), [rowsOf(1), rowsOf(3), rowsOf(20_000)]);
    }
  });

  test('computes linear models as the runtime does, of one row and of several', async () => {
    for (const outputs of [1, 2, 3, 6, 9]) {
      const graph = graphBuilder({ name: 'linear' });
      const x = graph.input('x', 'FLOAT', ['N', columns]);
      const weights = graph.initializer('weights', tensor('FLOAT', [outputs, columns], sampleOrdinary(outputs * columns)));
      const addend = graph.initializer('addend', tensor('FLOAT', [outputs], sampleOrdinary(outputs)));
      graph.output('g', 'FLOAT', ['N', outputs], graph.op('Gemm', [x, weights, addend], { attributes: { transB: attr.int(1) } }));
      const attributes = { coefficients: attr.floats(sampleOrdinary(outputs * columns)), intercepts: attr.floats(sampleOrdinary(outputs)) };
      const [regressor] = graph.node('LinearRegressor', [x], {
        domain: mlDomain,
        attributes: { ...attributes, targets: attr.int(outputs) },
      });
      graph.output('r', 'FLOAT', ['N', outputs], regressor);
      for (const transform of outputs > 1 ? ['NONE', 'LOGISTIC', 'SOFTMAX'] : []) {
        const labels = attr.strings(Array.from({ length: outputs }, (_, k) => `class ${k}`));
        const classifier = { ...attributes, classlabels_strings: labels, post_transform: attr.string(transform) };
        const [label, scores] = graph.node('LinearClassifier', [x], { domain: mlDomain, outputs: 2, attributes: classifier });
        graph.output(`label ${transform}`, 'STRING', ['N'], label);
        graph.output(`scores ${transform}`, 'FLOAT', ['N', outputs], scores);
      }
      await assertSameBytes(encodeModel(graph), [rowsOf(1), rowsOf(1, 3), rowsOf(2), rowsOf(129), rowsOf(20_000)]);
    }
  });

  test('prepares columns of numbers and texts', async () => {
    const random = seeded(11);
    await assertSameBytes(
      columnsModel(),
      [1, 2, 129, 20_000].map((rows) => ({
        amount: tensor(
          'DOUBLE',
          [rows, 1],
          Float64Array.from(sampleRows(random, rows, 1), (value) => value * 1.1),
        ),
        plan: tensor(
          'STRING',
          [rows, 1],
          Array.from({ length: rows }, () => ['a', 'b', '', 'other', 'ä'][random.int(5)]),
        ),
      })),
    );
  });

  test('refuses what does not fit in the words of any session, and everything once it is closed', async () => {
    const runtime = await openSession(binaryModel());
    const direct = await openSession(binaryModel(), { direct: true });
    const runNow = computed(direct);
    const unfit: readonly Feeds[] = [
      {},
      { y: rowsOf(1).x },
      { x: tensor('FLOAT', [1, 2], new Float32Array(2)) },
      { x: tensor('DOUBLE', [1, columns], new Float64Array(columns)) },
    ];
    for (const feeds of unfit) {
      const said = await runtime.run(feeds).catch((error: unknown) => error);
      assert.ok(said instanceof Error);
      assert.throws(() => runNow(feeds), { message: said.message, code: 'INVALID_ARGUMENT' });
      await assert.rejects(direct.run(feeds), { message: said.message });
    }
    assert.throws(() => runNow(rowsOf(1), { outputs: ['other'] }), /no output "other"/);
    assert.deepEqual(Object.keys(runNow(rowsOf(1), { outputs: ['label'] })), ['label']);
    await runtime[Symbol.asyncDispose]();
    await direct[Symbol.asyncDispose]();
    assert.throws(() => runNow(rowsOf(1)), { code: 'UNAVAILABLE' });
  });

  test('answers with arrays of its own, even where an output is an input', async () => {
    const graph = graphBuilder({ name: 'same' });
    const x = graph.input('x', 'FLOAT', ['N', columns]);
    graph.output('y', 'FLOAT', ['N', columns], x);
    graph.output('z', 'FLOAT', ['N', columns], graph.op('Identity', [x]));
    await using session = await openSession(encodeModel(graph), { direct: true });
    const fed = rowsOf(2);
    const first = computed(session)(fed);
    const before = Float32Array.from(numbersOf(first.y));
    numbersOf(fed.x).fill(5);
    numbersOf(first.z).fill(6);
    computed(session)(fed);
    assert.deepEqual(first.y.data, before);
  });

  test('is not, unless that is asked for, and not by several threads', async () => {
    for (const options of [{}, { direct: false }, { direct: true, intraOpThreads: 2 }]) {
      await using session = await openSession(binaryModel(), options);
      assert.equal(session.runNow, undefined);
    }
  });

  test('is left to the runtime where an operation is not known, rows could meet, or a value can make it fail', async () => {
    const left: Readonly<Record<string, (graph: GraphBuilder) => void>> = {
      'an operation': (graph) => graph.output('y', 'FLOAT', ['N', 2], graph.op('Erf', [graph.input('x', 'FLOAT', ['N', 2])])),
      'rows that meet': (graph) =>
        graph.output('y', 'FLOAT', ['M'], graph.op('Reshape', [graph.input('x', 'FLOAT', ['N', 2]), shape(graph, -1)])),
      'axes of any size': (graph) => {
        const parts = [graph.input('a', 'FLOAT', ['', 2]), graph.input('b', 'FLOAT', ['', 2])];
        graph.output('y', 'FLOAT', ['', 4], graph.op('Concat', parts, { attributes: { axis: attr.int(1) } }));
      },
      'unknown categories': (graph) => {
        const attributes = { cats_strings: attr.strings(['a', 'b']), zeros: attr.int(0) };
        const hot = graph.op('OneHotEncoder', [graph.input('x', 'STRING', ['N', 1])], { domain: mlDomain, attributes });
        graph.output('y', 'FLOAT', ['N', 1, 2], hot);
      },
      'places that may be none': (graph) => {
        const place = graph.op('Cast', [graph.input('x', 'FLOAT', ['N'])], { attributes: { to: attr.int(7) } });
        graph.output('y', 'STRING', ['N'], graph.op('Gather', [graph.initializer('list', tensor('STRING', [2], ['a', 'b'])), place]));
      },
    };
    for (const [what, build] of Object.entries(left)) {
      const graph = graphBuilder({ name: 'left' });
      build(graph);
      assert.equal(await isComputedHere(encodeModel(graph)), false, what);
    }
  });
});

/** A number that is filled, scaled and limited, a text that becomes a row of a table, and trees behind them. */
function columnsModel(): Uint8Array {
  const graph = graphBuilder({ name: 'columns' });
  const number = (value: number): string => graph.initializer('number', tensor('DOUBLE', [1], Float64Array.of(value)));
  const amount = graph.input('amount', 'DOUBLE', ['N', 1]);
  const finite = graph.op('Where', [graph.op('LessOrEqual', [graph.op('Abs', [amount]), number(1e300)]), amount, number(NaN)]);
  const missing = graph.op('IsNaN', [finite]);
  const filled = graph.op('Where', [missing, number(0.4), finite]);
  const scaled = graph.op('Div', [graph.op('Sub', [filled, number(0.3)]), number(1.7)]);
  const flag = graph.op('Cast', [missing], { attributes: { to: attr.int(11) } });
  const attributes = { keys_strings: attr.strings(['a', 'b', '']), values_int64s: attr.ints([2, 1, 0]), default_int64: attr.int(3) };
  const code = graph.op('LabelEncoder', [graph.input('plan', 'STRING', ['N', 1])], { domain: mlDomain, attributes });
  const table = graph.initializer(
    'table',
    tensor(
      'DOUBLE',
      [4, 3],
      Float64Array.from({ length: 12 }, (_, at) => (at === 5 ? NaN : at / 7 - 1)),
    ),
  );
  const row = graph.op('Gather', [table, graph.op('Reshape', [code, shape(graph, -1)])], { attributes: { axis: attr.int(0) } });
  const swapped = graph.op('Gather', [row, graph.initializer('pick', tensor('INT64', [3], BigInt64Array.of(2n, 0n, -2n)))], {
    attributes: { axis: attr.int(1) },
  });
  const joined = graph.op('Concat', [scaled, flag, swapped, graph.op('Floor', [scaled])], { attributes: { axis: attr.int(1) } });
  const limit = (value: number): string => graph.initializer('limit', tensor('DOUBLE', [], Float64Array.of(value)));
  const features = graph.op('Cast', [graph.op('Clip', [joined, limit(-1e30), limit(1e30)])], { attributes: { to: attr.int(1) } });
  graph.output('features', 'FLOAT', ['N', columns], features);
  graph.output('margin', 'FLOAT', ['N', 1], margin(graph, features));
  return encodeModel(graph);
}

function shape(graph: GraphBuilder, ...axes: readonly number[]): string {
  return graph.initializer('shape', tensor('INT64', [axes.length], BigInt64Array.from(axes, BigInt)));
}

function sampleOrdinary(length: number): Float32Array {
  const random = seeded(length);
  return Float32Array.from({ length }, () => random.normal());
}

function numbersOf({ data }: { readonly data: unknown }): Float32Array {
  assert.ok(data instanceof Float32Array);
  return data;
}
