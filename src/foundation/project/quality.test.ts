import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { TableSchema } from '#contract';
import { hasCode } from '#core';
import { loadTableSchema, readTableSchema, tableSchemaText } from './index.ts';
import { problemText } from './problems.ts';
import { parseQualityCondition, qualityLimits } from './quality-conditions.ts';

describe('conditions on quality', () => {
  test('name a check or characteristic, and the least score where it is not 1', () => {
    assert.deepEqual(parseQualityCondition(' duplicate rows >= .99'), { name: 'duplicate rows', least: 0.99 });
    assert.deepEqual(parseQualityCondition('missing: *'), { name: 'missing: *', least: 1 });
    assert.deepEqual(parseQualityCondition('rule: low <= high'), { name: 'rule: low <= high', least: 1 });
    assert.deepEqual(parseQualityCondition('rule: a >= b >= 0.9'), { name: 'rule: a >= b', least: 0.9 });
    for (const text of ['', 'accuracy <= 0.9', 'accuracy >= 90', 'accuracy > 0.9'])
      assert.throws(
        () => parseQualityCondition(text),
        (error) => hasCode(error, 'INVALID_ARGUMENT'),
        text,
      );
  });
  test('of the same name warn and fail at once', () => {
    assert.deepEqual(qualityLimits({ fail: ['accuracy >= 0.9', 'no leak'], warn: ['accuracy >= 0.95', 'late rows'] }), [
      ['accuracy', { warn: 0.95, fail: 0.9 }],
      ['late rows', { warn: 1 }],
      ['no leak', { fail: 1 }],
    ]);
  });
});

describe('a schema as a file', () => {
  let folder = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gyre-schema-'));
  });
  after(() => rm(folder, { recursive: true }));

  const schema: TableSchema = {
    rules: ['low <= high', { rule: 'low > 0', when: "kind = 'b'" }],
    keys: [['kind', 'low']],
    time: { column: 'at', every: '1h' },
    checks: { 'range: low': { warn: 1, fail: 0.9 } },
    columns: [
      { categories: ['yes', 'no', 'a: b'], type: 'string', name: 'kind', nullable: false },
      { name: 'low', type: 'number', min: 0, max: 1e21, population: undefined },
      { name: 'high', type: 'number', description: 'the "upper" bound # really' },
      { name: 'at', type: 'instant', earliest: '2026-01-01' },
    ],
  };

  test('reads back as what it was, its members always in one order, one value a line, reasons as comments', async () => {
    const text = tableSchemaText(schema, { head: ['Reviewed.'], why: { kind: ['3 values in 100 rows', 'never missing'] } });
    assert.match(
      text,
      /^# Reviewed\.\ncolumns:\n {2}# 3 values in 100 rows\n {2}# never missing\n {2}- name: kind\n {4}type: string\n {4}nullable: false\n {4}categories:\n {6}- yes\n|"yes"/,
    );
    await writeFile(join(folder, 'a.yaml'), text);
    const read = await loadTableSchema(folder, 'a.yaml');
    assert.deepEqual(read, JSON.parse(JSON.stringify(schema)));
    assert.equal(tableSchemaText(read, { head: ['Reviewed.'] }), tableSchemaText(schema, { head: ['Reviewed.'] }));
  });

  test('is checked for what cannot hold, with line and column', async () => {
    const bad = `columns:
  - { name: a, type: string, minLength: 5, maxLength: 2, freshness: 1d }
  - { name: t, type: instant, earliest: 2026-02-30, order: risin }
`;
    await writeFile(join(folder, 'bad.yaml'), bad);
    assert.deepEqual((await readTableSchema(folder, 'bad.yaml')).problems.map(problemText), [
      'bad.yaml:3:60 columns[1].order: "risin" is not known here; did you mean "rising"?',
    ]);
    await writeFile(
      join(folder, 'bad.yaml'),
      `${bad.replace('risin ', 'rising ')}  - { name: s, type: string, population: { x: 0.5, y: 0.6 } }
keys: [[a, b]]
references: [{ columns: [a], dataset: d, to: [a, t] }]
time: { column: a, by: nobody }
rules: [{ rule: a = t, when: b > 1 }]
`,
    );
    assert.deepEqual(
      (await readTableSchema(folder, 'bad.yaml')).problems.map(problemText),
      [
        'bad.yaml:2:58 columns[0].freshness: a string column has no freshness; it is for instant',
        'bad.yaml:2:41 columns[0].minLength: minLength (5) is greater than maxLength (2)',
        'bad.yaml:3:41 columns[1].earliest: "2026-02-30" is no day that exists',
        'bad.yaml:4:42 columns[2].population: the shares add up to 1.1, not to 1',
        'bad.yaml:8:30 rules[0].when: there is no column "b"; columns: a, t, s',
        'bad.yaml:5:12 keys[0][1]: there is no column "b"; columns: a, t, s',
        'bad.yaml:6:46 references[0].to: 2 columns cannot be matched with 1; name as many as in columns, in the same order',
        'bad.yaml:7:17 time.column: column "a" is string; a column of type instant is needed',
        'bad.yaml:7:24 time.by: there is no column "nobody"; columns: a, t, s',
      ].map((line) => line),
    );
  });
});
