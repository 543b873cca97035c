import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { matching, type Found } from './search-records.ts';

const records: readonly Found[] = [
  { kind: 'run', text: 'boosting-1', id: 'aaa111', href: '/runs/aaa111' },
  { kind: 'model version', text: 'churn version 2 (champion)', id: 'bbb222', href: '/models/churn/2', also: ['78608988d953', 'churn@2'] },
];
const found = (wanted: string): readonly string[] => matching(records, wanted).map(({ href }) => href);

describe('the search', () => {
  test('finds records by words of their name, by id, and by digest', () => {
    assert.deepEqual(found('champion churn'), ['/models/churn/2']);
    assert.deepEqual(found('AAA'), ['/runs/aaa111']);
    assert.deepEqual(found('78608988'), ['/models/churn/2']);
    assert.deepEqual(found('churn@2'), ['/models/churn/2']);
    assert.deepEqual(found('nothing of the kind'), []);
  });

  test('leads from the id of a prediction to its page, though no list holds it', () => {
    const id = '2-78608988-01a1fdf2-2f13-7f33-a281-2d2e63c06abe';
    assert.deepEqual(found(id), [`/predictions/${id}`]);
  });
});
