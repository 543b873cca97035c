import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, test } from 'node:test';
import type { GyreEvent } from '#contract';
import type { Browser } from 'playwright-core';
import { done, temporaryFolder, up, type Place, type Up } from '../harness/gyre-fixture.ts';
import { smallProject } from '../harness/projects-fixture.ts';
import { browserMissing, openBrowser } from './browser.ts';
import { pageViews } from './page-views.ts';

describe('the page of the project’s data files', { skip: browserMissing }, () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let place: Place;
  let server: Up;
  let browser: Browser;

  before(async () => {
    folder = await temporaryFolder();
    const project = await smallProject(folder.path);
    place = { cwd: project, env: { GYRE_PORT: '0' } };
    const git = (...words: string[]): void =>
      void execFileSync('git', ['-C', project, '-c', 'user.name=Ada', '-c', 'user.email=ada@example.org', ...words]);
    git('init', '-q', '-b', 'main');
    await mkdir(join(project, 'photos'));
    for (const name of ['cat', 'dog', 'owl']) await writeFile(join(project, 'photos', `${name}.txt`), `a picture of a ${name}`);
    await writeFile(join(project, 'notes.txt'), 'read me');
    await done(['data', 'add', 'photos', 'notes.txt'], place);
    await done(['data', 'remote', 'add', '--default', 'store', join(folder.path, 'store')], place);
    git('add', 'photos.dvc', 'notes.txt.dvc');
    git('commit', '-q', '-m', 'three photos and a note');
    server = await up(place);
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

  /** A file that came, one that went from a folder, and one that went by itself. */
  const change = async (): Promise<void> => {
    await writeFile(join(place.cwd, 'photos', 'fox.txt'), 'a picture of a fox');
    for (const gone of ['photos/cat.txt', 'notes.txt']) await rm(join(place.cwd, gone), { force: true });
  };

  test('shows what is tracked, how it stands, what changed, the remotes and the versions', async () => {
    await shows('/workspace', ['photos/', 'notes.txt', 'clean', 'store', 'the default', 'None yet.']);
    await change();
    await shows('/workspace?path=photos', [
      'modified',
      'deleted',
      '1 file added: fox.txt',
      '1 file removed: cat.txt',
      'Versions of photos',
      'three photos and a note',
    ]);
  });

  test('adds and pushes, each said before it is done, and tells how it went', async () => {
    await change();
    await withTab('light', async ({ page, open }) => {
      const { body } = await server.post<{ readonly path: string }>('one-time-codes', {});
      await page.goto(`${server.address}${body.path}`);
      await open(`${server.address}/workspace`);
      const act = async (label: string): Promise<void> => {
        await page.getByRole('button', { name: label, exact: true }).click();
        await page.locator('dialog').getByRole('button', { name: label }).click();
      };
      await act('Check out');
      await page.getByText(/fox\.txt would be lost/).waitFor();
      await writeFile(join(place.cwd, 'notes.txt'), 'read me');
      await act('Add changes');
      await page.getByText(/photos: 3 files, \d read/).waitFor();
      await act('Push');
      await page.getByText('store: 5 pushed').waitFor();
    });
    const { items } = await server.get<{ readonly items: readonly { readonly state: string }[] }>('workspace/status');
    assert.deepEqual(
      items.map(({ state }) => state),
      ['clean', 'clean'],
    );
  });

  test('a job that waits for another process is stopped by its button, and the audit log has who began it and how it ended', async () => {
    const held = new DatabaseSync(join(place.cwd, '.dvc', 'tmp', 'gyre', 'lock'));
    try {
      held.exec('pragma journal_mode = memory; begin exclusive');
      await withTab('light', async ({ page, open }) => {
        const { body } = await server.post<{ readonly path: string }>('one-time-codes', {});
        await page.goto(`${server.address}${body.path}`);
        await open(`${server.address}/workspace`);
        await page.getByRole('button', { name: 'Push', exact: true }).click();
        await page.locator('dialog').getByRole('button', { name: 'Push' }).click();
        await page.getByText('running, waiting for another process').waitFor();
        const shots = process.env['GYRE_SHOTS'];
        if (shots !== undefined) await page.screenshot({ path: join(shots, 'workspace-stop.png'), fullPage: true });
        await page.getByRole('button', { name: 'Stop', exact: true }).click();
        await page.locator('dialog').getByRole('button', { name: 'Stop' }).click();
        await page.getByText('cancelled').waitFor();
      });
    } finally {
      held.close();
    }
    const { items } = await server.get<{ readonly items: readonly GyreEvent[] }>('events?first=newest&limit=10');
    const [ended, begun] = items.filter(({ type }) => type.includes('.workspace_job.'));
    assert.partialDeepStrictEqual(ended.data, { verb: 'push', state: 'cancelled' });
    assert.partialDeepStrictEqual(begun, { type: 'dev.gyre.workspace_job.started.v1', data: { verb: 'push', paths: [] } });
    assert.match(await done(['audit', 'verify'], place), /intact/);
  });
});
