import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Browser } from 'playwright-core';
import type { ModelConversion, ModelVersion, RegisteredModel } from '#contract';
import { done, temporaryFolder, up, type Up } from '../harness/gyre-fixture.ts';
import { edit, smallProject } from '../harness/projects-fixture.ts';
import { browserMissing, openBrowser, type Tab } from './browser.ts';
import { pageViews } from './page-views.ts';
import { pythonFile, pythonMissing, runPython } from './python.ts';

/** Imports of Python and a conversion, on a machine that others use as well. */
const patience = { timeout: 180_000 };

describe('a bare file that only Python can load, on its pages', { skip: browserMissing || pythonMissing }, () => {
  const opened = new AsyncDisposableStack();
  let browser: Browser;
  let server: Up;
  let cwd = '';
  const { withTab, isWhole, shows } = pageViews(
    () => browser,
    () => server,
  );
  before(async () => {
    cwd = await smallProject(opened.use(await temporaryFolder()).path, { rows: 60 });
    await runPython('python_models_peer.py', { act: 'convertible', folder: cwd }, { timeoutMs: 300_000 });
    await edit(join(cwd, 'gyre.yaml'), (text) =>
      `${text}\n`.replace(/^(serve: \{.*)\}\s*$/m, `$1, python: { enabled: true, python: ${JSON.stringify(pythonFile)} } }`),
    );
    server = opened.use(await up({ cwd }));
    browser = await openBrowser();
    opened.defer(() => browser.close());
  });
  after(() => opened.disposeAsync());
  const signedIn = (work: (tab: Tab) => Promise<void>): Promise<void> =>
    withTab('light', async (tab) => {
      const { body } = await server.post<{ readonly path: string }>('one-time-codes');
      await tab.open(`${server.address}${body.path}`);
      await work(tab);
    });

  test('is uploaded, converted on rows that are chosen, and followed to the version that it became', async () => {
    await signedIn(async (tab) => {
      const { page } = tab;
      await tab.open(`${server.address}/models`);
      await page.getByRole('button', { name: 'Add a version' }).click();
      const adding = page.getByRole('dialog', { name: 'Add a version' });
      await adding.getByLabel('Model').fill('booster');
      await adding.getByLabel('Files').setInputFiles(join(cwd, 'boosted.ubj'));
      await adding.getByRole('button', { name: 'Add a version' }).click();
      await page.getByRole('heading', { name: 'booster version 1' }).waitFor();
      await page.getByRole('button', { name: 'Convert to ONNX' }).click();
      const asking = page.getByRole('dialog', { name: 'Convert to ONNX' });
      await asking.getByText(/boosted\.ubj may execute code when it is loaded/).waitFor();
      await asking.getByLabel('What a network takes').fill('image');
      await asking.getByRole('button', { name: 'Convert to ONNX' }).click();
      await asking.getByText(/“image” names no tensor/).waitFor();
      await asking.getByLabel('What a network takes').fill('');
      await asking.getByLabel(/^Rows to compare both on/).setInputFiles(join(cwd, 'rows.json'));
      await asking.getByText('60 rows of a, b').waitFor();
      await isWhole(tab, 'convert a bare file');
      await asking.getByRole('button', { name: 'Convert to ONNX' }).click();
      await asking.waitFor({ state: 'detached' });
      const card = page.locator('section', { has: page.getByRole('heading', { name: 'Conversion to ONNX' }) });
      await card.getByRole('link', { name: 'booster version 2' }).waitFor(patience);
      await card.getByText(/greatest difference .*100\.0 % of labels the same on 60 rows/).waitFor();
      await isWhole(tab, 'a conversion that has ended');
      await card.getByRole('link', { name: 'booster version 2' }).click();
      await page.getByRole('heading', { name: 'booster version 2' }).waitFor();
      assert.equal(await page.getByRole('button', { name: 'Convert to ONNX' }).count(), 0);
    });
    const made = await server.get<ModelVersion>('models/booster/versions/2');
    assert.deepEqual([made.tags['converted_from'], made.signature?.task], ['booster/1', 'binary']);
  });

  test('says what its converter says while it is converted, and is stopped', async () => {
    await done(['model', 'add', 'slow', 'slow.pkl'], { cwd });
    await signedIn(async (tab) => {
      const { page } = tab;
      await tab.open(`${server.address}/models/slow/1`);
      await page.getByRole('button', { name: 'Convert to ONNX' }).click();
      const asking = page.getByRole('dialog', { name: 'Convert to ONNX' });
      await asking.getByLabel(/^Rows to compare both on/).setInputFiles(join(cwd, 'rows.json'));
      await asking.getByRole('button', { name: 'Convert to ONNX' }).click();
      const card = page.locator('section', { has: page.getByRole('heading', { name: 'Conversion to ONNX' }) });
      await card.getByText('it will take a while, says the model').waitFor(patience);
      await card.getByText('converting and comparing').waitFor();
      await isWhole(tab, 'a conversion that goes on');
      await card.getByRole('button', { name: 'Stop' }).click();
      await page.getByRole('dialog', { name: 'Stop' }).getByRole('button', { name: 'Stop' }).click();
      await card.getByText('stopped: nothing of it was kept').waitFor(patience);
      await isWhole(tab, 'a conversion that was stopped');
    });
    const { items } = await server.get<{ items: readonly ModelConversion[] }>('model-conversions?model=slow');
    assert.deepEqual(items.map(({ state }) => state), ['cancelled']); // prettier-ignore
    assert.equal((await server.get<RegisteredModel>('models/slow')).latest, 1);
    await shows('/models/slow/1', ['Conversion to ONNX', 'cancelled', 'it will take a while, says the model']);
  });
});
