import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { hasCode, WireWriter } from '#core';
import { attr, encodeModel, graphBuilder, mlDomain, openSession, tensor } from './index.ts';
import type { ElementType, GraphBuilder, Tensor } from './index.ts';

/** Builds, loads and runs a graph once. */
async function compute(build: (graph: GraphBuilder) => void, feeds: Record<string, Tensor>, opset = 17): Promise<Record<string, Tensor>> {
  const graph = graphBuilder({ name: 'g', opset });
  build(graph);
  await using session = await openSession(encodeModel(graph));
  return await session.run(feeds);
}

/** One split at 0.5 (left when smaller or equal; missing goes left), weights -1 and 2. */
const stump = {
  nodes_treeids: attr.ints([0, 0, 0]),
  nodes_nodeids: attr.ints([0, 1, 2]),
  nodes_featureids: attr.ints([0, 0, 0]),
  nodes_values: attr.floats([0.5, 0, 0]),
  nodes_modes: attr.strings(['BRANCH_LEQ', 'LEAF', 'LEAF']),
  nodes_truenodeids: attr.ints([1, 0, 0]),
  nodes_falsenodeids: attr.ints([2, 0, 0]),
  nodes_missing_value_tracks_true: attr.ints([1, 0, 0]),
};

/** The float32 that comes next after 0.5. */
const nextFloatAfterHalf = 0.5 + 2 ** -24;

describe('a session computes', () => {
  test('a regressor of trees, with values on the threshold, one step beside it, and missing', async () => {
    const result = await compute(
      (graph) => {
        graph.input('x', 'FLOAT', ['N', 1]);
        const attributes = {
          ...stump,
          target_treeids: attr.ints([0, 0]),
          target_nodeids: attr.ints([1, 2]),
          target_ids: attr.ints([0, 0]),
          target_weights: attr.floats([-1, 2]),
          n_targets: attr.int(1),
          base_values: attr.floats([0.25]),
        };
        graph.output('y', 'FLOAT', ['N', 1], graph.op('TreeEnsembleRegressor', ['x'], { domain: mlDomain, attributes }));
      },
      { x: tensor('FLOAT', [4, 1], Float32Array.of(0.5, nextFloatAfterHalf, 9, NaN)) },
    );
    assert.deepEqual(result['y'], tensor('FLOAT', [4, 1], Float32Array.of(-0.75, 2.25, 2.25, -0.75)));
  });

  test('a classifier of trees with string labels and probabilities', async () => {
    const result = await compute(
      (graph) => {
        graph.input('x', 'FLOAT', ['N', 1]);
        const attributes = {
          ...stump,
          class_treeids: attr.ints([0, 0]),
          class_nodeids: attr.ints([1, 2]),
          class_ids: attr.ints([0, 0]),
          class_weights: attr.floats([-1, 2]),
          classlabels_strings: attr.strings(['No', 'Yes']),
          post_transform: attr.string('LOGISTIC'),
        };
        const [label, probabilities] = graph.node('TreeEnsembleClassifier', ['x'], { domain: mlDomain, outputs: 2, attributes });
        graph.output('label', 'STRING', ['N'], label);
        graph.output('probabilities', 'FLOAT', ['N', 2], probabilities);
      },
      { x: tensor('FLOAT', [2, 1], Float32Array.of(0, 1)) },
    );
    assert.deepEqual(result['label'], tensor('STRING', [2], ['No', 'Yes']));
    const expected = [1 / (1 + Math.exp(-1)), 1 / (1 + Math.exp(1)), 1 / (1 + Math.exp(2)), 1 / (1 + Math.exp(-2))];
    for (const [index, value] of expected.entries()) {
      // float32 sigmoid of the runtime
      assert.ok(Math.abs(Number(result['probabilities'].data[index]) - value) < 1e-6);
    }
  });

  test('string encoders, with empty and unknown categories', async () => {
    const result = await compute(
      (graph) => {
        graph.input('s', 'STRING', ['N', 1]);
        const ml = { domain: mlDomain };
        const cats = attr.strings(['a', '']);
        graph.output(
          'hot',
          'FLOAT',
          ['N', 1, 2],
          graph.op('OneHotEncoder', ['s'], { ...ml, attributes: { cats_strings: cats, zeros: attr.int(1) } }),
        );
        graph.output(
          'code',
          'FLOAT',
          ['N', 1],
          graph.op('LabelEncoder', ['s'], {
            ...ml,
            attributes: { keys_strings: cats, values_floats: attr.floats([1.5, 0.5]), default_float: attr.float(-1) },
          }),
        );
        graph.output(
          'index',
          'INT64',
          ['N', 1],
          graph.op('CategoryMapper', ['s'], {
            ...ml,
            attributes: { cats_strings: cats, cats_int64s: attr.ints([0, 1]), default_int64: attr.int(-1) },
          }),
        );
      },
      { s: tensor('STRING', [3, 1], ['a', '', 'ü']) },
    );
    assert.deepEqual(result['hot'], tensor('FLOAT', [3, 1, 2], Float32Array.of(1, 0, 0, 1, 0, 0)));
    assert.deepEqual(result['code'], tensor('FLOAT', [3, 1], Float32Array.of(1.5, 0.5, -1)));
    assert.deepEqual(result['index'], tensor('INT64', [3, 1], BigInt64Array.of(0n, 1n, -1n)));
  });

  test('doubles: missing values replaced, then rounded to float as Math.fround rounds', async () => {
    const values = Float64Array.of(NaN, 0.1, 16777217, -1e300);
    const result = await compute(
      (graph) => {
        graph.input('d', 'DOUBLE', ['N', 1]);
        const missing = graph.op('IsNaN', ['d']);
        const filled = graph.op('Where', [missing, graph.initializer('fill', tensor('DOUBLE', [1], Float64Array.of(0.3))), 'd']);
        graph.output('missing', 'BOOL', ['N', 1], missing);
        graph.output('filled', 'DOUBLE', ['N', 1], filled);
        graph.output('rounded', 'FLOAT', ['N', 1], graph.op('Cast', [filled], { attributes: { to: attr.int(1) } }));
      },
      { d: tensor('DOUBLE', [4, 1], values) },
    );
    assert.deepEqual(result['missing'], tensor('BOOL', [4, 1], Uint8Array.of(1, 0, 0, 0)));
    assert.deepEqual(result['filled'], tensor('DOUBLE', [4, 1], Float64Array.of(0.3, 0.1, 16777217, -1e300)));
    assert.deepEqual(result['rounded'], tensor('FLOAT', [4, 1], Float32Array.of(0.3, 0.1, 16777216, -Infinity)));
  });

  test('equality of strings', async () => {
    const result = await compute(
      (graph) => {
        graph.input('s', 'STRING', ['N', 1]);
        graph.output('same', 'BOOL', ['N', 1], graph.op('Equal', ['s', graph.initializer('c', tensor('STRING', [1], ['']))]));
      },
      { s: tensor('STRING', [2, 1], ['', 'a']) },
      21,
    );
    assert.deepEqual(result['same'], tensor('BOOL', [2, 1], Uint8Array.of(1, 0)));
  });

  const passed: readonly Tensor[] = [
    tensor('FLOAT', [2], Float32Array.of(1.5, -0)),
    tensor('DOUBLE', [2], Float64Array.of(0.1, NaN)),
    tensor('INT64', [2], BigInt64Array.of(-(2n ** 63n), 7n)),
    tensor('UINT64', [2], BigUint64Array.of(2n ** 64n - 1n, 7n)),
    tensor('INT32', [2], Int32Array.of(-1, 2)),
    tensor('UINT32', [2], Uint32Array.of(2 ** 32 - 1, 2)),
    tensor('INT16', [2], Int16Array.of(-1, 2)),
    tensor('UINT16', [2], Uint16Array.of(65535, 2)),
    tensor('INT8', [2], Int8Array.of(-1, 2)),
    tensor('UINT8', [2], Uint8Array.of(255, 2)),
    tensor('BOOL', [2], Uint8Array.of(1, 0)),
    tensor('FLOAT16', [2], Float16Array.of(1.5, -2)),
    tensor('STRING', [2], ['', 'ß']),
  ];
  for (const value of passed) {
    test(`${value.type} in and out without loss`, async () => {
      const result = await compute(
        (graph) => {
          graph.input('x', value.type, ['N']);
          graph.output('y', value.type, ['N'], 'x');
        },
        { x: value },
      );
      assert.deepEqual(result['y'], value);
    });
  }

  test('no rows at all, and a scalar', async () => {
    const double = (graph: GraphBuilder, type: ElementType, shape: readonly (number | string)[]): void => {
      graph.input('x', type, shape);
      graph.output('y', type, shape, graph.op('Add', ['x', 'x']));
    };
    const none = await compute((graph) => double(graph, 'DOUBLE', ['N', 3]), { x: tensor('DOUBLE', [0, 3], new Float64Array(0)) });
    assert.deepEqual(none['y'], tensor('DOUBLE', [0, 3], new Float64Array(0)));
    const scalar = await compute((graph) => double(graph, 'FLOAT', []), { x: tensor('FLOAT', [], Float32Array.of(2)) });
    assert.deepEqual(scalar['y'], tensor('FLOAT', [], Float32Array.of(4)));
  });
});

/** a + b with rows of two columns; b must have as many rows as a. */
function sum(): Uint8Array {
  const graph = graphBuilder({ name: 'sum' });
  graph.input('a', 'FLOAT', ['N', 2]);
  graph.input('b', 'FLOAT', ['N', 2]);
  const total = graph.op('Add', ['a', 'b']);
  graph.output('sum', 'FLOAT', ['N', 2], total);
  graph.output('negative', 'FLOAT', ['N', 2], graph.op('Neg', [total]));
  return encodeModel(graph);
}

describe('a session refuses', () => {
  const rows = (count: number): Tensor => tensor('FLOAT', [count, 2], new Float32Array(count * 2));
  const refused: readonly (readonly [what: string, feeds: Record<string, Tensor>, message: RegExp])[] = [
    ['a missing input', { a: rows(1) }, /input "b" is missing: the model expects FLOAT \[N, 2\]/],
    ['an input that it does not have', { a: rows(1), b: rows(1), c: rows(1) }, /no input "c"; its inputs are "a", "b"/],
    ['an inherited name', { a: rows(1), toString: rows(1) }, /no input "toString"/],
    [
      'another element type',
      { a: tensor('DOUBLE', [1, 2], new Float64Array(2)), b: rows(1) },
      /input "a" has the type DOUBLE, but the model expects FLOAT/,
    ],
    [
      'another rank',
      { a: tensor('FLOAT', [2], new Float32Array(2)), b: rows(1) },
      /input "a" has the shape \[2\], but the model expects \[N, 2\]/,
    ],
    ['another size', { a: tensor('FLOAT', [1, 3], new Float32Array(3)), b: rows(1) }, /input "a" has the shape \[1, 3\], but .* \[N, 2\]/],
    ['rows that do not match, even where they would broadcast', { a: rows(3), b: rows(1) }, /input "b" .* where N is 3 as in input "a"/],
    ['fewer values than the shape says', { a: { ...rows(2), shape: [3, 2] }, b: rows(2) }, /needs 6 values, but has 4/],
    ['a shape that is none', { a: { type: 'FLOAT', shape: [-1, 2], data: new Float32Array(2) }, b: rows(1) }, /\[-1, 2\], which is none/],
  ];
  for (const [what, feeds, message] of refused) {
    test(what, async () => {
      await using session = await openSession(sum());
      await assert.rejects(session.run(feeds), (error) => {
        assert.ok(hasCode(error, 'INVALID_ARGUMENT'));
        assert.match(error.message, message);
        return true;
      });
    });
  }

  test('an output that it does not have, and computes only what is asked for', async () => {
    await using session = await openSession(sum());
    const feeds = { a: rows(1), b: rows(1) };
    assert.deepEqual(Object.keys(await session.run(feeds, { outputs: ['negative'] })), ['negative']);
    await assert.rejects(session.run(feeds, { outputs: ['total'] }), /no output "total"; it gives "sum", "negative"/);
  });

  test('values that the model cannot take, naming the node', async () => {
    const result = compute(
      (graph) => {
        graph.input('s', 'STRING', ['N', 1]);
        const attributes = { cats_strings: attr.strings(['a']), zeros: attr.int(0) };
        graph.output('hot', 'FLOAT', ['N', 1, 1], graph.op('OneHotEncoder', ['s'], { domain: mlDomain, attributes }));
      },
      { s: tensor('STRING', [1, 1], ['b']) },
    );
    await assert.rejects(result, (error) => hasCode(error, 'INVALID_ARGUMENT') && /OneHotEncoder_0.*Unknown Category/s.test(error.message));
  });

  test('to load an operator that does not exist, a file that is not there, and values kept elsewhere', async () => {
    const graph = graphBuilder({ name: 'g' });
    graph.input('x', 'FLOAT', ['N']);
    graph.output('y', 'FLOAT', ['N'], graph.op('Frobnicate', ['x']));
    await assert.rejects(
      openSession(encodeModel(graph)),
      (error) => hasCode(error, 'INVALID_ARGUMENT') && /Frobnicate/.test(error.message),
    );
    await assert.rejects(openSession('/nowhere/model.onnx'), (error) => hasCode(error, 'NOT_FOUND'));
    await assert.rejects(openSession(new Uint8Array(10)), (error) => hasCode(error, 'INVALID_ARGUMENT'));
  });

  test('an input that is no tensor', async () => {
    const writer = new WireWriter();
    writer.int(1, 8);
    writer.message(7, () => {
      writer.string(2, 'g');
      writer.message(11, () => {
        writer.string(1, 'list');
        writer.message(2, () => writer.message(4, () => writer.message(1, () => writer.message(1, () => writer.int(1, 1)))));
      });
      writer.message(12, () => writer.string(1, 'list'));
      writer.message(12, () => {
        writer.string(1, 'list');
        writer.message(2, () => writer.message(1, () => writer.int(1, 1)));
      });
    });
    writer.message(8, () => writer.int(2, 17));
    await assert.rejects(openSession(writer.finish()), (error) => hasCode(error, 'INVALID_ARGUMENT'));
  });

  test('to run after it was closed, and closes only after the run that was under way', async () => {
    const session = await openSession(sum());
    const running = session.run({ a: rows(1), b: rows(1) });
    await session[Symbol.asyncDispose]();
    assert.deepEqual((await running)['sum'], rows(1));
    await assert.rejects(session.run({ a: rows(1), b: rows(1) }), (error) => hasCode(error, 'UNAVAILABLE'));
    await session[Symbol.asyncDispose]();
  });
});

describe('a session says', () => {
  test('what it takes and gives, also when loaded from a file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gyre-onnx-'));
    try {
      const path = join(folder, 'model.onnx');
      await writeFile(path, sum());
      await using session = await openSession(path, { intraOpThreads: 2 });
      assert.deepEqual(session.inputs, [
        { name: 'a', type: 'FLOAT', shape: ['N', 2] },
        { name: 'b', type: 'FLOAT', shape: ['N', 2] },
      ]);
      assert.deepEqual(
        session.outputs.map((output) => output.name),
        ['sum', 'negative'],
      );
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
