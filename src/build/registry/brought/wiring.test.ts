import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { hasCode } from '#core';
import { openSession, attr, encodeModel, graphBuilder, mlDomain, tensor } from '#onnx';
import { createFrame, numberColumn, textColumn } from '#tables';
import { readForeignGraph, withoutZipMaps } from './foreign-graph.ts';
import { settleWiring } from './settle-wiring.ts';
import type { AskedWiring, KnownWiring } from './settle-wiring.ts';
import { wireGraph } from './wire-graph.ts';

const frame = createFrame(
  [
    { name: 'id', type: 'string', column: textColumn(['a', 'b', 'c']) },
    { name: 'age', type: 'number', column: numberColumn(Float64Array.of(20, 40, 60)) },
    { name: 'bill', type: 'number', column: numberColumn(Float64Array.of(1, Number.NaN, 3)) },
    { name: 'left', type: 'string', column: textColumn(['no', 'yes', 'no']) },
    { name: 'sum', type: 'number', column: numberColumn(Float64Array.of(21, 43, 63)) },
  ],
  3,
);
const nothing: KnownWiring = { columns: [] };

/** What scikit-learn's converters write: one tensor, a classifier with its classes, a label, and probabilities behind a ZipMap. */
function classifier(): Uint8Array {
  const graph = graphBuilder({ name: 'theirs' });
  const x = graph.input('X', 'FLOAT', ['N', 2]);
  const [label, scores] = graph.node('LinearClassifier', [x], {
    domain: mlDomain,
    outputs: 2,
    attributes: {
      classlabels_ints: attr.ints([0, 1]),
      coefficients: attr.floats([-0.1, 0, 0.1, 0]),
      intercepts: attr.floats([4, -4]),
      post_transform: attr.string('SOFTMAX'),
      multi_class: attr.int(0),
    },
  });
  graph.output('label', 'INT64', ['N'], label);
  graph.output('probabilities', 'FLOAT', ['N', 2], scores);
  return encodeModel(graph);
}

/** One score a row of a tensor that is one row of numbers, as a network with a sigmoid gives it. */
function sigmoid(): Uint8Array {
  const graph = graphBuilder({ name: 'net' });
  const age = graph.input('age', 'FLOAT', ['N']);
  graph.output(
    'score',
    'FLOAT',
    ['N'],
    graph.op('Sigmoid', [graph.op('Sub', [age, graph.initializer('c', tensor('FLOAT', [1], Float32Array.of(40)))])]),
  );
  return encodeModel(graph);
}

/** The sum of two columns, each an input of its own. */
function sum(): Uint8Array {
  const graph = graphBuilder({ name: 'sum' });
  const [age, bill] = [graph.input('age', 'INT64', ['N', 1]), graph.input('bill', 'DOUBLE', ['N', 1])];
  const floats = graph.op('Cast', [age], { attributes: { to: attr.int(11) } });
  graph.output('variable', 'DOUBLE', ['N', 1], graph.op('Add', [floats, bill]));
  return encodeModel(graph);
}

async function wired(bytes: Uint8Array, asked: AskedWiring, known = nothing) {
  const graph = readForeignGraph(bytes);
  const wiring = settleWiring(graph, asked, known, frame);
  await using session = await openSession(wireGraph(graph, wiring));
  const feeds = Object.fromEntries(
    wiring.inputs.map(({ name }) => [name, tensor('DOUBLE', [3, 1], Float64Array.from(frame.numbers(name)))]),
  );
  return { wiring, outputs: await session.run(feeds) };
}

const refused = (asked: AskedWiring, words: RegExp, bytes = classifier(), known = nothing) =>
  assert.throws(
    () => settleWiring(readForeignGraph(bytes), asked, known, frame),
    (error) => hasCode(error, 'INVALID_ARGUMENT') && words.test(error.message),
  );

describe('a graph from elsewhere behind named columns', () => {
  const columns = { X: ['age', 'sum'] };

  test('gives the probabilities of the classes as the rows name them, the positive one last, and its label', async () => {
    const { wiring, outputs } = await wired(classifier(), { target: 'left', columns, classes: ['no', 'yes'] });
    assert.deepEqual([wiring.task, wiring.classes, wiring.positive], ['binary', ['no', 'yes'], 'yes']);
    // Softmax of 4 - age / 10 against age / 10 - 4.
    const yes = [20, 40, 60].map((age) => 1 / (1 + Math.exp(2 * (4 - age / 10))));
    yes.forEach((wanted, row) => assert.ok(Math.abs(Number(outputs['probabilities'].data[row * 2 + 1]) - wanted) < 1e-6));
    assert.deepEqual([outputs['label'].data[0], outputs['label'].data[2]], ['no', 'yes']);
    const turned = await wired(classifier(), { target: 'left', columns, classes: ['no', 'yes'], positive: 'no' });
    assert.deepEqual(turned.wiring.classes, ['yes', 'no']);
    assert.equal(turned.outputs['probabilities'].data[0], outputs['probabilities'].data[1]);
    assert.deepEqual([turned.outputs['label'].data[0], turned.outputs['label'].data[2]], ['no', 'yes']);
  });

  test('takes the order of its columns from what its files say where nobody names it', async () => {
    const { wiring } = await wired(classifier(), { target: 'left', classes: ['no', 'yes'] }, { columns: ['sum', 'age'] });
    assert.deepEqual(wiring.tensors.map(({ columns: taken }) => taken), [['sum', 'age']]); // prettier-ignore
  });

  test('with one score a row says the probability of both classes', async () => {
    const { wiring, outputs } = await wired(sigmoid(), { target: 'left', classes: ['no', 'yes'] });
    assert.equal(wiring.task, 'binary');
    assert.deepEqual([outputs['probabilities'].shape, [...outputs['probabilities'].data].slice(2, 4)], [[3, 2], [0.5, 0.5]]); // prettier-ignore
  });

  test('predicts a number from columns that are inputs by their names, and says which may be missing', async () => {
    const { wiring, outputs } = await wired(sum(), { target: 'sum' });
    assert.deepEqual([wiring.task, outputs['prediction'].shape], ['regression', [3, 1]]);
    assert.deepEqual([outputs['prediction'].data[0], outputs['prediction'].data[2]], [21, 63]);
    assert.deepEqual(wiring.inputs, [
      { name: 'age', type: 'number', datatype: 'FP64', required: true },
      { name: 'bill', type: 'number', datatype: 'FP64', required: false },
    ]);
  });

  test('is refused with what would be right: columns, classes, outputs that nobody has said', () => {
    refused({ target: 'left' }, /takes a tensor "X" of 2 numbers a row.*name 2 of "age", "bill", "sum"/);
    refused({ target: 'left', columns }, /the model's classes are "0", "1", but "left" has "no", "yes".*--classes no,yes/);
    refused({ target: 'left', columns: { X: ['age'] } }, /takes 2 columns, but 1 is named/);
    refused({ target: 'left', columns: { X: ['age', 'id'] } }, /"id" holds string, but "X" takes numbers/);
    refused({ target: 'left', columns: { X: ['age', 'left'] } }, /cannot be taken as well/);
    refused({ target: 'gone', columns }, /no column "gone" for the target/);
    refused({ target: 'left', columns, classes: ['no', 'yes'], positive: 'maybe' }, /no class "maybe"/);
    refused({ target: 'left', columns, output: 'label' }, /gives no numbers as "label"; those it gives are "probabilities"/);
    refused({ target: 'left', columns: { age: ['bill'] } }, /"bill" has missing values, but "age" takes INT64/, sum());
  });

  test('of another kind than rows of columns is refused', () => {
    const graph = graphBuilder({ name: 'pictures' });
    graph.output('y', 'FLOAT', ['N', 3, 8, 8], graph.input('picture', 'FLOAT', ['N', 3, 8, 8]));
    assert.throws(() => readForeignGraph(encodeModel(graph)), /"picture" of the graph has 4 axes/);
    const fixed = graphBuilder({ name: 'fixed' });
    fixed.output('y', 'FLOAT', [1, 2], fixed.input('x', 'FLOAT', [1, 2]));
    assert.throws(() => readForeignGraph(encodeModel(fixed)), /exactly 1 row at a time/);
  });

  test('without a ZipMap stays as it is', () => {
    const bytes = classifier();
    assert.equal(withoutZipMaps(bytes), bytes);
  });
});
