import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { hasCode } from '#core';
import { encodeModel, graphBuilder } from '#onnx';
import { requireExamples } from './examples.ts';
import { signatureOfGraph } from './graph-signature.ts';
import { readMlModel } from './mlmodel-file.ts';
import { versionNamedBy } from './version-address.ts';

/** `age` [N, 1] double, given back as `copy`; a second input takes three numbers a row. */
function sample(): Uint8Array {
  const graph = graphBuilder({ name: 'sample', opset: 17, mlOpset: 3 });
  const age = graph.input('age', 'DOUBLE', ['N', 1]);
  const wide = graph.input('wide', 'FLOAT', ['N', 3]);
  const [copy] = graph.node('Identity', [age]);
  const [same] = graph.node('Identity', [wide]);
  graph.output('copy', 'DOUBLE', ['N', 1], copy);
  graph.output('same', 'FLOAT', ['N', 3], same);
  return encodeModel(graph);
}

describe('models that were trained elsewhere', () => {
  test('say by their graph what they take: columns where a row has one value, tensors of any width', () => {
    const signature = signatureOfGraph(sample());
    assert.deepEqual(signature, {
      inputs: [{ name: 'age', type: 'number', datatype: 'FP64', required: true }],
      tensors: [
        { name: 'age', datatype: 'FP64', shape: [-1, 1] },
        { name: 'wide', datatype: 'FP32', shape: [-1, 3] },
      ],
      outputs: [
        { name: 'copy', datatype: 'FP64', shape: [-1, 1] },
        { name: 'same', datatype: 'FP32', shape: [-1, 3] },
      ],
      classes: [],
    });
    assert.equal(signatureOfGraph(new TextEncoder().encode('no graph')), undefined);
  });

  test('say by their MLmodel file what they take, and how they can be loaded', () => {
    const text = `
flavors:
  onnx: {data: graphs/model.onnx}
  python_function: {loader_module: mlflow.onnx}
signature:
  inputs: '[{"name": "age", "type": "long", "required": false}, {"name": "city", "type": "string"}]'
  outputs: '[{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 2]}}]'
`;
    const file = readMlModel(text);
    assert.deepEqual([file?.flavors, file?.graph], [['onnx', 'python_function'], 'graphs/model.onnx']);
    assert.deepEqual(file?.signature?.inputs, [
      { name: 'age', type: 'integer', datatype: 'FP64', required: false },
      { name: 'city', type: 'string', datatype: 'BYTES', required: true },
    ]);
    assert.deepEqual(file?.signature?.outputs, [{ name: 'tensor 1', datatype: 'FP32', shape: [-1, 2] }]);
    for (const odd of ['', 'flavors: 7', ': : :', 'a: &a [*a]', "flavors: {}\nsignature: {inputs: 'no json'}"]) {
      assert.equal(readMlModel(odd)?.signature, undefined, odd);
    }
  });

  test('are registered only when they give the answers that come along with them', async () => {
    const graph = sample();
    const inputs = { age: [[1], [2]], wide: [[1, 2, 3], [4, 5, 6]] }; // prettier-ignore
    const check = (outputs: object, more: object = {}) =>
      requireExamples(graph, signatureOfGraph(graph), JSON.stringify({ inputs, outputs, ...more }));
    await check({ copy: [[1], [2]], same: [1, 2, 3, 4, 5, 6] });
    await check({ copy: [[1.4], [2]] }, { tolerance: 0.5 });
    const refused = (asked: Promise<void>, code: 'FAILED_PRECONDITION' | 'INVALID_ARGUMENT', words: RegExp) =>
      assert.rejects(asked, (error) => hasCode(error, code) && words.test(error.message));
    await refused(
      check({ copy: [[1], [2.5]] }),
      'FAILED_PRECONDITION',
      /value 2 of output "copy" is 2, not 2\.5, a difference of 5\.00e-1/,
    );
    await refused(check({ other: [[1]] }), 'INVALID_ARGUMENT', /no output "other"; it gives "copy", "same"/);
    await refused(check({ copy: [[1]] }), 'INVALID_ARGUMENT', /1 reference values, but the model gives 2/);
    await refused(check({}, { rows: [{ age: 1 }] }), 'INVALID_ARGUMENT', /either "inputs"/);
    await refused(requireExamples(graph, undefined, '{"rows": [{"age": 1}], "outputs": {}}'), 'INVALID_ARGUMENT', /give "inputs" instead/);
    await refused(requireExamples(graph, undefined, 'x'), 'INVALID_ARGUMENT', /is no JSON/);
  });

  test('addresses of registered versions are told apart from those of logged models', () => {
    const versions = ['models:/churn/3', 'models:/my model@blue', 'models:///a@b/latest'].map(versionNamedBy);
    assert.deepEqual(versions, [
      { model: 'churn', version: '3' },
      { model: 'my model', version: 'blue' },
      { model: 'a@b', version: 'latest' },
    ]);
    for (const other of ['models:/m-0123', 'runs:/a/b', 's3://models/churn/3']) assert.equal(versionNamedBy(other), undefined, other);
  });
});
