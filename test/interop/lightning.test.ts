import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { temporaryFolder, up } from '../harness/gyre-fixture.ts';
import { smallProject } from '../harness/projects-fixture.ts';
import { pythonFile, runPython } from './python.ts';

// Not even CI insists: PyTorch is too large to be installed for one test. GYRE_TEST_VENV names an environment that has it.
const missing = ((): string | false => {
  try {
    execFileSync(pythonFile, ['-c', 'from importlib.util import find_spec as f; assert f("torch") and f("lightning") and f("mlflow")'], {
      stdio: 'ignore',
    });
    return false;
  } catch {
    return 'no PyTorch Lightning among the Python peers; GYRE_TEST_VENV names an environment with torch, lightning and mlflow';
  }
})();

describe('PyTorch Lightning', { skip: missing }, () => {
  test('is logged by MLflow’s autolog, epoch by epoch, and its model is loaded again', { timeout: 240_000 }, async () => {
    await using folder = await temporaryFolder();
    await using server = await up({ cwd: await smallProject(folder.path) });
    const token = readFileSync(join(server.dataFolder, 'secrets', 'owner-token'), 'utf8').trim();
    const { answer, ...rest } = await runPython<{ readonly answer: number }>(
      'lightning_peer.py',
      { address: server.address },
      { timeoutMs: 200_000, env: { MLFLOW_TRACKING_TOKEN: token } },
    );
    assert.deepEqual(rest, { status: 'FINISHED', lr: '0.05', steps: [0, 1, 2, 3, 4], falls: true, files: ['model_summary.txt'] });
    // The rows are made by x + 2 y; five epochs of this rate and seed come within a tenth of it.
    assert.ok(Math.abs(answer - 3) < 0.1, String(answer));
  });
});
