import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { placeOfError } from './sql-error.ts';

describe('the place of an error in a query', () => {
  test('is where the caret stands', () => {
    const sql = 'select a\nfrom customers\nwhere nothere = 1';
    const message = 'Binder Error: Referenced column "nothere" not found\n\nLINE 3: where nothere = 1\n              ^';
    assert.deepEqual(placeOfError(message, sql), { offset: 30, line: 3, column: 7 });
    assert.equal(sql.slice(30, 37), 'nothere');
  });

  test('is found in a line that is quoted in part', () => {
    const sql = `select ${'tenure + '.repeat(20)}nothere from customers`;
    const message = `Binder Error: x\n\nLINE 1: ...tenure + nothere from cus...\n                    ^`;
    const place = placeOfError(message, sql);
    assert.ok(place !== undefined);
    assert.equal(sql.slice(place.offset, place.offset + 7), 'nothere');
  });

  test('is not made up where the engine names none', () => {
    assert.equal(placeOfError('the query took longer than 100 ms', 'select 1'), undefined);
    assert.equal(placeOfError('LINE 9: x\n        ^', 'select 1'), undefined);
  });
});
