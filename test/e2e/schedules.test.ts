import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Value } from 'typebox/value';
import { page, Schedule } from '#contract';
import { gyre, temporaryFolder } from '../harness/gyre-fixture.ts';
import { customersToPredict } from '../harness/predict-table-fixture.ts';
import { edit, people, smallProject } from '../harness/projects-fixture.ts';
import { query } from '../harness/store-check-fixture.ts';

describe('ingestion by the clock, on the command line', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let cwd = '';
  const say = async (words: readonly string[], code = 0): Promise<string> => {
    const ended = await gyre(words, { cwd });
    assert.equal(ended.code, code, `${ended.stdout}${ended.stderr}`);
    return `${ended.stdout}${ended.stderr}`;
  };
  const schedules = async (): Promise<readonly Schedule[]> => {
    const answer: unknown = JSON.parse(await say(['schedule', 'ls', '--json']));
    if (!Value.Check(page(Schedule), answer)) assert.fail(`no page of schedules: ${JSON.stringify(answer)}`);
    return answer.items;
  };

  before(async () => {
    folder = await temporaryFolder();
    cwd = join(folder.path, 'shop');
    await mkdir(cwd);
    await writeFile(join(cwd, 'people.csv'), people(60));
    await writeFile(
      join(cwd, 'gyre.yaml'),
      `project: shop
charter: { problem: p, owner: o, success: { accuracy: ">= 0.5" } }
data:
  people: { source: people.csv, key: customer_id, schedule: { cron: "0 6 * * *", timezone: Europe/Rome } }
  others: { source: people.csv, key: customer_id }
steps: { show: { run: ls } }
`,
    );
  });
  after(() => folder[Symbol.asyncDispose]());

  test('a schedule is listed, run out of turn, paused and resumed, and all of it is in the audit log', async () => {
    const [first, ...others] = await schedules();
    assert.deepEqual(others, []);
    assert.partialDeepStrictEqual(first, { name: 'people', cron: '0 6 * * *', timezone: 'Europe/Rome', run: 'ingest', paused: false });
    assert.match(first.nextDue ?? '', /T0[45]:00:00\.000Z$/);

    const run = await say(['schedule', 'run', 'people']);
    assert.match(run, /done ingest:people: 60 rows/);
    assert.match(run, /done quality:people/);
    assert.equal(run.includes('split:people') || run.includes('show'), false, 'the data alone');
    assert.match(await say(['schedule', 'ls']), /people .*0 6 \* \* \* Europe\/Rome.* succeeded/);

    assert.match(await say(['schedule', 'pause', 'people']), /people is paused/);
    assert.deepEqual((await schedules())[0].paused, true);
    assert.match(await say(['schedule', 'resume', 'people']), /people is due 20/);
    assert.match(await say(['schedule', 'pause', 'others'], 4), /"others" has no schedule; in gyre\.yaml "people" has one/);
    const audited = await say(['audit', 'ls', '--json', '--limit', '100']);
    for (const kind of ['schedule.started', 'schedule.paused', 'schedule.resumed'])
      assert.ok(audited.includes(`dev.gyre.${kind}.v1`), kind);
  });

  test('a verb that opens the platform for itself starts nothing that is due, and what was due is still due', async () => {
    const data = join(cwd, '.gyre');
    const [due] = query(data, 'select due_at from schedules');
    await say(['pipeline', 'ls']);
    assert.deepEqual(query(data, 'select due_at from schedules'), [due]);
    assert.deepEqual(query(data, 'select count(*) from pipeline_runs'), [1]);
  });
});

describe('batch predictions by the clock, on the command line', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let cwd = '';
  const say = async (words: readonly string[], code = 0): Promise<string> => {
    const ended = await gyre(words, { cwd });
    assert.equal(ended.code, code, `${ended.stdout}${ended.stderr}`);
    return `${ended.stdout}${ended.stderr}`;
  };
  before(async () => {
    folder = await temporaryFolder();
    cwd = await smallProject(folder.path, { rows: 60 });
    await customersToPredict(cwd, 200);
    await edit(join(cwd, 'gyre.yaml'), (text) =>
      text.replace(
        /^serve: .*$/m,
        'serve: { endpoint: shop, batch: { weekly: { schedule: { cron: "0 7 * * 1", timezone: Europe/Rome }, input: customers.csv } } }',
      ),
    );
    await say(['model', 'add', 'churn', 'model']);
  });
  after(() => folder[Symbol.asyncDispose]());

  test('one is set in words, listed beside that of gyre.yaml, run, and removed', async () => {
    const what = ['--model', 'churn/1', '--input', 'customers.csv', '--output', 'scores-{date}.csv'];
    assert.match(
      await say(['batch', 'schedule', 'set', 'sundays', '--every', 'week', '--on', 'Sunday', '--at', '18:30', ...what]),
      /sundays is due 20\d\d-\d\d-\d\d 18:30:00Z/,
    );
    assert.match(
      await say(['batch', 'schedule', 'set', 'mine', '--every', 'day', '--at', '25:00', ...what], 2),
      /"25:00" is no time of day/,
    );
    assert.match(await say(['batch', 'schedule', 'set', 'weekly', '--every', 'day', ...what], 3), /"weekly" stands in gyre\.yaml/);
    const listed = await say(['batch', 'schedule', 'ls']);
    assert.match(listed, /sundays +every Sunday at 18:30, UTC +churn\/1 +customers\.csv +scores-\{date\}\.csv/);
    assert.match(listed, /weekly +every Monday at 07:00, Europe\/Rome +environment:production +customers\.csv .*gyre\.yaml/);
    assert.match(await say(['batch', 'schedule', 'run', 'sundays']), /200 read: 197 predicted, 3 failed/);
    const written = (await readdir(cwd)).find((name) => /^scores-20\d\d-\d\d-\d\d\.csv$/.test(name)) ?? assert.fail('nothing was written');
    assert.equal((await readFile(join(cwd, written), 'utf8')).trimEnd().split('\n').length, 201);
    assert.match(await say(['batch', 'schedule', 'ls']), /sundays .*finished/);
    assert.match(await say(['batch', 'schedule', 'rm', 'sundays']), /sundays is predicted by the clock no more/);
    assert.match(await say(['batch', 'schedule', 'run', 'sundays'], 4), /there is no schedule "sundays".*there is "weekly"/);
  });

  test('gyre check says what cannot be run again and again', async () => {
    await edit(join(cwd, 'gyre.yaml'), (text) => text.replace('input: customers.csv }', 'input: customers.csv, output: scores.csv }'));
    assert.match(
      await say(['check'], 2),
      /serve\.batch\.weekly: each run writes to scores\.csv, and the second would find what the first left/,
    );
  });
});
