import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readJsonLines, toRecords } from './index.ts';

const read = (text: string, options = {}) => readJsonLines(Buffer.from(text), { name: 't.jsonl', ...options });

describe('reading JSON Lines', () => {
  test('takes one object per line; what is absent, null or blank is missing', () => {
    const { frame, lines } = read('{"a":1,"b":"x"}\n\n{"b":null,"c":true}\n{"a":2,"when":"2026-01-01T00:00:00Z"}\n');
    assert.deepEqual(toRecords(frame), [
      { a: 1, b: 'x', c: null, when: null },
      { a: null, b: null, c: true, when: null },
      { a: 2, b: null, c: null, when: '2026-01-01T00:00:00.000Z' },
    ]);
    assert.deepEqual(
      frame.schema.map(({ type }) => type),
      ['integer', 'string', 'boolean', 'instant'],
    );
    assert.deepEqual([...lines], [1, 3, 4]);
  });

  test('leaves texts of digits as texts', () => {
    assert.equal(read('{"zip":"00501"}\n{"zip":"10115"}').frame.typeOf('zip'), 'string');
  });

  test('refuses what is wrong with its line', () => {
    const refused = (text: string, message: RegExp) => assert.throws(() => read(text), { code: 'INVALID_ARGUMENT', message });
    refused('{"a":1}\n{"a":1,}\n', /line 2: no valid JSON/);
    refused('{"a":1}\n[1]\n', /line 2: a list, where one JSON object/);
    refused('{"a":{"b":1}}\n', /line 1, column "a": a nested value/);
    refused('{"a":NaN}\n', /line 1: no valid JSON/);
    refused('{"a":12345678901234567890}\n', /more digits than a number keeps/);
    refused('{"a":1}\n{"a":2}\n{"a":"three"}\n', /column "a" mixes types: 2 values read as number, 1 does not: line 3 "three"/);
    refused('\n\n', /has no record/);
    refused('', /is empty/);
  });
});
