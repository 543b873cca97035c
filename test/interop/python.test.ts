import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { pythonMissing, runPython } from './python.ts';

describe('the Python peers', { skip: pythonMissing }, () => {
  test('are the pinned versions', async () => {
    const pinned = readFileSync(join(import.meta.dirname, 'requirements.txt'), 'utf8')
      .split('\n')
      .filter((line) => line.includes('=='))
      .map((line) => line.replace(/\[.*\]/, '').split('=='));
    const installed = await runPython<Record<string, string>>(
      'versions.py',
      pinned.map(([name]) => name),
    );
    assert.deepEqual(installed, Object.fromEntries(pinned));
  });

  test('that fail say why', async () => {
    await assert.rejects(runPython('versions.py', ['no-such-package']), /PackageNotFoundError/);
  });
});
