import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { hasCode } from '#core';
import { interpreterFor, lockOf } from './environment.ts';

describe('the Python environment of a package', () => {
  let folder = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gyre-lock-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));
  const write = (name: string, text: string): Promise<void> => writeFile(join(folder, name), text);

  test('is locked by requirements.txt, for the version of Python that python_env.yaml says', async () => {
    await write('requirements.txt', 'mlflow==3.17.2\n# a comment\nscikit-learn==1.9.1 # why\n\n');
    await write('python_env.yaml', 'python: 3.11.7\nbuild_dependencies:\n- pip==23.2.1\n');
    assert.deepEqual(await lockOf(folder), { python: '3.11.7', requirements: ['mlflow==3.17.2', 'scikit-learn==1.9.1'] });
  });

  test('may not say where packages come from', async () => {
    for (const line of [
      '--index-url https://packages.example.org',
      '-e .',
      'git+https://example.org/x.git',
      'x @ file:///tmp/x.whl',
      './x.whl',
    ]) {
      await write('requirements.txt', `numpy==2.4.6\n${line}\n`);
      await assert.rejects(lockOf(folder), (error) => hasCode(error, 'FAILED_PRECONDITION') && error.message.includes(line), line);
    }
  });

  test('is locked by the pip part of conda.yaml where there are no requirements; with neither there is none', async () => {
    await rm(join(folder, 'requirements.txt'));
    await write('conda.yaml', 'dependencies:\n- python=3.11.7\n- pip:\n  - numpy==2.4.6\nname: mlflow-env\n');
    assert.deepEqual((await lockOf(folder)).requirements, ['numpy==2.4.6']);
    await rm(join(folder, 'conda.yaml'));
    await assert.rejects(lockOf(folder), /no lock \(requirements\.txt or conda\.yaml\)/);
  });

  test('is not looked for where an interpreter is to exist, and one must be named then', async () => {
    const settings = { cacheFolder: folder, environments: 'existing' } as const;
    assert.equal(await interpreterFor(folder, { ...settings, python: '/opt/python' }), '/opt/python');
    await assert.rejects(interpreterFor(folder, settings), /none is named: set serve\.python\.python/);
  });
});
