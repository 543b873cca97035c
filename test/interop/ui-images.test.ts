import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { DatasetVersion } from '#contract';
import type { Browser } from 'playwright-core';
import { done, temporaryFolder, up, type Place, type Up } from '../harness/gyre-fixture.ts';
import { photo, withComment, writeFiles } from '../harness/photos-fixture.ts';
import { edit, smallProject } from '../harness/projects-fixture.ts';
import { browserMissing, openBrowser } from './browser.ts';
import { pageViews } from './page-views.ts';

/** A project with photos of clothes: many of them, some twice, one cut off, one under two classes, one that is no picture. */
async function prepare(path: string): Promise<Place> {
  const folder = await smallProject(path);
  const [hat, shirt, shoes] = await Promise.all([photo('hat'), photo('shirt'), photo('shoes')]);
  const many = [hat, shirt, shoes].flatMap((jpeg, kind) =>
    Array.from({ length: 90 }, (_, index): [string, Uint8Array] => [
      `${['hat', 'shirt', 'shoes'][kind]}/${String(index).padStart(3, '0')}.jpg`,
      withComment(jpeg, `${index}`),
    ]),
  );
  await writeFiles(join(folder, 'photos'), {
    ...Object.fromEntries(many),
    'hat/cut.jpg': hat.subarray(0, 3000),
    'shirt/is-a-hat.jpg': hat,
    'hat/again.jpg': hat,
    'shoes/none.jpg': 'this is no picture',
  });
  await writeFiles(
    join(folder, 'more'),
    Object.fromEntries(Array.from({ length: 6_000 }, (_, index) => [`hat/${index}.jpg`, withComment(hat, `more ${index}`)])),
  );
  await edit(join(folder, 'gyre.yaml'), (text) =>
    text.replace(
      '\nsteps:\n',
      '\n  photos: { source: photos/, key: path, target: label }\n  more: { source: more/, key: path, target: label }\nsteps:\n',
    ),
  );
  const place: Place = { cwd: folder, env: { GYRE_PORT: '0' } };
  await done(['data', 'add', 'photos'], place);
  return place;
}

describe('the page of images', { skip: browserMissing }, () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let server: Up;
  let browser: Browser;
  let page = '';

  before(async () => {
    folder = await temporaryFolder();
    server = await up(await prepare(folder.path));
    browser = await openBrowser();
    const { items } = await server.get<{ items: readonly DatasetVersion[] }>('datasets?dataset=photos');
    page = `/data/${items[0]?.digest}`;
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

  test('shows every image as a contact sheet, with the classes and what is to be looked at', async () => {
    await shows(page, ['274 images', '3 classes', 'exact duplicates', 'readable images', 'hat/000.jpg', 'labels agree on the same image']);
  });

  test('asks for thumbnails of what is in sight only', async () => {
    await withTab('light', async ({ page: tab, open }) => {
      const asked = new Set<string>();
      tab.on('request', (request) => {
        if (request.url().includes('/thumbnail')) asked.add(request.url());
      });
      await open(`${server.address}${page}?size=small`);
      await tab.getByRole('option').first().waitFor();
      await tab.getByRole('option').first().getByRole('presentation').waitFor();
      await tab.getByRole('status').getByText('in sight').waitFor();
      assert.ok(asked.size > 0 && asked.size < 200, `${asked.size} thumbnails were asked for`);
      assert.ok((await tab.getByRole('option').count()) < 200);
    });
  });

  test('is walked by keyboard to the last image, which Enter opens', async () => {
    await withTab('light', async (tab) => {
      await tab.open(`${server.address}${page}`);
      const wall = tab.page.getByRole('listbox');
      await wall.focus();
      await tab.page.keyboard.press('ArrowRight');
      await tab.page.keyboard.press('End');
      await tab.page.getByRole('option', { selected: true, name: 'shoes unsupported' }).waitFor();
      await tab.page.keyboard.press('Enter');
      const dialog = tab.page.getByRole('dialog');
      await dialog.getByText('274 of 274 images').waitFor();
      await dialog.getByText('unsupported').first().waitFor();
      await tab.page.keyboard.press('ArrowLeft');
      await dialog.getByText('273 of 274 images').waitFor();
      await isWhole(tab, 'image dialog');
      await tab.page.keyboard.press('Escape');
      await dialog.waitFor({ state: 'detached' });
    });
  });

  test('shows what a check found side by side: the same picture under two classes', async () => {
    await withTab('dark', async (tab) => {
      await tab.open(`${server.address}${page}`);
      await tab.page.getByRole('button', { name: 'exact duplicates' }).click();
      await tab.page.getByText('2 images', { exact: true }).waitFor();
      await tab.page.getByRole('option', { name: 'shirt/is-a-hat.jpg' }).click();
      const dialog = tab.page.getByRole('dialog');
      await dialog.getByText('2 images that belong together').waitFor();
      await dialog.getByText('hat/again.jpg').waitFor();
      assert.equal(await dialog.getByRole('img').count(), 2);
      await isWhole(tab, 'image dialog group');
      assert.match(tab.page.url(), /check=exact\+duplicates/);
    });
  });

  test('of a class shows that class alone, by its address', async () => {
    await withTab('light', async ({ page: tab, open }) => {
      await open(`${server.address}${page}?label=shirt`);
      await tab.getByText(/^91 images/).waitFor();
      await tab.getByRole('button', { name: /^shirt/ }).click();
      await tab.getByText(/^274 images/).waitFor();
    });
  });

  test('are ingested by a button, which says how far it is without being asked, and stopped by another', async () => {
    const { body } = await server.post<{ readonly path: string }>('one-time-codes');
    await withTab('light', async (tab) => {
      await tab.open(`${server.address}${body.path}`);
      await tab.open(`${server.address}/sources`);
      const { page: shown } = tab;
      const asked: string[] = [];
      await shown.getByRole('listitem').filter({ hasText: 'more/' }).getByRole('button', { name: 'Ingest' }).click();
      await shown.getByRole('dialog').getByRole('button', { name: 'Ingest' }).click();
      await shown.getByText(/of 6.?000 files/).waitFor();
      shown.on('request', (request) => asked.push(request.url()));
      const before = await shown.getByRole('progressbar').getAttribute('value');
      await shown.waitForFunction((old) => document.querySelector('progress')?.getAttribute('value') !== old, before);
      assert.deepEqual(
        asked.filter((url) => url.includes('dataset-ingestions')),
        [],
        'progress comes by the event stream',
      );
      await isWhole(tab, 'sources running');
      await shown.getByRole('button', { name: 'Stop' }).click();
      await shown.getByRole('dialog').getByRole('button', { name: 'Stop' }).click();
      await shown.getByRole('row', { name: /^more cancelled/ }).waitFor();
      await shown.getByText('Running now').waitFor({ state: 'detached' });
      await isWhole(tab, 'sources stopped');
    });
    await shows('/sources', ['Sources of gyre.yaml', 'cancelled', 'decoded']);
  });
});
