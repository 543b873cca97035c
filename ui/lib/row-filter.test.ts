import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { conditionOf, filtersIn, operatorsOf, searchWith } from './row-filter.ts';
import type { ColumnType } from './shapes.ts';

const types = new Map<string, ColumnType>([
  ['tenure', 'integer'],
  ['my town', 'string'],
  ['active', 'boolean'],
  ['joined', 'instant'],
]);

describe('filters of rows', () => {
  test('are conditions in the words of the server: texts quoted, booleans as 1 and 0, instants as texts', () => {
    const filters = [
      { column: 'tenure', operator: '>=', value: '12.50' },
      { column: 'my town', operator: '=', value: "L'Aquila and more" },
      { column: 'active', operator: '=', value: 'true' },
      { column: 'joined', operator: '<', value: '2026-01-01' },
      { column: 'my town', operator: 'is not missing', value: '' },
    ];
    assert.equal(
      conditionOf(filters, types),
      `"tenure" >= 12.5 and "my town" = 'L''Aquila and more' and "active" = 1 and "joined" < '2026-01-01' and "my town" is not missing`,
    );
    assert.equal(conditionOf([], types), undefined);
  });

  test('stand in the address and come back from it, whatever they hold', () => {
    const filters = [
      { column: 'a|b', operator: '=', value: 'c|d&e=%' },
      { column: 'n', operator: '>', value: '' },
    ];
    const search = searchWith('?rows.sort=n&where=old%7C%3D%7C1', filters);
    assert.deepEqual(filtersIn(search), filters);
    assert.equal(new URLSearchParams(search).get('rows.sort'), 'n');
    assert.equal(searchWith(search, []), '?rows.sort=n');
    assert.deepEqual(filtersIn('?where=nonsense'), []);
  });

  test('order what has an order only', () => {
    assert.ok(!operatorsOf('string').includes('>'));
    assert.ok(operatorsOf('instant').includes('<='));
  });
});
