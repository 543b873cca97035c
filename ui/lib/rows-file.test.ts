import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { rowsOfFile } from './rows-file.ts';

describe('rows of a file that somebody chose', () => {
  const rows = [
    { age: 20, plan: 'basic, "old"', paid: null },
    { age: 31.5, plan: '', paid: true },
  ];

  test('are an array of JSON, or a row in each line', () => {
    assert.deepEqual(rowsOfFile('rows.json', JSON.stringify(rows)), rows);
    assert.deepEqual(rowsOfFile('rows.jsonl', `${rows.map((row) => JSON.stringify(row)).join('\n')}\n`), rows);
  });

  test('are CSV, whose columns are numbers where every value is one', () => {
    const text = '\uFEFFage,plan,code\r\n20,"basic, ""old""",7\r\n,"two\nlines",x\r\n';
    assert.deepEqual(rowsOfFile('rows.csv', text), [
      { age: 20, plan: 'basic, "old"', code: '7' },
      { age: null, plan: 'two\nlines', code: 'x' },
    ]);
  });

  test('that are none are told of', () => {
    for (const [name, text] of [
      ['rows.json', '{"age": {"deep": 1}}'],
      ['rows.json', 'no JSON'],
      ['rows.csv', 'a,b\n1\n'],
    ] as const)
      assert.match(String(rowsOfFile(name, text)), /holds no rows/);
    assert.equal(rowsOfFile('rows.csv', 'a,b\n'), 'rows.csv holds no row.');
  });
});
