import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Value } from 'typebox/value';
import { page, Schedule } from '#contract';
import { gyre, temporaryFolder } from '../harness/gyre-fixture.ts';
import { people } from '../harness/projects-fixture.ts';
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
