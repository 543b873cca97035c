import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { QualityCheck } from '#contract';
import { createFrame, instantColumn, numberColumn, readParquet, textColumn, writeParquet } from '#tables';
import type { Frame } from '#tables';
import { profileFrame, profileRows } from '../profile.ts';
import { frameBatches, openBatches } from './batches.ts';
import { qualityReport } from './report.ts';
import type { QualitySubject } from './subject.ts';

/** Two batches, with everything that checks remember from one batch to the next. */
const rows = 80_000;
const cell = (i: number, every: number): boolean => i % every === 0;
const table = createFrame([
  { name: 'id', type: 'integer', column: numberColumn(Float64Array.from({ length: rows }, (_, i) => (cell(i, 20_000) ? 7 : i))) },
  { name: 'x', column: numberColumn(Float64Array.from({ length: rows }, (_, i) => (cell(i, 7) ? NaN : (i * 7919) % 1000))) },
  { name: 'code', column: textColumn(Array.from({ length: rows }, (_, i) => (cell(i, 11) ? null : `code number ${i % 60_000}`))) },
  { name: 'kind', column: textColumn(Array.from({ length: rows }, (_, i) => ['a', 'b', 'äöü', ''][i % 4])) },
  { name: 'at', column: instantColumn(Float64Array.from({ length: rows }, (_, i) => Date.UTC(2026, 0, 1) + i * 1000)) },
  { name: 'y', column: textColumn(Array.from({ length: rows }, (_, i) => (i % 3 ? 'no' : 'yes'))) },
]);
const schema: QualitySubject['request']['schema'] = {
  columns: [
    { name: 'id', type: 'integer', unique: true },
    { name: 'x', type: 'number', max: 990 },
    { name: 'code', type: 'string', pattern: 'code number [1-9].*', maxMissing: 0.05 },
    { name: 'kind', type: 'string', categories: ['a', 'b', 'äöü'] },
    { name: 'at', type: 'instant', order: 'strictly_rising' },
    { name: 'y', type: 'string', population: { yes: 0.5, no: 0.5 } },
  ],
  keys: [['code', 'kind']],
  rules: ['id >= x'],
  time: { column: 'at', every: '1m' },
};

const subjectOf = (batches: QualitySubject['batches'], sample: Frame): QualitySubject => ({
  version: {
    digest: '0'.repeat(64),
    dataset: 'd',
    manifest: { format: 'rows', files: [], rows, schemaDigest: '0'.repeat(64) },
    rowsDigest: '0'.repeat(64),
    schema: { columns: [{ name: 'id', type: 'integer' }] },
    source: 'here',
    createdAt: '2026-01-31T00:00:00.000Z',
    createdBy: { identity: 'ada', name: 'Ada' },
  },
  batches,
  sample,
  request: { schema, key: 'id', target: 'y', groups: ['kind'] },
  masked: new Set(['code']),
  limits: [],
  now: Date.UTC(2026, 1, 1),
  stored: { intact: true, message: 'as recorded' },
  populations: [],
  labels: [],
  near: [],
  images: {},
  lookups: new Map(),
});

describe('a table that is not read into memory', () => {
  let folder = '';
  let path = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gyre-batches-'));
    path = join(folder, 'rows.parquet');
    await writeParquet(table, path);
  });
  after(() => rm(folder, { recursive: true, force: true }));

  test('has the very findings that it has in memory, batch after batch', async () => {
    const opened = await openBatches(path, () => readParquet(path), { cells: 0 });
    const [whole, streamed] = [
      await qualityReport(subjectOf(frameBatches(table), table), 'r'),
      await qualityReport(subjectOf(opened.batches, table), 'r'),
    ];
    assert.deepEqual(streamed, whole);
    const checks = new Map(
      streamed.characteristics.flatMap(({ checks: all }) => all.map((check): [string, QualityCheck] => [check.name, check])),
    );
    assert.equal(checks.get('unique key')?.failing, 4);
    assert.equal(checks.get('categories: kind')?.failing, rows / 4);
    assert.equal(checks.get('range: x')?.failing, table.numbers('x').filter((value) => value > 990).length);
    assert.equal(checks.get('order: at')?.failing, 0, 'the first row of a batch follows the last one of the batch before');
    assert.equal(checks.get('pattern: code')?.examples[0].value, '***');
  });

  test('has the very profile', async () => {
    const opened = await openBatches(path, () => readParquet(path), { cells: 0 });
    const profile = await profileRows(opened.batches, () => Promise.resolve(table), 'v', 'y');
    assert.deepEqual(profile, await profileFrame(table, 'v', 'y'));
    const code = profile.columns.find(({ name }) => name === 'code');
    const texts = Array.from({ length: rows }, (_, i) => (cell(i, 11) ? undefined : `code number ${i % 60_000}`));
    assert.equal(code?.distinct, new Set(texts.filter((text) => text !== undefined)).size, 'more than are counted by name');
    assert.equal(code.text?.top[0].count, 2);
    assert.equal(code.text.maxLength, 'code number 59999'.length);
  });

  test('is sampled the same way each time, and says so', async () => {
    const opened = await openBatches(path, () => readParquet(path), { cells: 0, sampleRows: 30_000 });
    const [first, second] = [await opened.sample(), await opened.sample()];
    assert.equal(first.rows, 30_000);
    assert.deepEqual(first.numbers('id'), second.numbers('id'));
    assert.equal((await profileRows(opened.batches, opened.sample, 'v', 'y')).sampled, 30_000);
    const report = await qualityReport(subjectOf(opened.batches, first), 'r');
    const related = report.characteristics.flatMap(({ checks }) => checks).find(({ name }) => name === 'related to the target');
    assert.equal(related?.sampled, 30_000);
  });
});
