import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { nextSort, rowsInSight, toCsv, viewed } from './table-rows.ts';

const columns = [
  { key: 'name', head: 'Name', value: (row: Row) => row.name },
  { key: 'rows', head: 'Rows', value: (row: Row) => row.rows },
];
interface Row {
  readonly name: string;
  readonly rows: number | undefined;
}
const rows: readonly Row[] = [
  { name: 'v10', rows: 3 },
  { name: 'v2', rows: undefined },
  { name: 'other', rows: 20 },
];
const names = (sort: string | undefined, filter?: string): readonly string[] =>
  viewed(rows, columns, { sort, filter }).map(({ name }) => name);

describe('rows of a table', () => {
  test('are sorted by a column either way, with missing values last', () => {
    assert.deepEqual(names('rows'), ['v10', 'other', 'v2']);
    assert.deepEqual(names('-rows'), ['other', 'v10', 'v2']);
    assert.deepEqual(names('name'), ['other', 'v2', 'v10']);
    assert.deepEqual(names('no such column'), ['v10', 'v2', 'other']);
  });

  test('are filtered by any of their cells', () => {
    assert.deepEqual(names(undefined, 'V'), ['v10', 'v2']);
    assert.deepEqual(names(undefined, '20'), ['other']);
    assert.deepEqual(names(undefined, 'nothing'), []);
  });

  test('change their order with each click: rising, falling, as they came', () => {
    assert.equal(nextSort(undefined, 'rows'), 'rows');
    assert.equal(nextSort('rows', 'rows'), '-rows');
    assert.equal(nextSort('-rows', 'rows'), undefined);
    assert.equal(nextSort('-rows', 'name'), 'name');
  });

  test('come as CSV in which nothing is a formula', () => {
    const text = toCsv(
      [
        { name: 'a "b", c', rows: 1 },
        { name: '=1+1', rows: undefined },
      ],
      columns,
    );
    assert.equal(text, `Name,Rows\r\n"a ""b"", c",1\r\n'=1+1,\r\n`);
  });

  test('are drawn where they are in sight, with some around', () => {
    assert.deepEqual(rowsInSight({ scrollTop: 0, height: 320, rowHeight: 32, rows: 100_000 }), { first: 0, last: 18 });
    assert.deepEqual(rowsInSight({ scrollTop: 32_000, height: 320, rowHeight: 32, rows: 100_000 }), { first: 992, last: 1018 });
    assert.deepEqual(rowsInSight({ scrollTop: 9999, height: 320, rowHeight: 32, rows: 3 }), { first: 0, last: 3 });
  });
});
