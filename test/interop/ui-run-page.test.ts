import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import type { PipelineRun, Run, RunClone } from '#contract';
import { eventually, temporaryFolder, up, type Up } from '../harness/gyre-fixture.ts';
import { commitAll, edit, smallProject } from '../harness/projects-fixture.ts';
import { browserMissing, openBrowser, settled } from './browser.ts';
import { pageViews } from './page-views.ts';

/** A second of silence as WAV: 8,000 samples of 8 bits. */
function silence(): Blob {
  const [samples, head] = [8000, Buffer.alloc(44)];
  head.write('RIFF', 0);
  head.writeUInt32LE(36 + samples, 4);
  head.write('WAVEfmt ', 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(8000, 24);
  head.writeUInt32LE(8000, 28);
  head.writeUInt16LE(1, 32);
  head.writeUInt16LE(8, 34);
  head.write('data', 36);
  head.writeUInt32LE(samples, 40);
  return new Blob([head, Buffer.alloc(samples, 128)]);
}

const picture = (colour: string): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="120" height="80"><rect width="120" height="80" fill="${colour}"/></svg>`;

describe('the page of a run', { skip: browserMissing }, () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let server: Up;
  let browser: Browser;
  let ours: Run;
  let clone = '';
  const foreign: string[] = [];

  const mlflow = async <T>(path: string, body: unknown): Promise<T> => {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${server.address}/api/2.0/mlflow/${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    assert.equal(response.status, 200, await response.clone().text());
    return (await response.json()) as T;
  };
  const put = async (run: string, path: string, body: string | Blob): Promise<void> => {
    const address = `${server.address}/api/2.0/mlflow-artifacts/artifacts/0/${run}/artifacts/${path}`;
    assert.equal((await fetch(address, { method: 'PUT', body })).status, 200);
  };
  const finished = async (id: string): Promise<PipelineRun> => {
    let run: PipelineRun | undefined;
    await eventually(
      'the pipeline run ends',
      async () => {
        run = await server.get<PipelineRun>(`pipeline-runs/${id}`);
        return run.endedAt !== undefined;
      },
      120_000,
    );
    assert.ok(run?.state === 'succeeded', JSON.stringify(run?.steps.map(({ step, error }) => [step, error])));
    return run;
  };

  before(async () => {
    folder = await temporaryFolder();
    const project = await smallProject(folder.path);
    await writeFile(join(project, '.gitignore'), '.gyre*\npeople.csv\n');
    commitAll(project);
    await edit(join(project, 'gyre.yaml'), (text) => text.replace('Who cancels?', 'Who cancels, and when?'));
    server = await up({ cwd: project });
    const { body } = await server.post<PipelineRun>('pipeline-runs', { reason: 'a test' });
    await finished(body.id);
    const { items } = await server.get<{ items: Run[] }>('runs?limit=10');
    const found = items.find(({ trainer }) => trainer === 'logistic');
    assert.ok(found !== undefined);
    ours = found;
    await edit(join(project, 'gyre.yaml'), (text) => text.replace('and when?', 'and why?'));
    const cloned = await server.post<RunClone>(`runs/${ours.id}/clone`, { parameters: { l2: 7 }, name: 'softer' });
    assert.equal(cloned.status, 201, JSON.stringify(cloned.body));
    const trained = await finished(cloned.body.pipelineRun ?? '');
    clone = String(trained.steps[0]?.outputs?.['run']);
    for (const [at, colour] of ['crimson', 'teal'].entries()) {
      const { run } = await mlflow<{ run: { info: { run_id: string } } }>('runs/create', {
        experiment_id: '0',
        run_name: `theirs ${at}`,
        start_time: 1,
      });
      const id = run.info.run_id;
      foreign.push(id);
      await mlflow('runs/log-parameter', { run_id: id, key: 'lr', value: String(at) });
      await put(id, 'plots/confusion.svg', picture(colour));
      await put(id, 'requirements.txt', `numpy==2.${at}.0\nscipy==1.16.1\n`);
    }
    await put(foreign[0] ?? '', 'speech.wav', silence());
    await put(foreign[0] ?? '', 'train.log', 'epoch 1\nepoch 2\n');
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
  /** Somebody with the owner's roles, by a one-time code. */
  const signIn = async (page: Page): Promise<void> => {
    const { body } = await server.post<{ readonly path: string }>('one-time-codes');
    await page.goto(`${server.address}${body.path}`);
    await settled(page);
  };
  const says = (page: Page, words: RegExp | string): Promise<void> => page.locator('main').getByText(words).first().waitFor();

  test('of ours says how to have it again, what was not committed, its log, and what was cloned from it', async () => {
    await shows(`/runs/${ours.id}`, [
      'To have it again',
      /^gyre checkout [0-9a-f]{32} --to run-/,
      'people.csv',
      'What was not committed',
      /after \d+ iterations/,
      'Clones',
      'softer',
      'Comments',
    ]);
  });

  test('that is a clone names its source, and shows how its code differs', async () => {
    await withTab('dark', async (tab) => {
      const { page, open } = tab;
      await open(`${server.address}/runs/${clone}`);
      await says(page, 'Cloned from');
      await page.getByText('Changes since the run that it came from').click();
      await says(page, '1 file changed: 1 line added, 1 line removed.');
      await says(page, /\+ {2}problem: Who cancels, and why\?/);
      await isWhole(tab, 'changes since the source');
    });
  });

  test('draws the graph of its model, and plays sound', async () => {
    await withTab('light', async (tab) => {
      const { page, open } = tab;
      await open(`${server.address}/runs/${ours.id}?file=model.onnx`);
      await page.locator('.model-graph rect').first().waitFor();
      await says(page, 'probabilities (FLOAT N × 2)');
      await isWhole(tab, 'graph of a model');
      await open(`${server.address}/runs/${foreign[0]}?file=speech.wav`);
      await page.locator('audio').waitFor();
      const length = await page.evaluate<number>(`new Promise((known) => {
        const audio = document.querySelector('audio');
        const tell = () => known(audio.duration);
        if (audio.readyState >= 1) tell();
        else audio.addEventListener('loadedmetadata', tell);
      })`);
      assert.equal(length, 1);
      await isWhole(tab, 'preview of sound');
    });
  });

  test('shows the lines of a log as they come', async () => {
    await withTab('light', async ({ page, open }) => {
      await open(`${server.address}/runs/${foreign[0]}`);
      await says(page, /epoch 2/);
      await put(foreign[0] ?? '', 'train.log', 'epoch 1\nepoch 2\nepoch 3\n');
      await says(page, /epoch 3/);
    });
  });

  test('takes comments, which reach whom they mention', async () => {
    await withTab('light', async (tab) => {
      const { page, open } = tab;
      await open(`${server.address}/runs/${foreign[1]}`);
      await page.getByRole('textbox', { name: 'Comment' }).fill('Better than before, @local-owner? **Why?** @owner');
      await page.getByRole('button', { name: 'Comment', exact: true }).click();
      await says(page, 'Why?');
      await isWhole(tab, 'a comment');
      await page.getByRole('button', { name: 'Edit' }).click();
      await page.getByRole('textbox', { name: 'Change the comment' }).fill('Better than before. @owner');
      await page.getByRole('button', { name: 'Change the comment' }).click();
      await says(page, 'changed');
    });
    await withTab('dark', async (tab) => {
      const { page } = tab;
      await signIn(page);
      await page.getByRole('link', { name: 'Mentions, 1 new' }).click();
      await says(page, 'New: theirs 1');
      await isWhole(tab, 'mentions');
      await page.getByRole('link', { name: 'Answer' }).click();
      await says(page, 'Better than before.');
      await page.getByRole('link', { name: 'Mentions', exact: true }).waitFor();
    });
  });

  test('is cloned with another parameter by a form', async () => {
    await withTab('light', async (tab) => {
      const { page, open } = tab;
      await signIn(page);
      await open(`${server.address}/runs/${ours.id}`);
      await page.getByRole('button', { name: 'Clone', exact: true }).click();
      await page.getByLabel('l2').fill('3');
      await isWhole(tab, 'cloning');
      await page.getByRole('dialog').getByRole('button', { name: 'Clone' }).click();
      await page.waitForURL('**/pipelines/*');
      await finished(page.url().split('/').at(-1) ?? '');
    });
    const { items } = await server.get<{ items: Run[] }>('runs?limit=1');
    assert.equal(items[0]?.parameters['l2'], 3);
    assert.equal(items[0]?.tags['gyre.cloned_from'], ours.id.replaceAll('-', ''));
  });

  test('is compared: code line by line, packages, dataset versions, and pictures one over the other', async () => {
    await shows(`/compare?runs=${ours.id},${clone}`, ['Code', '1 file changed: 1 line added, 1 line removed.', 'Data', 'none']);
    await withTab('light', async (tab) => {
      const { page, open } = tab;
      await open(`${server.address}/compare?runs=${foreign.join(',')}`);
      await says(page, '1 package differs.');
      await says(page, 'of "theirs 0" no commit is on record');
      const slider = page.getByRole('slider', { name: 'How much of the picture' });
      await slider.focus();
      await page.keyboard.press('Home');
      assert.equal(await slider.inputValue(), '0');
      await page.keyboard.press('End');
      await page.keyboard.press('ArrowLeft');
      assert.equal(await slider.inputValue(), '99');
      await slider.fill('40');
      await isWhole(tab, 'pictures compared');
    });
  });
});
