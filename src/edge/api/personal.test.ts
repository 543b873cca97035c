import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ingestCustomers } from './testing-data.ts';
import { openBench } from './testing.ts';
import type { Bench } from './testing.ts';

interface Rows {
  readonly columns: readonly { readonly name: string; readonly masked?: boolean }[];
  readonly rows: readonly Readonly<Record<string, unknown>>[];
}

describe('personal data over HTTP', () => {
  let bench: Bench;
  let digest = '';
  const asked = async <T>(path: string, role: keyof Bench['tokens'], body?: unknown): Promise<T> => {
    const response = await bench.ask(path, { token: bench.tokens[role], ...(body === undefined ? {} : { method: 'POST', body }) });
    assert.equal(response.status, 200, await response.clone().text());
    return (await response.json()) as T;
  };
  before(async () => {
    bench = await openBench();
    digest = await ingestCustomers(bench);
  });
  after(() => bench[Symbol.asyncDispose]());
  const looks = async (): Promise<readonly { readonly data: unknown }[]> =>
    (
      await asked<{ items: readonly { type: string; data: unknown }[] }>('/api/v1/events?first=newest&limit=50', 'stakeholder')
    ).items.filter(({ type }) => type === 'dev.gyre.personal_data.seen.v1');

  test('is masked for every role but the data steward, in rows, profiles, SQL and comparisons', async () => {
    const first = await asked<Rows>(`/api/v1/datasets/${digest}/rows?limit=2`, 'data-steward');
    const id = first.rows[0].customerID;
    assert.match(String(id), /^\d{4}-[A-Z]{5}$/);
    for (const role of ['data-scientist', 'stakeholder', 'admin'] as const) {
      const { rows, columns } = await asked<Rows>(`/api/v1/datasets/${digest}/rows?limit=2`, role);
      assert.equal(rows[0].customerID, '***');
      assert.equal(columns.find(({ name }) => name === 'gender')?.masked, true);
      const profile = JSON.stringify(await asked(`/api/v1/datasets/${digest}/profile`, role));
      assert.ok(!profile.includes(String(id)) && !profile.includes('Female'));
      const sql = await asked<{ rows: unknown[][] }>('/api/v1/sql', role, {
        sql: `SELECT count(*) FROM customers WHERE customerID = '${String(id)}'`,
      });
      assert.deepEqual(sql.rows, [[0]]);
      const compared = JSON.stringify(await asked(`/api/v1/datasets/${digest}/comparison/${digest}`, role));
      assert.ok(!compared.includes('Female'));
    }
    const seen = await asked<{ rows: unknown[][] }>('/api/v1/sql', 'data-steward', {
      sql: `SELECT count(*) FROM customers WHERE customerID = '${String(id)}'`,
    });
    assert.deepEqual(seen.rows, [[1]]);
    const refused = await bench.ask(`/api/v1/datasets/${digest}/rows?sort=gender`, { token: bench.tokens.operator });
    assert.equal(refused.status, 403);
  });

  test('seen unmasked is an entry of the audit log, once an hour for who leafs through a version', async () => {
    const before = (await looks()).length;
    await asked(`/api/v1/datasets/${digest}/rows?limit=2&offset=50`, 'data-steward');
    await asked(`/api/v1/datasets/${digest}/rows?limit=2&columns=tenure`, 'data-steward');
    assert.equal((await looks()).length, before);
    bench.clock.advance(3_600_001);
    await asked(`/api/v1/datasets/${digest}/rows?limit=2`, 'data-steward');
    const found = await looks();
    assert.equal(found.length, before + 1);
    assert.deepEqual(found[0].data, {
      dataset: 'customers',
      digest,
      columns: ['customerID', 'gender', 'SeniorCitizen', 'Partner', 'Dependents'],
      how: 'rows',
    });
  });
});
