import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { hasCode } from '#core';
import { attr, checkModel, decodeModel, encodeModel, graphBuilder, inlineModel, mlDomain, openSession, tensor } from './index.ts';
import type { AttributeValue, GraphBuilder } from './index.ts';

/** Standardises two columns, then applies a logistic model: a transform part and a learner part. */
function transform(graph: GraphBuilder): string {
  graph.input('x', 'FLOAT', ['N', 2]);
  const centred = graph.op('Sub', ['x', graph.initializer('mean', tensor('FLOAT', [2], Float32Array.of(1, 2)))]);
  return graph.op('Div', [centred, graph.initializer('scale', tensor('FLOAT', [2], Float32Array.of(2, 4)))]);
}

function learner(graph: GraphBuilder, features: string): string {
  const weights = graph.initializer('weights', tensor('FLOAT', [2, 1], Float32Array.of(0.5, -1)));
  return graph.op('Sigmoid', [graph.op('MatMul', [features, weights])]);
}

describe('encoding a graph', () => {
  test('gives the same bytes for the same calls, whatever the order of attributes and metadata', () => {
    const encode = (attributes: Record<string, AttributeValue>, metadata: Record<string, string>): Uint8Array => {
      const graph = graphBuilder({ name: 'g' });
      graph.input('x', 'STRING', ['N', 1]);
      graph.output('y', 'FLOAT', ['N', 1], graph.op('LabelEncoder', ['x'], { domain: mlDomain, attributes }));
      return encodeModel(graph, { metadata });
    };
    const keys = attr.strings(['a']);
    const values = attr.floats([1]);
    const first = encode({ keys_strings: keys, values_floats: values }, { b: '2', a: '1' });
    const second = encode({ values_floats: values, keys_strings: keys }, { a: '1', b: '2' });
    assert.deepEqual(first, second);
    assert.deepEqual(decodeModel(first).metadata, { a: '1', b: '2' });
  });

  test('keeps every kind of attribute and element type exactly', () => {
    const graph = graphBuilder({ name: 'g', opset: 21, mlOpset: 4 });
    graph.input('x', 'DOUBLE', ['N', 3, '']);
    const attributes = {
      a_float: attr.float(0.1),
      b_int: attr.int(-7),
      c_big: attr.int(-(2n ** 63n)),
      d_string: attr.string('Grüße'),
      e_floats: attr.floats([1.5, -0, Infinity]),
      f_ints: attr.ints([0, 127, 128, -1, 2 ** 31, Number.MIN_SAFE_INTEGER]),
      g_longs: attr.ints(BigInt64Array.of(2n ** 62n, -1n)),
      h_strings: attr.strings(['', 'ß', 'a'.repeat(300)]),
      i_tensor: attr.tensor(tensor('DOUBLE', [2], Float64Array.of(0.1, NaN))),
    };
    const tensors = [
      tensor('FLOAT', [2], Float32Array.of(0.1, -0)),
      tensor('DOUBLE', [], Float64Array.of(Math.PI)),
      tensor('INT64', [1, 2], BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n)),
      tensor('UINT64', [1], BigUint64Array.of(2n ** 64n - 1n)),
      tensor('INT32', [1], Int32Array.of(-5)),
      tensor('UINT32', [1], Uint32Array.of(2 ** 32 - 1)),
      tensor('INT16', [1], Int16Array.of(-5)),
      tensor('UINT16', [1], Uint16Array.of(65535)),
      tensor('INT8', [1], Int8Array.of(-128)),
      tensor('UINT8', [1], Uint8Array.of(255)),
      tensor('BOOL', [2], Uint8Array.of(0, 1)),
      tensor('FLOAT16', [1], Float16Array.of(1.5)),
      tensor('STRING', [2], ['', 'ä']),
      tensor('FLOAT', [0, 4], new Float32Array(0)),
    ];
    const constants = tensors.map((value) => graph.initializer('c', value));
    graph.output('y', 'DOUBLE', ['N'], graph.op('Odd', ['x', '', ...constants], { domain: 'test', attributes }));
    const model = checkModel(encodeModel(graph, { producerVersion: '0.1.0', docString: 'doc' }));
    assert.equal(model.irVersion, 10);
    assert.deepEqual({ ...model.opsets }, { '': 21, test: 1 });
    assert.equal(model.producerName, 'gyre');
    assert.equal(model.producerVersion, '0.1.0');
    assert.equal(model.docString, 'doc');
    assert.deepEqual(model.inputs, [{ name: 'x', kind: 'tensor', type: 'DOUBLE', typeCode: 11, shape: ['N', 3, ''] }]);
    assert.deepEqual(
      model.initializers.map((constant) => constant.read()),
      tensors,
    );
    assert.deepEqual(model.nodes[0].inputs, ['x', '', ...constants]);
    const decoded = Object.fromEntries(model.nodes[0].attributes.map(({ name, attribute }) => [name, attribute]));
    const { i_tensor: tensorView, ...others } = decoded;
    assert.deepEqual(others, {
      a_float: attr.float(Math.fround(0.1)),
      b_int: attr.int(-7),
      c_big: attr.int(-(2n ** 63n)),
      d_string: attr.string('Grüße'),
      e_floats: attr.floats([1.5, -0, Infinity]),
      f_ints: attr.ints([0, 127, 128, -1, 2 ** 31, Number.MIN_SAFE_INTEGER]),
      g_longs: attr.ints(BigInt64Array.of(2n ** 62n, -1n)),
      h_strings: attr.strings(['', 'ß', 'a'.repeat(300)]),
    });
    assert.ok(tensorView.type === 'TENSOR');
    assert.deepEqual(tensorView.value.read(), tensor('DOUBLE', [2], Float64Array.of(0.1, NaN)));
  });

  test('constants read from a Buffer are copies of their own bytes alone', () => {
    const graph = graphBuilder({ name: 'g' });
    graph.output('y', 'FLOAT', [2], graph.op('Abs', [graph.initializer('c', tensor('FLOAT', [2], Float32Array.of(1, 2)))]));
    const file = Buffer.from(encodeModel(graph));
    const constant = decodeModel(file).initializers[0].read();
    file.fill(0);
    assert.deepEqual(constant, tensor('FLOAT', [2], Float32Array.of(1, 2)));
  });

  test('writes the transform alone and the whole model from one builder', async () => {
    const graph = graphBuilder({ name: 'both' });
    const features = transform(graph);
    const probability = learner(graph, features);
    const transformOnly = encodeModel(graph, { outputs: [{ name: 'features', type: 'FLOAT', shape: ['N', 2], value: features }] });
    graph.output('probability', 'FLOAT', ['N', 1], probability);
    const view = decodeModel(transformOnly);
    assert.deepEqual(
      view.nodes.map((node) => node.opType),
      ['Sub', 'Div', 'Identity'],
    );
    assert.deepEqual(
      view.initializers.map((constant) => constant.name),
      ['mean_0', 'scale_0'],
    );
    await using first = await openSession(transformOnly);
    await using whole = await openSession(encodeModel(graph));
    const x = tensor('FLOAT', [2, 2], Float32Array.of(3, 6, 1, -2));
    assert.deepEqual((await first.run({ x }))['features'], tensor('FLOAT', [2, 2], Float32Array.of(1, 1, 0, -1)));
    const { data } = (await whole.run({ x }))['probability'];
    // sigmoid(0.5 - 1) and sigmoid(1) by hand; the runtime's float32 sigmoid is good to about 1e-7.
    assert.ok(Math.abs(Number(data[0]) - 1 / (1 + Math.exp(0.5))) < 1e-6);
    assert.ok(Math.abs(Number(data[1]) - 1 / (1 + Math.exp(-1))) < 1e-6);
  });

  test('a clone goes on alone with the same names', () => {
    const graph = graphBuilder({ name: 'g' });
    const features = transform(graph);
    const copy = graph.clone();
    assert.equal(copy.op('Abs', [features]), 'Abs_0');
    assert.throws(
      () => graph.op('Neg', ['Abs_0']),
      (error) => hasCode(error, 'INVALID_ARGUMENT'),
    );
    assert.equal(graph.op('Sub', [features, features]), copy.op('Sub', [features, features]));
  });

  test('inlining a decoded transform and adding a learner computes what the one-builder graph computes', async () => {
    const alone = graphBuilder({ name: 'transform' });
    alone.output('features', 'FLOAT', ['N', 2], transform(alone));
    const graph = graphBuilder({ name: 'whole' });
    graph.input('x', 'FLOAT', ['N', 2]);
    const { features } = inlineModel(graph, decodeModel(encodeModel(alone)), { x: 'x' });
    graph.output('probability', 'FLOAT', ['N', 1], learner(graph, features));
    const direct = graphBuilder({ name: 'direct' });
    direct.output('probability', 'FLOAT', ['N', 1], learner(direct, transform(direct)));
    await using first = await openSession(encodeModel(graph));
    await using second = await openSession(encodeModel(direct));
    const x = tensor('FLOAT', [2, 2], Float32Array.of(0.3, 6, 1, -2));
    assert.deepEqual(await first.run({ x }), await second.run({ x }));
    assert.throws(() => inlineModel(graph, decodeModel(encodeModel(alone)), {}), /input "x" is bound to no value/);
    assert.throws(
      () => inlineModel(graphBuilder({ name: 'newer', opset: 21 }), decodeModel(encodeModel(alone)), {}),
      /uses version 17 of "ai.onnx", the graph version 21/,
    );
  });
});

describe('a builder refuses', () => {
  const refused = (build: (graph: GraphBuilder) => void, message: RegExp): void => {
    const graph = graphBuilder({ name: 'g' });
    graph.input('x', 'FLOAT', ['N']);
    assert.throws(
      () => build(graph),
      (error) => hasCode(error, 'INVALID_ARGUMENT') && message.test(error.message),
    );
  };

  test('a node that reads what does not exist', () => refused((graph) => graph.op('Add', ['x', 'y']), /Add node reads "y"/));
  test('a second input of the same name', () => refused((graph) => graph.input('x', 'FLOAT', []), /a value "x" already/));
  test('an output that shows nothing', () => refused((graph) => graph.output('z', 'FLOAT', []), /shows "z"/));
  test('an output with the name of another value', () =>
    refused((graph) => graph.output('x', 'FLOAT', [], graph.op('Abs', ['x'])), /name of another value/));
  test('to be encoded without outputs', () => refused((graph) => encodeModel(graph), /no outputs/));
  test('an integer that is none', () =>
    refused((graph) => {
      graph.output('y', 'FLOAT', [], graph.op('Abs', ['x'], { attributes: { axis: attr.int(0.5) } }));
      encodeModel(graph);
    }, /0\.5 is no whole number/));
  test('an opset that it does not know', () => {
    assert.throws(() => graphBuilder({ name: 'g', opset: 16 }), /from 17 to 21/);
    assert.throws(() => graphBuilder({ name: 'g', mlOpset: 9 }), /from 1 to 5/);
  });
  test('a tensor whose values do not fit its shape', () => {
    assert.throws(() => tensor('FLOAT', [2, 2], new Float32Array(3)), /has 4 values, but 3 were given/);
    assert.throws(() => tensor('FLOAT', [-1], new Float32Array(1)), /is no shape/);
  });
});
