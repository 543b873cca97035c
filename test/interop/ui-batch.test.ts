import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import type { Browser } from 'playwright-core';
import type { BatchPrediction, BatchSchedule, Trace } from '#contract';
import { done, temporaryFolder, up, type Up } from '../harness/gyre-fixture.ts';
import { customersToPredict } from '../harness/predict-table-fixture.ts';
import { edit, smallProject } from '../harness/projects-fixture.ts';
import { browserMissing, openBrowser, type Tab } from './browser.ts';
import { pageViews } from './page-views.ts';

const rows = 20_000;

describe('batch predictions on their page', { skip: browserMissing }, () => {
  const opened = new AsyncDisposableStack();
  let browser: Browser;
  let server: Up;
  let cwd = '';
  let bad = 0;
  const { withTab, isWhole, shows } = pageViews(
    () => browser,
    () => server,
  );
  const signedIn = (work: (tab: Tab) => Promise<void>): Promise<void> =>
    withTab('light', async (tab) => {
      const { body } = await server.post<{ readonly path: string }>('one-time-codes');
      await tab.open(`${server.address}${body.path}`);
      await tab.open(`${server.address}/batch`);
      await work(tab);
    });
  const predictions = async (): Promise<readonly BatchPrediction[]> =>
    (await server.get<{ items: readonly BatchPrediction[] }>('batch-predictions')).items;
  const schedules = async (): Promise<readonly BatchSchedule[]> =>
    (await server.get<{ items: readonly BatchSchedule[] }>('batch-schedules')).items;

  before(async () => {
    const folder = opened.use(await temporaryFolder());
    cwd = await smallProject(folder.path, { rows: 60 });
    ({ bad } = await customersToPredict(cwd, rows));
    await edit(`${cwd}/gyre.yaml`, (text) =>
      text.replace(
        /^serve: .*$/m,
        'serve: { endpoint: shop, batch: { weekly: { schedule: "0 7 * * 1", model: "churn@champion", input: customers.csv, output: "weekly-{date}.parquet" } } }',
      ),
    );
    await done(['model', 'add', 'churn', 'model'], { cwd });
    server = opened.use(await up({ cwd }));
    browser = await openBrowser();
    opened.defer(() => browser.close());
  });
  after(() => opened.disposeAsync());

  test('a table is predicted: how far it is, which rows failed and why, and the version that the predictions became', async () => {
    await signedIn(async (tab) => {
      const { page } = tab;
      await page.getByText('No table was predicted yet.').waitFor();
      await page.getByRole('button', { name: 'Predict a table' }).click();
      const dialog = page.getByRole('dialog', { name: 'Predict a table' });
      await dialog.getByLabel('Model:').fill('churn/1');
      await dialog.getByLabel('Rows:').fill('nothing.csv');
      await dialog.getByRole('button', { name: 'Predict a table' }).click();
      await dialog.getByText('there is no file "nothing.csv"').waitFor();
      tab.complaints();
      await dialog.getByLabel('Rows:').fill('customers.csv');
      await dialog.getByLabel('Write them also to').fill('scored.csv');
      await isWhole(tab, 'predict a table');
      await dialog.getByRole('button', { name: 'Predict a table' }).click();
      await dialog.waitFor({ state: 'detached' });
      const card = page.locator('section', { has: page.getByRole('heading', { name: 'customers.csv' }) });
      // it says how far it is until it has ended, and then what came of it
      await card
        .getByText(/waiting|queued|running|reading its rows|(predicting|writing): |20.000 rows/)
        .first()
        .waitFor();
      await page.goto(`${server.address}/batch?prediction=${(await predictions())[0]?.id ?? ''}`);
      await card.getByText(/20.000 rows, 207 without a prediction/).waitFor({ timeout: 120_000 });
      const reasons = card.getByRole('table', { name: 'Why rows have no prediction' });
      await reasons
        .getByText(/column "tenure"/)
        .first()
        .waitFor();
      await reasons.getByText('207').waitFor();
      await isWhole(tab, 'a batch prediction');
      const [prediction] = await predictions();
      assert.deepEqual([prediction?.rows, prediction?.failed], [rows, bad]);
      assert.ok((await readdir(cwd)).includes('scored.csv'));
      await card.getByRole('link', { name: prediction?.dataset.version?.slice(0, 8) ?? 'none' }).click();
      await page
        .getByRole('heading', { name: /churn-predictions/ })
        .first()
        .waitFor();
      await isWhole(tab, 'the version of predictions');
    });
  });

  test('a schedule is set by frequency, time and zone, run out of turn, paused and removed; one of gyre.yaml is only shown', async () => {
    await signedIn(async (tab) => {
      const { page } = tab;
      await page.getByRole('button', { name: 'Set a schedule' }).click();
      const dialog = page.getByRole('dialog', { name: 'Set a schedule' });
      await dialog.getByLabel('Name of the schedule').fill('nightly');
      await dialog.getByLabel('At this time').fill('06:00');
      await dialog.getByLabel('Time zone').fill('Europe/Rome');
      await dialog.getByLabel('Model:').fill('churn/1');
      await dialog.getByLabel('Rows:').fill('customers.csv');
      await dialog.getByLabel('Write them also to').fill('nightly.parquet');
      await dialog.getByRole('button', { name: 'Set a schedule' }).click();
      await dialog.getByText('the second would find what the first left').waitFor();
      tab.complaints();
      await dialog.getByLabel('Write them also to').fill('nightly-{date}.parquet');
      await dialog.getByText('Predicted every day at 06:00, Europe/Rome.').waitFor();
      await isWhole(tab, 'set a schedule');
      await dialog.getByRole('button', { name: 'Set a schedule' }).click();
      await dialog.waitFor({ state: 'detached' });
      const table = page.getByRole('table', { name: 'Batch predictions by the clock' });
      const row = table.getByRole('row').filter({ hasText: 'nightly' });
      await row.getByText('every day at 06:00').waitFor();
      const weekly = table.getByRole('row').filter({ hasText: 'weekly' });
      await weekly.getByText('gyre.yaml').waitFor();
      assert.equal(await weekly.getByRole('button', { name: 'Change' }).count(), 0);
      await row.getByRole('button', { name: 'Run now' }).click();
      await page.getByRole('dialog', { name: 'Run now' }).getByRole('button', { name: 'Run now' }).click();
      await row.getByRole('link', { name: 'finished' }).waitFor({ timeout: 120_000 });
      const written = (await readdir(cwd)).find((name) => /^nightly-20\d\d-\d\d-\d\d\.parquet$/.test(name));
      assert.ok(written !== undefined);
      await row.getByRole('button', { name: 'Pause' }).click();
      await page.getByRole('dialog', { name: 'Pause' }).getByRole('button', { name: 'Pause' }).click();
      await row.getByText('paused').waitFor();
      await isWhole(tab, 'schedules');
      await row.getByRole('button', { name: 'Remove' }).click();
      await page.getByRole('dialog', { name: 'Remove' }).getByRole('button', { name: 'Remove' }).click();
      await row.waitFor({ state: 'detached' });
      assert.deepEqual(
        (await schedules()).map(({ name }) => name),
        ['weekly'],
      );
    });
    await shows('/batch', ['By the clock', 'weekly', 'every Monday at 07:00']);
  });

  test('what was predicted leads to the model version, on its page and in its trace', async () => {
    const [prediction] = await predictions();
    const digest = prediction?.dataset.version ?? '';
    await shows(`/data/${digest}`, ['predicted by model version', 'predictions of churn/1']);
    const { links } = await server.get<Trace>(`trace/dataset_version/${digest}`);
    assert.ok(links.some(({ kind, id }) => kind === 'model_version' && id === prediction?.model.id));
  });
});
