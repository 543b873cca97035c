import assert from 'node:assert/strict';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Signature } from '#contract';
import { gyre, temporaryFolder } from '../harness/gyre-fixture.ts';
import { pythonFile, pythonMissing, runPython } from './python.ts';

interface Saved {
  readonly rows: readonly { readonly a: number; readonly b: number }[];
  readonly expected: readonly number[];
}

interface Conversion {
  readonly parity: { readonly rows: number; readonly maxAbsolute: number; readonly labelAgreement?: number };
  readonly accepted: boolean;
  readonly versions: Readonly<Record<string, string>>;
}

describe('gyre convert, with the public converters', { skip: pythonMissing }, () => {
  let stack: AsyncDisposableStack;
  let cwd: string;
  before(async () => {
    stack = new AsyncDisposableStack();
    cwd = stack.use(await temporaryFolder()).path;
    const saved = await runPython<Saved>('python_models_peer.py', { act: 'convertible', folder: cwd }, { timeoutMs: 300_000 });
    await writeFile(join(cwd, 'reference.json'), JSON.stringify(saved.rows));
  });
  after(() => stack.disposeAsync());
  const convert = (name: string, ...words: readonly string[]): ReturnType<typeof gyre> =>
    gyre(['convert', name, '--output', `${name}-onnx`, '--python', pythonFile, '--rows', 'reference.json', '--json', ...words], { cwd });

  for (const [name, task] of [
    ['mixed', 'binary'],
    ['trees', 'multiclass'],
    ['boosted', 'binary'],
    ['plain', 'regression'],
  ] as const) {
    test(`makes a package that Gyre serves of a ${task} model (${name}), which says what the model says`, async () => {
      const { code, stdout, stderr } = await convert(name);
      assert.equal(code, 0, stderr);
      const { parity, accepted } = JSON.parse(stdout) as Conversion;
      assert.equal(parity.rows, 60);
      // The graph computes in float32: probabilities and values of about 1 within some of its steps.
      assert.ok(parity.maxAbsolute < 1e-4, String(parity.maxAbsolute));
      assert.equal(parity.labelAgreement ?? 1, 1);
      assert.equal(accepted, false);
      const signature = JSON.parse(await readFile(join(cwd, `${name}-onnx`, 'signature.json'), 'utf8')) as Signature;
      assert.equal(signature.task, task);
      assert.deepEqual(signature.inputs.map((input) => input.name), name === 'mixed' ? ['a', 'b', 'kind'] : ['a', 'b']); // prettier-ignore
    });
  }

  for (const [file, task, rows] of [
    ['mixed.pkl', 'binary', 'reference.json'],
    ['plain.joblib', 'regression', 'rows.json'],
    ['boosted.ubj', 'binary', 'rows.json'],
    ['boosted.json', 'regression', 'rows.json'],
    ['trees.txt', 'multiclass', 'rows.json'],
  ] as const) {
    test(`makes one of ${file} by itself, which takes the columns of the rows`, async () => {
      const output = `${file}-onnx`;
      const { code, stdout, stderr } = await gyre(['convert', file, '--output', output, '--python', pythonFile, '--rows', rows, '--json'], {
        cwd,
      });
      assert.equal(code, 0, stderr);
      const { parity } = JSON.parse(stdout) as Conversion;
      assert.deepEqual([parity.rows, parity.labelAgreement ?? 1], [60, 1]);
      assert.ok(parity.maxAbsolute < 1e-4, String(parity.maxAbsolute));
      const signature = JSON.parse(await readFile(join(cwd, output, 'signature.json'), 'utf8')) as Signature;
      assert.equal(signature.task, task);
      assert.deepEqual(signature.inputs.map((input) => input.name), rows === 'rows.json' ? ['a', 'b'] : ['a', 'b', 'kind']); // prettier-ignore
    });
  }

  test('writes nothing where the two differ by more than is allowed, unless that is accepted', async () => {
    const refused = await gyre(
      ['convert', 'plain', '--output', 'off', '--python', pythonFile, '--rows', 'reference.json', '--tolerance', '0'],
      { cwd },
    );
    assert.equal(refused.code, 3);
    assert.match(refused.stderr, /does not say what the model says: greatest difference/);
    await assert.rejects(stat(join(cwd, 'off')));
    const kept = await gyre(
      ['convert', 'plain', '--output', 'off', '--python', pythonFile, '--rows', 'reference.json', '--tolerance', '0', '--accept'],
      { cwd },
    );
    assert.equal(kept.code, 0, kept.stderr);
    const conversion = JSON.parse(await readFile(join(cwd, 'off', 'conversion.json'), 'utf8')) as Conversion;
    assert.equal(conversion.accepted, true);
    assert.match(conversion.versions['skl2onnx'] ?? '', /^\d+\./);
  });

  test('says what is wrong with what it is given', async () => {
    await writeFile(join(cwd, 'model.bin'), 'a model, perhaps');
    const nothing = await gyre(['convert', 'model.bin', '--output', 'x', '--python', pythonFile], { cwd });
    assert.equal(nothing.code, 2);
    assert.match(nothing.stderr, /none of what is converted: an MLflow model folder/);
    const unsaid = await gyre(['convert', 'boosted.ubj', '--output', 'x', '--python', pythonFile], { cwd });
    assert.equal(unsaid.code, 2);
    assert.match(unsaid.stderr, /does not say which columns it takes: give rows .*--rows/);
    const foreign = await gyre(['convert', 'reference.json', '--output', 'x', '--python', pythonFile, '--rows', 'rows.json'], { cwd });
    assert.equal(foreign.code, 3);
    assert.match(foreign.stderr, /reference\.json is no model of XGBoost’s|no model of XGBoost's/);
    const folder = await gyre(['convert', '.', '--output', 'x', '--python', pythonFile], { cwd });
    assert.equal(folder.code, 2);
    assert.match(folder.stderr, /no model folder: it has neither an MLmodel file nor a saved_model\.pb/);
    const unread = await gyre(['convert', 'weights.pt', '--input', 'image=FP32[4,3]', '--output', 'x', '--python', pythonFile], { cwd });
    assert.equal(unread.code, 2);
    assert.match(unread.stderr, /NAME=TYPE\[N,…\] is wanted/);
    const there = await gyre(['convert', 'plain', '--output', 'mixed', '--python', pythonFile], { cwd });
    assert.equal(there.code, 2);
    assert.match(there.stderr, /is there already/);
  });
});
