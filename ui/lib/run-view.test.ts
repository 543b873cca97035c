import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { changedQuery } from './route-table.ts';
import { columnParts, filterWithin, orderOf, runViewOf, runViewQuery, usualColumns } from './run-view.ts';

describe('the view of a table of runs', () => {
  test('comes back out of the address as it went in, whatever keys are called', () => {
    const view = {
      filter: "metrics.loss < 0.1 AND tags.`a,b` = 'c&d'",
      sort: '-metrics.val/loss',
      columns: ['status', 'metrics.a,b', 'params.x=y', 'tags.50%'],
      pinned: ['metrics.a,b'],
      widths: new Map([
        ['params.x=y', 120],
        ['name', 300],
      ]),
      sparks: ['metrics.a,b'],
      group: 'depth',
      lifecycle: 'deleted',
    } as const;
    assert.deepEqual(runViewOf(changedQuery('?other=1', runViewQuery(view))), view);
  });

  test('is as usual where the address says nothing or nonsense', () => {
    const view = runViewOf('?view=dead&widths=a%3D5,b%3Dwide');
    assert.deepEqual([view.lifecycle, view.widths.size, view.columns, view.filter], ['active', 0, undefined, '']);
  });

  test('orders by quoted keys; lengths of time order nothing', () => {
    assert.deepEqual(orderOf('-metrics.val/loss'), ['metrics.`val/loss` DESC']);
    assert.deepEqual(orderOf('start_time'), ['attributes.start_time ASC']);
    assert.deepEqual(orderOf('duration'), []);
    assert.deepEqual(columnParts('params.a.b'), { entity: 'params', key: 'a.b' });
  });

  test('goes into a group by one more condition', () => {
    assert.equal(filterWithin('', 'depth', '3'), "params.`depth` = '3'");
    assert.equal(filterWithin('metrics.a > 1', 'a`b', "it's"), 'metrics.a > 1 AND params."a`b" = "it\'s"');
    assert.equal(filterWithin('', 'depth', null), 'params.`depth` IS NULL');
  });

  test('shows validation before training, and parameters that differ before those that do not', () => {
    const columns = usualColumns({
      metrics: ['system/cpu', 'train_loss', 'val_loss', 'time'],
      parameters: [
        { key: 'same', values: ['1'] },
        { key: 'lr', values: ['1', '2'] },
      ],
    });
    assert.deepEqual(columns.slice(0, 6), [
      'status',
      'metrics.val_loss',
      'metrics.time',
      'metrics.train_loss',
      'metrics.system/cpu',
      'params.lr',
    ]);
  });
});
