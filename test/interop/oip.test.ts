import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { samplePackage, writeSampleFolder } from '#serving';
import { pythonMissing, runPython } from './python.ts';

interface Refusal {
  readonly status: string;
  readonly message: string;
}

interface Seen {
  readonly live: boolean;
  readonly ready: boolean;
  readonly modelReady: boolean;
  readonly noSuchModelReady: boolean;
  readonly server: { readonly name: string };
  readonly metadata: { readonly name: string; readonly inputs: readonly object[] };
  readonly id: string;
  readonly parameters: { readonly prediction_ids: string };
  readonly label: readonly string[];
  readonly probabilities: readonly (readonly number[])[];
  readonly probabilitiesType: string;
  readonly everything: readonly string[];
  readonly missing: Refusal;
  readonly unknownModel: Refusal;
  readonly inexact: Refusal;
}

const main = join(import.meta.dirname, '../../src/app/inference-main.ts');

describe('tritonclient over HTTP', { skip: pythonMissing }, () => {
  test('finds the model, infers with JSON tensors, and understands what is refused', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gyre-oip-'));
    await writeSampleFolder(join(folder, 'churn'), samplePackage());
    const plane = spawn(process.execPath, [main, '--model', join(folder, 'churn'), '--port', '0', '--control'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    try {
      const [line] = (await once(plane.stdout, 'data')) as unknown[];
      const { address } = JSON.parse(String(line)) as { readonly address: string };
      const rows = {
        tenure: [10, 1, 60],
        charges: [50, 80.5, 20],
        senior: [true, false, false],
        contract: ['One year', 'Month-to-month', 'Ünbekannt'],
      };
      const seen = await runPython<Seen>('oip_client.py', { address, model: 'churn', version: '1', ...rows });

      assert.deepEqual([seen.live, seen.ready, seen.modelReady, seen.noSuchModelReady], [true, true, true, false]);
      assert.deepEqual([seen.server.name, seen.metadata.name, seen.metadata.inputs.length], ['gyre', 'churn', 4]);
      assert.deepEqual(seen.metadata.inputs[3], { name: 'contract', datatype: 'BYTES', shape: [-1, 1] });

      const extra: Readonly<Record<string, number>> = { 'Month-to-month': 0.8, 'Two year': -0.7 };
      for (const [at, tenure] of rows.tenure.entries()) {
        const logit = 0.5 - 0.05 * tenure + 0.02 * rows.charges[at] + 0.3 * Number(rows.senior[at]) + (extra[rows.contract[at]] ?? 0);
        const yes = 1 / (1 + Math.exp(-logit));
        // The model computes in float32: 1e-6 is 8 of its steps at 1.
        assert.ok(Math.abs(seen.probabilities[at][1] - yes) < 1e-6, `row ${at}: ${seen.probabilities[at][1]} and ${yes}`);
        assert.equal(seen.label[at], yes >= 0.5 ? 'Yes' : 'No');
      }
      assert.equal(seen.probabilitiesType, 'float32');
      assert.equal(seen.id, 'from-triton');
      assert.equal(seen.parameters.prediction_ids.split(',').length, 3);
      assert.deepEqual(seen.everything, ['label', 'probabilities']);

      assert.match(seen.missing.status, /400/);
      assert.match(seen.missing.message, /3 inputs are missing: "charges" \(FP64 \[-1, 1\]\)/);
      assert.match(seen.unknownModel.status, /404/);
      assert.match(seen.inexact.message, /1152921504606846977, which is no INT64 that can be taken exactly/);
    } finally {
      plane.stdin.end();
      await once(plane, 'exit');
      await rm(folder, { recursive: true, force: true });
    }
  });
});
