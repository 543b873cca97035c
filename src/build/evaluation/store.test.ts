import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import pg from 'pg';
import type { TestReport } from '#contract';
import { sha256 } from '#core';
import { openRooms } from './testing.ts';
import { insertReport, reportOf, selectReports } from './reports-store.ts';

const url = process.env['GYRE_TEST_POSTGRES'] ?? 'postgres://postgres@127.0.0.1:5432/postgres';

async function whyNot(): Promise<string | undefined> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2000 });
  try {
    await client.connect();
    return undefined;
  } catch (error) {
    return `no PostgreSQL answers (${String(error)}); GYRE_TEST_POSTGRES names one`;
  } finally {
    await client.end().catch(() => undefined);
  }
}

function reportNumber(n: number, more: Partial<TestReport> = {}): TestReport {
  return {
    id: `report-${n}`,
    digest: sha256(`report ${n}`),
    run: 'run-1',
    task: 'binary',
    dataset: sha256('rows'),
    rows: 10,
    metrics: [{ name: 'accuracy', value: 0.1 * n, higherIsBetter: true }],
    slices: [],
    parts: [],
    importance: [],
    warnings: ['“quoted”, and a line\nbreak'],
    gates: [],
    passed: n % 2 === 0,
    charter: sha256('charter'),
    createdAt: '2026-01-05T00:00:00.000Z',
    ...more,
  };
}

function reportsContract(
  name: string,
  place: () => Promise<{ readonly url?: string; readonly schema?: string } & AsyncDisposable>,
  skip?: string,
): void {
  describe(`test reports on ${name}`, { skip: skip ?? false }, () => {
    test('are kept once by their digest, also when two come at once, and found by id, digest and filter, page by page', async () => {
      await using where = await place();
      await using rooms = await openRooms(where);
      const { store, evaluation } = rooms;
      const first = reportNumber(1);
      const put = (report: TestReport) => store.write(insertReport, { report, createdAt: 5 });
      const [one, two] = await Promise.all([put(first), put({ ...first, id: 'twin' })]);
      assert.equal(Number(one.created) + Number(two.created), 1);
      assert.deepEqual(one.report, two.report);
      await put(reportNumber(2));
      await put(reportNumber(3, { run: 'run-2' }));
      assert.deepEqual(await store.read((db) => reportOf(db, first.digest)), one.report);
      assert.deepEqual(await evaluation.getReport('report-2'), reportNumber(2));
      assert.deepEqual((await store.read((db) => selectReports(db, { passed: false }, 9, undefined))).map(({ report }) => report.digest), [sha256('report 3'), first.digest]); // prettier-ignore
      assert.deepEqual((await evaluation.listReports({ run: 'run-2' })).items.map(({ id }) => id), ['report-3']); // prettier-ignore
      const page = await evaluation.listReports({ limit: 2 });
      assert.deepEqual(page.items.map(({ id }) => id), ['report-3', 'report-2']); // prettier-ignore
      const rest = await evaluation.listReports({ limit: 2, after: page.next ?? '' });
      assert.deepEqual([rest.items.length, rest.next], [1, undefined]);
    });
  });
}

reportsContract('SQLite', () => Promise.resolve({ [Symbol.asyncDispose]: () => Promise.resolve() }));

const skip = await whyNot();
reportsContract(
  'PostgreSQL',
  () => {
    const schema = `gyre_evaluation_${randomUUID().replaceAll('-', '')}`;
    return Promise.resolve({
      url,
      schema,
      [Symbol.asyncDispose]: async () => {
        const client = new pg.Client({ connectionString: url });
        await client.connect();
        await client.query(`drop schema if exists "${schema}" cascade`);
        await client.end();
      },
    });
  },
  skip,
);
