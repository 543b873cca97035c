import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Signature } from '#contract';
import { gyre, temporaryFolder } from '../harness/gyre-fixture.ts';
import { runPython } from './python.ts';

interface Fitted {
  readonly accuracy: { readonly columns: number; readonly pictures: number };
}

interface Conversion {
  readonly flavors: readonly string[];
  readonly parity: { readonly rows: number; readonly on: string; readonly maxRelative: number; readonly labelAgreement?: number };
  readonly versions: Readonly<Record<string, string>>;
}

/** PyTorch and TensorFlow are 1.5 GB each: who has them names a Python with them (and mlflow, scikit-learn, their converters). */
const pythons = { torch: process.env['GYRE_TEST_TORCH'] ?? '', keras: process.env['GYRE_TEST_KERAS'] ?? '' };
const without = (name: keyof typeof pythons, variable: string): string | false =>
  existsSync(pythons[name]) ? false : `packages of gigabytes: ${variable} names no Python with ${name}, which CI does without`;

/** Both compute in float32; sums of some hundred products come in another order. */
const tolerance = 1e-5;

for (const { name, variable, cases } of [
  {
    name: 'torch',
    variable: 'GYRE_TEST_TORCH',
    cases: [
      ['an MLflow model on columns', 'columns', ['--rows', 'reference.json', '--classes', 'sick,well', '--logits']],
      ['what MLflow logs by default', 'logged', ['--examples', 'digits.npy']],
      ['a program of torch.export', 'program.pt2', ['--examples', 'digits.npy']],
      ['TorchScript', 'script.pt', ['--input', 'image=FP32[N,1,8,8]']],
      ['a state_dict and its class', 'state.pt', ['--class', 'pictures:Net', '--input', 'image=FP32[N,1,8,8]', '--examples', 'digits.npy']],
    ],
  },
  {
    name: 'keras',
    variable: 'GYRE_TEST_KERAS',
    cases: [
      ['an MLflow model', 'logged', []],
      ['a .keras file', 'net.keras', ['--examples', 'digits.npy']],
      ['a saved model', 'saved', ['--examples', 'digits.npy']],
    ],
  },
] as const) {
  describe(`gyre convert of networks of ${name}`, { skip: without(name, variable) }, () => {
    let stack: AsyncDisposableStack;
    let cwd: string;
    before(async () => {
      stack = new AsyncDisposableStack();
      cwd = stack.use(await temporaryFolder()).path;
      const { accuracy } = await runPython<Fitted>(
        'networks_peer.py',
        { act: name, folder: cwd },
        { timeoutMs: 600_000, python: pythons[name] },
      );
      assert.ok(accuracy.columns > 0.8 && accuracy.pictures > 0.6, JSON.stringify(accuracy));
    });
    after(() => stack.disposeAsync());
    const convert = (model: string, ...words: readonly string[]): ReturnType<typeof gyre> =>
      gyre(['convert', model, '--output', `${model}-onnx`, '--python', pythons[name], '--json', ...words], { cwd });

    for (const [what, model, words] of cases) {
      test(`${what}: the graph says what the model says`, async () => {
        const { code, stdout, stderr } = await convert(model, ...words);
        assert.equal(code, 0, stderr);
        const { parity, versions } = JSON.parse(stdout) as Conversion;
        assert.ok(parity.maxRelative < tolerance, JSON.stringify(parity));
        assert.equal(parity.labelAgreement ?? 1, 1);
        assert.equal(parity.on, words.some((word) => word === '--examples') ? 'examples' : words.some((word) => word === '--rows') ? 'rows' : 'random'); // prettier-ignore
        assert.match(versions['onnx'] ?? '', /^\d+\./);
        const signature = JSON.parse(await readFile(join(cwd, `${model}-onnx`, 'signature.json'), 'utf8')) as Signature;
        if (model === 'columns') {
          assert.deepEqual([signature.task, signature.classes, signature.inputs.length], ['binary', ['sick', 'well'], 30]);
        } else {
          assert.deepEqual(signature.tensors?.[0]?.shape.slice(0, 1), [-1]);
          assert.deepEqual(signature.outputs[0]?.shape, [-1, model === 'logged' && name === 'keras' ? 1 : 10]);
        }
      });
    }

    if (name === 'torch') {
      for (const [what, model, words, message] of [
        ['a program for a fixed number of rows', 'fixed.pt2', [], /fixed number of rows/],
        ['a model that nobody has said the tensors of', 'script.pt', [], /nothing says what the model takes.*--input/],
        ['weights without their class', 'state.pt', ['--input', 'image=FP32[N,1,8,8]'], /no TorchScript file.*--class/],
        ['a class that there is not', 'state.pt', ['--class', 'pictures:Other', '--input', 'image=FP32[N,1,8,8]'], /no class "Other"/],
        ['numbers without classes', 'columns', ['--rows', 'reference.json'], /gives 2 numbers a row.*--classes/],
        ['logits as probabilities', 'columns', ['--rows', 'reference.json', '--classes', 'sick,well'], /no probabilities.*--logits/],
        ['more memory than it may have', 'program.pt2', ['--memory-mib', '64'], /cannot be converted/],
      ] as const) {
        test(`refuses ${what}, says what would be right, and writes nothing`, async () => {
          const { code, stderr } = await gyre(['convert', model, '--output', 'refused', '--python', pythons[name], ...words], { cwd });
          assert.equal(code, 3, stderr);
          assert.match(stderr, message);
          assert.ok(!existsSync(join(cwd, 'refused')));
        });
      }
    }
  });
}
