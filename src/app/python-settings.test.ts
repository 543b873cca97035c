import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { describe, test } from 'node:test';
import { pythonSettings, pythonWords } from './python-settings.ts';

describe('what a data plane is allowed of models in Python', () => {
  test('is nothing, until somebody says so', () => {
    assert.equal(pythonSettings({}, {}), undefined);
    assert.equal(pythonSettings({ pythonLimit: ['memoryMiB=512'] }, {}), undefined);
    assert.deepEqual(pythonWords(undefined, '/cache'), []);
    assert.deepEqual(pythonWords({ enabled: false, python: '/opt/python' }, '/cache'), []);
  });

  test('is an interpreter that exists, or environments in a folder', () => {
    const existing = pythonSettings(
      { python: '/opt/python', pythonLimit: ['memoryMiB=512', 'runTimeoutMs=2000'] },
      { XDG_CACHE_HOME: '/c' },
    );
    assert.deepEqual(existing, {
      cacheFolder: '/c/gyre/python',
      environments: 'existing',
      python: '/opt/python',
      limits: { openFiles: 1024, memoryBytes: 512 * 2 ** 20 },
      runTimeoutMs: 2000,
    });
    const made = pythonSettings({ pythonEnv: '/envs', pythonProcesses: 2 }, {});
    assert.deepEqual([made?.environments, made?.cacheFolder, made?.processes], ['create', '/envs', 2]);
  });

  test('names an interpreter by a path from where it was said, or by its name on the PATH', () => {
    assert.equal(pythonSettings({ python: '.venv/bin/python' }, {})?.python, resolve('.venv/bin/python'));
    assert.equal(pythonSettings({ python: 'python3' }, {})?.python, 'python3');
  });

  test('is said to a data plane as gyre.yaml says it', () => {
    assert.deepEqual(pythonWords({ enabled: true, python: '/opt/python', memoryMiB: 512 }, '/cache'), [
      '--python',
      '/opt/python',
      '--python-cache',
      '/cache',
      '--python-limit',
      'memoryMiB=512',
    ]);
    assert.deepEqual(pythonWords({ enabled: true }, '/cache'), ['--python-env', '/cache']);
  });

  test('has the limits that there are alone', () => {
    for (const wrong of ['memory=1', 'memoryMiB', 'memoryMiB=much', 'memoryMiB=1=2'])
      assert.throws(() => pythonSettings({ python: 'p', pythonLimit: [wrong] }, {}), /no limit of Python/, wrong);
    assert.throws(() => pythonSettings({ python: 'p', pythonLimit: ['memoryMiB=1'] }, {}), /memoryMiB/);
  });
});
