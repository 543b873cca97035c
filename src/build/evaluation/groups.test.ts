import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createFrame, instantColumn, numberColumn, textColumn } from '#tables';
import { groupRows } from './groups.ts';

const rows = 200;
const frame = createFrame([
  { name: 'key', column: textColumn(Array.from({ length: rows }, (_, row) => `k${row}`)) },
  { name: 'plan', column: textColumn(Array.from({ length: rows }, (_, row) => (row % 10 === 0 ? null : row % 2 === 0 ? 'b' : 'a'))) },
  { name: 'flag', type: 'boolean', column: numberColumn(Float64Array.from({ length: rows }, (_, row) => row % 2)) },
  { name: 'few', type: 'integer', column: numberColumn(Float64Array.from({ length: rows }, (_, row) => [10, 9, 2][row % 3])) },
  { name: 'many', column: numberColumn(Float64Array.from({ length: rows }, (_, row) => (row === 0 ? Number.NaN : row))) },
  { name: 'at', column: instantColumn(Float64Array.from({ length: rows }, (_, row) => Date.UTC(2026, 0, 1) + row * 86_400_000)) },
]);
const values = (column: string) => groupRows(frame, column)?.groups.map(({ value, rows: some }) => [value, some.length]);

describe('slices by a column', () => {
  test('texts, booleans and few numbers are told apart by value, numbers in their order, missing values last', () => {
    assert.deepEqual(values('plan'), [['a', 100], ['b', 80], ['(missing)', 20]]); // prettier-ignore
    assert.deepEqual(values('flag'), [['false', 100], ['true', 100]]); // prettier-ignore
    assert.deepEqual(values('few'), [['2', 66], ['9', 67], ['10', 67]]); // prettier-ignore
  });

  test('many numbers and instants are told apart by quartile', () => {
    assert.deepEqual(values('many'), [['up to 50.5', 50], ['above 50.5 to 100', 50], ['above 100 to 149.5', 49], ['above 149.5', 50], ['(missing)', 1]]); // prettier-ignore
    assert.deepEqual(values('at')?.map(([value]) => value), ['up to 2026-02-19', 'above 2026-02-19 to 2026-04-10', 'above 2026-04-10 to 2026-05-30', 'above 2026-05-30']); // prettier-ignore
  });

  test('a key makes no slices', () => {
    assert.equal(groupRows(frame, 'key'), undefined);
  });
});
