import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseLoggedModelOrderBy, parseOrderBy } from './parse-order-by.ts';

describe('an order', () => {
  test('is read key by key, ascending unless it says otherwise', () => {
    assert.deepEqual(parseOrderBy('run', ['metrics.`val loss` DESC', 'created', 'params.lr asc', '"tags.a" desc']), {
      ok: true,
      value: [
        { entity: 'metric', key: 'val loss', ascending: false },
        { entity: 'attribute', key: 'start_time', ascending: true },
        { entity: 'parameter', key: 'lr', ascending: true },
        { entity: 'tag', key: 'a', ascending: false },
      ],
    });
    assert.deepEqual(parseOrderBy('registered_model', ['timestamp DESC']), {
      ok: true,
      value: [{ entity: 'attribute', key: 'last_updated_timestamp', ascending: false }],
    });
  });

  test('that cannot be read says why', () => {
    for (const [kind, item, message] of [
      ['run', 'metrics.a up', /Invalid ordering key in order_by clause 'metrics\.a up'/],
      ['run', 'metrics.a desc asc', /Invalid order_by clause/],
      ['run', ' metrics.a', /Invalid order_by clause ' metrics\.a'\. Could not be parsed/],
      ['run', '', /Invalid order_by clause/],
      ['run', 'dataset.name', /Invalid entity type 'dataset'/],
      ['experiment', 'tags.a', /Invalid entity type 'tags'/],
      ['registered_model', 'creation_timestamp', /Invalid attribute key 'creation_timestamp' specified/],
      ['model_version', 'run_id', /Invalid attribute key 'run_id'/],
    ] as const) {
      const parsed = parseOrderBy(kind, [item]);
      assert.match(parsed.ok ? 'read' : parsed.message, message);
    }
  });

  test('names a field once, whatever it is called', () => {
    const parsed = parseOrderBy('run', ['created', 'attribute.start_time desc']);
    assert.match(parsed.ok ? 'read' : parsed.message, /`order_by` contains duplicate fields/);
    assert.ok(parseOrderBy('experiment', ['name', 'name desc']).ok);
  });

  test('of logged models may take a metric on one dataset', () => {
    assert.deepEqual(
      parseLoggedModelOrderBy([
        { field_name: 'metrics.val loss', ascending: false, dataset_name: 'test', dataset_digest: '' },
        { field_name: 'creation_time' },
      ]),
      {
        ok: true,
        value: [
          { entity: 'metric', key: 'val loss', ascending: false, dataset: { name: 'test' } },
          { entity: 'attribute', key: 'creation_timestamp', ascending: true },
        ],
      },
    );
    for (const [name, message] of [
      ['params.lr', /Invalid order by field name: params\.lr\. Only metrics are supported/],
      ['constructor', /Invalid order by field name: constructor/],
    ] as const) {
      const parsed = parseLoggedModelOrderBy([{ field_name: name }]);
      assert.match(parsed.ok ? 'read' : parsed.message, message);
    }
  });
});
