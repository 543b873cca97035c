import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { hasCode } from '#core';
import { double, flag, integer, list, nested, object, queryValues, readMessage, required, text } from './message.ts';

const metric = { key: required(text), value: required(double), step: integer };
const batch = { run_id: required(text), metrics: list(nested(metric)), dry: flag, extra: object };

function refusal(value: Readonly<Record<string, unknown>>): string {
  try {
    readMessage(batch, value);
  } catch (error) {
    assert.ok(hasCode(error, 'INVALID_ARGUMENT'), String(error));
    return error.message;
  }
  return 'nothing';
}

describe('a message of the protocol', () => {
  test('is read by its fields; members that nobody knows are passed over, null is absent', () => {
    const value = { run_id: 'r', metrics: [{ key: 'loss', value: 1, step: '12', more: {} }], dry: null, unknown: 1 };
    assert.deepEqual(readMessage(batch, value), {
      run_id: 'r',
      metrics: [{ key: 'loss', value: 1, step: 12 }],
      dry: undefined,
      extra: undefined,
    });
    assert.deepEqual(readMessage(batch, { run_id: 'r' }).metrics, []);
  });

  test('says which member is missing or of another type, also inside of lists', () => {
    assert.match(refusal({}), /^Missing value for required parameter 'run_id'\./);
    assert.match(refusal({ run_id: '' }), /^Missing value for required parameter 'run_id'\./);
    assert.match(refusal({ run_id: 7 }), /^Invalid value 7 for parameter 'run_id' supplied: Hint: Value was of type 'int'\./);
    assert.match(refusal({ run_id: 'r', metrics: {} }), /^Invalid value \{\} for parameter 'metrics' supplied: .*'dict'/);
    assert.match(refusal({ run_id: 'r', metrics: [{ key: 'a' }] }), /^Missing value for required parameter 'metrics\[0\]\.value'\./);
    assert.match(refusal({ run_id: 'r', metrics: [null] }), /^Invalid value null for parameter 'metrics\[0\]'/);
    assert.match(refusal({ run_id: 'r', metrics: [{ key: 'a', value: 'many' }] }), /"many" for parameter 'metrics\[0\]\.value'/);
    assert.match(refusal({ run_id: 'r', dry: 'true' }), /'dry'/);
    assert.match(refusal({ run_id: 'r', extra: [] }), /'extra'/);
  });

  test('shows a long value in part', () => {
    assert.ok(refusal({ run_id: ['x'.repeat(100_000)] }).length < 1000);
  });

  test('holds whole numbers that are exact, also as text, and numbers that JSON cannot say', () => {
    const read = (value: unknown): unknown => readMessage({ n: integer }, { n: value }).n;
    assert.deepEqual([read(1), read('-5'), read('9007199254740991')], [1, -5, Number.MAX_SAFE_INTEGER]);
    assert.deepEqual([read('1e+05'), read('1.795e+12'), read('-2e+10')], [100_000, 1_795_000_000_000, -20_000_000_000], 'as R writes them');
    for (const wrong of ['1.55e+01', 1.5, '1.5', '9007199254740993', 1e300, '1e3', '', true]) assert.throws(() => read(wrong), /'n'/);
    const number = (value: unknown): unknown => readMessage({ n: double }, { n: value }).n;
    assert.deepEqual([number('NaN'), number('-Infinity'), number('1e3'), number(-0)], [Number.NaN, -Infinity, 1000, -0]);
    for (const wrong of ['', ' ', 'nan', {}, [], false]) assert.throws(() => number(wrong), /'n'/);
  });

  test('comes in a query string as well, lists as several values of one name', () => {
    const fields = { run_id: text, run_ids: list(text), dry: flag, n: integer };
    const of = (query: string): unknown => readMessage(fields, queryValues(fields, new URLSearchParams(query)));
    assert.deepEqual(of('run_id=a&run_id=b&run_ids=c&run_ids=d&dry=true&n=4'), { run_id: 'b', run_ids: ['c', 'd'], dry: true, n: 4 });
    assert.deepEqual(readMessage({ dry: flag }, { dry: 'FALSE' }), { dry: false }, 'as R writes it');
    assert.throws(() => of('dry=yes'), /'dry'/);
    assert.throws(() => of('n=four'), /'n'/);
  });
});
