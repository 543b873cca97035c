import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { checkProject, problemText, publishedSchema } from './index.ts';

const head = 'project: lake\ncharter: { problem: what comes in is kept, owner: Ada }\n';

async function problemsOf(yaml: string): Promise<readonly string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'gyre-project-'));
  try {
    await writeFile(join(folder, 'gyre.yaml'), yaml);
    await writeFile(join(folder, 'customers.csv'), 'id,left\n1,yes\n');
    return (await checkProject(folder)).problems.map((problem) => problemText(problem));
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe('a project of data alone', () => {
  test('needs no steps, and no threshold of a model', async () => {
    assert.deepEqual(await problemsOf(`${head}data: { customers: { source: customers.csv, key: id } }\n`), []);
  });

  test('may even have none of that, where it is for tracking and registry; steps need data', async () => {
    assert.deepEqual(await problemsOf(`${head}data: {}\n`), []);
    assert.deepEqual(await problemsOf(`${head}data: {}\nsteps: { train: { run: python train.py } }\n`), [
      'gyre.yaml:3:7 data: names no dataset; steps need at least one',
    ]);
  });

  test('is what editors are told: steps and thresholds may be left out', () => {
    const { required, properties } = publishedSchema() as {
      required: readonly string[];
      properties: { charter: { required: readonly string[] } };
    };
    assert.deepEqual(required, ['project', 'charter', 'data']);
    assert.deepEqual(properties.charter.required, ['problem', 'owner']);
  });

  test('becomes one with a model when a trainer is added, and then has to say what is asked of it', async () => {
    const steps =
      'steps:\n  prepare: { of: customers, target: left, positive: "yes", transform: { exclude: [id] } }\n  boosting: { trainer: gbdt, of: prepare }\n';
    const split = 'split: { parts: { train: 0.6, validation: 0.2, test: 0.2 } }';
    const problems = await problemsOf(`${head}data: { customers: { source: customers.csv, key: id, ${split} } }\n${steps}`);
    assert.deepEqual(problems, [
      'gyre.yaml:2:10 charter.success: names no threshold; a model that nothing is asked of cannot pass; such as { roc_auc: ">= 0.80" }',
    ]);
  });
});
