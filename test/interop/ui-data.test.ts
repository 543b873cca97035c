import assert from 'node:assert/strict';
import { access, mkdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { DatasetVersion, GarbageSweep, PipelineRun, Split, TestReport } from '#contract';
import type { Browser } from 'playwright-core';
import { done, gyre, temporaryFolder, up, type Place, type Up } from '../harness/gyre-fixture.ts';
import { sha256 } from '#core';
import { edit, people, smallProject } from '../harness/projects-fixture.ts';
import { browserMissing, openBrowser, type Tab } from './browser.ts';
import { pageViews, type Theme } from './page-views.ts';

interface List<T> {
  readonly items: readonly T[];
}

/** Fits all rows but the richest, which is worth a warning, and allows a plan that nobody has. */
const reviewed = `columns:
  - { name: customer_id, type: string, unique: true }
  - { name: age, type: integer, min: 18 }
  - { name: plan, type: string, categories: [basic, plus, pro, gold] }
  - { name: income, type: number, max: 95000, severity: warning }
  - { name: newsletter, type: boolean }
  - { name: joined, type: instant }
  - { name: spend, type: number }
  - { name: cancelled, type: string }
`;

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
    text
      .replace('source: people.csv,', 'source: people.csv, expect: people.yaml,')
      .replace('target: cancelled, split', 'target: cancelled, schedule: "0 0 1 1 *", split')
      .replace('test: 0.3 } }', 'test: 0.3 }, sets: { chance: { share: 0.1 }, newest: { share: 0.1, time: joined } } }')
      .replace(
        '\nsteps:\n',
        '\nsteps:\n  words: { run: sh words.sh, deps: [words.sh], per_file: "notes/*.txt", outs: ["words/{stem}.count"] }\n',
      ),
  );
  await writeFile(join(folder, 'people.yaml'), reviewed);
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

  const { withTab, shows, isWhole } = pageViews(
    () => browser,
    () => server,
  );
  const signedIn = (theme: Theme, work: (tab: Tab) => Promise<void>): Promise<void> =>
    withTab(theme, async (tab) => {
      const { body } = await server.post<{ readonly path: string }>('one-time-codes');
      await tab.open(`${server.address}${body.path}`);
      await work(tab);
    });
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

  test('a split shows its validation sets, what differs by design, and how a model does on each of them', async () => {
    const [, earlier] = await versions();
    const [split] = (await server.get<List<Split>>(`datasets/${earlier?.digest}/splits`)).items;
    const [report] = (await server.get<List<TestReport>>('test-reports')).items;
    assert.ok(split !== undefined && report !== undefined);
    await shows(`/splits/${split.id}`, [
      'people by customer_id',
      '3 parts and 2 validation sets by stable hash of customer_id',
      'the course of joined',
      'Is the division biased?',
      /^(alike|shifted)$/,
      /Columns that differ, at 0\.\d+ after Benjamini and Hochberg/,
    ]);
    await shows(`/test-reports/${report.id}`, ['Validation sets', 'chance', 'the course of joined']);
    await withTab('light', async ({ page, open }) => {
      await open(`${server.address}/data/${earlier?.digest}`);
      await page.getByRole('link', { name: 'Is it biased?' }).click();
      await page.waitForURL(`**/splits/${split.id}`);
    });
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

  test('the reviewed schema stands on a version’s page, with how its rows differ from it and what they suggest', async () => {
    const [newest] = await versions();
    for (const [theme, width] of [
      ['light', 1440],
      ['dark', 1440],
      ['light', 390],
    ] as const)
      await withTab(
        theme,
        async (tab) => {
          const { page, open } = tab;
          await open(`${server.address}/data/${newest?.digest}`);
          const card = page.getByRole('region', { name: 'Schema', exact: true });
          await card.getByText('people.yaml').waitFor();
          for (const label of ['How these rows differ from it', 'What these rows suggest', 'The schema in force'])
            await card.getByText(label).click();
          await card.getByText(/income is out of range in \d+ rows; wanted: at most 95000/).waitFor();
          await card.getByText('no row has gold').waitFor();
          await card
            .getByText(/pattern: /)
            .first()
            .waitFor();
          await card.getByText(/# present in every row; all different/).waitFor();
          await isWhole(tab, `schema ${theme} ${width}`);
        },
        width,
      );
  });

  test('a mark opens to its checks: labels that a model contradicts, and rows that nearly repeat others', async () => {
    const [, earlier] = await versions();
    for (const [theme, width] of [
      ['light', 1440],
      ['dark', 390],
    ] as const)
      await withTab(
        theme,
        async (tab) => {
          const { page, open } = tab;
          await open(`${server.address}/data/${earlier?.digest}`);
          const card = page.getByRole('region', { name: 'Quality', exact: true });
          for (const mark of ['accuracy', 'reliability']) await card.locator('summary', { hasText: mark }).click();
          await card.getByText(/have a label of cancelled that a model which has not seen them contradicts/).waitFor();
          await card
            .getByText(/looks like (yes|no) \(0\.\d\d; its own label 0\.\d\d\)/)
            .first()
            .waitFor();
          await card.getByText('near duplicate rows').waitFor();
          await card.getByText(/^(All|The first) \d+/).click();
          assert.ok((await card.locator('.all-examples li').count()) > 8, 'each suspected label that was kept');
          await isWhole(tab, `quality ${theme}`);
        },
        width,
      );
  });

  test('rows are selected and sorted on the page, by its address', async () => {
    const [, earlier] = await versions();
    assert.ok(earlier !== undefined);
    await withTab('dark', async (tab) => {
      const { page, open } = tab;
      await open(`${server.address}/data/${earlier.digest}`);
      await page.getByText('400 rows, in the order of the source').waitFor();
      const form = page.getByRole('form', { name: 'Select rows' });
      await form.getByLabel('Column').selectOption('plan');
      await form.getByLabel('Value').fill('pro');
      await form.getByRole('button', { name: 'Add condition' }).click();
      await form.getByLabel('Column').selectOption('age');
      await form.getByLabel('Comparison').selectOption('>=');
      await form.getByLabel('Value').fill('70');
      await form.getByRole('button', { name: 'Add condition' }).click();
      const query = `where=${encodeURIComponent("plan = 'pro' and age >= 70")}&sort=-income&limit=1`;
      const wanted = await server.get<{ total: number; rows: { customer_id: string }[] }>(`datasets/${earlier.digest}/rows?${query}`);
      assert.ok(wanted.total > 0 && wanted.total < 400);
      await page.getByText(`${wanted.total} of 400 rows meet all conditions`).waitFor();
      const grid = page.getByRole('region', { name: 'Rows of this version' });
      await grid.getByRole('button', { name: 'income' }).click();
      await grid.getByRole('button', { name: 'income' }).click();
      await grid.getByRole('row', { name: new RegExp(`^1 ${wanted.rows[0]?.customer_id}`) }).waitFor();
      await isWhole(tab, 'rows selected');
      await page.reload();
      await page.getByText(`${wanted.total} of 400 rows meet all conditions`).waitFor();
      await page.getByRole('button', { name: /^plan = pro/ }).click();
      await page.getByText(/of 400 rows meet the condition/).waitFor();
    });
  });

  test('a query is asked on the page, names its version, and shows where it went wrong', async () => {
    const [, earlier] = await versions();
    assert.ok(earlier !== undefined);
    const query = 'select plan, count(*) n from people group by all order by n desc';
    await shows(`/data/${earlier.digest}/sql?q=${encodeURIComponent(query)}`, ['customer_id', /^\d rows in/, 'basic', 'bigint']);
    await withTab('light', async (tab) => {
      const { page, open } = tab;
      await open(`${server.address}/data/${earlier.digest}/sql`);
      const text = page.getByRole('textbox', { name: 'SQL' });
      await text.fill('select age,\n  agee\nfrom people');
      await text.press('Control+Enter');
      await page.getByText('The query failed.').waitFor();
      await page.getByRole('button', { name: 'line 2, column 3' }).click();
      assert.equal(await page.evaluate('getSelection().toString()'), 'agee');
      assert.ok(tab.complaints().every((complaint) => /400/.test(complaint)));
      await isWhole(tab, 'sql failed');
      await text.fill('select count(*) from range(100000000) a, range(100000) b');
      await page.getByRole('button', { name: 'Run' }).click();
      await page.getByRole('button', { name: 'Cancel', exact: true }).click();
      await page.getByText('running').waitFor({ state: 'detached' });
      await text.fill(query);
      await page.getByRole('button', { name: 'Run' }).click();
      const download = page.waitForEvent('download');
      await page.getByRole('button', { name: 'Keep as CSV' }).click();
      assert.equal((await download).suggestedFilename(), 'result.csv');
    });
  });

  test('sources show schedules, which a button pauses, and each ingestion with what came of it', async () => {
    await shows('/sources', ['0 0 1 1 *', 'people.csv', 'later.csv', 'new', 'Run now']);
    await signedIn('light', async (tab) => {
      await tab.open(`${server.address}/sources`);
      await tab.page.getByRole('button', { name: 'Pause' }).click();
      await tab.page.getByRole('dialog').getByRole('button', { name: 'Pause' }).click();
      await tab.page.getByText('paused').waitFor();
      await tab.page.getByRole('button', { name: 'Resume' }).waitFor();
      await isWhole(tab, 'sources paused');
    });
  });

  test('storage makes a backup, checks it and removes it, and shows those that there are', async () => {
    await shows('/storage', ['No backup yet.', 'gyre restore', /on the very disk/]);
    await signedIn('light', async (tab) => {
      const { page, open } = tab;
      await open(`${server.address}/storage`);
      const press = async (label: string, word?: string): Promise<void> => {
        const button = page.getByRole('button', { name: label, exact: true }).first();
        const dialog = page.getByRole('dialog');
        await button.click();
        // A page that is still being filled may draw the button anew under the click: then one clicks again.
        const opened = await dialog.waitFor({ timeout: 10_000 }).then(
          () => true,
          () => false,
        );
        if (!opened) await button.click();
        if (word !== undefined) await dialog.getByLabel(/Type/).fill(word);
        await dialog.getByRole('button', { name: label, exact: true }).click();
        await dialog.waitFor({ state: 'detached' });
      };
      const card = page.locator('.card', { has: page.getByRole('heading', { name: 'Backups' }) });
      await press('Back up now');
      await card.getByText('whole').waitFor();
      await card.getByText('never').waitFor();
      await press('Check');
      await card.getByText('never').waitFor({ state: 'detached' });
      await isWhole(tab, 'storage backup');
    });
    await shows('/storage', ['whole', 'Check', 'Remove']);
    await signedIn('dark', async (tab) => {
      const { page, open } = tab;
      await open(`${server.address}/storage`);
      await page.getByRole('button', { name: 'Remove', exact: true }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByLabel(/Type remove/).fill('remove');
      await dialog.getByRole('button', { name: 'Remove', exact: true }).click();
      await page.getByText('No backup yet.').waitFor();
      await isWhole(tab, 'storage without backups');
    });
  });

  test('storage shows what would go before anything goes, and who may delete it', async () => {
    await shows('/storage', ['No garbage collection ran yet.', 'No repository was pushed yet.', /needs the role admin/]);
    await signedIn('dark', async (tab) => {
      const { page, open } = tab;
      await open(`${server.address}/storage`);
      await page.getByText('look for garbage first').waitFor();
      await page.getByRole('button', { name: 'Look for garbage' }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Look for garbage' }).click();
      await page.getByText(/^Dry run, /).waitFor();
      await page.getByText('finished').first().waitFor();
      const { items } = await server.get<List<GarbageSweep>>('garbage-sweeps');
      assert.deepEqual([items.length, items[0]?.apply], [1, false]);
      await isWhole(tab, 'storage dry run');
      await page.getByRole('button', { name: 'Look in the cache' }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Look in the cache' }).click();
      await page.getByText(/^Dry run of the workspace’s cache, none/).waitFor();
      await isWhole(tab, 'storage cache dry run');
      const stray = sha256('nobody refers to this');
      const file = join(server.dataFolder, 'blobs/sha256', stray.slice(0, 2), stray.slice(2));
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, 'nobody refers to this');
      await utimes(file, 0, 0);
      const press = async (label: string): Promise<void> => {
        await page.getByRole('button', { name: label }).click();
        const dialog = page.getByRole('dialog');
        if (label === 'Delete garbage') await dialog.getByLabel(/Type delete/).fill('delete');
        await dialog.getByRole('button', { name: label }).click();
      };
      await press('Look for garbage');
      await page.getByText(/^Dry run, 1, 21 B/).waitFor();
      await press('Delete garbage');
      await page.getByText(/^Deletion, 1, 21 B/).waitFor();
      await assert.rejects(access(file), { code: 'ENOENT' });
    });
  });

  test('storage shows the repositories of Git LFS, and what is locked in them', async () => {
    const words = 'an object';
    const token = (await readFile(join(server.dataFolder, 'secrets/owner-token'), 'utf8')).trim();
    const lfs = (method: string, path: string, body: string, type: string): Promise<Response> =>
      fetch(`${server.address}/lfs/vision/${path}`, {
        method,
        body,
        headers: { authorization: `Bearer ${token}`, accept: 'application/vnd.git-lfs+json', 'content-type': type },
      });
    assert.equal((await lfs('PUT', `objects/${sha256(words)}`, words, 'application/octet-stream')).status, 200);
    assert.equal((await lfs('POST', 'locks', '{"path":"data/cats.bin"}', 'application/vnd.git-lfs+json')).status, 201);
    await shows('/storage', ['vision', 'Locked in vision', 'data/cats.bin', 'owner']);
    assert.match(await done(['lfs', 'locks', 'vision'], { cwd: dirname(server.dataFolder) }), /data\/cats\.bin +owner/);
  });

  test('the charter is read in three documents, and confirmed by who is known', async () => {
    await shows('/charter/documents', [
      'these words are not confirmed',
      'Problem statement: shop',
      'Who cancels?',
      /who agrees has to be known/,
    ]);
    await signedIn('light', async (tab) => {
      const { page, open } = tab;
      await open(`${server.address}/charter/documents?document=initial-data-report`);
      await page.getByRole('heading', { name: 'Dataset "people"' }).waitFor();
      await isWhole(tab, 'charter data report');
      await page.getByRole('button', { name: 'Confirm the charter' }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByLabel('Comment').fill('as we said');
      await dialog.getByRole('button', { name: 'Confirm the charter' }).click();
      await page.getByText('confirmed, word for word').waitFor({ timeout: 60_000 });
      await page.getByText('as we said').waitFor();
    });
  });
});
