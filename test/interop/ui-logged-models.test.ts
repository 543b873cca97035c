import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { temporaryFolder, up, type Up } from '../harness/gyre-fixture.ts';
import { smallProject } from '../harness/projects-fixture.ts';
import { browserMissing, openBrowser } from './browser.ts';
import { pageViews } from './page-views.ts';

describe('logged models on a page', { skip: browserMissing }, () => {
  const opened = new AsyncDisposableStack();
  let browser: Browser;
  let server: Up;
  let forest: string;
  const { shows, withTab, isWhole } = pageViews(
    () => browser,
    () => server,
  );
  const post = async (path: string, body: unknown): Promise<{ readonly model: { readonly info: { readonly model_id: string } } }> => {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${server.address}/api/2.0/mlflow/${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    assert.equal(response.status, 200, await response.clone().text());
    return (await response.json()) as { readonly model: { readonly info: { readonly model_id: string } } };
  };

  before(async () => {
    const folder = opened.use(await temporaryFolder());
    server = opened.use(await up({ cwd: await smallProject(folder.path, { rows: 20 }) }));
    browser = await openBrowser();
    opened.defer(() => browser.close());
    const { experiment_id: experiment } = (await post('experiments/create', { name: 'vision' })) as unknown as { experiment_id: string };
    const { run } = (await post('runs/create', { experiment_id: experiment })) as unknown as { run: { info: { run_id: string } } };
    const create = async (name: string, kind: string): Promise<string> =>
      (
        await post('logged-models', {
          experiment_id: experiment,
          name,
          model_type: kind,
          source_run_id: run.info.run_id,
          params: [{ key: 'trees', value: '10' }],
          tags: [{ key: 'team', value: 'red' }],
        })
      ).model.info.model_id;
    forest = await create('forest', 'tree');
    await create('line', 'linear');
    const value = { key: 'auc', value: 0.875, timestamp: 1, step: 3, model_id: forest, dataset_name: 'holdout', dataset_digest: 'd' };
    await post('runs/log-metric', { run_id: run.info.run_id, ...value });
  });
  after(() => opened.disposeAsync());

  test('are listed and shown with what was measured of them', async () => {
    await shows('/logged-models', ['forest', 'line', /0\.875/, 'holdout', 'pending']);
    await shows(`/logged-models/${forest}`, ['forest', 'holdout', /0\.875/, 'trees', 'red', `/models/${forest}/artifacts`]);
  });

  test('are filtered in MLflow’s grammar, and a broken filter says where', async () => {
    await withTab('light', async ({ page, open }) => {
      await open(`${server.address}/logged-models?filter=${encodeURIComponent('metrics.auc > 0.5')}`);
      await page.getByRole('link', { name: 'forest', exact: true }).waitFor();
      assert.equal(await page.getByRole('link', { name: 'line', exact: true }).count(), 0);
      const box = page.getByRole('combobox', { name: 'Filter of models' });
      await box.fill('metrics.auc > x');
      await page.keyboard.press('Enter');
      await page.getByText("Expected numeric value type for metric 'auc'. Found x").waitFor();
      await page.getByText('At character 15.').waitFor();
    });
  });

  test('have a filter that is completed from what they have', async () => {
    await withTab('dark', async (tab) => {
      const { page, open } = tab;
      await open(`${server.address}/logged-models`);
      await page.getByRole('link', { name: 'line', exact: true }).waitFor();
      const box = page.getByRole('combobox', { name: 'Filter of models' });
      await box.pressSequentially('params.tr');
      await page.getByRole('option', { name: 'params.trees' }).waitFor();
      await isWhole(tab, 'completion for models');
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('Tab');
      await page.keyboard.type('= ');
      await page.getByRole('option', { name: "'10'" }).waitFor();
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('Tab');
      await page.keyboard.press('Enter');
      await page.waitForURL((url) => url.searchParams.get('filter')?.startsWith("params.trees = '10'") === true);
      await page.getByRole('link', { name: 'forest', exact: true }).waitFor();
    });
  });
});
