import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { temporaryFolder, up, type Up } from '../harness/gyre-fixture.ts';
import { smallProject } from '../harness/projects-fixture.ts';
import { browserMissing, openBrowser } from './browser.ts';
import { pageViews } from './page-views.ts';

const sizes = [
  ['light', 1280],
  ['dark', 1280],
  ['light', 390],
  ['dark', 390],
] as const;

describe('pages for admins', { skip: browserMissing }, () => {
  const opened = new AsyncDisposableStack();
  let browser: Browser;
  let server: Up;
  let folder: string;
  let hook: string;
  const { withTab, isWhole } = pageViews(
    () => browser,
    () => server,
  );
  before(async () => {
    const temporary = opened.use(await temporaryFolder());
    folder = temporary.path;
    const listener = createServer((request, response) => {
      request.resume().on('end', () => response.end('taken'));
    });
    await once(listener.listen(0, '127.0.0.1'), 'listening');
    opened.defer(() => {
      listener.close();
    });
    const address = listener.address();
    assert.ok(typeof address === 'object' && address !== null);
    hook = `http://127.0.0.1:${address.port}/hook`;
    server = opened.use(await up({ cwd: await smallProject(folder, { rows: 20 }), env: { GYRE_WEBHOOK_HOSTS: '127.0.0.1' } }));
    browser = await openBrowser();
    opened.defer(() => browser.close());
    await mkdir(join(folder, 'mlruns', '7'), { recursive: true });
    await writeFile(join(folder, 'mlruns', '7', 'meta.yaml'), "experiment_id: '7'\nname: brought\nlifecycle_stage: active\n");
  });
  after(() => opened.disposeAsync());

  /** Signs in as the owner. */
  const asOwner = async (page: Page): Promise<void> => {
    const { body } = await server.post<{ readonly path: string }>('one-time-codes');
    await page.goto(`${server.address}${body.path}`);
    await page.getByRole('heading', { level: 1 }).waitFor();
  };
  const dialog = async (page: Page, label: string, fill: (within: ReturnType<Page['locator']>) => Promise<void>): Promise<void> => {
    await page.getByRole('button', { name: label, exact: true }).first().click();
    const within = page.locator('dialog[open]');
    await fill(within);
    await within.getByRole('button', { name: label, exact: true }).click();
    await within.waitFor({ state: 'detached' });
  };
  const looks = async (path: string, words: string): Promise<void> => {
    for (const [theme, width] of sizes) {
      await withTab(
        theme,
        async (tab) => {
          await asOwner(tab.page);
          await tab.open(`${server.address}${path}`);
          await tab.page.locator('main').getByText(words).first().waitFor();
          await isWhole(tab, `${path.split('?')[0]} ${theme} ${width}`);
        },
        width,
      );
    }
  };

  test('bring records of other tools in, say what was read, and what an import lacks', async () => {
    let place = '';
    await withTab('light', async ({ page, open }) => {
      await asOwner(page);
      await open(`${server.address}/imports`);
      await dialog(page, 'New import', async (within) => {
        await within.getByLabel(/^From/).fill(join(folder, 'mlruns'));
      });
      await page.getByRole('link', { name: join(folder, 'mlruns') }).click();
      await page.locator('main').getByText('experiments').first().waitFor();
      await page.locator('main').getByText('finished').first().waitFor();
      place = new URL(page.url()).pathname + new URL(page.url()).search;
      await page.getByRole('button', { name: 'New import' }).click();
      const within = page.locator('dialog[open]');
      await within.getByLabel('Records of').selectOption('wandb');
      await within.getByLabel(/^From/).fill(join(folder, 'mlruns'));
      await within.getByRole('button', { name: 'New import' }).click();
      await within.getByText(/holds no run of wandb/).waitFor();
    });
    await looks(place, 'Here already');
  });

  test('make webhooks, send an example, show what was sent, and silence them', async () => {
    await withTab('light', async ({ page, open }) => {
      await asOwner(page);
      await open(`${server.address}/webhooks`);
      await dialog(page, 'New webhook', async (within) => {
        await within.getByLabel('Name').fill('ci');
        await within.getByLabel('Address').fill(hook);
        await within.getByLabel(/^Secret/).fill('not to be guessed');
      });
      await page.getByRole('link', { name: 'ci', exact: true }).click();
      await page.getByText('with its secret', { exact: true }).waitFor();
      await dialog(page, 'Send an example', async () => undefined);
      await page.getByText('the answer was 200').waitFor();
      await server.post('models', { name: 'told-of' });
      await page.locator('main').getByText('delivered').first().waitFor();
      await dialog(page, 'Silence', async () => undefined);
      await page.locator('main').getByText('silent').first().waitFor();
    });
    const { items } = (await (await fetch(`${server.address}/api/v1/webhooks`, { headers: await ownerHeaders(server) })).json()) as {
      items: readonly { id: string }[];
    };
    await looks(`/webhooks?webhook=${items[0].id}`, 'registered_model.created');
  });

  test('publish a policy, are told where it is wrong, and see what waits', async () => {
    const policy = 'policy: careful\nversion: 1\napprove: { role: approver, people: 2, validFor: 90d }\n';
    await withTab('light', async ({ page, open }) => {
      await asOwner(page);
      await open(`${server.address}/policies`);
      await page.getByRole('button', { name: 'Publish a policy', exact: true }).click();
      const within = page.locator('dialog[open]');
      const text = within.getByLabel('The policy, in YAML');
      const publish = within.getByRole('button', { name: 'Publish a policy', exact: true });
      await text.fill(policy.replace('90d', 'soon'));
      await publish.click();
      await within.getByText(/policy\.yaml:3:\d+ approve\.validFor: "soon" is no length of time/).waitFor();
      await text.fill(policy);
      await publish.click();
      await within.waitFor({ state: 'detached' });
      await page.getByRole('link', { name: 'careful/1' }).waitFor();
      // The page that nothing waits on teaches what would stand there.
      await open(`${server.address}/waiting`);
      await page.getByText('Nothing waits for you.').waitFor();
    });
    await looks('/policies?policy=careful%2F1', '2 of the role approver, which counts for 90d');
  });

  test('make teams, grant them something and take somebody in', async () => {
    await server.post('identities', { name: 'bea', roles: ['stakeholder'] });
    await withTab('light', async ({ page, open }) => {
      await asOwner(page);
      await open(`${server.address}/access`);
      await dialog(page, 'New team', async (within) => {
        await within.getByLabel('Name').fill('risk');
        await within.getByLabel('What it is for').fill('who scores');
      });
      const team = page.locator('section', { has: page.getByRole('heading', { name: 'risk' }) }).last();
      await team.getByRole('button', { name: 'Grant' }).click();
      const within = page.locator('dialog[open]');
      await within.getByLabel('May').selectOption('EDIT');
      await within.getByLabel(/^Its name/).fill('*');
      await within.getByRole('button', { name: 'Grant' }).click();
      await within.waitFor({ state: 'detached' });
      await dialog(page, 'Add a member', async (form) => {
        await form.getByLabel('Who').fill('bea');
      });
      await team.getByRole('link', { name: 'bea' }).waitFor();
      await team.getByText('every experiment').first().waitFor();
    });
    await looks('/access', 'who scores');
  });
});

async function ownerHeaders({ dataFolder }: Up): Promise<Readonly<Record<string, string>>> {
  return { authorization: `Bearer ${(await readFile(join(dataFolder, 'secrets', 'owner-token'), 'utf8')).trim()}` };
}
