import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { DatasetVersion, PipelineRun } from '#contract';
import type { Browser } from 'playwright-core';
import { done, gyre, temporaryFolder, up, type Place, type Up } from '../harness/gyre-fixture.ts';
import { edit, people, smallProject } from '../harness/projects-fixture.ts';
import { browserMissing, openBrowser } from './browser.ts';
import { pageViews } from './page-views.ts';

interface List<T> {
  readonly items: readonly T[];
}

/** A project whose data changed once, with a step that works file by file on notes, one of which is bad. */
async function prepare(path: string): Promise<Place> {
  const folder = await smallProject(path);
  const place: Place = { cwd: folder, env: { GYRE_PORT: '0' } };
  await mkdir(join(folder, 'notes'));
  for (const name of ['a', 'b', 'bad']) await writeFile(join(folder, 'notes', `${name}.txt`), `${name} is here`);
  await writeFile(
    join(folder, 'words.sh'),
    'grep -q bad "$GYRE_INPUT" && { echo "no words in $GYRE_ITEM"; exit 3; }\nwc -w < "$GYRE_INPUT" > "$GYRE_OUTPUT"\n',
  );
  await edit(join(folder, 'gyre.yaml'), (text) =>
    text.replace(
      '\nsteps:\n',
      '\nsteps:\n  words: { run: sh words.sh, deps: [words.sh], per_file: "notes/*.txt", outs: ["words/{stem}.count"] }\n',
    ),
  );
  // the bad note fails its step, and the run with it
  assert.equal((await gyre(['run'], place)).code, 1);
  const changed = people(420)
    .split('\n')
    .map((line, index) => (index % 9 === 1 ? line.replace(/,(basic|plus),/, ',pro,') : line))
    .filter((_, index) => index === 0 || index > 10)
    .join('\n');
  await writeFile(join(folder, 'later.csv'), changed);
  await done(['data', 'add', 'people', '--file', 'later.csv'], place);
  return place;
}

describe('the pages of data', { skip: browserMissing }, () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let server: Up;
  let browser: Browser;

  before(async () => {
    folder = await temporaryFolder();
    server = await up(await prepare(folder.path));
    browser = await openBrowser();
  });
  after(async () => {
    await browser?.close();
    await server?.[Symbol.asyncDispose]();
    await folder?.[Symbol.asyncDispose]();
  });

  const { withTab, shows } = pageViews(
    () => browser,
    () => server,
  );
  const versions = async (): Promise<readonly DatasetVersion[]> =>
    (await server.get<List<DatasetVersion>>('datasets?dataset=people&part=none')).items;

  test('a dataset shows its versions and how its five marks went', async () => {
    await shows('/datasets/people', ['in the newest of 2 versions', 'Quality over versions', 'later.csv', 'people.csv', 'completeness']);
  });

  test('two versions are chosen on the dataset’s page, and their difference has its rows, cells and histograms', async () => {
    const [later, earlier] = await versions();
    assert.ok(later !== undefined && earlier !== undefined);
    await withTab('light', async ({ page, open }) => {
      await open(`${server.address}/datasets/people`);
      await page.getByRole('button', { name: 'Show the difference' }).click();
      await page.waitForURL(`**/data/${earlier.digest}/diff/${later.digest}`);
    });
    await shows(`/data/${earlier.digest}/diff/${later.digest}`, [
      '20 rows added, 10 removed',
      'Rows with the same customer_id are one row.',
      'Changed cells',
      'pro',
    ]);
  });

  test('the items of a step show what each output was made from, and the last words of what failed', async () => {
    const { items } = await server.get<List<PipelineRun>>('pipeline-runs');
    const run = items.find(({ pipeline }) => pipeline === 'build');
    assert.ok(run !== undefined);
    await shows(`/pipelines/${run.id}/words`, ['notes/a.txt', 'words/a.count', 'failed', 'no words in notes/bad.txt']);
    await withTab('light', async ({ page, open }) => {
      await open(`${server.address}/pipelines/${run.id}`);
      await page.getByRole('link', { name: /^items/ }).click();
      await page.getByRole('heading', { level: 1, name: /words/ }).waitFor();
      await page.getByRole('button', { name: 'failed' }).click();
      await page.getByText('notes/bad.txt').first().waitFor();
      await page.getByText('notes/a.txt').first().waitFor({ state: 'detached' });
    });
  });
});
