import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Browser } from 'playwright-core';
import type { ModelVersion, RegisteredModel } from '#contract';
import { foreignModel, graphColumns } from '../harness/brought-model-fixture.ts';
import { done, temporaryFolder, up, type Up } from '../harness/gyre-fixture.ts';
import { smallProject } from '../harness/projects-fixture.ts';
import { browserMissing, openBrowser } from './browser.ts';
import { pageViews } from './page-views.ts';

describe('models from elsewhere on their pages', { skip: browserMissing }, () => {
  const opened = new AsyncDisposableStack();
  let browser: Browser;
  let server: Up;
  let graph: string;
  let cwd: string;
  let place: Awaited<ReturnType<typeof temporaryFolder>>;
  const { shows, withTab, isWhole } = pageViews(
    () => browser,
    () => server,
  );
  before(async () => {
    place = opened.use(await temporaryFolder());
    cwd = await smallProject(place.path, { rows: 300 });
    graph = await foreignModel(place.path);
    server = opened.use(await up({ cwd }));
    await done(['data', 'add', 'people'], { cwd });
    await done(['data', 'split', 'people'], { cwd });
    browser = await openBrowser();
    opened.defer(() => browser.close());
  });
  after(() => opened.disposeAsync());

  test('are added by choosing their files, and tested by saying what their files do not', async () => {
    await withTab('light', async (tab) => {
      const { page } = tab;
      const [, link] = await server.running.line(/page: (\S+)/);
      await tab.open(link);
      await tab.open(`${server.address}/models`);
      await page.getByRole('button', { name: 'Add a version' }).click();
      const adding = page.getByRole('dialog', { name: 'Add a version' });
      await adding.getByLabel('Model').fill('shop');
      await adding.getByLabel('Files').setInputFiles(graph);
      await adding.getByText('model.onnx').waitFor();
      await adding.getByLabel('What is special about it').fill('from the cluster');
      await isWhole(tab, 'add a version');
      await adding.getByRole('button', { name: 'Add a version' }).click();
      await page.getByRole('heading', { name: 'shop version 1' }).waitFor();
      await page.getByText('To be released by Gyre it lacks a test report.').waitFor();
      await page.getByRole('button', { name: 'Test it' }).click();
      const testing = page.getByRole('dialog', { name: 'Test it' });
      await testing.getByRole('button', { name: 'Test it' }).click();
      await testing.getByText(/takes a tensor "X" of 2 numbers a row, and nothing says which columns these are/).waitFor();
      await testing.getByLabel('Columns that the graph takes').fill(graphColumns);
      await testing.getByLabel('Classes in the order').fill('no, yes');
      tab.complaints();
      await isWhole(tab, 'test it');
      await testing.getByRole('button', { name: 'Test it' }).click();
      await page.getByText('tests passed', { exact: true }).first().waitFor();
      await page.getByRole('button', { name: 'Test it anew' }).waitFor();
    });
    const version = await server.get<ModelVersion>('models/shop/versions/1');
    assert.deepEqual([version.description, version.testsPassed, version.aliases], ['from the cluster', true, ['candidate']]);
    assert.deepEqual(version.brought?.tensors, [{ name: 'X', columns: ['age', 'income'] }]);
    const { status } = await server.post('environments/test/deploy', { modelVersion: version.id, reason: 'to see it at work' });
    assert.ok(status < 300);
  });

  test('show their report, where they serve, what happened to them, and what is not known of them', async () => {
    await shows('/models/shop/1', [
      'tests passed',
      /the model was trained elsewhere/,
      'Who uses it where',
      'to see it at work',
      'What happened to it',
      'shop version 1 tested: every gate passed',
      'Graph as brought',
      /it cannot be trained again here/,
      'brought/model.onnx',
    ]);
    await shows('/models/shop', ['version 1', 'candidate', 'every gate passed']);
  });

  test('are compared with other versions: what they are, and their figures on the same rows', async () => {
    await done(['model', 'add', 'shop', await foreignModel(place.path, 0.3), '--description', 'shifted'], { cwd });
    await done(['model', 'test', 'shop/2', '--columns', graphColumns, '--classes', 'no,yes'], { cwd });
    await shows('/models/shop?left=1&right=2', [
      'Two versions side by side',
      'shifted',
      'differs',
      /Both are judged on the same \d+ rows/,
      'ROC AUC ↑',
    ]);
    await shows(`/predictions?version=${(await server.get<ModelVersion>('models/shop/versions/2')).id}`, [
      /The last 500 of/,
      'shop version 2',
    ]);
  });

  test('that only Python can load offer to be converted, and say why that is not done here', async () => {
    const folder = join(place.path, 'pickled');
    await mkdir(folder);
    await writeFile(
      join(folder, 'MLmodel'),
      'flavors:\n  python_function:\n    loader_module: mlflow.sklearn\n    python_version: 3.11.7\n  sklearn:\n    pickled_model: model.pkl\n',
    );
    await writeFile(join(folder, 'model.pkl'), 'never opened here');
    await done(['model', 'add', 'pickled', folder], { cwd });
    await withTab('dark', async (tab) => {
      const { page } = tab;
      const { body } = await server.post<{ readonly path: string }>('one-time-codes');
      await tab.open(`${server.address}${body.path}`);
      await tab.open(`${server.address}/models/pickled/1`);
      await page.getByRole('button', { name: 'Convert to ONNX' }).click();
      const asking = page.getByRole('dialog', { name: 'Convert to ONNX' });
      await asking.getByText(/it is loaded in a process of its own/).waitFor();
      await isWhole(tab, 'convert a version');
      await asking.getByLabel('Classes in the order').fill('no, yes');
      await asking.getByLabel('these numbers are logits').check();
      await asking.getByRole('button', { name: 'Convert to ONNX' }).click();
      await asking.getByText(/executes code from its files, which is not allowed here/).waitFor();
      tab.complaints();
      await tab.open(`${server.address}/models/shop/1`);
      await page.getByRole('button', { name: 'Test it anew' }).waitFor();
      assert.equal(await page.getByRole('button', { name: 'Convert to ONNX' }).count(), 0);
    });
    assert.equal((await server.get<RegisteredModel>('models/pickled')).latest, 1);
    await done(['model', 'tag', 'shop/2', 'converted_from=pickled/1'], { cwd });
    await shows('/models/shop/2', ['converted from', 'pickled 1']);
  });

  test('say what runs their image elsewhere, and what stands in the way of that', async () => {
    await withTab('light', async (tab) => {
      const { page } = tab;
      const { body } = await server.post<{ readonly path: string }>('one-time-codes');
      await tab.open(`${server.address}${body.path}`);
      await tab.open(`${server.address}/models/shop/1`);
      const card = page.getByRole('region', { name: 'Run it elsewhere' });
      const image = `registry.example.org/shop@sha256:${'a1'.repeat(32)}`;
      await card.getByLabel('Image').fill(image);
      await card.getByLabel('Environment').selectOption('production');
      await card.getByRole('button', { name: 'Write the manifests' }).click();
      await card
        .getByRole('alert')
        .getByText(/may not run as "production": .*application tests/)
        .waitFor();
      tab.complaints();
      await card.getByLabel('Environment').selectOption('');
      await card.getByLabel('Namespace').fill('ml');
      await card.getByRole('button', { name: 'Write the manifests' }).click();
      await card.getByText('kubectl apply --namespace ml -f .').waitFor();
      await card.getByText('deployment.yaml').click();
      await card.getByRole('region', { name: 'deployment.yaml' }).getByText(`image: ${image}`).waitFor();
      await isWhole(tab, 'run a version elsewhere');
    });
  });

  test('are described, tagged, named by an alias and a stage, and deleted on their pages', async () => {
    await withTab('dark', async (tab) => {
      const { page } = tab;
      const { body } = await server.post<{ readonly path: string }>('one-time-codes');
      await tab.open(`${server.address}${body.path}`);
      const does = async (label: string, field: string | undefined, text: string): Promise<void> => {
        await page.getByRole('button', { name: label, exact: true }).click();
        const asking = page.getByRole('dialog', { name: label });
        if (label === 'Move to a stage') await asking.getByLabel(field ?? '').selectOption(text);
        else await asking.getByLabel(field ?? /Type .* to confirm/).fill(text);
        await asking.getByRole('button', { name: label, exact: true }).click();
        await asking.waitFor({ state: 'detached' });
      };
      await tab.open(`${server.address}/models/shop/2`);
      await does('Describe', 'Description', 'Shifted by *a third*.\n\n1. of the age\n2. of the income');
      await page.getByRole('listitem').filter({ hasText: 'of the income' }).waitFor();
      await does('Tag', 'Tags, one a line', 'data=2026-10');
      await page.getByText('2026-10').first().waitFor();
      await does('Give an alias', 'Alias', 'shadowed');
      await page.getByText('shadowed').first().waitFor();
      await does('Move to a stage', 'Stage', 'Staging');
      await page.getByText('stage Staging').waitFor();
      await isWhole(tab, 'version with its edits');
      await tab.open(`${server.address}/models/shop`);
      await does('Describe', 'Description', 'Says who leaves the **shop**.');
      await page.getByRole('article', { name: 'Description' }).getByText('shop').waitFor();
      await does('Tag', 'Tags, one a line', 'team=retail');
      await page.getByText('retail').first().waitFor();
      await page.getByRole('button', { name: 'Remove @shadowed' }).click();
      const removing = page.getByRole('dialog', { name: 'Remove @shadowed' });
      await removing.getByRole('button', { name: 'Remove @shadowed' }).click();
      await page.getByText('@shadowed').first().waitFor({ state: 'detached' });
      await isWhole(tab, 'model with its edits');
      await tab.open(`${server.address}/models/shop/2`);
      await does('Delete', undefined, 'shop 2');
      await page.getByRole('heading', { name: 'Model shop' }).waitFor();
    });
    const model = await server.get<RegisteredModel>('models/shop');
    assert.deepEqual(
      [model.description, model.tags, model.aliases, model.latest],
      ['Says who leaves the **shop**.', { team: 'retail' }, {}, 1],
    );
  });
});
