import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { errorCodes, GyreError } from '#core';
import { exitCodeOf } from './exit-codes.ts';

describe('exit codes', () => {
  test('are those of docs/errors.md, for every code', async () => {
    const text = await readFile(join(import.meta.dirname, '../../../docs/errors.md'), 'utf8');
    const listed = [...text.matchAll(/^\| `([A-Z_]+)` \| \d+ \| (\d+) \|/gm)].map(([, code, exit]) => [code, Number(exit)]);
    assert.deepEqual(
      Object.fromEntries(listed),
      Object.fromEntries(errorCodes.map((code) => [code, exitCodeOf(new GyreError(code, 'x'))])),
    );
  });

  test('say 70 for what is no error of ours', () => {
    assert.equal(exitCodeOf(new TypeError('x is undefined')), 70);
  });
});
