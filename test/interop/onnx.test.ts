import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { attr, checkModel, encodeModel, graphBuilder, mlDomain, openSession, tensor } from '#onnx';
import type { GraphBuilder, Tensor } from '#onnx';
import { pythonMissing, runPython } from './python.ts';

interface PeerModel {
  readonly inputs: Readonly<Record<string, readonly [type: string, axes: readonly (string | number)[]]>>;
  readonly outputs: PeerModel['inputs'];
  readonly nodes: readonly string[];
  readonly opsets: Readonly<Record<string, number>>;
  readonly metadata: Readonly<Record<string, string>>;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly constants: Readonly<Record<string, unknown>>;
  readonly answers: Readonly<Record<string, readonly unknown[]>>;
}

interface Peer {
  readonly models: Readonly<Record<string, PeerModel>>;
}

interface Case {
  readonly name: string;
  readonly opset?: number;
  readonly mlOpset?: number;
  readonly build: (graph: GraphBuilder) => void;
  readonly feeds: Readonly<Record<string, Tensor>>;
}

const cases: readonly Case[] = [
  {
    name: 'columns',
    build: (graph) => {
      graph.input('amount', 'DOUBLE', ['N', 1]);
      graph.input('city', 'STRING', ['N', 1]);
      const fill = graph.initializer('fill', tensor('DOUBLE', [1], Float64Array.of(0.3)));
      const filled = graph.op('Where', [graph.op('IsNaN', ['amount']), fill, 'amount']);
      const number = graph.op('Cast', [filled], { attributes: { to: attr.int(1) } });
      const hot = graph.op('OneHotEncoder', ['city'], {
        domain: mlDomain,
        attributes: { cats_strings: attr.strings(['Köln', '']), zeros: attr.int(1) },
      });
      const flat = graph.op('Reshape', [hot, graph.initializer('shape', tensor('INT64', [2], BigInt64Array.of(-1n, 2n)))]);
      graph.output('features', 'FLOAT', ['N', 3], graph.op('Concat', [number, flat], { attributes: { axis: attr.int(1) } }));
    },
    feeds: {
      amount: tensor('DOUBLE', [3, 1], Float64Array.of(NaN, 1.5, -2)),
      city: tensor('STRING', [3, 1], ['Köln', '', 'Bonn']),
    },
  },
  {
    name: 'trees',
    opset: 21,
    mlOpset: 3,
    build: (graph) => {
      graph.input('x', 'FLOAT', ['N', 2]);
      const attributes = {
        nodes_treeids: attr.ints([0, 0, 0]),
        nodes_nodeids: attr.ints([0, 1, 2]),
        nodes_featureids: attr.ints([1, 0, 0]),
        nodes_values: attr.floats([0.1, 0, 0]),
        nodes_modes: attr.strings(['BRANCH_LEQ', 'LEAF', 'LEAF']),
        nodes_truenodeids: attr.ints([1, 0, 0]),
        nodes_falsenodeids: attr.ints([2, 0, 0]),
        nodes_missing_value_tracks_true: attr.ints([0, 0, 0]),
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
    feeds: { x: tensor('FLOAT', [3, 2], Float32Array.of(0, 0.1, 0, 0.2, 0, NaN)) },
  },
  {
    name: 'tensor-attributes',
    opset: 20,
    mlOpset: 4,
    build: (graph) => {
      graph.input('s', 'STRING', ['N', 1]);
      const attributes = {
        keys_tensor: attr.tensor(tensor('STRING', [2], ['a', ''])),
        values_tensor: attr.tensor(tensor('DOUBLE', [2], Float64Array.of(0.1, 7))),
        default_tensor: attr.tensor(tensor('DOUBLE', [1], Float64Array.of(-1))),
      };
      graph.output('code', 'DOUBLE', ['N', 1], graph.op('LabelEncoder', ['s'], { domain: mlDomain, attributes }));
      const none = graph.initializer('none', tensor('DOUBLE', [0, 1], new Float64Array(0)));
      graph.output('none', 'DOUBLE', [0, 1], graph.op('Abs', [none]));
    },
    feeds: { s: tensor('STRING', [3, 1], ['a', '', 'ä']) },
  },
];

/** Feeds as JSON: a missing number becomes null, which the peer reads as NaN. */
const plainFeeds = (feeds: Case['feeds']): unknown =>
  Object.fromEntries(
    Object.entries(feeds).map(([name, { type, shape, data }]) => [name, { type, shape, data: Array.from<unknown>(data) }]),
  );

describe("models of ours under the ONNX project's own checker, reader and runtime", { skip: pythonMissing }, () => {
  let folder = '';
  let peer: Peer = { models: {} };

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gyre-onnx-'));
    for (const { name, opset, mlOpset, build } of cases) {
      const graph = graphBuilder({ name, opset, mlOpset });
      build(graph);
      await writeFile(join(folder, `${name}.onnx`), encodeModel(graph, { producerVersion: '0.1.0', metadata: { b: 'ü', a: '1' } }));
    }
    // The strict check runs in there: a model that it refuses fails the whole run with its message.
    const feeds = Object.fromEntries(cases.map((one) => [one.name, plainFeeds(one.feeds)]));
    peer = await runPython<Peer>('onnx_peer.py', { folder, feeds });
  });

  after(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  for (const { name, feeds } of cases) {
    test(`${name}: passes the strict check and reads back what was written`, async () => {
      const ours = checkModel(await readFile(join(folder, `${name}.onnx`)));
      const read = peer.models[name];
      assert.deepEqual(
        read.nodes,
        ours.nodes.map((node) => node.opType),
      );
      assert.deepEqual(read.opsets, { ...ours.opsets });
      assert.deepEqual(read.metadata, { a: '1', b: 'ü' });
      assert.deepEqual(read.inputs, Object.fromEntries(ours.inputs.map((input) => [input.name, [input.type, input.shape]])));
      assert.deepEqual(read.outputs, Object.fromEntries(ours.outputs.map((output) => [output.name, [output.type, output.shape]])));
      for (const node of ours.nodes) {
        for (const { name: attribute, attribute: view } of node.attributes) {
          assert.ok('value' in view);
          const value = view.type === 'TENSOR' ? Array.from<unknown>(view.value.read().data) : view.value;
          assert.deepEqual(read.attributes[`${node.name}.${attribute}`], value);
        }
      }
      for (const constant of ours.initializers) {
        const values = Array.from<unknown>(constant.read().data).map((value) => (typeof value === 'bigint' ? Number(value) : value));
        assert.deepEqual(read.constants[constant.name], values);
      }
    });

    test(`${name}: answers as in the Python runtime`, async () => {
      await using session = await openSession(join(folder, `${name}.onnx`));
      const answers = await session.run(feeds);
      const theirs = peer.models[name].answers;
      assert.deepEqual(Object.keys(theirs), Object.keys(answers));
      for (const [output, { data }] of Object.entries(answers)) {
        for (const [index, value] of flat(theirs[output]).entries()) {
          if (typeof value !== 'number') assert.equal(data[index], value);
          // Two builds of the same runtime: equal up to the last bits of a float32 sigmoid.
          else assert.ok(Math.abs(Number(data[index]) - value) <= 1e-6 * Math.max(1, Math.abs(value)), `${output}[${index}]`);
        }
        assert.equal(data.length, flat(theirs[output]).length);
      }
    });
  }

  test("a model in the project's own ways of writing is read value by value", async () => {
    const model = checkModel(await readFile(join(folder, 'theirs', 'typed-fields.onnx')));
    assert.deepEqual({ ...model.metadata }, { key: 'value' });
    assert.deepEqual(
      model.initializers.map((constant) => constant.read()),
      [
        tensor('FLOAT', [2], Float32Array.of(0.1, -2)),
        tensor('DOUBLE', [2], Float64Array.of(0.1, 1e300)),
        tensor('INT64', [2], BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n)),
        tensor('BOOL', [3], Uint8Array.of(1, 0, 1)),
        tensor('INT8', [2], Int8Array.of(-128, 127)),
        tensor('FLOAT16', [2], Float16Array.of(1.5, -0.1)),
        tensor('UINT64', [1], BigUint64Array.of(2n ** 64n - 1n)),
        tensor('STRING', [2], ['', 'ä']),
        tensor('INT32', [2, 2], Int32Array.of(1, 2, 3, 4)),
      ],
    );
    const [choice, odd] = model.nodes;
    assert.deepEqual(
      odd.attributes.map(({ name, attribute }) => [name, attribute]),
      [
        ['axes', attr.ints([-1, 0, 300])],
        ['scales', attr.floats([0.5, 0.25])],
        ['words', attr.strings(['a', 'b'])],
      ],
    );
    const branch = choice.attributes[0].attribute;
    assert.ok(branch.type === 'GRAPH');
    const constant = branch.value.nodes[0].attributes[0].attribute;
    assert.ok(constant.type === 'TENSOR');
    assert.deepEqual(constant.value.read(), tensor('FLOAT', [1], Float32Array.of(0.1)));
  });
});

function flat(values: readonly unknown[]): unknown[] {
  return values.flatMap((value) => (Array.isArray(value) ? flat(value) : [value]));
}
