import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readCsv } from './csv.ts';

describe('CSV', () => {
  test('is read as RFC 4180 has it', () => {
    assert.deepEqual(readCsv('a,"b ""c"", d"\r\n"x\ny",\n\n1,2'), [
      ['a', 'b "c", d'],
      ['x\ny', ''],
      ['1', '2'],
    ]);
    assert.deepEqual(readCsv('\uFEFFa\n'), [['a']]);
    assert.deepEqual(readCsv(''), []);
    assert.deepEqual(readCsv('a,'), [['a', '']]);
    assert.throws(() => readCsv('a\n"b" c'), { code: 'INVALID_ARGUMENT', message: /line 2: something follows/ });
  });
});
