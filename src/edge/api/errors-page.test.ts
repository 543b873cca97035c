import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { errorCodes } from '#core';
import { statusOfCode } from './problems.ts';

describe('docs/errors.md', () => {
  test('lists exactly the codes that exist, with the statuses that the API answers', async () => {
    const text = await readFile(join(import.meta.dirname, '../../../docs/errors.md'), 'utf8');
    const listed = [...text.matchAll(/^\| `([A-Z_]+)` \| (\d+) \|/gm)].map(([, code, status]) => [code, Number(status)]);
    assert.deepEqual(Object.fromEntries(listed), statusOfCode);
    assert.equal(listed.length, errorCodes.length, 'each once');
  });
});
