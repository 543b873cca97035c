import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { TableSchema } from '#contract';
import { createFrame, numberColumn, toRecords } from '#tables';
import { ada, openBench } from '../testing.ts';
import type { Bench } from '../testing.ts';

const schema: TableSchema = {
  columns: [
    { name: 'id', type: 'integer', unique: true },
    { name: 'age', type: 'integer', nullable: false, max: 120 },
    { name: 'mail', type: 'string', pattern: '.+@.+', severity: 'warning' },
  ],
};
const request = { schema, key: 'id', by: ada };

async function ingest(bench: Bench, text: string): Promise<string> {
  const { version } = await bench.data.ingest({ dataset: 'people', path: await bench.file('people.csv', text), by: ada });
  return version.digest;
}

describe('quarantine', () => {
  test('sets bad rows aside with all their reasons; the others go on as a version that came of the whole', async () => {
    await using bench = await openBench();
    const whole = await ingest(bench, 'id,age,mail\n1,30,a@b\n2,200,nobody\n2,,a@b\n4,40,nobody\n');
    const report = await bench.data.quality(whole, { ...request, quarantine: true });
    const { quarantine } = report;
    assert.ok(quarantine);
    assert.deepEqual([quarantine.rows, quarantine.keptRows], [2, 2]);
    assert.deepEqual(
      new Map(quarantine.reasons.map(({ check, rows }) => [check, rows])),
      new Map([
        ['range: age', 1],
        ['missing: age', 1],
        ['unique key', 1],
      ]),
    );
    const aside = await bench.data.get(quarantine.version);
    assert.equal(aside.dataset, 'people-quarantine');
    assert.deepEqual(toRecords(await bench.data.open(aside.digest)), [
      { id: 2, age: 200, mail: 'nobody', quarantine_row: 3, quarantine_reasons: 'range: age' },
      { id: 2, age: null, mail: 'a@b', quarantine_row: 4, quarantine_reasons: 'missing: age; unique key' },
    ]);
    const kept = await bench.data.get(quarantine.kept);
    assert.equal(kept.dataset, 'people');
    assert.deepEqual(kept.manifest.derivedFrom?.parents, [whole]);
    assert.equal(kept.manifest.derivedFrom?.operation, 'quarantine');
    assert.deepEqual(
      toRecords(await bench.data.open(kept.digest)).map(({ id }) => id),
      [1, 4],
    );
    const again = await bench.data.quality(kept.digest, { ...request, quarantine: true });
    assert.equal(again.violations, 0);
    assert.equal(again.quarantine, undefined, 'a warning sets nothing aside');
    assert.deepEqual(await bench.data.getQuality(whole), report);
  });

  test('keeps the order of rows in a file of several groups of rows', async () => {
    await using bench = await openBench();
    const rows = 250_000;
    const isBad = (row: number): boolean => row % 50_000 === 7;
    const frame = createFrame([
      { name: 'id', type: 'integer', column: numberColumn(Float64Array.from({ length: rows }, (_, row) => row * 3)) },
      {
        name: 'age',
        type: 'integer',
        column: numberColumn(Float64Array.from({ length: rows }, (_, row) => (isBad(row) ? 500 : row % 100))),
      },
    ]);
    const { version } = await bench.data.createFromRows({ dataset: 'people', frame, by: ada });
    const twoColumns = { columns: schema.columns.slice(0, 2) };
    const { quarantine } = await bench.data.quality(version.digest, { schema: twoColumns, key: 'id', by: ada, quarantine: true });
    assert.ok(quarantine);
    const kept = (await bench.data.open(quarantine.kept)).numbers('id');
    const wanted = frame.numbers('id').filter((_, row) => !isBad(row));
    assert.deepEqual(kept, wanted);
    assert.deepEqual([...(await bench.data.open(quarantine.version)).numbers('quarantine_row')], [9, 50_009, 100_009, 150_009, 200_009]);
  });

  test('of the same version again makes no new versions', async () => {
    await using bench = await openBench();
    const whole = await ingest(bench, 'id,age,mail\n1,30,a@b\n2,200,a@b\n');
    const first = await bench.data.quality(whole, { ...request, quarantine: true });
    const second = await bench.data.quality(whole, { ...request, quarantine: true });
    assert.deepEqual(second.quarantine, first.quarantine);
    assert.equal((await bench.data.list({})).items.length, 3);
  });

  test('leaves no row to go on with: refused, and nothing is recorded', async () => {
    await using bench = await openBench();
    const whole = await ingest(bench, 'id,age,mail\n1,300,a@b\n2,200,a@b\n');
    await assert.rejects(bench.data.quality(whole, { ...request, quarantine: true }), {
      code: 'FAILED_PRECONDITION',
      message: /all 2 rows of "people" fail a check, so that none is left to go on: range: age \(2\)/,
    });
    assert.equal((await bench.data.list({})).items.length, 1);
    await assert.rejects(bench.data.getQuality(whole), { code: 'NOT_FOUND' });
  });

  test('is a warning’s matter where the project says so', async () => {
    await using bench = await openBench();
    const whole = await ingest(bench, 'id,age,mail\n1,30,nobody\n2,200,a@b\n');
    const limits = [
      ['range: *', { warn: 1 }],
      ['pattern: mail', { fail: 1 }],
    ] as const;
    const { quarantine } = await bench.data.quality(whole, { ...request, limits, quarantine: true });
    assert.deepEqual(quarantine?.reasons, [{ check: 'pattern: mail', rows: 1 }]);
  });
});

describe('what a report shows', () => {
  test('values of personal columns are masked among examples, missing ones are not', async () => {
    await using bench = await openBench();
    const whole = await ingest(bench, 'id,age,mail\n1,,secretive\n2,200,a@b\n');
    const report = await bench.data.quality(whole, { ...request, masked: ['mail', 'age'] });
    const examples = report.characteristics.flatMap(({ checks }) => checks.flatMap((check) => check.examples));
    assert.ok(examples.some(({ column, value, masked }) => column === 'mail' && value === '***' && masked === true));
    assert.ok(examples.some(({ column, value, masked }) => column === 'age' && value === null && masked === undefined));
    assert.doesNotMatch(JSON.stringify(report.characteristics), /secretive|\b200\b/);
  });

  test('a limit on a characteristic fails the report although no check does', async () => {
    await using bench = await openBench();
    const whole = await ingest(bench, 'id,age,mail\n1,30,a\n2,20,a@b\n');
    const report = await bench.data.quality(whole, { ...request, limits: [['accuracy', { fail: 0.99 }]] });
    assert.equal(report.violations, 1);
    assert.equal(report.characteristics.find(({ name }) => name === 'accuracy')?.outcome, 'fail');
    assert.equal(report.outcome, 'fail');
  });
});

describe('the trend', () => {
  test('has the newest report of each version, oldest version first, and the checks that are worth a word', async () => {
    await using bench = await openBench();
    const versions = [];
    for (const age of ['30', '', '40']) {
      const version = await ingest(bench, `id,age,mail\n1,${age},a@b\n2,20,c@d\n`);
      versions.push(version);
      await bench.data.quality(version, request);
      bench.clock.advance(1000);
    }
    await bench.data.quality(versions[0], request);
    const { points } = await bench.data.qualityTrend('people');
    assert.deepEqual(
      points.map(({ version, outcome }) => [version, outcome]),
      [
        [versions[0], 'pass'],
        [versions[1], 'fail'],
        [versions[2], 'pass'],
      ],
    );
    const gone = points[2].checks.find(({ name }) => name === 'missing: age');
    assert.deepEqual(gone, { name: 'missing: age', score: 1, outcome: 'pass', failing: 0 }, 'that it passes again is said too');
    assert.equal((await bench.data.qualityTrend('people', 2)).points[0].version, versions[1]);
    await assert.rejects(bench.data.qualityTrend('nothing'), { code: 'NOT_FOUND' });
  });
});
