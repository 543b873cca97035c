import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { ownRunId } from '#training';
import { temporaryFolder, up, type Up } from '../harness/gyre-fixture.ts';
import { post } from '../harness/mlflow-calls-fixture.ts';
import { smallProject } from '../harness/projects-fixture.ts';
import { browserMissing, openBrowser } from './browser.ts';
import { pageViews } from './page-views.ts';

const files = 1_203;

describe('the files of a run with many of them', { skip: browserMissing }, () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let server: Up;
  let browser: Browser;
  let page = '';

  before(async () => {
    folder = await temporaryFolder();
    server = await up({ cwd: await smallProject(folder.path), env: { GYRE_PORT: '0' } });
    const { run } = await post<{ run: { info: { run_id: string } } }>(server.address, 'runs/create', { experiment_id: '0' });
    const { run_id: id } = run.info;
    page = `/runs/${ownRunId(id)}`;
    const names = [
      ...Array.from({ length: files }, (_, at) => `checkpoints/step-${String(at).padStart(5, '0')}.bin`),
      'checkpoints/best/weights of the best epoch, after fine tuning on the whole of the training set.safetensors',
      'notes.txt',
    ];
    let next = 0;
    await Promise.all(
      Array.from({ length: 16 }, async () => {
        for (let name = names[next++]; name !== undefined; name = names[next++]) {
          const path = `0/${id}/artifacts/${encodeURIComponent(name).replaceAll('%2F', '/')}`;
          const put = await fetch(`${server.address}/api/2.0/mlflow-artifacts/artifacts/${path}`, { method: 'PUT', body: name });
          assert.equal(put.status, 200);
        }
      }),
    );
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

  test('are shown by folder, in both themes and on a narrow screen', async () => {
    await shows(page, ['Artifacts', 'checkpoints/', 'notes.txt', '9 B']);
    await shows(`${page}?folder=checkpoints/best`, ['Artifacts in checkpoints/best', /weights of the best epoch/]);
  });

  test('of a large folder are turned over by a thousand, and where one is stands in the address', async () => {
    await withTab('dark', async (tab) => {
      const { page: shown, open } = tab;
      await open(`${server.address}${page}`);
      await shown.getByRole('button', { name: 'checkpoints/' }).click();
      const card = shown.locator('.card', { has: shown.getByRole('heading', { name: 'Artifacts in checkpoints' }) });
      await card.getByText('1000 rows').waitFor();
      await card.getByText('step-00000.bin').waitFor();
      await isWhole(tab, 'run files first thousand');
      await card.getByRole('button', { name: /^The next 1.?000$/ }).click();
      // The folder of the best one stands before all files.
      await card.getByText(`${files + 1 - 1000} rows`).waitFor();
      await card.getByText('step-00999.bin').waitFor();
      assert.match(shown.url(), /after=step-00998\.bin/);
      assert.equal(await card.getByRole('button', { name: /^The next/ }).count(), 0);
      await isWhole(tab, 'run files last page');
      await card.getByRole('button', { name: 'From the first' }).click();
      await card.getByText('best/').waitFor();
      await card.getByRole('button', { name: 'Up to all artifacts' }).click();
      await shown.getByText('notes.txt').waitFor();
    });
  });
});
