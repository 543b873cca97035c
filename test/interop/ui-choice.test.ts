import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { temporaryFolder, up, type Up } from '../harness/gyre-fixture.ts';
import { smallProject } from '../harness/projects-fixture.ts';
import { browserMissing, openBrowser } from './browser.ts';
import { pageViews } from './page-views.ts';

describe('a choice among very many', { skip: browserMissing }, () => {
  const opened = new AsyncDisposableStack();
  let browser: Browser;
  let server: Up;
  const { withTab, isWhole } = pageViews(
    () => browser,
    () => server,
  );
  before(async () => {
    const place = opened.use(await temporaryFolder());
    server = opened.use(await up({ cwd: await smallProject(place.path, { rows: 20 }) }));
    browser = await openBrowser();
    opened.defer(() => browser.close());
  });
  after(() => opened.disposeAsync());

  test('of hundreds of metrics one is chosen by a part of its name, also where another name is its beginning', async () => {
    const post = async (verb: string, message: object): Promise<{ readonly run?: { readonly info: { readonly run_id: string } } }> => {
      const headers = { 'content-type': 'application/json' };
      const answer = await fetch(`${server.address}/api/2.0/mlflow/runs/${verb}`, {
        method: 'POST',
        headers,
        body: JSON.stringify(message),
      });
      assert.equal(answer.status, 200, verb);
      return (await answer.json()) as { readonly run?: { readonly info: { readonly run_id: string } } };
    };
    const made = await post('create', { experiment_id: '0', run_name: 'wide' });
    const id = made.run?.info.run_id ?? '';
    const metrics = Array.from({ length: 300 }, (_, at) => ({ key: `width.${at}`, value: at, timestamp: 1_790_000_000_000, step: 0 }));
    await post('log-batch', { run_id: id, metrics });
    await withTab('light', async (tab) => {
      const { page, open } = tab;
      await open(`${server.address}/compare?runs=${id}&metrics=width.0`);
      const adding = page.getByLabel('Add a figure');
      await adding.pressSequentially('width.25');
      assert.equal(await page.locator('datalist').last().locator('option').first().getAttribute('value'), 'width.25');
      assert.ok((await page.locator('option').count()) < 300, 'not every metric is an option');
      assert.match(page.url(), /metrics=width\.0$/, 'width.2 was only typed on the way');
      await adding.press('Enter');
      await page.getByRole('region', { name: 'width.25', exact: true }).waitFor();
      await page.waitForURL('**metrics=width.0%2Cwidth.25');
      await isWhole(tab, 'a metric chosen by typing');
    });
  });
});
