import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { QualityCheck, QualityReport, TableSchema } from '#contract';
import { readCsv } from '#tables';
import { inferSchema } from '../table-schema.ts';
import { ada, openBench } from '../testing.ts';
import type { Bench } from '../testing.ts';
import { validateFrame, violationsOf } from '../validate.ts';

const checkOf = (report: QualityReport, name: string): QualityCheck => {
  const found = report.characteristics.flatMap(({ checks }) => checks).find((check) => check.name === name);
  assert.ok(found, `a check "${name}"`);
  return found;
};
const scoreOf = (report: QualityReport, name: string): number | null | undefined =>
  report.characteristics.find((each) => each.name === name)?.score;

async function report(bench: Bench, content: string, request: object = {}): Promise<QualityReport> {
  const { version } = await bench.data.ingest({ dataset: 'd', path: await bench.file('q.csv', content), by: ada });
  return bench.data.quality(version.digest, { by: ada, ...request });
}

describe('a quality report', () => {
  test('of the churn table scores five characteristics and finds the eleven blank charges', async () => {
    await using bench = await openBench();
    const { version } = await bench.data.ingest({ dataset: 'customers', path: 'examples/churn/data/telco-churn.csv', by: ada });
    const schema: TableSchema = {
      ...inferSchema(await bench.data.open(version.digest), { key: 'customerID' }),
      rules: ['TotalCharges >= MonthlyCharges'],
    };
    const made = await bench.data.quality(version.digest, {
      schema,
      key: 'customerID',
      target: 'Churn',
      asOf: Date.UTC(2025, 11, 1),
      maxAgeMs: 31 * 86_400_000,
      by: ada,
    });
    assert.deepEqual(
      made.characteristics.map(({ name }) => name),
      ['accuracy', 'completeness', 'reliability', 'relevance', 'timeliness'],
    );
    for (const { name, score } of made.characteristics)
      assert.ok(score !== null && score > (name === 'timeliness' ? 0.5 : 0.9) && score <= 1);
    const blank = checkOf(made, 'missing: TotalCharges');
    assert.equal(blank.failing, 11);
    assert.equal(blank.score, 1 - 11 / 7043);
    assert.deepEqual(blank.examples[0], { row: 490, column: 'TotalCharges', value: null });
    assert.equal(checkOf(made, 'unique key').failing, 0);
    assert.equal(checkOf(made, 'rule: TotalCharges >= MonthlyCharges').failing, 0);
    assert.ok(checkOf(made, 'consistent labels').failing > 0, 'customers alike in every feature that decided differently');
    assert.equal(checkOf(made, 'age of the data').score, 31 / 61, 'as old as 61 days where 31 are allowed');
    assert.equal(made.violations, 0);
    assert.deepEqual(await bench.data.getQuality(made.id), made);
    assert.deepEqual(await bench.data.getQuality(version.digest), made);
    const last = (await bench.events.read({ types: ['dev.gyre.quality_report.created.v1'] }))[0];
    assert.equal(last.subject, made.id);
    await assert.rejects(bench.data.getQuality('nothing'), { code: 'NOT_FOUND' });
  });

  test('says what cannot be measured instead of making it up', async () => {
    await using bench = await openBench();
    const made = await report(bench, 'a,b\n1,x\n2,y\n');
    assert.equal(scoreOf(made, 'timeliness'), null);
    for (const name of ['schema', 'unique key', 'consistent labels', 'no leak', 'age of the data', 'newest instant', 'expected columns']) {
      const check = checkOf(made, name);
      assert.equal(check.score, null);
      assert.match(check.message, /not measurable: /);
    }
  });

  test('finds repeated keys and rows, and labels that contradict each other', async () => {
    await using bench = await openBench();
    const made = await report(bench, 'k,x,c,y\na,1,p,no\nb,1,p,yes\nb,2,q,no\nd,2,q,no\n,3,,yes\n', { key: 'k', target: 'y' });
    assert.deepEqual(checkOf(made, 'unique key').examples, [{ row: 4, column: 'k', value: 'b' }]);
    assert.equal(checkOf(made, 'key present').failing, 1);
    assert.deepEqual(checkOf(made, 'duplicate rows').examples, [{ row: 5, column: 'k', value: 'd' }]);
    assert.deepEqual(
      checkOf(made, 'consistent labels').examples.map(({ row, value, note }) => [row, value, note]),
      [[3, 'yes', 'row 2 is alike and says otherwise']],
    );
    assert.equal(checkOf(made, 'consistent labels').failing, 2, 'both rows');
    assert.equal(made.violations, 2);
  });

  test('finds constant columns, hidden keys, leaks, and columns that have nothing to do with the target', async () => {
    await using bench = await openBench();
    const rows = Array.from({ length: 300 }, (_, i) => {
      const y = i % 3 === 0 ? 1 : 0;
      return `${i},same,user-${i * 7},${y * 100 + (i % 5)},${(i * 7919) % 10},${y ? (i % 4 ? 'hi' : 'lo') : i % 4 ? 'lo' : 'hi'},${y ? 'yes' : 'no'}`;
    });
    const made = await report(bench, `k,constant,name,copy,noise,signal,y\n${rows.join('\n')}\n`, { key: 'k', target: 'y' });
    const failing = (name: string): (string | undefined)[] => checkOf(made, name).examples.map(({ column }) => column);
    assert.deepEqual(failing('varying columns'), ['constant']);
    assert.deepEqual(failing('no hidden keys'), ['name']);
    assert.deepEqual(failing('no leak'), ['copy']);
    assert.deepEqual(failing('related to the target'), ['noise']);
    assert.equal(checkOf(made, 'no leak').outcome, 'fail');
    assert.equal(made.outcome, 'fail');
  });

  test('measures the age of the newest instant, and instants of the future', async () => {
    await using bench = await openBench();
    const made = await report(bench, 'k,at\na,2026-01-01\nb,2025-06-01\n', { maxAgeMs: 15 * 86_400_000 });
    assert.equal(checkOf(made, 'newest instant').score, 0.5);
    assert.match(checkOf(made, 'newest instant').message, /30\.0 days ago; at most 15\.0 days are allowed/);
    const ahead = await report(bench, 'k,at\na,2026-03-01\nb,2025-06-01\n');
    assert.equal(checkOf(ahead, 'not in the future: at').failing, 1);
  });

  test('sees values far outside of their column', async () => {
    await using bench = await openBench();
    const made = await report(bench, `x\n${Array.from({ length: 100 }, (_, i) => i % 10).join('\n')}\n9999\n`);
    assert.deepEqual(checkOf(made, 'plausible values').examples, [{ row: 102, column: 'x', value: 9999 }]);
  });
});

describe('validating against a reviewed schema', () => {
  const violations = (text: string, schema: TableSchema) =>
    violationsOf(validateFrame(readCsv(Buffer.from(text), { mixed: 'string' }).frame, schema));

  test('checks types, missing values, uniqueness, ranges, categories, patterns and rules, with rows', () => {
    const found = violations('id,age,zip,plan,low,high\n1,30,10115,A,1,2\n2,-5,ABC,B,5,2\n2,,10117,C,,1\n', {
      columns: [
        { name: 'id', type: 'integer', unique: true },
        { name: 'age', type: 'number', min: 0, max: 120, nullable: false },
        { name: 'zip', type: 'integer' },
        { name: 'plan', type: 'string', pattern: '[AB]' },
        { name: 'low', type: 'number', maxMissing: 0.1 },
        { name: 'high', type: 'number' },
      ],
      rules: ['low <= high'],
    });
    assert.deepEqual(
      found.map(({ name, examples }) => [name, examples[0]?.row, examples[0]?.value]),
      [
        ['unique: id', 4, 2],
        ['missing: age', 4, null],
        ['range: age', 3, -5],
        ['type: zip', 2, '10115'],
        ['pattern: plan', 4, 'C'],
        ['missing: low', 4, null],
        ['rule: low <= high', 3, 5],
      ],
    );
    assert.match(found[1].message, /age is missing in 1 row \(33\.33 %\); wanted: no missing value/);
  });

  test('finds columns that are missing or that nobody expects', () => {
    const [found] = violations('a,c\n1,2\n', {
      columns: [
        { name: 'a', type: 'integer' },
        { name: 'b', type: 'integer' },
      ],
    });
    assert.equal(found.message, 'columns missing: b; not in the schema: c');
  });

  test('of the schema that was inferred from the very table finds nothing', () => {
    const { frame } = readCsv(Buffer.from('id,n,b,c\n1,0.5,0,x\n2,,1,y\n'));
    const schema = inferSchema(frame, { key: 'id' });
    assert.deepEqual(schema.columns, [
      { name: 'id', type: 'integer', nullable: false, unique: true },
      { name: 'n', type: 'number', nullable: true, min: 0 },
      { name: 'b', type: 'integer', nullable: false, min: 0, max: 1 },
      { name: 'c', type: 'string', nullable: false, categories: ['x', 'y'] },
    ]);
    assert.deepEqual(violationsOf(validateFrame(frame, schema)), []);
  });
});
