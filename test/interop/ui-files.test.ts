import assert from 'node:assert/strict';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { DatasetVersion } from '#contract';
import type { Browser } from 'playwright-core';
import { done, temporaryFolder, up, type Place, type Up } from '../harness/gyre-fixture.ts';
import { photo, writeFiles } from '../harness/photos-fixture.ts';
import { edit, smallProject } from '../harness/projects-fixture.ts';
import { browserMissing, openBrowser } from './browser.ts';
import { pageViews } from './page-views.ts';

/** A project with a tracked folder of contracts, scans and letters, recorded twice. */
async function prepare(path: string): Promise<Place> {
  const folder = await smallProject(path);
  await writeFiles(join(folder, 'contracts'), {
    ...Object.fromEntries(Array.from({ length: 120 }, (_, index) => [`2025/contract-${index}.pdf`, `%PDF-1.7 contract ${index}`])),
    'scans/hat.jpg': await photo('hat'),
    'scans/shoes.jpg': await photo('shoes'),
    'letters/an Übergröße.txt': 'Dear customer',
    'letters/old.txt': 'Dear Ada',
    LICENSE: 'all rights',
  });
  await edit(join(folder, 'gyre.yaml'), (text) => text.replace('\nsteps:\n', '\n  papers: { source: { files: contracts } }\nsteps:\n'));
  const place: Place = { cwd: folder, env: { GYRE_PORT: '0' } };
  await done(['data', 'add', 'contracts/'], place);
  await done(['data', 'add', 'papers'], place);
  await rename(join(folder, 'contracts/letters/old.txt'), join(folder, 'contracts/letters/older.txt'));
  await writeFiles(join(folder, 'contracts'), { '2025/contract-7.pdf': '%PDF-1.7 another', '2026/new.pdf': '%PDF-1.7 new' });
  await done(['data', 'add', 'contracts/'], place);
  await done(['data', 'add', 'papers'], place);
  return place;
}

describe('the page of files', { skip: browserMissing }, () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let server: Up;
  let browser: Browser;
  let [page, earlier] = ['', ''];

  before(async () => {
    folder = await temporaryFolder();
    server = await up(await prepare(folder.path));
    browser = await openBrowser();
    const { items } = await server.get<{ items: readonly DatasetVersion[] }>('datasets?dataset=papers');
    [page, earlier] = items.map(({ digest }) => digest);
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

  test('lists the files, says how many there are of each extension, and how to have them as a folder', async () => {
    await shows(`/data/${page}`, ['126 files', '4 extensions', '.pdf', '2025/contract-0.pdf', /gyre data checkout papers@/, 'none']);
  });

  test('is searched on the server, and each file comes as it was', async () => {
    await withTab('light', async (tab) => {
      await tab.open(`${server.address}/data/${page}`);
      const search = tab.page.getByPlaceholder('Search paths');
      await search.fill('übergr');
      await search.press('Enter');
      await tab.page.getByText(/^1 file, /).waitFor();
      const download = tab.page.waitForEvent('download');
      await tab.page.getByRole('link', { name: 'letters/an Übergröße.txt' }).click();
      assert.equal((await download).suggestedFilename(), 'an Übergröße.txt');
      assert.match(tab.page.url(), /match=/);
      await search.fill('nothing like it');
      await search.press('Enter');
      await tab.page.getByText('No path has this in it.').waitFor();
    });
  });

  test('shows pictures small and everything else by its extension; arrow keys and Enter open one', async () => {
    await withTab('dark', async (tab) => {
      await tab.open(`${server.address}/data/${page}?files=previews&extension=.jpg`);
      await tab.page.getByText(/^2 files/).waitFor();
      await tab.page.getByRole('option').first().locator('img').waitFor();
      await tab.page.getByRole('listbox').focus();
      await tab.page.keyboard.press('ArrowRight');
      await tab.page.keyboard.press('Enter');
      const dialog = tab.page.getByRole('dialog');
      await dialog.getByText('2 of 2 files').waitFor();
      await dialog.getByText('scans/shoes.jpg').waitFor();
      await dialog.locator('img').waitFor();
      await isWhole(tab, 'file dialog');
    });
    await shows(`/data/${page}?files=previews`, ['126 files', '.pdf']);
  });

  test('was recorded without a copy, as the page of sources says', async () => {
    await shows('/sources', ['papers', 'folder', /kept in the workspace’s cache, not copied/, '126 files']);
  });

  test('of two versions says what became of the files', async () => {
    await shows(`/data/${earlier}/diff/${page}`, ['1 added, 0 removed, 1 changed, 1 renamed', 'letters/older.txt', '2026/new.pdf']);
  });
});
