import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { openBench } from './testing.ts';
import { turnTheLoop } from './testing-loop.ts';
import type { Bench } from './testing.ts';
import type { Records } from './testing-loop.ts';

/** A value that nobody has declared personal, in a dataset without a reviewed schema. */
const secret = 'ada.lovelace@example.org';

describe('every door by which values of rows leave', () => {
  let bench: Bench;
  let records: Records;
  let folder = '';
  const versions: string[] = [];
  let split = '';
  let customer = '';
  before(async () => {
    bench = await openBench();
    records = await turnTheLoop(bench);
    folder = await mkdtemp(join(tmpdir(), 'gyre-doors-'));
    const { data } = bench.deps;
    const [known] = (await data.list({ dataset: 'customers', part: null })).items;
    const by = known.createdBy;
    for (const rows of [200, 201]) {
      const lines = Array.from(
        { length: rows },
        (_, i) => `${i},${i % 2 ? secret : `person${i % 9}@example.org`},${i % 7},${i % 2 ? 'yes' : 'no'}`,
      );
      // the same row twice, so that checks have examples to show
      const text = `id,contact,visits,left\n${lines.join('\n')}\n${lines[rows - 1].replace(/^\d+/, '900')}\n`;
      const path = join(folder, `contacts-${rows}.csv`);
      await writeFile(path, text);
      versions.push((await data.ingest({ dataset: 'contacts', path, key: 'id', by })).version.digest);
    }
    const sets = [{ set: 'equal', strategy: { strategy: 'stratified' as const, columns: ['contact'] }, share: 0.2 }];
    split = (await data.split(versions[0], { dataset: 'contacts', key: 'id', parts: { a: 0.5, b: 0.5 }, salt: 's', sets, by })).id;
    const page = await data.rows(known.digest, { limit: 1, columns: ['customerID'] });
    customer = String(page.rows[0].customerID);
  });
  after(async () => {
    await bench[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  /** Door → its path, what is posted, and whether a data steward sees the value there. */
  const doors: readonly (readonly [name: string, path: () => string, body?: object, isShown?: boolean])[] = [
    ['rows', () => `datasets/${versions[0]}/rows?limit=50`, undefined, true],
    ['the file of rows', () => `datasets/${versions[0]}/rows.parquet`, undefined, true],
    ['a profile', () => `datasets/${versions[0]}/profile`, undefined, true],
    ['SQL', () => 'sql', { sql: 'SELECT * FROM contacts LIMIT 50' }, true],
    ['an error of SQL', () => 'sql', { sql: 'SELECT contact::INTEGER FROM contacts WHERE id = 1' }],
    ['a comparison', () => `datasets/${versions[0]}/comparison/${versions[1]}?key=id`, undefined, true],
    ['a judgement', () => `datasets/${versions[0]}/quality`, {}],
    ['a quality report', () => `datasets/${versions[0]}/quality`],
    ['a version', () => `datasets/${versions[0]}`],
    ['the list of versions', () => 'datasets?limit=50'],
    ['a split', () => `splits/${split}`, undefined, true],
    ['the report of a split', () => `splits/${split}/report`],
    ['the columns that are personal', () => `datasets/${versions[0]}/personal`],
    ['a selection', () => `datasets/${versions[0]}/rows?where=${encodeURIComponent(`contact = '${secret}'`)}&limit=2`],
    ['events', () => 'events?first=newest&limit=200'],
  ];
  for (const [name, path, body, isShown = false] of doors) {
    test(`hides what looks personal: ${name}`, async () => {
      const ask = (role: keyof Bench['tokens']): Promise<Response> =>
        bench.ask(`/api/v1/${path()}`, { token: bench.tokens[role], ...(body === undefined ? {} : { method: 'POST', body }) });
      for (const role of ['data-scientist', 'admin', 'stakeholder'] as const) {
        const text = Buffer.from(await (await ask(role)).arrayBuffer()).toString('latin1');
        // what the caller sent in the address may come back; nothing else may
        assert.ok(!text.includes(secret), `${role}: ${text.slice(Math.max(0, text.indexOf(secret) - 200), text.indexOf(secret) + 50)}`);
      }
      if (!isShown) return;
      const seen = Buffer.from(await (await ask('data-steward')).arrayBuffer()).toString('latin1');
      assert.ok(seen.includes(secret) || name === 'a comparison', `a data steward sees it: ${seen.slice(0, 300)}`);
    });
  }

  test('hides personal inputs and keys of predictions and their explanations, and notes who saw them', async () => {
    for (const path of ['predictions?limit=5', `predictions/${records.prediction}`]) {
      const ask = async (role: keyof Bench['tokens']): Promise<string> =>
        (await bench.ask(`/api/v1/${path}`, { token: bench.tokens[role] })).text();
      const [hidden, seen] = [await ask('data-scientist'), await ask('data-steward')];
      assert.match(seen, /"Partner":"(Yes|No)"/);
      assert.match(hidden, /"Partner":"\*\*\*"/);
      assert.match(hidden, /"SeniorCitizen":null/);
      assert.doesNotMatch(hidden, /"(Partner|Dependents)":"(Yes|No)|"\d{4}-[A-Z]{5}"/);
    }
    for (const [role, status] of [
      ['data-scientist', 403],
      ['data-steward', 200],
    ] as const)
      assert.equal(
        (await bench.ask(`/api/v1/predictions?key=${customer}`, { token: bench.tokens[role] })).status,
        status,
        'found by a hidden key',
      );
    const explained = await bench.ask(`/api/v1/predictions/${records.prediction}/explanation?groupBy=column`, {
      token: bench.tokens['data-scientist'],
    });
    const { contributions } = (await explained.json()) as {
      contributions: readonly { readonly feature: string; readonly value: unknown }[];
    };
    assert.ok(
      contributions.filter(({ feature }) => feature === 'Partner' || feature === 'Dependents').every(({ value }) => value === null),
    );
    assert.ok(contributions.some(({ value }) => value !== null));
    const events = await (await bench.ask('/api/v1/events?first=newest&limit=50', { token: bench.tokens.stakeholder })).text();
    assert.match(events, /"how":"predictions"/);
    assert.ok(!events.includes(customer));
  });

  test('is open again for a column of which the reviewed schema says that it is not personal', async () => {
    const { data } = bench.deps;
    const version = await data.get(versions[0]);
    const columns = version.schema.columns.map((column) => (column.name === 'contact' ? { ...column, personal: false } : column));
    const frame = await data.open(version.digest);
    const made = await data.createFromRows({ dataset: 'open-contacts', frame, schema: { columns }, by: version.createdBy });
    const rows = await bench.ask(`/api/v1/datasets/${made.version.digest}/rows?limit=5`, { token: bench.tokens['data-scientist'] });
    assert.match(await rows.text(), /ada\.lovelace/);
    const why = await bench.ask(`/api/v1/datasets/${versions[0]}/personal`, { token: bench.tokens['data-scientist'] });
    const { columns: masked } = (await why.json()) as {
      columns: readonly { readonly column: string; readonly why: string; readonly kind?: string }[];
    };
    const contact = masked.find(({ column }) => column === 'contact');
    assert.deepEqual([contact?.why, contact?.kind], ['suggested', 'e-mail address']);
  });
});
