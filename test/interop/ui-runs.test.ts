import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { temporaryFolder, up, type Up } from '../harness/gyre-fixture.ts';
import { smallProject } from '../harness/projects-fixture.ts';
import { browserMissing, openBrowser } from './browser.ts';
import { pageViews } from './page-views.ts';

const runs = 300;
const minute = 60_000;

/** Runs as an MLflow client logs them, over the protocol. */
async function logRuns(server: Up): Promise<{ readonly experiment: string; readonly ids: readonly string[] }> {
  const mlflow = async <T>(path: string, body: unknown): Promise<T> => {
    const response = await fetch(`${server.address}/api/2.0/mlflow/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    assert.equal(response.status, 200, await response.clone().text());
    return (await response.json()) as T;
  };
  const { experiment_id: experiment } = await mlflow<{ experiment_id: string }>('experiments/create', { name: 'vision' });
  const ids: string[] = [];
  for (let at = 0; at < runs; at += 1) {
    const { run } = await mlflow<{ run: { info: { run_id: string } } }>('runs/create', {
      experiment_id: experiment,
      run_name: `run-${at}`,
      start_time: 1_780_000_000_000 + at * minute,
      tags: at === 1 && ids[0] !== undefined ? [{ key: 'mlflow.parentRunId', value: ids[0] }] : [],
    });
    const id = run.info.run_id;
    const steps = at < 12 ? 60 : 1;
    await mlflow('runs/log-batch', {
      run_id: id,
      metrics: Array.from({ length: steps }, (_, step) => [
        { key: 'loss', step, timestamp: 1_780_000_000_000 + at * minute + step * 500, value: (1 + at / 100) * Math.exp(-step / 20) },
        { key: 'system/cpu_utilization_percentage', step, timestamp: 1_780_000_000_000 + step * 500, value: 40 + (step % 9) },
      ]).flat(),
      params: [
        { key: 'depth', value: String(2 + (at % 4)) },
        { key: 'lr', value: String(10 ** -(1 + (at % 3))) },
      ],
      tags: [{ key: 'team', value: at % 2 === 0 ? 'a' : 'b' }],
    });
    if (at % 5 !== 0) await mlflow('runs/update', { run_id: id, status: 'FINISHED', end_time: 1_780_000_000_000 + (at + 2) * minute });
    ids.push(id);
  }
  await mlflow('runs/set-tag', { run_id: ids[0], key: 'mlflow.note.content', value: '# What it is\n\nThe **first** of all.' });
  await mlflow('runs/log-inputs', {
    run_id: ids[0],
    datasets: [
      {
        tags: [{ key: 'mlflow.data.context', value: 'training' }],
        dataset: { name: 'pictures', digest: 'abc123', source_type: 'local', source: '{"uri": "pictures.csv"}' },
      },
    ],
  });
  const files: Readonly<Record<string, string>> = {
    'report.md': '# Report\n\n- it learns',
    'table.csv': 'name,score\n"a, b",1\n',
    'facts.json': '{"a":[1,2]}',
    'page.html': '<h1>Drawn</h1><script>parent.document.title = "taken over"</script>',
    'plots/dot.svg': '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40"><circle cx="20" cy="20" r="15"/></svg>',
  };
  for (const [path, body] of Object.entries(files)) {
    const address = `${server.address}/api/2.0/mlflow-artifacts/artifacts/${experiment}/${ids[0]}/artifacts/${path}`;
    const put = await fetch(address, { method: 'PUT', body, headers: { 'content-type': 'application/octet-stream' } });
    assert.equal(put.status, 200, await put.text());
  }
  return {
    experiment,
    ids: ids.map((id) => [id.slice(0, 8), id.slice(8, 12), id.slice(12, 16), id.slice(16, 20), id.slice(20)].join('-')),
  };
}

describe('the pages of runs', { skip: browserMissing }, () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let server: Up;
  let browser: Browser;
  let experiment = '';
  let ids: readonly string[] = [];

  before(async () => {
    folder = await temporaryFolder();
    server = await up({ cwd: await smallProject(folder.path), env: { GYRE_PORT: '0' } });
    ({ experiment, ids } = await logRuns(server));
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
  const at = (query = ''): string => `${server.address}/experiments/${experiment}${query}`;
  const firstRun = (page: Page): Promise<string> => page.locator('.run-grid tbody a').first().innerText();
  const says = (page: Page, words: RegExp | string): Promise<void> => page.locator('main').getByText(words).first().waitFor();

  test('the table of an experiment shows its newest runs with their metrics and parameters', async () => {
    await shows(`/experiments/${experiment}`, ['vision', `of ${runs} runs`, 'run-299', 'loss', 'depth', 'running', 'finished']);
    await shows('/experiments', ['vision', 'Studies', 'run-299']);
  });

  test('the whole table is scrolled through, and every row comes', async () => {
    await withTab('light', async ({ page, open }) => {
      await open(at());
      await page.locator('.run-grid-scroll').focus();
      await page.keyboard.press('End');
      await page.getByText('run-0', { exact: true }).waitFor();
      await says(page, `run ${runs} of ${runs}: run-0`);
      await page.keyboard.press('Home');
      await says(page, `run 1 of ${runs}: run-299`);
      await page.keyboard.press('j');
      await page.keyboard.press('x');
      await says(page, '1 run selected');
      await page.keyboard.press('Enter');
      await page.waitForURL('**/runs/*');
    });
  });

  test('a filter is completed while it is written, says where it is wrong, and stands in the address', async () => {
    await withTab('light', async (tab) => {
      const { page, open } = tab;
      await open(at());
      const box = page.getByRole('combobox', { name: 'Filter of runs' });
      await box.pressSequentially('params.dep');
      await page.getByRole('option', { name: 'params.depth' }).waitFor();
      await isWhole(tab, 'filter completion');
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('Tab');
      await page.keyboard.type('= ');
      await page.getByRole('option', { name: "'3'" }).waitFor();
      await page.keyboard.type('oops');
      await page.keyboard.press('Enter');
      await page.getByText(/At character \d+/).waitFor();
      await isWhole(tab, 'filter that is wrong');
      await box.fill("params.depth = '3' AND metrics.loss < 1.5");
      await page.keyboard.press('Enter');
      await says(page, /of \d\d runs/);
      assert.equal(new URL(page.url()).searchParams.get('filter'), "params.depth = '3' AND metrics.loss < 1.5");
    });
  });

  test('a head sorts, the address keeps it, and it is there again after a reload', async () => {
    await withTab('light', async ({ page, open }) => {
      await open(at());
      await page.getByRole('button', { name: 'loss', exact: true }).click();
      await page.waitForURL('**sort=metrics.loss**');
      await page.getByText('run-0', { exact: true }).waitFor();
      await page.reload();
      await page.locator('.run-grid tbody a').first().waitFor();
      assert.equal(await firstRun(page), 'run-0');
    });
  });

  test('columns are chosen, pinned, drawn as lines and made wider; all of it stands in the address', async () => {
    await withTab('light', async (tab) => {
      const { page, open } = tab;
      await open(at('?sort=metrics.loss'));
      await page.getByRole('button', { name: 'Columns' }).click();
      await page.getByRole('button', { name: 'Line of metrics.loss' }).click();
      await page.getByRole('button', { name: 'Pin params.lr' }).click();
      await page.getByLabel('Add a column').fill('tags.te');
      await page.getByRole('button', { name: '+ tags.team' }).click();
      await isWhole(tab, 'choosing columns');
      await page.getByRole('button', { name: 'Done' }).click();
      await page.locator('.run-grid .sparkline').first().waitFor();
      await page.getByRole('separator', { name: 'Width of lr' }).press('ArrowRight');
      await page.waitForURL('**widths=params.lr**');
      assert.deepEqual(
        await page
          .locator('.run-grid thead th .head-text')
          .allInnerTexts()
          .then((heads) => heads.slice(0, 2)),
        ['Run', 'lr'],
      );
      await isWhole(tab, 'chosen columns');
    });
  });

  test('runs are grouped by a parameter with mean and range, and a group is gone into', async () => {
    await shows(`/experiments/${experiment}?group=depth`, ['depth', 'loss, mean (range)', /\d \(.+ to .+\)/]);
    await withTab('light', async ({ page, open }) => {
      await open(at('?group=depth'));
      await page.getByRole('region', { name: 'Runs by depth, table' }).getByRole('button', { name: '4', exact: true }).click();
      await says(page, 'of 75 runs');
    });
  });

  test('selected runs are tagged, deleted and restored', async () => {
    await withTab('dark', async (tab) => {
      const { page, open } = tab;
      await open(at("?filter=attributes.run_name+LIKE+'run-29%25'"));
      await page.getByLabel('Select run-299').check();
      await page.getByLabel('Select run-298').check();
      await page.getByRole('button', { name: 'Tag', exact: true }).click();
      await page.getByLabel('Tags, one a line').fill('keep=yes');
      await isWhole(tab, 'tagging runs');
      await page.getByRole('dialog').getByRole('button', { name: 'Tag', exact: true }).click();
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      await open(at('?filter=tags.keep+=+"yes"'));
      await says(page, 'runs 1 to 2 of 2 runs');
      await page.getByLabel('Select run-299').check();
      await page.getByRole('button', { name: 'Delete', exact: true }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true }).click();
      await says(page, 'runs 1 to 1 of 1 run');
      await open(at('?view=deleted'));
      await page.getByLabel('Select run-299').check();
      await page.getByRole('button', { name: 'Restore', exact: true }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Restore', exact: true }).click();
      await says(page, 'no runs');
    });
  });

  test('a new run and what it logs appear by themselves, and what is shown is saved as CSV', async () => {
    await withTab('light', async ({ page, open }) => {
      await open(at("?filter=attributes.run_name+LIKE+'late%25'"));
      await says(page, 'no runs');
      const body = JSON.stringify({ experiment_id: experiment, run_name: 'late, of course', start_time: 1 });
      const headers = { 'content-type': 'application/json' };
      const mlflow = `${server.address}/api/2.0/mlflow/runs`;
      const created = await fetch(`${mlflow}/create`, { method: 'POST', headers, body });
      await page.getByText('late, of course').waitFor();
      const { run } = (await created.json()) as { run: { info: { run_id: string } } };
      const point = { run_id: run.info.run_id, key: 'loss', value: 0.4242, timestamp: 1, step: 0 };
      await fetch(`${mlflow}/log-metric`, { method: 'POST', headers, body: JSON.stringify(point) });
      await page.getByText('0.424', { exact: true }).waitFor();
      const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'CSV' }).click()]);
      const stream = await download.createReadStream();
      const text = Buffer.concat(await stream.toArray()).toString('utf8');
      assert.match(text, /^Id,Run,Status,metrics\.loss,/);
      assert.match(text, /"late, of course",RUNNING/);
    });
  });

  test('runs are compared: lines over each other, and side by side with what differs marked', async () => {
    const chosen = ids.slice(0, 4).join(',');
    await shows(`/compare?runs=${chosen}`, ['Compare 4 runs', '2 parameters differ', 'Charts', 'loss', 'Parameters', 'depth']);
    await withTab('dark', async (tab) => {
      const { page, open } = tab;
      await open(`${server.address}/compare?runs=${chosen}&x=relative&smooth=0.6&log=y&by=lr`);
      await page.locator('.line-figure canvas').first().waitFor();
      await says(page, 'lr 0.1');
      await page.locator('.parallel').first().waitFor();
      await page.locator('circle.mark').first().waitFor();
      await isWhole(tab, 'compare grouped');
      await open(`${server.address}/compare?runs=${chosen}&x=metric.system/cpu_utilization_percentage&metrics=loss`);
      await page.locator('.line-figure canvas').first().waitFor();
      await isWhole(tab, 'compare over a metric');
      const answered = page.waitForResponse('**/api/v1/runs/series');
      await page.getByRole('combobox', { name: /^over/ }).selectOption('step');
      await answered;
      await page.getByRole('img', { name: 'loss of 4 runs over step' }).waitFor();
      const canvas = page.locator('.line-figure .u-over').first();
      await canvas.hover({ position: { x: 60, y: 40 } });
      await page.mouse.down();
      await canvas.hover({ position: { x: 200, y: 60 } });
      await page.mouse.up();
      await page.waitForURL('**from=**to=**');
      await page.getByRole('button', { name: 'Show all' }).click();
      await page.waitForURL((url) => !url.search.includes('from='));
    });
  });

  test('a figure follows a run that goes on', async () => {
    await withTab('light', async ({ page, open }) => {
      await open(`${server.address}/compare?runs=${ids[5]}&metrics=loss`);
      const figure = page.getByRole('region', { name: 'loss', exact: true });
      await figure.locator('canvas').waitFor();
      const body = JSON.stringify({ run_id: ids[5], key: 'loss', value: 0.7777, timestamp: 1_790_000_000_000, step: 90 });
      const headers = { 'content-type': 'application/json' };
      const logged = await fetch(`${server.address}/api/2.0/mlflow/runs/log-metric`, { method: 'POST', headers, body });
      assert.equal(logged.status, 200, await logged.text());
      await figure.getByText('0.778').waitFor();
    });
  });

  test('groups of runs are drawn as boxes and as bars', async () => {
    const chosen = ids.slice(0, 12).join(',');
    await withTab('dark', async (tab) => {
      const { page, open } = tab;
      await open(`${server.address}/compare?runs=${chosen}&across=depth`);
      const card = page.getByRole('region', { name: 'A metric by groups' });
      await card.locator('.box').nth(3).waitFor();
      assert.equal(await card.locator('.box').count(), 4);
      await isWhole(tab, 'boxes by group');
      await card.getByLabel('Shape').selectOption('bar');
      await page.waitForURL('**shape=bar**');
      await card.locator('rect.bar').nth(3).waitFor();
      assert.equal(await card.locator('.box').count(), 0);
      await isWhole(tab, 'bars by group');
    });
  });

  test('a view is saved under a name, opens from the list and by its link, and is deleted', async () => {
    await withTab('light', async (tab) => {
      const { page, open } = tab;
      await open(at('?sort=metrics.loss&group=depth'));
      await page.getByRole('button', { name: 'Save view' }).click();
      await page.getByLabel('Name').fill('best first');
      await page.getByRole('dialog').getByRole('button', { name: 'Save view' }).click();
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      await open(at());
      await page.getByRole('combobox', { name: 'Saved view' }).selectOption('best first');
      await page.waitForURL('**sort=metrics.loss**');
      const { items } = (await (await fetch(`${server.address}/api/v1/views?experiment=${experiment}`)).json()) as {
        items: { id: string }[];
      };
      assert.equal(items.length, 1);
      await open(`${server.address}/views/${items[0]?.id}`);
      await page.waitForURL(`**/experiments/${experiment}?sort=metrics.loss&group=depth`);
      await page.getByRole('button', { name: 'All views' }).click();
      await page.getByRole('dialog').getByRole('link', { name: 'best first' }).waitFor();
      await isWhole(tab, 'saved views');
      await page.getByRole('button', { name: 'Delete', exact: true }).click();
      await page.getByRole('dialog', { name: 'Delete' }).getByRole('button', { name: 'Delete', exact: true }).click();
      await page.getByRole('combobox', { name: 'Saved view', includeHidden: true }).waitFor({ state: 'detached' });
    });
  });

  test('a report is written beside its preview, its figures are live, others may not be overwritten, and old versions stay', async () => {
    await shows('/reports', ['Reports', 'No report yet.']);
    const text = [
      '# Depth',
      '',
      '<b onclick="alert(1)">not bold</b>',
      '',
      '```chart',
      'metric: loss',
      'experiment: vision',
      "filter: params.depth = '2'",
      'by: lr',
      '```',
      '',
      '```chart',
      'kind: box',
      'metric: loss',
      'by: depth',
      '```',
      '',
      '```chart',
      'kind: table',
      'metric: loss',
      'experiment: nowhere',
      '```',
      '',
    ].join('\n');
    let path = '';
    await withTab('light', async (tab) => {
      const { page, open } = tab;
      await open(`${server.address}/reports/new`);
      await page.getByLabel('Title').fill('Depth matters');
      await page.getByLabel('Markdown').fill(text);
      await page.getByRole('region', { name: 'Preview' }).locator('canvas').first().waitFor();
      await isWhole(tab, 'writing a report');
      await page.getByRole('button', { name: 'Save', exact: true }).click();
      await page.waitForURL((url) => /\/reports\/(?!new)/.test(url.pathname));
      path = new URL(page.url()).pathname;
      const change = { title: 'Depth matters', text: `${text}\nSeen twice.`, basedOn: 1 };
      await page.getByRole('button', { name: 'Edit' }).click();
      await page.getByLabel('Markdown').fill('mine');
      const headers = { 'content-type': 'application/json' };
      const other = await fetch(`${server.address}/api/v1${path}`, { method: 'PUT', headers, body: JSON.stringify(change) });
      assert.equal(other.status, 200);
      await page.getByRole('button', { name: 'Save', exact: true }).click();
      await says(page, /Not saved, and still here: .*version 2/);
      assert.equal(await page.getByLabel('Markdown').inputValue(), 'mine');
    });
    await shows(path, [
      'Depth matters',
      'version 2',
      'Seen twice.',
      '<b onclick="alert(1)">not bold</b>',
      'There is no experiment “nowhere”',
      'History',
    ]);
    await withTab('dark', async (tab) => {
      const { page, open } = tab;
      await open(`${server.address}${path}`);
      await page.locator('.box').first().waitFor();
      await page.locator('.line-figure canvas').first().waitFor();
      await isWhole(tab, 'report with figures');
      await page.getByRole('link', { name: '1', exact: true }).click();
      await says(page, 'the newest version');
      assert.equal(await page.getByText('Seen twice.').count(), 0);
      await open(`${server.address}/reports`);
      await page.getByRole('link', { name: 'Depth matters' }).waitFor();
    });
  });

  test('a run that was logged from outside shows what was logged, what is missing, its description and its child', async () => {
    await shows(`/runs/${ids[0]}`, [
      'Metrics, last and range',
      'System metrics',
      'What it is',
      'pictures',
      'training',
      'run-1',
      'To have it again',
      'no commit was logged',
      /^gyre checkout [0-9a-f]{32} --to run-/,
    ]);
    await withTab('light', async ({ page, open }) => {
      await open(`${server.address}/runs/${ids[1]}`);
      await says(page, 'Part of');
      await page.getByRole('button', { name: 'Delete', exact: true }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true }).click();
      await says(page, 'This run is deleted');
      await page.getByRole('button', { name: 'Restore', exact: true }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Restore', exact: true }).click();
      await page.getByText('This run is deleted').waitFor({ state: 'detached' });
    });
  });

  test('files of a run are looked at, and nothing in them runs', async () => {
    await withTab('light', async (tab) => {
      const { page, open } = tab;
      await open(`${server.address}/runs/${ids[0]}`);
      const look = async (name: string): Promise<void> => {
        await page.getByRole('button', { name: `Show ${name}` }).click();
        await page.getByRole('region', { name: `Preview of ${name}` }).waitFor();
      };
      await look('report.md');
      await says(page, 'it learns');
      await look('table.csv');
      await says(page, 'a, b');
      await look('facts.json');
      await page.locator('.preview-text').waitFor();
      await isWhole(tab, 'preview of JSON');
      await look('page.html');
      await page.frameLocator('iframe').getByText('Drawn').waitFor();
      assert.doesNotMatch(await page.title(), /taken over/);
      await page.getByRole('button', { name: 'plots/' }).click();
      await look('plots/dot.svg');
      await page.locator('.preview-image').waitFor();
    });
  });
});
