import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { DatasetVersion } from '#contract';
import { seeded } from '#core';
import { gyre, temporaryFolder } from '../harness/gyre-fixture.ts';
import { edit } from '../harness/projects-fixture.ts';

describe('a project whose training data are joined from several sources', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let cwd = '';
  const stepsOf = (stdout: string): Readonly<Record<string, string>> =>
    Object.fromEntries([...stdout.matchAll(/^ {2}(\S+) (\S+?):? .*$/gm)].map(([, state, step]) => [step, state]));

  before(async () => {
    folder = await temporaryFolder();
    cwd = join(folder.path, 'shop');
    await mkdir(cwd, { recursive: true });
    const random = seeded(5);
    const customers = ['id,signup,churned'];
    const transactions = ['tx,customer,ts,amount'];
    const demographics = ['person,age'];
    const feedback = ['id,customer,created,stars'];
    const day = (index: number): string => new Date(Date.UTC(2026, 0, 1) + index * 86_400_000).toISOString();
    for (let id = 0; id < 300; id++) {
      const visits = random.int(6);
      const asked = 60 + random.int(30);
      customers.push(`${id},${day(asked)},${visits + random.int(3) < 4 ? 'yes' : 'no'}`);
      for (let visit = 0; visit < visits; visit++)
        transactions.push(`${id}-${visit},${id},${day(random.int(60))},${(5 + 50 * random.next()).toFixed(2)}`);
      // what came afterwards would tell all, if it were seen
      if (visits < 2) transactions.push(`${id}-late,${id},${day(120)},1000`);
      demographics.push(`${id},${20 + random.int(60)}`);
      if (random.next() < 0.5) feedback.push(`f${id},${id},${day(random.int(50))},${1 + random.int(5)}`);
    }
    for (const [name, lines] of Object.entries({ customers, transactions, demographics, feedback }))
      await writeFile(join(cwd, `${name}.csv`), `${lines.join('\n')}\n`);
    await writeFile(
      join(cwd, 'gyre.yaml'),
      `project: shop
charter: { problem: Who leaves?, owner: Test, success: { accuracy: ">= 0.5" } }
data:
  customers: { source: customers.csv, key: id }
  transactions: { source: transactions.csv, key: tx }
  demographics: { source: demographics.csv, key: person }
  feedback: { source: feedback.csv, key: id }
  profile:
    source:
      join: customers
      at: signup
      with:
        transactions: { key: customer, time: ts, window: 90d, aggregate: { spend: sum(amount), visits: count() } }
        demographics: { key: person }
        feedback: { key: customer, time: created, latest: [stars] }
    key: id
    target: churned
steps:
  prepare:
    of: profile
    target: churned
    positive: "yes"
    transform: { exclude: [id, signup], numeric: { impute: median, scale: standard } }
  logistic: { trainer: logistic, of: prepare, metric: accuracy, seed: 3 }
test: { gates: [] }
`,
    );
  });
  after(() => folder[Symbol.asyncDispose]());

  test('ingests what it is joined from first, joins only what was known, and traces back to every source', async () => {
    const first = await gyre(['run'], { cwd });
    assert.equal(first.code, 0, `${first.stdout}${first.stderr}`);
    const steps = stepsOf(first.stdout);
    for (const dataset of ['customers', 'transactions', 'demographics', 'feedback', 'profile'])
      assert.equal(steps[`ingest:${dataset}`], 'done', dataset);
    assert.equal(steps['split:profile'], 'done');
    assert.equal('split:transactions' in steps, false, 'what is only joined is not split');
    assert.match(
      first.stdout,
      /ingest:profile: 300 rows, 7 columns as version [0-9a-f]{12}, join of customers with transactions, demographics, feedback/,
    );

    const listed = await gyre(['data', 'ls', '--dataset', 'profile', '--json'], { cwd });
    // What our own verb prints.
    const { items } = JSON.parse(listed.stdout) as { items: DatasetVersion[] };
    const whole = items.find(({ part }) => part === undefined) ?? assert.fail('no version of profile');
    assert.equal(whole.manifest.derivedFrom?.parents.length, 4);
    const rows = await gyre(['data', 'rows', whole.digest, '--limit', '300', '--json'], { cwd });
    assert.equal(rows.code, 0, rows.stderr);
    // What our own verb prints.
    const spent = (JSON.parse(rows.stdout) as { spend: number }[]).map(({ spend }) => spend);
    assert.ok(Math.max(...spent) < 6 * 55, 'no row knows what came later');

    const traced = await gyre(['trace', 'dataset_version', whole.digest, '--json'], { cwd });
    assert.equal(traced.code, 0, traced.stderr);
    for (const source of ['customers.csv', 'transactions.csv', 'demographics.csv', 'feedback.csv'])
      assert.ok(traced.stdout.includes(source), source);
  });

  test('reuses what did not change, and joins again when one source did', async () => {
    const again = stepsOf((await gyre(['run'], { cwd })).stdout);
    assert.deepEqual([again['ingest:profile'], again['logistic']], ['cached', 'cached']);
    await edit(join(cwd, 'feedback.csv'), (text) => `${text}new,1,2026-01-02T00:00:00Z,5\n`);
    const changed = stepsOf((await gyre(['run'], { cwd })).stdout);
    assert.deepEqual([changed['ingest:transactions'], changed['ingest:feedback'], changed['ingest:profile']], ['cached', 'done', 'done']);
  });

  test('a row without its instant stops it, and says which', async () => {
    await edit(join(cwd, 'transactions.csv'), (text) => `${text}undated,7,,33\n`);
    const failed = await gyre(['run'], { cwd });
    assert.equal(failed.code, 1);
    assert.match(
      failed.stdout,
      /failed ingest:profile: data\.profile\.source\.with\.transactions\.time: 1 row of "transactions" has no ts, row \d+ first/,
    );
    const alone = await gyre(['data', 'add', 'profile'], { cwd });
    assert.equal(alone.code, 3);
    assert.match(alone.stderr, /which a pipeline run makes: gyre run/);
  });
});
