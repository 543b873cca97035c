import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { hasCode, WireWriter } from '#core';
import { checkModel, decodeModel, encodeModel, graphBuilder, tensor } from './index.ts';

interface RawNode {
  readonly name?: string;
  readonly op?: string;
  readonly domain?: string;
  readonly inputs?: readonly string[];
  readonly outputs?: readonly string[];
  readonly attributes?: (writer: WireWriter) => void;
}

interface RawModel {
  readonly ir?: number;
  readonly opset?: number | null;
  readonly graphName?: string;
  readonly inputs?: readonly string[];
  readonly inputType?: number;
  readonly nodes?: readonly RawNode[];
  readonly constant?: (writer: WireWriter) => void;
  readonly outputs?: readonly string[];
}

/** Writes a model field by field, so that it can be broken in ways in which our builder never would. */
function rawModel(raw: RawModel): Uint8Array {
  const writer = new WireWriter();
  writer.int(1, raw.ir ?? 8);
  const value = (field: number, name: string): void =>
    writer.message(field, () => {
      writer.string(1, name);
      writer.message(2, () => writer.message(1, () => writer.int(1, raw.inputType ?? 1)));
    });
  writer.message(7, () => {
    for (const node of raw.nodes ?? []) {
      writer.message(1, () => {
        for (const input of node.inputs ?? []) writer.string(1, input);
        for (const output of node.outputs ?? []) writer.string(2, output);
        writer.string(3, node.name ?? '');
        writer.string(4, node.op ?? 'Abs');
        node.attributes?.(writer);
        writer.string(7, node.domain ?? '');
      });
    }
    writer.string(2, raw.graphName ?? 'g');
    if (raw.constant) writer.message(5, raw.constant);
    for (const input of raw.inputs ?? ['x']) value(11, input);
    for (const output of raw.outputs ?? ['y']) value(12, output);
  });
  if (raw.opset !== null) {
    writer.message(8, () => {
      writer.string(1, '');
      writer.int(2, raw.opset ?? 17);
    });
  }
  return writer.finish();
}

const abs: RawNode = { name: 'first', inputs: ['x'], outputs: ['y'] };

describe('checking a model', () => {
  test('accepts a sound one, also with a constant that is listed as an input', () => {
    assert.equal(checkModel(rawModel({ nodes: [abs] })).nodes.length, 1);
    const constant = (writer: WireWriter): void => {
      writer.int(2, 1);
      writer.string(8, 'x');
      writer.packedFloats(4, [1]);
    };
    assert.equal(checkModel(rawModel({ nodes: [abs], constant, ir: 3 })).initializers[0].name, 'x');
  });

  const broken: readonly (readonly [what: string, model: RawModel, message: RegExp])[] = [
    ['an input that nothing defines', { nodes: [{ ...abs, inputs: ['z'] }] }, /node "first" \(Abs\) reads "z", which nothing defines/],
    [
      'nodes in the wrong order',
      {
        nodes: [
          { name: 'late', inputs: ['m'], outputs: ['y'] },
          { name: 'early', inputs: ['x'], outputs: ['m'] },
        ],
      },
      /node "late" \(Abs\) reads "m" before node "early" \(Abs\) makes it/,
    ],
    [
      'a cycle',
      {
        nodes: [
          { name: 'a', inputs: ['n'], outputs: ['m'] },
          { name: 'b', inputs: ['m'], outputs: ['n'] },
        ],
        outputs: ['n'],
      },
      /node "a" \(Abs\) reads "n".* the graph has a cycle/,
    ],
    ['a node that reads itself', { nodes: [{ ...abs, inputs: ['y'] }] }, /has a cycle/],
    ['two values of one name', { nodes: [abs, { ...abs, name: 'second' }] }, /node "second" \(Abs\) gives the name "y"/],
    ['two nodes of one name', { nodes: [abs, { ...abs, outputs: ['z'] }] }, /two nodes "first"/],
    ['two inputs of one name', { nodes: [abs], inputs: ['x', 'x'] }, /an input gives the name "x"/],
    ['two outputs of one name', { nodes: [abs], outputs: ['y', 'y'] }, /two outputs "y"/],
    ['an output that nothing makes', { nodes: [abs], outputs: ['q'] }, /output "q" is made by no node/],
    ['no outputs', { nodes: [abs], outputs: [] }, /has no outputs/],
    ['no opset', { nodes: [abs], opset: null }, /no opset is imported/],
    ['opset 0', { nodes: [abs], opset: 0 }, /opset version 0 of "ai.onnx"/],
    ['a domain without opset', { nodes: [{ ...abs, domain: 'ai.onnx.ml' }] }, /node "first" \(Abs\) uses operators of "ai.onnx.ml"/],
    ['an element type that does not run', { nodes: [abs], inputType: 16 }, /"x" has the element type 16/],
    ['no operator', { nodes: [{ ...abs, op: '' }] }, /does not say which operator/],
    ['an old IR version', { nodes: [abs], ir: 2 }, /IR version 2 is not supported/],
    ['a graph without name', { nodes: [abs], graphName: '' }, /a graph has no name/],
    [
      'values in another file',
      {
        nodes: [abs],
        constant: (writer) => {
          writer.int(2, 1);
          writer.string(8, 'w');
          writer.message(13, () => {
            writer.string(1, 'location');
            writer.string(2, '../../etc/passwd');
          });
          writer.int(14, 1);
        },
      },
      /initializer "w" keeps its values in another file/,
    ],
    [
      'values in another file, in an attribute',
      {
        nodes: [
          {
            ...abs,
            attributes: (writer) =>
              writer.message(5, () => {
                writer.string(1, 'value');
                writer.message(5, () => writer.int(14, 1));
                writer.int(20, 4);
              }),
          },
        ],
      },
      /attribute "value" of node "first" \(Abs\) keeps its values in another file/,
    ],
    [
      'a constant with too few bytes',
      {
        nodes: [abs],
        constant: (writer) => {
          writer.packedInts(1, [3]);
          writer.int(2, 1);
          writer.string(8, 'w');
          writer.bytes(9, new Uint8Array(8));
        },
      },
      /tensor "w" of shape \[3\] needs 12 bytes, but has 8/,
    ],
    [
      'an attribute without type',
      { nodes: [{ ...abs, attributes: (writer) => writer.message(5, () => writer.string(1, 'axis')) }] },
      /attribute "axis" of node "first" \(Abs\) has no type/,
    ],
  ];
  for (const [what, model, message] of broken) {
    test(`refuses ${what}`, () => {
      assert.throws(
        () => checkModel(rawModel(model)),
        (error) => {
          assert.ok(hasCode(error, 'INVALID_ARGUMENT'));
          assert.match(error.message, message);
          return true;
        },
      );
    });
  }

  test('sees names of the outer graph in a subgraph, and refuses what a subgraph does not know', () => {
    const subgraph = (reads: string) => (writer: WireWriter) =>
      writer.message(5, () => {
        writer.string(1, 'then_branch');
        writer.message(6, () => {
          writer.message(1, () => {
            writer.string(1, reads);
            writer.string(2, 'inner');
            writer.string(3, 'inside');
            writer.string(4, 'Abs');
          });
          writer.string(2, 'branch');
          writer.message(12, () => writer.string(1, 'inner'));
        });
        writer.int(20, 5);
      });
    checkModel(rawModel({ nodes: [{ ...abs, op: 'If', attributes: subgraph('x') }] }));
    assert.throws(
      () => checkModel(rawModel({ nodes: [{ ...abs, op: 'If', attributes: subgraph('nowhere') }] })),
      /node "inside" \(Abs\) reads "nowhere"/,
    );
  });

  test('bytes that are no model get a clear answer, wherever they are cut or changed', () => {
    const graph = graphBuilder({ name: 'g' });
    graph.input('x', 'FLOAT', ['N', 2]);
    const constant = graph.initializer('c', tensor('FLOAT', [2], Float32Array.of(1, 2)));
    graph.output('y', 'FLOAT', ['N', 2], graph.op('Add', ['x', constant]));
    const bytes = encodeModel(graph);
    const answers = (changed: Uint8Array): void => {
      try {
        checkModel(changed);
      } catch (error) {
        assert.ok(hasCode(error, 'INVALID_ARGUMENT'), String(error));
      }
    };
    for (let length = 0; length < bytes.length; length++) answers(bytes.subarray(0, length));
    for (let at = 0; at < bytes.length; at++) {
      for (const bit of [0x01, 0x04, 0x80]) {
        const changed = bytes.slice();
        changed[at] ^= bit;
        answers(changed);
      }
    }
    for (const nothing of [new Uint8Array(0), new TextEncoder().encode('customerID,gender\n')]) {
      assert.throws(() => decodeModel(nothing), /the bytes are no ONNX model/);
    }
  });
});
