import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { temporaryFolder, up } from '../harness/gyre-fixture.ts';
import { smallProject } from '../harness/projects-fixture.ts';
import { pythonMissing, runPython } from './python.ts';

const peer = readFileSync(join(import.meta.dirname, 'mlflow_client_peer.py'), 'utf8');
const scenarios = [...peer.matchAll(/^@scenario\ndef (\w+)/gm)].map(([, name]) => name);

/** What went wrong in each scenario; null where nothing did. */
type Outcomes = Readonly<Record<string, string | null>>;

/** All scenarios in one process of Python, whose imports take longer than what it does. */
async function play(): Promise<Outcomes> {
  await using folder = await temporaryFolder();
  await using gyre = await up({ cwd: await smallProject(folder.path, { rows: 20 }) });
  const token = readFileSync(join(gyre.dataFolder, 'secrets', 'owner-token'), 'utf8').trim();
  return await runPython<Outcomes>('mlflow_client_peer.py', { address: gyre.address, token }, { timeoutMs: 900_000 });
}

describe('the real MLflow client', { skip: pythonMissing }, () => {
  let outcomes: Promise<Outcomes> | undefined;
  for (const scenario of scenarios) {
    test(scenario.replaceAll('_', ' '), async () => {
      outcomes ??= play();
      const wrong = (await outcomes)[scenario];
      assert.equal(wrong, null, wrong ?? 'it was not played');
    });
  }
});
