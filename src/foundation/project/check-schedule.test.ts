import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { checkProject, loadProject, problemText } from './index.ts';
import type { ResolvedSchedule } from './index.ts';

async function withSchedule<T>(schedule: string, work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'gyre-schedule-'));
  try {
    await writeFile(join(folder, 'people.csv'), 'id,x\n1,2\n');
    await writeFile(
      join(folder, 'gyre.yaml'),
      `project: small
charter: { problem: p, owner: o, success: { accuracy: ">= 0.5" } }
data:
  people: { source: people.csv, key: id, schedule: ${schedule} }
steps: { show: { run: ls } }
`,
    );
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

describe('the schedule of a dataset', () => {
  test('is a pattern alone, in UTC, or with a time zone and what it runs', async () => {
    const of = (schedule: string): Promise<ResolvedSchedule | undefined> =>
      withSchedule(schedule, async (folder) => (await loadProject(folder)).resolved.datasets[0].schedule);
    assert.deepEqual(await of('"0 6 * * *"'), { cron: '0 6 * * *', timezone: 'UTC', run: 'ingest' });
    assert.deepEqual(await of('{ cron: "*/15 8-18 * * 1-5", timezone: Europe/Rome, run: build }'), {
      cron: '*/15 8-18 * * 1-5',
      timezone: 'Europe/Rome',
      run: 'build',
    });
  });

  const cases: readonly (readonly [string, string, RegExp])[] = [
    ['too few fields', '"0 6 * *"', /"0 6 \* \*" is no schedule: minute, hour, day of month, month and day of week are needed/],
    ['seconds', '"0 0 6 * * *"', /is no schedule: minute, hour/],
    ['a minute that is none', '"61 6 * * *"', /"61 6 \* \* \*" is no schedule: Invalid value for minute: 61/],
    ['a time zone that is none', '{ cron: "0 6 * * *", timezone: Mars/Base }', /"Mars\/Base" is no time zone: such as Europe\/Rome or UTC/],
    ['a day that never comes', '"0 6 30 2 *"', /is never due; is there such a day\?/],
  ];
  for (const [what, schedule, message] of cases) {
    test(`with ${what} is refused with its place`, async () => {
      const [problem, ...others] = await withSchedule(schedule, async (folder) => (await checkProject(folder)).problems.map(problemText));
      assert.deepEqual(others, []);
      assert.match(problem, /^gyre\.yaml:4:\d+ data\.people\.schedule: /);
      assert.match(problem, message);
    });
  }
});
