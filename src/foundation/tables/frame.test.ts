import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  appendColumn,
  compactText,
  concatRows,
  createFrame,
  dropColumns,
  filterRows,
  frameFromRecords,
  numberColumn,
  parseInstant,
  selectColumns,
  sliceRows,
  takeRows,
  textColumn,
  toRecords,
} from './index.ts';

const people = frameFromRecords(
  [
    { id: 'a', age: 30, member: true, since: '2026-01-01' },
    { id: 'b', age: null, member: false, since: null },
    { id: null, age: 41.5, since: 0 },
  ],
  [
    { name: 'id', type: 'string' },
    { name: 'age', type: 'number' },
    { name: 'member', type: 'boolean' },
    { name: 'since', type: 'instant' },
  ],
);

describe('a frame', () => {
  test('gives back the records that it was made from', () => {
    assert.deepEqual(toRecords(people), [
      { id: 'a', age: 30, member: true, since: '2026-01-01T00:00:00.000Z' },
      { id: 'b', age: null, member: false, since: null },
      { id: null, age: 41.5, member: null, since: '1970-01-01T00:00:00.000Z' },
    ]);
    assert.equal(toRecords(people, { start: 1, end: 2 })[0].id, 'b');
  });

  test('names the columns that exist when one is asked for that does not', () => {
    assert.throws(() => people.column('ages'), { code: 'INVALID_ARGUMENT', message: /no column "ages"; the columns are "id", "age"/ });
    assert.throws(() => people.numbers('id'), { message: /"id" is of type string/ });
  });

  test('takes, slices, filters, selects, drops and appends', () => {
    const taken = takeRows(people, Int32Array.of(2, 0, 0));
    assert.deepEqual(
      toRecords(taken).map(({ id }) => id),
      [null, 'a', 'a'],
    );
    assert.deepEqual(compactText(takeRows(people, Int32Array.of(1)).texts('id')).dictionary, ['b']);
    assert.equal(sliceRows(people, 1, 99).rows, 2);
    assert.equal(filterRows(people, (row) => people.numbers('age')[row] > 40).rows, 1);
    assert.deepEqual(selectColumns(people, ['age', 'id']).names, ['age', 'id']);
    assert.deepEqual(dropColumns(people, ['age', 'nothing']).names, ['id', 'member', 'since']);
    const more = appendColumn(people, 'half', numberColumn(people.numbers('age').map((age) => age / 2)));
    assert.equal(toRecords(more)[0].half, 15);
    assert.throws(() => appendColumn(people, 'age', numberColumn(new Float64Array(3))), { message: /"age" appears twice/ });
  });

  test('joins rows by column name, merging dictionaries and widening integers', () => {
    const left = createFrame([
      { name: 'n', type: 'integer', column: numberColumn(Float64Array.of(1)) },
      { name: 't', column: textColumn(['x']) },
    ]);
    const right = createFrame([
      { name: 't', column: textColumn(['y', 'x', null]) },
      { name: 'n', column: numberColumn(Float64Array.of(2.5, NaN, 3)) },
    ]);
    const joined = concatRows([left, right]);
    assert.equal(joined.typeOf('n'), 'number');
    assert.deepEqual(joined.texts('t').dictionary, ['x', 'y']);
    assert.deepEqual([...joined.texts('t').codes], [0, 1, 0, -1]);
    assert.throws(() => concatRows([left, people]), { message: /lacks "n", "t" and adds "id"/ });
  });

  test('refuses a record that does not fit, with its position', () => {
    const wrong = (value: unknown, type: 'number' | 'integer' | 'instant' | 'string' | 'boolean') => () =>
      frameFromRecords([{ x: null }, { x: value }], [{ name: 'x', type }]);
    assert.throws(wrong('3', 'number'), { message: /record 1, column "x": "3" is a string, the column needs a finite number/ });
    assert.throws(wrong(Infinity, 'number'), { message: /Infinity/ });
    assert.throws(wrong(1.5, 'integer'), { message: /whole number/ });
    assert.throws(wrong('2026-13-01', 'instant'), { message: /ISO 8601/ });
    assert.throws(wrong(5, 'string'), { message: /needs a string/ });
    assert.throws(wrong(2, 'boolean'), { message: /true, false/ });
  });
});

describe('instants', () => {
  test('read dates and times with and without a zone, and agree with Date', () => {
    for (const text of ['2026-01-31T10:00:00Z', '2024-02-29T23:59:59.123Z', '1969-12-31T00:00:00+05:30', '0001-01-01T00:00:00Z']) {
      assert.equal(parseInstant(text), Date.parse(text));
    }
    assert.equal(parseInstant('2026-01-31 10:00'), Date.parse('2026-01-31T10:00:00Z'));
    assert.equal(parseInstant('2026-01-31T10:00:00-0130'), Date.parse('2026-01-31T11:30:00Z'));
  });
  test('refuse days and hours that do not exist', () => {
    for (const text of ['2025-02-29', '2026-04-31', '2026-01-01T24:00', '2026-00-10', '1/2/2026', '2026-1-1']) {
      assert.equal(parseInstant(text), undefined);
    }
  });
});
