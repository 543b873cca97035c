import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { InputColumn } from './features.ts';
import { encodeRows, RowError } from './encode-rows.ts';

const inputs: readonly InputColumn[] = [
  { name: 'tenure', type: 'integer', datatype: 'FP64', required: true },
  { name: 'charges', type: 'number', datatype: 'FP64', required: false },
  { name: 'senior', type: 'boolean', datatype: 'FP64', required: false },
  { name: 'contract', type: 'string', datatype: 'BYTES', required: false },
  { name: 'since', type: 'instant', datatype: 'FP64', required: false },
];
const good = { tenure: 3, charges: 2.5, senior: true, contract: 'One year', since: '2024-02-29' };

function refusal(row: Record<string, string | number | boolean | null>): RowError {
  try {
    encodeRows(inputs, [good, row]);
  } catch (error) {
    assert.ok(error instanceof RowError);
    assert.equal(error.code, 'INVALID_ARGUMENT');
    return error;
  }
  throw new assert.AssertionError({ message: 'nothing was refused' });
}

describe('encoding named rows as tensors', () => {
  test('gives one tensor of shape [rows, 1] per input, with NaN and the empty string for what is missing', () => {
    const encoded = encodeRows(inputs, [good, { tenure: 4, charges: null, senior: 0, contract: null, since: null }]);
    assert.deepEqual(Object.keys(encoded), ['tenure', 'charges', 'senior', 'contract', 'since']);
    assert.deepEqual(encoded.tenure, { datatype: 'FP64', shape: [2, 1], data: Float64Array.of(3, 4) });
    assert.deepEqual(encoded.charges.data, Float64Array.of(2.5, NaN));
    assert.deepEqual(encoded.senior.data, Float64Array.of(1, 0));
    assert.deepEqual(encoded.contract, { datatype: 'BYTES', shape: [2, 1], data: ['One year', ''] });
    assert.deepEqual(encoded.since.data, Float64Array.of(Date.UTC(2024, 1, 29), NaN));
  });

  test('gives empty tensors for an empty batch', () => {
    assert.deepEqual(encodeRows(inputs, []).contract, { datatype: 'BYTES', shape: [0, 1], data: [] });
  });

  test('lets a category pass that training never saw', () => {
    const seen: InputColumn = { name: 'contract', type: 'string', datatype: 'BYTES', required: false, categories: ['One year'] };
    assert.deepEqual(encodeRows([seen], [{ contract: 'Ten years' }]).contract.data, ['Ten years']);
  });

  test('reads instants in UTC unless they name a zone, and refuses days that do not exist', () => {
    const since = (text: string): number => Number(encodeRows(inputs, [{ ...good, since: text }]).since.data[0]);
    assert.equal(since('2024-03-01T10:00'), Date.UTC(2024, 2, 1, 10));
    assert.equal(since('2024-03-01 10:00:00.5'), Date.UTC(2024, 2, 1, 10, 0, 0, 500));
    assert.equal(since('2024-03-01T10:00:00+0200'), Date.UTC(2024, 2, 1, 8));
    assert.equal(encodeRows(inputs, [{ ...good, since: 12 }]).since.data[0], 12);
    assert.match(refusal({ ...good, since: '2023-02-29' }).message, /column "since": the string "2023-02-29" was found, an ISO 8601/);
    assert.match(refusal({ ...good, since: 'yesterday' }).message, /ISO 8601/);
  });

  test('names the row and column that lack a value', () => {
    const { tenure: _, ...lacking } = good;
    assert.match(refusal(lacking).message, /row 1 lacks the column "tenure" \(a whole number\)/);
    assert.match(refusal({ ...good, tenure: null }).message, /row 1, column "tenure": null was found/);
    const { charges: __, ...other } = good;
    assert.match(refusal(other).message, /row 1 lacks the column "charges" \(a number; null says/);
  });

  test('does not take a name of the prototype for a column', () => {
    const odd: InputColumn = { name: 'constructor', type: 'string', datatype: 'BYTES', required: false };
    assert.throws(() => encodeRows([odd], [{}]), /lacks the column "constructor"/);
  });

  test('names columns that the model does not take, unless they are to be ignored', () => {
    const error = refusal({ ...good, Churn: 'No' });
    assert.match(error.message, /row 1 has the column "Churn" that the model does not take; it takes the columns "tenure"/);
    assert.deepEqual(error.details.extra, ['Churn']);
    assert.equal(encodeRows(inputs, [{ ...good, Churn: 'No' }], { ignore: ['Churn'] }).tenure.data.length, 1);
  });

  test('refuses mistyped values and says what was found and what is wanted', () => {
    assert.match(refusal({ ...good, tenure: '3' }).message, /row 1, column "tenure": the string "3" was found, a whole number is wanted/);
    assert.match(refusal({ ...good, contract: 7 }).message, /column "contract": the number 7 was found, a string is wanted/);
    assert.match(refusal({ ...good, senior: 2 }).message, /column "senior": the number 2 was found, true or false is wanted/);
    assert.match(refusal({ ...good, charges: Infinity }).message, /the number Infinity was found, a number is wanted/);
    assert.match(refusal({ ...good, since: true }).message, /the boolean true was found/);
  });
});
