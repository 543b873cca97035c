import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { ownRunId } from '#training';
import { temporaryFolder, up, type Up } from '../harness/gyre-fixture.ts';
import { post } from '../harness/mlflow-calls-fixture.ts';
import { smallProject } from '../harness/projects-fixture.ts';
import { browserMissing, openBrowser } from './browser.ts';

/** Leaves a trace wherever it runs: in the origin's storage, in the page around it, and in the records, by the session of who looks. */
const script = `
  try { localStorage.setItem('taken', 'over'); } catch {}
  try { (top ?? window).document.title = 'taken over'; } catch {}
  try { fetch('/api/2.0/mlflow/experiments/create', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"name":"taken over"}' }); } catch {}`;

const files: Readonly<Record<string, string>> = {
  'page.html': `<!doctype html><h1>Drawn</h1><script>${script}</script><img src="x" onerror="${script.replaceAll('"', '&quot;')}">`,
  'page.htm': `<script>${script}</script>`,
  'page.xhtml': `<html xmlns="http://www.w3.org/1999/xhtml"><script>${script.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</script></html>`,
  'drawing.svg': `<svg xmlns="http://www.w3.org/2000/svg" width="60" height="60" onload="${script.replaceAll('"', '&quot;')}"><script>${script}</script><circle cx="30" cy="30" r="20"/></svg>`,
  'feed.xml': `<?xml version="1.0"?><x:script xmlns:x="http://www.w3.org/1999/xhtml">${script}</x:script>`,
  'script.js': script,
  'notes.md': `# Notes\n\n<script>${script}</script>\n\n<img src=x onerror="localStorage.setItem('taken','over')">\n\n[link](javascript:localStorage.setItem('taken','over'))`,
  'no-suffix': `<script>${script}</script>`,
};

describe('files that mean no good, in the browser of somebody who is signed in', { skip: browserMissing }, () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let server: Up;
  let browser: Browser;
  let run = '';

  before(async () => {
    folder = await temporaryFolder();
    server = await up({ cwd: await smallProject(folder.path), env: { GYRE_PORT: '0' } });
    const made = await post<{ run: { info: { run_id: string } } }>(server.address, 'runs/create', { experiment_id: '0' });
    run = made.run.info.run_id;
    for (const [name, body] of Object.entries(files)) {
      const address = `${server.address}/api/2.0/mlflow-artifacts/artifacts/0/${run}/artifacts/${name}`;
      assert.equal((await fetch(address, { method: 'PUT', body })).status, 200);
    }
    browser = await openBrowser();
  });
  after(async () => {
    await browser?.close();
    await server?.[Symbol.asyncDispose]();
    await folder?.[Symbol.asyncDispose]();
  });

  const addressesOf = (name: string): readonly string[] => [
    `/get-artifact?run_uuid=${run}&path=${name}`,
    `/api/2.0/mlflow-artifacts/artifacts/0/${run}/artifacts/${name}`,
    `/ajax-api/2.0/mlflow-artifacts/artifacts/0/${run}/artifacts/${name}`,
    `/api/v1/runs/${ownRunId(run)}/artifacts/${name}`,
  ];
  const withPage = async (work: (page: Page) => Promise<void>): Promise<void> => {
    const context = await browser.newContext();
    try {
      await work(await context.newPage());
    } finally {
      await context.close();
    }
  };
  /** Nothing of a script is found where it would have left a trace. */
  const untouched = async (page: Page, what: string): Promise<void> => {
    const [kept, title] = await page.evaluate<readonly [string | null, string]>('[localStorage.getItem("taken"), document.title]');
    assert.deepEqual([kept, title === 'taken over'], [null, false], what);
    const found = await post<{ experiments: readonly { readonly name: string }[] }>(server.address, 'experiments/search', {
      max_results: 100,
    });
    assert.deepEqual(
      found.experiments.map(({ name }) => name),
      ['Default'],
      what,
    );
  };

  test('the script does leave its traces where it may run', async () => {
    await withPage(async (page) => {
      await page.goto(`${server.address}/experiments`);
      // What is compared with: the same words, run by the page itself.
      await page.evaluate(`(() => { ${script.replace(/try \{ fetch.*/, '')} })()`);
      assert.deepEqual(await page.evaluate('[localStorage.getItem("taken"), document.title]'), ['over', 'taken over']);
    });
  });

  test('an address that is opened is saved, never shown', async () => {
    await withPage(async (page) => {
      await page.goto(`${server.address}/experiments`);
      for (const name of Object.keys(files)) {
        for (const address of addressesOf(name)) {
          const download = page.waitForEvent('download');
          await page
            .goto(`${server.address}${address}`)
            .catch((error: unknown) => assert.match(String(error), /Download is starting|ERR_ABORTED/));
          await (await download).cancel();
          assert.equal(new URL(page.url()).pathname, '/experiments');
          await untouched(page, address);
        }
      }
    });
  });

  test('one that a page of ours embeds runs nothing', async () => {
    await withPage(async (page) => {
      await page.goto(`${server.address}/experiments`);
      for (const name of Object.keys(files)) {
        for (const address of addressesOf(name)) {
          await page.evaluate(`Promise.all(['iframe', 'embed', 'object', 'img', 'script'].map((kind) => new Promise((resolve) => {
            const element = document.createElement(kind);
            element.onload = element.onerror = resolve;
            element[kind === 'object' ? 'data' : 'src'] = ${JSON.stringify(address)};
            // A frame that saves its file instead tells nobody.
            setTimeout(resolve, 250);
            document.body.append(element);
          })))`);
          await untouched(page, address);
        }
      }
    });
  });

  test('previews on the run’s page draw them, and run nothing', async () => {
    await withPage(async (page) => {
      for (const name of ['page.html', 'drawing.svg', 'notes.md', 'script.js', 'feed.xml']) {
        await page.goto(`${server.address}/runs/${ownRunId(run)}?file=${name}`);
        await page.getByText(name).first().waitFor();
        const preview = page.getByRole('region', { name: `Preview of ${name}` });
        if (name === 'feed.xml') continue;
        await preview.waitFor();
        if (name === 'page.html') await preview.frameLocator('iframe').getByText('Drawn').waitFor();
        if (name === 'drawing.svg') {
          await preview.locator('img').waitFor();
          const drawn = await page.evaluate<number>(
            '(() => { const image = document.querySelector(".preview img"); return image.decode().then(() => image.naturalWidth); })()',
          );
          assert.equal(drawn, 60);
        }
        if (name === 'notes.md') {
          await preview.getByText('Notes').first().waitFor();
          assert.equal(await preview.locator('a[href^="javascript:"], img[onerror], script').count(), 0);
        }
        await untouched(page, `preview of ${name}`);
      }
    });
  });
});
