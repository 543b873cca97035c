import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseFilter } from './parse-filter.ts';
import type { SearchKind } from './filter-grammars.ts';

function read(kind: SearchKind, text: string): unknown[] {
  const parsed = parseFilter(kind, text);
  if (!parsed.ok) return [parsed.at, parsed.message];
  return parsed.value.map(({ entity, key, comparator, value }) => [entity, key, comparator, value]);
}

describe('a filter', () => {
  test('is a list of conditions, under the canonical names of what they are about', () => {
    assert.deepEqual(read('run', 'metrics.loss <= .5 and params.lr = \'0.1\' AND attr.Created > 17e2 AND run.`Run Name` ilike "a%"'), [
      ['metric', 'loss', '<=', 0.5],
      ['parameter', 'lr', '=', '0.1'],
      ['attribute', 'start_time', '>', 1700],
      ['attribute', 'run_name', 'ILIKE', 'a%'],
    ]);
    assert.deepEqual(read('run', "datasets.name IN ('a', \"b\") AND dataset.context != 'eval'"), [
      ['dataset', 'name', 'IN', ['a', 'b']],
      ['dataset', 'context', '!=', 'eval'],
    ]);
    assert.deepEqual(read('run', ''), []);
  });

  test('names keys with dots, and any key between quotes', () => {
    for (const [name, key] of [
      ['tags.mlflow.user', 'mlflow.user'],
      ['tags.`git branch`', 'git branch'],
      ['tag."a.b"', 'a.b'],
      ["tag.'it is'", 'it is'],
      ['`tags`.`a`', 'a'],
      ['tags.名前', '名前'],
      ['tags.team::owner', 'team::owner'],
      ['tags.loss[0]', 'loss[0]'],
      ['tags.5fold', '5fold'],
    ])
      assert.deepEqual(read('run', `${name} = 'x'`), [['tag', key, '=', 'x']], name);
  });

  test('takes texts as they stand between their quotes, and lists as Python reads them', () => {
    assert.deepEqual(read('run', String.raw`tags.a = 'it''s' AND tags.b = "say \"hi\"" AND tags.c = 'C:\'`), [
      ['tag', 'a', '=', "it''s"],
      ['tag', 'b', '=', String.raw`say \"hi\"`],
      ['tag', 'c', '=', 'C:\\'],
    ]);
    assert.deepEqual(read('run', String.raw`run_id in ('it\'s', "\x41\u00e9\q" 'b',)`), [
      ['attribute', 'run_id', 'IN', ["it's", 'Aé\\qb']],
    ]);
    assert.deepEqual(read('run', `run_id IN ()`), [
      11,
      'While parsing a list in the query, expected a non-empty list of string values, but got empty list',
    ]);
  });

  test('asks whether a tag or a parameter is there at all', () => {
    assert.deepEqual(read('run', 'tags.a IS NULL AND params.b is not null'), [
      ['tag', 'a', 'IS NULL', null],
      ['parameter', 'b', 'IS NOT NULL', null],
    ]);
    assert.match(String(read('run', 'metrics.a IS NULL')[1]), /Invalid comparator 'IS NULL' for metric 'a'/);
    assert.match(String(read('model_version', 'tags.a IS NULL')[1]), /Invalid comparator/);
  });

  test('that cannot be read says what is wrong and where', () => {
    const cases: readonly (readonly [SearchKind, string, number, RegExp])[] = [
      ['run', 'foo.a = 1', 0, /Invalid entity type 'foo'\. Valid values are/],
      ['run', "metrics.a = 'x'", 12, /Expected numeric value type for metric 'a'\. Found 'x'/],
      ['run', 'params.a = 1', 11, /Expected a quoted string value for parameter 'a'/],
      ['run', "tags.a > 'x'", 7, /Invalid comparator '>' for tag 'a', not one of '=', '!=', 'LIKE'/],
      ['run', 'metrics.a = 1 OR metrics.b = 2', 17, /Invalid clause\(s\) in filter string: 'OR'/],
      ['run', "nothing = 'x'", 0, /Invalid attribute key 'nothing' specified\. Valid keys are/],
      ['run', "dataset.size = 'x'", 0, /Invalid dataset key 'size' specified/],
      ['run', "run_name IN ('a')", 9, /Invalid comparator 'IN'/],
      ['run', 'metrics.a = 1; metrics.b = 2', 13, /Invalid clause/],
      ['run', "tags. = 'x'", 5, /a key is missing/],
      ['run', "constructor.x = 'x'", 0, /Invalid entity type/],
      ['run', '   ', 0, /Could not be parsed/],
      ['experiment', "experiment_id = 'x'", 16, /Invalid experiment ID 'x'/],
      ['experiment', 'creation_time > 1.5', 16, /Invalid value for numeric attribute/],
      ['registered_model', "metrics.a = 'x'", 0, /Invalid entity type 'metrics'/],
      ['model_version', "version_number = 'one'", 17, /Invalid value for numeric attribute 'version_number'/],
    ];
    for (const [kind, text, at, message] of cases) {
      const [where, said] = read(kind, text);
      assert.match(String(said), message, text);
      assert.equal(where, at, text);
    }
  });

  test('of experiments and versions takes whole numbers in quotes', () => {
    assert.deepEqual(read('experiment', "experiment_id NOT IN ('1', ' 007 ')"), [['attribute', 'experiment_id', 'NOT IN', ['1', '7']]]);
    assert.deepEqual(read('model_version', "version_number > '1_0'"), [['attribute', 'version_number', '>', 10]]);
  });

  test('of logged models has entities in the plural, and needs no quotes for one word', () => {
    assert.deepEqual(
      read('logged_model', "params.learning-rate = 0.01 AND name = tree AND metrics.`a b` > 1 AND tags.x IN ('y') AND creation_time > 5"),
      [
        ['parameter', 'learning-rate', '=', '0.01'],
        ['attribute', 'name', '=', 'tree'],
        ['metric', 'a b', '>', 1],
        ['tag', 'x', 'IN', ['y']],
        ['attribute', 'creation_timestamp', '>', 5],
      ],
    );
    assert.match(String(read('logged_model', "tag.x = 'y'")[1]), /Invalid entity type 'tag'/);
  });

  test('of any length is read without a stack that grows with it', () => {
    const long = 'x'.repeat(1_000_000);
    assert.deepEqual(read('run', `tags.a = '${long}'`), [['tag', 'a', '=', long]]);
    assert.equal(read('run', `tags.a = '${'\\'.repeat(500_000)}`).length, 2);
    assert.equal(read('experiment', `experiment_id = '${'9'.repeat(1_000_000)}'`).length, 2);
    assert.equal(read('run', `run_id IN ${'('.repeat(500_000)}`).length, 2);
    assert.equal(read('run', 'metrics.a > 1 AND '.repeat(20_000)).length, 20_000);
  });
});
