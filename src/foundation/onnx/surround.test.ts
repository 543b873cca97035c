import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { WireWriter } from '#core';
import { encodeModel } from './encode.ts';
import { graphBuilder } from './builder.ts';
import { attr } from './model.ts';
import { openSession } from './session.ts';
import { surroundModel } from './surround.ts';
import type { Surroundings } from './surround.ts';
import { tensor } from './tensor.ts';

/** `age` [N, 1] and `doubled`, its double, both as other tools name their values. */
function doubling(): Uint8Array {
  const graph = graphBuilder({ name: 'theirs', opset: 18 });
  const age = graph.input('age', 'FLOAT', ['N', 1]);
  graph.output('doubled', 'FLOAT', ['N', 1], graph.op('Add', [age, age]));
  return encodeModel(graph);
}

/** One row of `x` [1], given back plus 1 where `high` holds, else as it is: two subgraphs that read values of the graph around them. */
function branching(): Uint8Array {
  const writer = new WireWriter();
  const float = (field: number, name: string): void =>
    writer.message(field, () => {
      writer.string(1, name);
      writer.message(2, () =>
        writer.message(1, () => {
          writer.int(1, 1);
          writer.message(2, () => writer.message(1, () => writer.int(1, 1)));
        }),
      );
    });
  const branch = (name: string, opType: string, inputs: readonly string[]): void =>
    writer.message(5, () => {
      writer.string(1, name);
      writer.message(6, () => {
        writer.message(1, () => {
          for (const input of inputs) writer.string(1, input);
          writer.string(2, `${name}_y`);
          writer.string(4, opType);
        });
        writer.string(2, name);
        float(12, `${name}_y`);
      });
      writer.int(20, 5);
    });
  writer.int(1, 8);
  writer.message(7, () => {
    writer.message(1, () => {
      writer.string(1, 'high');
      writer.string(2, 'y');
      writer.string(4, 'If');
      branch('then_branch', 'Add', ['x', 'one']);
      branch('else_branch', 'Identity', ['x']);
    });
    writer.string(2, 'branching');
    writer.message(5, () => {
      writer.packedInts(1, [1]);
      writer.int(2, 1);
      writer.packedFloats(4, [1]);
      writer.string(8, 'one');
    });
    writer.message(11, () => {
      writer.string(1, 'high');
      writer.message(2, () =>
        writer.message(1, () => {
          writer.int(1, 9);
          writer.message(2, () => writer.message(1, () => writer.int(1, 1)));
        }),
      );
    });
    float(11, 'x');
    float(12, 'y');
  });
  writer.message(8, () => writer.int(2, 17));
  return writer.finish();
}

const identity = (from: string, to: string) => ({
  name: to,
  domain: '',
  opType: 'Identity',
  inputs: [from],
  outputs: [to],
  attributes: {},
});
const around = (more: Partial<Surroundings>): Surroundings => ({
  prefix: 'theirs/',
  inputs: [],
  outputs: [],
  before: [],
  after: [],
  constants: new Map(),
  without: new Set(),
  ...more,
});

describe('operations around a graph of another tool', () => {
  test('take and give other types under the same names, and the graph between them computes as before', async () => {
    const bytes = surroundModel(
      doubling(),
      around({
        inputs: [{ name: 'age', type: 'DOUBLE', shape: ['N', 1] }],
        outputs: [{ name: 'doubled', type: 'FLOAT', shape: ['N', 1] }],
        before: [{ name: 'cast', domain: '', opType: 'Cast', inputs: ['age'], outputs: ['theirs/age'], attributes: { to: attr.int(1) } }],
        after: [{ name: 'plus', domain: '', opType: 'Add', inputs: ['theirs/Add_0', 'half'], outputs: ['doubled'], attributes: {} }],
        constants: new Map([['half', tensor('FLOAT', [1], Float32Array.of(0.5))]]),
      }),
    );
    await using session = await openSession(bytes);
    assert.deepEqual(session.inputs, [{ name: 'age', type: 'DOUBLE', shape: ['N', 1] }]);
    const { doubled } = await session.run({ age: tensor('DOUBLE', [2, 1], Float64Array.of(1, 20)) });
    assert.deepEqual([...doubled.data], [2.5, 40.5]);
  });

  test('leave subgraphs that read values of the graph around them at work', async () => {
    const bytes = surroundModel(
      branching(),
      around({
        inputs: [
          { name: 'high', type: 'BOOL', shape: [1] },
          { name: 'x', type: 'FLOAT', shape: [1] },
        ],
        outputs: [{ name: 'y', type: 'FLOAT', shape: [1] }],
        before: [identity('high', 'theirs/high'), identity('x', 'theirs/x')],
        after: [identity('theirs/y', 'y')],
      }),
    );
    await using session = await openSession(bytes);
    for (const [high, wanted] of [
      [1, 8],
      [0, 7],
    ]) {
      const { y } = await session.run({ high: tensor('BOOL', [1], Uint8Array.of(high)), x: tensor('FLOAT', [1], Float32Array.of(7)) });
      assert.deepEqual([...y.data], [wanted]);
    }
  });

  test('bytes that are no model are refused', () => {
    assert.throws(() => surroundModel(new TextEncoder().encode('no model at all'), around({})), /the bytes are no ONNX model/);
  });
});
