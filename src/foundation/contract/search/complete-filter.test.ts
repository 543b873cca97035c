import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { completeFilter } from './complete-filter.ts';
import { parseFilter } from './parse-filter.ts';
import { searchKinds } from './filter-grammars.ts';

const known = {
  keys: { metric: ['loss', 'val loss', 'val/acc'], parameter: ['lr', 'from', 'a`b'], tag: ['mlflow.user', 'team'] },
  valuesOf: ({ key }: { readonly key: string }) =>
    key === 'team' ? ['red', "o'hara", 'red "x"'] : key === 'status' ? ['FINISHED', 'FAILED'] : [],
};

/** What is offered where the text ends, or at `|`. */
function offered(text: string): readonly [string, string, readonly string[]] {
  const cursor = text.includes('|') ? text.indexOf('|') : text.length;
  const plain = text.replace('|', '');
  const { kind, from, to, texts } = completeFilter('run', plain, cursor, known);
  return [kind, plain.slice(from, to), texts];
}

describe('what may come next in a filter', () => {
  test('are attributes and entities, then keys, quoted where they need it', () => {
    const [kind, replaced, texts] = offered('');
    assert.deepEqual([kind, replaced], ['field', '']);
    assert.ok(
      ['status', 'start_time', 'metrics.', 'datasets.'].every((each) => texts.includes(each)),
      texts.join(' '),
    );
    assert.deepEqual(offered('metrics.'), ['field', 'metrics.', ['metrics.loss', 'metrics.`val loss`', 'metrics.`val/acc`']]);
    assert.deepEqual(offered('param.'), ['field', 'param.', ['param.lr', 'param.`from`', 'param."a`b"']]);
    assert.deepEqual(offered('metrics.`val'), ['field', 'metrics.`val', ['metrics.`val loss`', 'metrics.`val/acc`']]);
    assert.deepEqual(offered('tags.a = 1 AND tea'), ['field', 'tea', ['tags.team']]);
    assert.deepEqual(offered('foo.'), ['field', 'foo.', []]);
    assert.deepEqual(offered('dataset.'), ['field', 'dataset.', ['dataset.name', 'dataset.digest', 'dataset.context']]);
  });

  test('are the comparators of that field', () => {
    assert.deepEqual(offered('metrics.loss '), ['comparator', '', ['=', '!=', '>', '>=', '<', '<=']]);
    assert.deepEqual(offered('tags.team i'), ['comparator', 'i', ['ILIKE', 'IS NULL', 'IS NOT NULL']]);
    assert.deepEqual(offered('tags.team IS N'), ['comparator', 'IS N', ['IS NULL', 'IS NOT NULL']]);
    assert.deepEqual(offered('run_id not '), ['comparator', 'not ', ['NOT IN']]);
  });

  test('are its values, in quotes', () => {
    assert.deepEqual(offered('tags.team = '), ['value', '', ["'red'", `"o'hara"`, `'red "x"'`]]);
    assert.deepEqual(offered("status = 'FI"), ['value', "'FI", ["'FINISHED'"]]);
    assert.deepEqual(offered('status = fa'), ['value', 'fa', ["'FAILED'"]]);
    assert.deepEqual(offered("run_id IN ('a', '"), ['value', "'", []]);
    assert.deepEqual(offered('metrics.loss > 0.'), ['value', '0.', []]);
  });

  test('is AND behind a condition, wherever the cursor is', () => {
    assert.deepEqual(offered("status = 'FAILED'"), ['and', '', [' AND ']]);
    assert.deepEqual(offered("status = 'FAILED' a"), ['and', 'a', ['AND ']]);
    assert.deepEqual(offered("run_id IN ('a') "), ['and', '', ['AND ']]);
    assert.deepEqual(offered('tags.team IS NULL '), ['and', '', ['AND ']]);
    assert.deepEqual(offered("metrics.| = 1 AND status = 'x'")[2], ['metrics.loss', 'metrics.`val loss`', 'metrics.`val/acc`']);
  });

  test('is answered at every place of a filter, whole or broken', () => {
    const text =
      "metrics.`val loss` >= 0.5 AND (run_id NOT IN ('a', \"b\") and tags.x IS NOT NULL AND AND params.`a = 'it''s'; dataset.name = 'x";
    for (const kind of searchKinds)
      for (let from = 0; from < text.length; from += 1)
        for (let cursor = 0; cursor <= text.length - from; cursor += 1) {
          const completion = completeFilter(kind, text.slice(from), cursor, known);
          assert.ok(completion.from <= cursor && completion.to === cursor);
        }
  });

  test('can be read once it is chosen', () => {
    for (const key of ['from', 'a b', 'a`b', 'a.b', '5', 'x.', '名', 'a-b', "it's", 'a::b', '[x]', 'as', 'AND', '#1', 'a.`b']) {
      const { texts } = completeFilter('run', 'tags.', 5, { keys: { tag: [key] } });
      const parsed = parseFilter('run', `${texts[0]} = 'x'`);
      assert.deepEqual(parsed.ok ? parsed.value.map((each) => each.key) : parsed.message, [key]);
    }
  });
});
