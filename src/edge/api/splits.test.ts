import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Split, SplitReport } from '#contract';
import { openBench } from './testing.ts';
import type { Bench } from './testing.ts';

describe('splits over HTTP', () => {
  let bench: Bench;
  before(async () => {
    bench = await openBench();
  });
  after(() => bench[Symbol.asyncDispose]());
  const asked = async (path: string, role: keyof Bench['tokens'], body?: unknown): Promise<Response> =>
    bench.ask(path, { token: bench.tokens[role], ...(body === undefined ? {} : { method: 'POST', body }) });

  test('a version is split as gyre.yaml says, once, and its report says how alike the parts are', async () => {
    const early = await asked('/api/v1/splits', 'data-scientist', { dataset: 'customers' });
    assert.equal(early.status, 409, 'there is no version yet');
    assert.equal((await asked('/api/v1/datasets', 'data-scientist', { dataset: 'customers' })).status, 200);
    assert.equal((await asked('/api/v1/splits', 'stakeholder', { dataset: 'customers' })).status, 403);
    assert.equal((await asked('/api/v1/splits', 'data-scientist', { dataset: 'custmers' })).status, 404);
    const made = (await (await asked('/api/v1/splits', 'data-scientist', { dataset: 'customers' })).json()) as Split;
    const again = (await (await asked('/api/v1/splits', 'data-scientist', { dataset: 'customers' })).json()) as Split;
    assert.deepEqual(again, made);
    const listed = (await (await asked(`/api/v1/datasets/${made.version}/splits`, 'stakeholder')).json()) as { items: Split[] };
    assert.deepEqual(listed.items, [made]);
    const report = (await (await asked(`/api/v1/splits/${made.id}/report`, 'stakeholder')).json()) as SplitReport;
    assert.deepEqual(
      report.comparisons.map(({ name, verdict }) => [name, verdict]),
      made.parts.slice(1).map(({ part }) => [part, 'alike']),
    );
  });

  test('classes of a personal column are named to those who may see it alone', async () => {
    const { data } = bench.deps;
    const [version] = (await data.list({ dataset: 'customers', part: null })).items;
    const by = version.createdBy;
    const split = await data.split(version.digest, {
      dataset: 'customers',
      key: 'customerID',
      parts: { a: 0.5, b: 0.5 },
      salt: 'x',
      sets: [
        { set: 'equal', strategy: { strategy: 'stratified', columns: ['gender'] }, share: 0.1 },
        { set: 'women', strategy: { strategy: 'location', columns: ['gender'], places: ['Female'] } },
      ],
      by,
    });
    const seenBy = async (role: keyof Bench['tokens']): Promise<string> => (await asked(`/api/v1/splits/${split.id}`, role)).text();
    assert.match(await seenBy('data-steward'), /Female/);
    for (const role of ['data-scientist', 'admin'] as const) assert.doesNotMatch(await seenBy(role), /Female/);
  });
});
