import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { QualityCheck, QualityReport, TableSchema } from '#contract';
import { readCsv } from '#tables';
import type { Frame } from '#tables';
import type { QualityRequest } from '../port.ts';
import { ada, openBench } from '../testing.ts';
import type { Bench } from '../testing.ts';
import { validateFrame } from '../validate.ts';

const validate = (text: string, schema: TableSchema): QualityCheck[] =>
  validateFrame(readCsv(Buffer.from(text), { mixed: 'string' }).frame, schema);
const failing = (checks: readonly QualityCheck[]) =>
  checks
    .filter(({ failing: count }) => count > 0)
    .map(({ name, outcome, examples }) => [name, outcome, examples[0]?.row, examples[0]?.value]);

const checkOf = (report: QualityReport, name: string): QualityCheck => {
  const found = report.characteristics.flatMap(({ checks }) => checks).find((check) => check.name === name);
  assert.ok(found, `a check "${name}"`);
  return found;
};

async function judge(bench: Bench, content: string, request: Omit<QualityRequest, 'by'> = {}, dataset = 'd'): Promise<QualityReport> {
  const { version } = await bench.data.ingest({ dataset, path: await bench.file(`${dataset}.csv`, content), by: ada });
  return bench.data.quality(version.digest, { by: ada, ...request });
}

describe('expectations of a reviewed schema', () => {
  test('hold for lengths in characters, days, order, and combinations of columns', () => {
    const found = validate('shop,day,code,at\nA,1,äöü,2026-01-01\nA,2,12😀4,2026-01-02\nA,1,x,2026-01-03\nB,1,123456,2026-01-02\n', {
      columns: [
        { name: 'shop', type: 'string' },
        { name: 'day', type: 'integer' },
        { name: 'code', type: 'string', minLength: 3, maxLength: 4 },
        { name: 'at', type: 'instant', earliest: '2026-01-02', latest: '2026-01-31T00:00:00Z', order: 'strictly_rising' },
      ],
      keys: [['shop', 'day']],
    });
    assert.deepEqual(failing(found), [
      ['length: code', 'fail', 4, 'x'],
      ['range: at', 'fail', 2, '2026-01-01T00:00:00.000Z'],
      ['order: at', 'fail', 5, '2026-01-02T00:00:00.000Z'],
      ['key: shop + day', 'fail', 4, 1],
    ]);
  });

  test('a rule may hold for some rows only, and be a warning', () => {
    const found = validate('kind,low,high\na,3,1\nb,3,1\nb,1,2\n', {
      columns: [
        { name: 'kind', type: 'string' },
        { name: 'low', type: 'integer' },
        { name: 'high', type: 'integer' },
      ],
      rules: [{ rule: 'low <= high', when: "kind = 'b'", severity: 'warning' }, 'high > 0'],
    });
    assert.deepEqual(failing(found), [["rule: low <= high when kind = 'b'", 'warn', 3, 3]]);
    assert.equal(found.find(({ name }) => name.startsWith('rule: low'))?.applied, 2);
  });

  test('a column that is optional may be absent, with the rules on it; another one may not', () => {
    const schema: TableSchema = {
      columns: [
        { name: 'a', type: 'integer' },
        { name: 'b', type: 'integer', presence: 'optional' },
      ],
      rules: ['a <= b'],
    };
    assert.deepEqual(failing(validate('a\n1\n', schema)), []);
    assert.deepEqual(failing(validate('b\n1\n', { ...schema, rules: [] })), [['columns', 'fail', undefined, null]]);
  });

  test('a limit turns a failure into a warning, or forgives a share of the rows', () => {
    const schema: TableSchema = { columns: [{ name: 'a', type: 'integer', max: 9 }] };
    const text = `a\n${Array.from({ length: 10 }, (_, i) => i + 1).join('\n')}\n`;
    const outcomeWith = (limits: object) =>
      validate(text, { ...schema, checks: { 'range: a': limits } }).find(({ name }) => name === 'range: a');
    assert.equal(outcomeWith({ fail: 1 })?.outcome, 'fail');
    assert.equal(outcomeWith({ fail: 0.9 })?.outcome, 'pass', 'a score equal to the limit is not below it');
    assert.equal(outcomeWith({ fail: 0.8, warn: 1 })?.outcome, 'warn');
    assert.deepEqual(outcomeWith({})?.outcome, 'pass');
    assert.equal(validate(text, { columns: [{ name: 'a', type: 'integer', max: 9, severity: 'warning' }] })[2].outcome, 'warn');
  });

  test('the same value as another number or text is not the same, and zero has no sign', () => {
    const schema: TableSchema = { columns: [{ name: 'a', type: 'number', unique: true }] };
    assert.deepEqual(failing(validate('a\n0.1\n0.2\n0.30000000000000004\n0.3\n', schema)), []);
    assert.deepEqual(failing(validate('a\n0\n-0\n', schema)), [['unique: a', 'fail', 3, -0]]);
  });
});

describe('quality beyond one table', () => {
  test('values that refer to another dataset are looked up in its newest version', async () => {
    await using bench = await openBench();
    const schema: TableSchema = {
      columns: [
        { name: 'id', type: 'integer' },
        { name: 'shop', type: 'string', references: { dataset: 'shops', column: 'code' } },
        { name: 'day', type: 'integer' },
      ],
      references: [{ columns: ['shop', 'day'], dataset: 'shops', to: ['code', 'open'] }],
    };
    const rows = 'id,shop,day\n1,A,1\n2,C,1\n3,,1\n4,A,9\n';
    const before = await judge(bench, rows, { schema });
    assert.equal(checkOf(before, 'references: shop').outcome, 'unmeasured');
    assert.match(checkOf(before, 'references: shop').message, /there is no version of dataset "shops"/);
    await judge(bench, 'code,open\nZ,1\n', {}, 'shops');
    await judge(bench, 'code,open\nA,1\nB,1\n', {}, 'shops');
    const after = await judge(bench, rows, { schema });
    assert.deepEqual(checkOf(after, 'references: shop').examples, [{ row: 3, column: 'shop', value: 'C' }]);
    assert.deepEqual(
      [checkOf(after, 'references: shop').failing, checkOf(after, 'references: shop').applied],
      [1, 3],
      'a missing value refers to nothing',
    );
    assert.deepEqual(
      checkOf(after, 'references: shop + day').examples.map(({ row }) => row),
      [3, 5],
    );
    assert.equal(after.outcome, 'fail');
  });

  test('rows are held against what production saw lately, where somebody keeps it', async () => {
    const asked: { columns: readonly string[]; from: number }[] = [];
    const produced = (share: number, count: number): Frame =>
      readCsv(
        Buffer.from(
          `age,sex\n${Array.from({ length: count }, (_, i) => `${20 + ((i * 13) % 50)}.5,${(i * 37) % 100 < share ? 'f' : 'm'}`).join('\n')}\n`,
        ),
      ).frame;
    let now = produced(50, 1000);
    await using bench = await openBench('sqlite::memory:', 'gyre_data_test', {
      production: ({ columns, from }) => {
        asked.push({ columns: columns.map(({ name }) => name), from });
        return Promise.resolve(now);
      },
    });
    const rows = `id,sex,age,y\n${Array.from({ length: 1000 }, (_, i) => `${i},${(i * 37) % 100 < 50 ? 'f' : 'm'},${20 + ((i * 13) % 50)},${i % 2}`).join('\n')}\n`;
    const request = { key: 'id', target: 'y', productionMs: 86_400_000 };
    const fair = await judge(bench, rows, request);
    assert.deepEqual(asked, [{ columns: ['sex', 'age'], from: bench.clock.now() - 86_400_000 }]);
    const check = checkOf(fair, 'representative of production');
    assert.deepEqual([check.outcome, check.applied], ['pass', 2], 'whole numbers are compared with fractions');
    now = produced(90, 1000);
    const off = checkOf(await judge(bench, rows, request), 'representative of production');
    assert.deepEqual([off.outcome, off.score, off.examples[0]?.column], ['warn', 0.5, 'sex']);
    now = produced(50, 7);
    assert.match(
      checkOf(await judge(bench, rows, request), 'representative of production').message,
      /100 logged predictions, and there are 7/,
    );
    const unasked = await judge(bench, rows, { key: 'id', target: 'y' });
    assert.ok(!JSON.stringify(unasked).includes('representative of production'));
    await using alone = await openBench();
    assert.match(checkOf(await judge(alone, rows, request), 'representative of production').message, /nobody keeps predictions here/);
  });

  test('rows are held against declared shares, and against a population that is a dataset of its own', async () => {
    await using bench = await openBench();
    const people = (share: number, count: number): string =>
      `id,sex,age\n${Array.from({ length: count }, (_, i) => `${i},${(i * 37) % 100 < share ? 'f' : 'm'},${20 + ((i * 13) % 50)}`).join('\n')}\n`;
    const schema: TableSchema = {
      columns: [
        { name: 'id', type: 'integer' },
        { name: 'sex', type: 'string', population: { f: 0.5, m: 0.5 } },
        { name: 'age', type: 'integer' },
      ],
    };
    await judge(bench, people(50, 2000), {}, 'census');
    const fair = await judge(bench, people(50, 1000), { schema, key: 'id', population: 'census' });
    assert.equal(checkOf(fair, 'population: sex').outcome, 'pass');
    assert.equal(checkOf(fair, 'representative of census').outcome, 'pass');
    const off = await judge(bench, people(80, 1000), { schema, key: 'id', population: 'census' });
    assert.equal(checkOf(off, 'population: sex').outcome, 'warn');
    assert.ok(Math.abs((checkOf(off, 'population: sex').score ?? 0) - 0.7) < 1e-9, '1 - total variation distance');
    assert.match(checkOf(off, 'population: sex').message, /f is 80\.0 %, declared 50\.0 %|m is 20\.0 %, declared 50\.0 %/);
    assert.deepEqual(
      checkOf(off, 'representative of census').examples.map(({ column }) => column),
      ['sex'],
    );
    await assert.rejects(judge(bench, people(50, 100), { population: 'nobody' }), {
      code: 'FAILED_PRECONDITION',
      message: /ingest it first/,
    });
  });

  test('a row that stands in two parts of the split to come is seen before the split is made', async () => {
    await using bench = await openBench();
    const rows = Array.from({ length: 400 }, (_, i) => `k${i},${i % 200},${i % 2}`);
    const split = { parts: { train: 0.5, test: 0.5 }, salt: 's' };
    const report = await judge(bench, `k,x,y\n${rows.join('\n')}\n`, { key: 'k', target: 'y', split });
    const check = checkOf(report, 'no leak between parts');
    const made = await bench.data.split(report.dataset, { dataset: 'd', key: 'k', ...split, by: ada });
    const parts = await Promise.all(made.parts.map(async ({ version }) => new Set((await bench.data.open(version)).numbers('x'))));
    assert.equal(check.failing, [...parts[0]].filter((x) => parts[1].has(x)).length);
    assert.ok(check.failing > 50);
    assert.match(check.examples[0].note ?? '', /train and test/);
  });
});

describe('time, space and groups', () => {
  const hours = (list: readonly number[], shop: string, lag = 10): string[] =>
    list.map((hour) => {
      const at = Date.UTC(2026, 0, 30, hour);
      return `${shop},${new Date(at).toISOString()},${new Date(at + lag * 60_000).toISOString()}`;
    });

  test('gaps are found in each series by itself, with the longest named', async () => {
    await using bench = await openBench();
    const schema: TableSchema = {
      columns: [
        { name: 'shop', type: 'string' },
        { name: 'at', type: 'instant', freshness: '2h' },
        { name: 'came', type: 'instant' },
      ],
      time: { column: 'at', arrived: 'came', every: '1h', by: 'shop', maxLag: '30m' },
    };
    const rows = [...hours([0, 1, 2, 6, 7, 9], 'A'), ...hours([3, 4, 5], 'B', 45)];
    const report = await judge(bench, `shop,at,came\n${rows.join('\n')}\n`, { schema });
    const gaps = checkOf(report, 'gaps: at');
    assert.equal(gaps.failing, 2);
    assert.deepEqual(gaps.examples[0], { column: 'at', value: '2026-01-30T03:00:00.000Z', note: '3 x 1h without a row, shop A' });
    assert.equal(checkOf(report, 'coverage of time: at').score, 9 / 13);
    assert.equal(checkOf(report, 'late rows').failing, 3);
    assert.match(checkOf(report, 'late rows').message, /lag: median 10 min, 95 % within 45 min, longest 45 min/);
    assert.equal(checkOf(report, 'freshness: at').outcome, 'fail');
    assert.equal(checkOf(report, 'freshness: at').score, 2 / 15, 'fifteen hours old where two are allowed');
  });

  test('a declared group without rows, one that misses more, and classes that go with the group are said', async () => {
    await using bench = await openBench();
    const rows = Array.from({ length: 300 }, (_, i) => {
      const land = i % 3 === 0 ? 'DE' : 'FR';
      return `${land},${land === 'DE' && i % 2 ? '' : i},${land === 'DE' ? 'yes' : 'no'}`;
    });
    const schema: TableSchema = {
      columns: [
        { name: 'land', type: 'string', categories: ['DE', 'FR', 'IT'] },
        { name: 'x', type: 'integer' },
        { name: 'y', type: 'string' },
      ],
    };
    const report = await judge(bench, `land,x,y\n${rows.join('\n')}\n`, { schema, groups: ['land'], target: 'y' });
    assert.deepEqual(checkOf(report, 'coverage of groups: land').examples, [{ column: 'land', value: 'IT', note: '0 rows' }]);
    assert.equal(checkOf(report, 'missing by group: land').score, 0.75, 'a quarter of the cells of DE are missing, none of FR');
    assert.equal(checkOf(report, 'missing by group: land').outcome, 'warn');
    assert.ok((checkOf(report, 'classes by group: land').score ?? 1) < 1e-12, 'group and class are the same');
    const shares = [1 / 3, 2 / 3];
    const evenness = -shares.reduce((sum, share) => sum + share * Math.log(share), 0) / Math.log(2);
    assert.ok(Math.abs((checkOf(report, 'class balance').score ?? 0) - evenness) < 1e-12);
  });
});
