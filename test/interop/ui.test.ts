import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Alert, ApplicationTestReport, DatasetVersion, JudgedVersion, PipelineRun, Prediction, Run, Split, Window } from '#contract';
import type { Browser } from 'playwright-core';
import { done, start, temporaryFolder, up, type Place, type Up } from '../harness/gyre-fixture.ts';
import { copyOfExample, fewTrials } from '../harness/projects-fixture.ts';
import { axeFindings, browserMissing, openBrowser, openTab, overflow, settled, type Tab } from './browser.ts';
import { askByTheForm } from './endpoint-form.ts';

/** A page, and what it has to say about the records that the demo left. */
interface Expected {
  readonly name: string;
  readonly path: string;
  readonly shows: readonly (string | RegExp)[];
}

interface List<T> {
  readonly items: readonly T[];
}

function first<T>(items: readonly T[], wanted: (item: T) => boolean = () => true): T {
  const found = items.find(wanted);
  assert.ok(found !== undefined, 'the demo left no such record');
  return found;
}

/** Every page with real records, and the words and figures that only those records give it. */
async function pagesOf(server: Up): Promise<readonly Expected[]> {
  const list = async <T>(path: string): Promise<readonly T[]> => (await server.get<List<T>>(path)).items;
  const whole = first(
    await list<DatasetVersion>('datasets?limit=100'),
    ({ dataset, part }) => dataset === 'customers' && part === undefined,
  );
  const recent = first(
    await list<DatasetVersion>('datasets?limit=100'),
    ({ dataset, part }) => dataset === 'customers-recent' && part === undefined,
  );
  const split = first(await list<Split>(`datasets/${whole.digest}/splits`));
  const version = await server.get<JudgedVersion>('models/churn/versions/2');
  const run = await server.get<Run>(`runs/${version.run}`);
  const pipeline = first(await list<PipelineRun>('pipeline-runs'), (one) => one.pipeline === 'retrain');
  const report = first(await list<ApplicationTestReport>('application-tests'));
  const windows = await list<Window>('windows?first=newest&limit=50&environment=production');
  const low = first(windows, ({ performance }) => performance.some(({ met }) => met === false));
  const alert = first(await list<Alert>('alerts'));
  const prediction = first(await list<Prediction>('predictions?first=newest&limit=1'));
  const short = (digest: string): string => digest.slice(0, 12);
  return [
    { name: 'loop', path: '/', shows: ['data', 'training', 'certificate', 'live', 'Waiting for you', 'What happened', /version 2/] },
    { name: 'charter', path: '/charter', shows: ['Mara Lindqvist', 'ROC AUC ≥ 0.80', 'Legal basis'] },
    { name: 'data', path: '/data', shows: ['customers-recent', short(whole.digest), '0.96', 'recent-validation'] },
    { name: 'datasets', path: '/datasets/customers', shows: ['7043 rows', 'completeness', short(whole.digest), 'data/telco-churn.csv'] },
    {
      name: 'dataset',
      path: `/data/${whole.digest}`,
      shows: ['7043', 'completeness', 'relevance', 'MonthlyCharges', 'With Churn', 'Month-to-month', 'reference'],
    },
    {
      name: 'column',
      path: `/data/${whole.digest}?column=MonthlyCharges`,
      shows: ['Column MonthlyCharges', 'the last monthly bill in US dollars', 'median 70.35', 'Expected max'],
    },
    {
      name: 'difference',
      path: `/data/${whole.digest}/diff/${recent.digest}`,
      shows: [`${short(whole.digest)} to ${short(recent.digest)}`, /6243 removed/, 'Changed cells', 'InternetService'],
    },
    { name: 'split', path: `/splits/${split.id}`, shows: ['customers by customerID', 'Share of Churn = Yes'] },
    { name: 'pipelines', path: '/pipelines', shows: ['retrain', 'succeeded', 'Run the pipeline'] },
    { name: 'pipeline', path: `/pipelines/${pipeline.id}`, shows: ['collect', 'evaluation.judge', 'labelled rows since'] },
    { name: 'experiments', path: '/experiments', shows: ['boosting', 'logistic', 'Studies'] },
    { name: 'study', path: `/studies/${run.study ?? ''}`, shows: ['trials', 'best'] },
    { name: 'run', path: `/runs/${run.id}`, shows: [run.name, 'Metrics by step', 'model.onnx', 'linux'] },
    {
      name: 'transform',
      path: `/transforms/${first(run.inputs, ({ role }) => role === 'transform').digest}`,
      shows: ['charges_per_month', 'features'],
    },
    { name: 'models', path: '/models', shows: ['champion', 'version 2', 'version 1'] },
    { name: 'model', path: '/models/churn', shows: ['champion: version 2'] },
    {
      name: 'version',
      path: '/models/churn/2',
      shows: [
        'tests passed',
        'live in',
        'Champion against challenger',
        'ROC curve',
        'Calibration',
        'Confusion matrix',
        'sim-quentin',
        'sim-olga',
        short(version.package),
        'model.onnx',
      ],
    },
    { name: 'version by id', path: `/versions/${version.id}`, shows: ['churn version 2'] },
    {
      name: 'report',
      path: `/test-reports/${version.testReport ?? ''}`,
      shows: ['every gate passed', 'Slices', 'Month-to-month', 'Fairness'],
    },
    { name: 'certification', path: '/certification', shows: ['all 27 passed', 'certified'] },
    {
      name: 'application test',
      path: `/certification/${report.id}`,
      shows: [
        'It says what the model says',
        'not asked',
        'unseen categories',
        'Worst errors',
        'bad input',
        'Under load',
        'Certify',
        'needs the role QA expert',
        'sim-quentin',
      ],
    },
    { name: 'releases', path: '/releases', shows: ['production', 'superseded', 'first release', 'needs the role'] },
    { name: 'endpoints', path: '/endpoints', shows: ['churn in production', 'answers', 'Requests a second'] },
    {
      name: 'endpoint',
      path: '/endpoints/production',
      shows: ['100 %', 'inline, by Gyre itself', 'Try it', 'tenure', 'The same request as', 'curl -s', 'Last predictions', 'Prometheus'],
    },
    {
      name: 'environments',
      path: '/environments',
      shows: ['answers', '/v2/models/churn', 'Roll production back', 'needs the role operator'],
    },
    {
      name: 'health',
      path: '/monitor',
      shows: ['Health of production', 'Accuracy', 'Drift by column', 'InternetService', 'Volume', 'Latency', 'too low'],
    },
    { name: 'window', path: `/monitor/${low.id}`, shows: ['misses', 'What moved', ...low.driftedColumns.slice(0, 2)] },
    { name: 'alerts', path: '/alerts', shows: ['No alert is open', 'resolved', 'retrain'] },
    { name: 'alert', path: `/alerts/${alert.id}`, shows: [alert.cause, 'Columns that moved', 'the challenger is better'] },
    { name: 'predictions', path: '/predictions', shows: ['churn version 2', /as said/] },
    {
      name: 'prediction',
      path: `/predictions/${prediction.id}`,
      shows: ['add up to the margin', 'Chain of evidence', 'complete', 'verified', 'tenure'],
    },
    { name: 'trace', path: `/trace/model_version/${version.id}`, shows: ['Chain of evidence', 'source'] },
    { name: 'audit', path: '/audit', shows: ['the chain is intact', 'deployment.live', 'sim-otto'] },
    { name: 'access', path: '/access', shows: ['local', 'Identities and tokens are an admin'] },
    { name: 'no page', path: '/nowhere', shows: ['No such page'] },
  ];
}

describe('the web pages', { skip: browserMissing }, () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let place: Place;
  let server: Up;
  let browser: Browser;
  let pages: readonly Expected[];

  before(async () => {
    folder = await temporaryFolder();
    const example = await copyOfExample(folder.path);
    await fewTrials(example.folder);
    place = { cwd: example.folder, env: { GYRE_PORT: '0' } };
    await done(['demo', '--exit', '-C', example.folder], place);
    server = await up(place);
    browser = await openBrowser();
    pages = await pagesOf(server);
  });
  after(async () => {
    await browser?.close();
    await server?.[Symbol.asyncDispose]();
    await folder?.[Symbol.asyncDispose]();
  });

  /** A tab in a profile of its own, closed with the test. */
  const withTab = async (
    settings: { readonly theme?: 'light' | 'dark'; readonly width?: number; readonly height?: number; readonly still?: boolean },
    work: (tab: Tab) => Promise<void>,
  ): Promise<void> => {
    const { theme = 'light', width = 1280, height = 900, still = false } = settings;
    const context = await browser.newContext({
      viewport: { width, height },
      colorScheme: theme,
      reducedMotion: still ? 'reduce' : 'no-preference',
    });
    try {
      await work(await openTab(context));
    } finally {
      await context.close();
    }
  };
  const at = (path: string): string => `${server.address}${path}`;

  for (const theme of ['light', 'dark'] as const) {
    test(`show the records of a whole loop, with no finding of axe and no complaint of the browser, ${theme}`, async () => {
      const shots = process.env['GYRE_SHOTS'];
      if (shots !== undefined) await mkdir(shots, { recursive: true });
      await withTab({ theme }, async ({ page, open, complaints }) => {
        for (const { name, path, shows } of pages) {
          await open(at(path));
          for (const words of shows)
            await page
              .locator('main')
              .getByText(words)
              .first()
              .waitFor({ state: 'attached', timeout: 10_000 })
              .catch(() => assert.fail(`${name}: ${String(words)} is not shown`));
          assert.deepEqual(await axeFindings(page), [], name);
          assert.deepEqual(complaints(), [], name);
          assert.ok((await overflow(page)) <= 0, `${name} is wider than 1280 px`);
          if (shots !== undefined)
            await page.screenshot({ path: join(shots, `${name.replaceAll(' ', '-')}-${theme}.png`), fullPage: true });
        }
      });
    });
  }

  test('fit a telephone: nothing is wider than 390 px', async () => {
    await withTab({ width: 390, height: 844 }, async ({ page, open }) => {
      for (const { name, path } of pages) {
        await open(at(path));
        assert.ok((await overflow(page)) <= 0, `${name} scrolls sideways`);
      }
      await page.getByRole('button', { name: 'Pages' }).click();
      await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Models', exact: true }).click();
      await page.getByRole('heading', { level: 1, name: 'Models' }).waitFor();
    });
  });

  test('can be walked by keyboard alone', async () => {
    await withTab({ still: true }, async ({ page, open }) => {
      const focused = (): Promise<string> => page.evaluate<string>('document.activeElement?.textContent?.trim() ?? ""');
      const heading = (name: string | RegExp): Promise<void> => page.getByRole('heading', { level: 1, name }).waitFor();
      await open(at('/'));
      await page.keyboard.press('Tab');
      assert.equal(await focused(), 'Skip to the content');
      await page.keyboard.press('Enter');
      assert.equal(await page.evaluate('document.activeElement?.id'), 'main');

      await page.keyboard.press('?');
      await page.getByRole('dialog', { name: 'Keys' }).waitFor();
      assert.deepEqual(await axeFindings(page), []);
      await page.keyboard.press('Escape');

      await page.keyboard.press('g');
      await page.keyboard.press('d');
      await heading('Data');
      await page.locator('tbody tr[data-row]').first().waitFor();
      await page.keyboard.press('j');
      await page.keyboard.press('j');
      await page.keyboard.press('Enter');
      await heading('Dataset customers');
      await page.goBack();
      await heading('Data');

      await page.keyboard.press('Control+k');
      const search = page.getByRole('combobox', { name: /Search/ });
      await search.fill('churn@2');
      await page.getByRole('option', { name: /churn version 2/ }).waitFor();
      assert.deepEqual(await axeFindings(page), []);
      await page.keyboard.press('Enter');
      await heading(/churn version 2/);
    });
  });

  test('keep what is looked at in the address: a link shows the same rows in the same order', async () => {
    await withTab({}, async ({ page, open }) => {
      await open(at('/data'));
      const versions = page.getByRole('region', { name: 'All versions' });
      const names = (): Promise<readonly string[]> => versions.locator('tbody tr[data-row] td:nth-child(2)').allTextContents();
      await versions.getByRole('button', { name: 'Rows' }).click();
      await versions.getByRole('searchbox').fill('recent');
      const shown = await names();
      assert.ok(shown.length >= 3 && shown.every((part) => /recent|whole/.test(part)), shown.join());
      const address = page.url();
      assert.match(address, /versions\.sort=rows/);
      await open(address);
      assert.deepEqual(await names(), shown);
    });
  });

  test('scroll through all rows of a version, asking only for those in sight', async () => {
    await withTab({ still: true }, async ({ page, open, complaints }) => {
      const { items } = await server.get<List<DatasetVersion>>('datasets?dataset=customers&part=none');
      const whole = first(items);
      const asked: string[] = [];
      page.on('request', (request) => {
        if (request.url().includes('/rows?')) asked.push(new URL(request.url()).search);
      });
      await open(at(`/data/${whole.digest}`));
      const card = page.getByRole('region', { name: 'Rows', exact: true });
      const grid = card.getByRole('region', { name: 'Rows of this version, table' });
      await grid.getByText('Month-to-month').first().waitFor();
      assert.equal(await grid.getByText('7590-VHVEG').count(), 0, 'a personal column is masked for who may not see it');
      assert.ok((await grid.locator('tbody tr').count()) < 60, 'rows out of sight are not drawn');

      await grid.focus();
      await page.keyboard.press('End');
      await card.getByText('to 7043 of 7043 rows').waitFor();
      await card.getByLabel('Go to row').fill('5000');
      await page.keyboard.press('Enter');
      await card.getByText('rows 5000 to').waitFor();
      await page.keyboard.press('Home');
      assert.ok(asked.length <= 6, `asked ${asked.join(' ')}`);
      assert.deepEqual(await axeFindings(page), []);
      assert.deepEqual(complaints(), []);
    });
  });

  test('keep the colours that were chosen, against those of the system', async () => {
    await withTab({ theme: 'dark' }, async ({ page, open }) => {
      const paper = (): Promise<string> => page.evaluate<string>('getComputedStyle(document.documentElement).backgroundColor');
      await open(at('/models'));
      const dark = await paper();
      await page.getByRole('button', { name: /colours/ }).click();
      assert.notEqual(await paper(), dark);
      await page.reload();
      await settled(page);
      assert.notEqual(await paper(), dark);
    });
  });

  test('follow what happens without being loaded again', async () => {
    await withTab({}, async ({ page, open }) => {
      await open(at('/pipelines'));
      await page.getByText('live', { exact: true }).waitFor();
      const reason = 'the page is watched';
      await server.post('pipeline-runs', { reason });
      const row = page.getByRole('row', { name: new RegExp(reason) });
      await row.waitFor();
      await row.getByText('succeeded').waitFor({ timeout: 60_000 });
      await row.getByText(/cached/).waitFor();
    });
  });

  test('ask an endpoint by a form made of what its model takes, and give the request as a program', async () => {
    await withTab({}, async ({ page, open }) => {
      await open(at('/endpoints/production'));
      await askByTheForm(page);
      assert.deepEqual(await axeFindings(page), []);
      // The prediction comes into the log, and onto the page by itself.
      await page
        .getByRole('region', { name: 'Last predictions' })
        .getByRole('row')
        .nth(1)
        .getByText(/tenure 2,/)
        .waitFor({ timeout: 60_000 });
    });
  });

  test('let somebody sign in with a one-time link, and act: the release of the first version says what it does and asks for the name', async () => {
    await withTab({}, async ({ page, complaints }) => {
      const { body } = await server.post<{ readonly path: string }>('one-time-codes');
      await page.goto(at(body.path));
      await settled(page);
      await page.getByRole('button', { name: 'Sign out' }).waitFor();
      await page.goto(at('/environments'));
      await page.getByRole('button', { name: 'Roll production back' }).click();
      const dialog = page.getByRole('dialog', { name: 'Roll production back' });
      await dialog.getByText(/from churn version 2 to churn version 1/).waitFor();
      assert.deepEqual(await axeFindings(page), []);
      const button = dialog.getByRole('button', { name: 'Roll production back' });
      assert.equal(await button.isDisabled(), true);
      await dialog.getByLabel('Reason').fill('the test goes back');
      await dialog.getByLabel(/Type production/).fill('production');
      await button.click();
      await dialog.waitFor({ state: 'hidden' });
      await page.getByRole('region', { name: 'production', exact: true }).getByText('churn version 1').first().waitFor();
      assert.deepEqual(complaints(), []);
      await page.getByRole('button', { name: 'Sign out' }).click();
      await page.getByText('needs the role operator').first().waitFor();
    });
  });

  test('say that the connection is lost, and catch up by themselves when it is back', async () => {
    await withTab({}, async ({ page, open }) => {
      await open(at('/audit'));
      await page.getByText('live', { exact: true }).waitFor();
      const port = new URL(server.address).port;
      await server.stop();
      await page.getByText('The connection to the server is lost').waitFor();
      const again = start(['up', '--port', port], place);
      try {
        await again.line(/up at/);
        await page.getByText('live', { exact: true }).waitFor({ timeout: 30_000 });
        await page.getByText('The connection to the server is lost').waitFor({ state: 'detached' });
      } finally {
        await again[Symbol.asyncDispose]();
        server = await up(place);
      }
    });
  });
});

describe('the web pages before anything happened', { skip: browserMissing }, () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let place: Place;
  let browser: Browser;

  before(async () => {
    folder = await temporaryFolder();
    place = { cwd: (await copyOfExample(folder.path)).folder };
    browser = await openBrowser();
  });
  after(async () => {
    await browser?.close();
    await folder?.[Symbol.asyncDispose]();
  });

  test('teach how the first record is made, with a command to copy', async () => {
    await using server = await up(place);
    const { page, open, complaints } = await openTab(await browser.newContext());
    for (const [path, command] of [
      ['/', 'gyre run'],
      ['/data', 'gyre run'],
      ['/pipelines', 'gyre run'],
      ['/experiments', 'gyre run'],
      ['/models', 'gyre run'],
      ['/certification', 'gyre release test'],
      ['/releases', 'gyre release test'],
      ['/monitor', 'gyre monitor evaluate'],
      ['/alerts', 'gyre monitor evaluate'],
      ['/predictions', 'gyre predict'],
    ] as const) {
      await open(`${server.address}${path}`);
      await page.locator('main .command').getByText(command).first().waitFor();
      assert.deepEqual(await axeFindings(page), [], path);
      assert.deepEqual(complaints(), [], path);
    }
  });

  test('ask who is there where nobody is known, and say how to get in', async () => {
    await using server = await up({ ...place, env: { GYRE_LOCAL_IDENTITY: 'false' } });
    const { page } = await openTab(await browser.newContext());
    await page.goto(`${server.address}/models`);
    await page.getByText('gyre open').waitFor();
    assert.deepEqual(await axeFindings(page), []);
    await page.getByRole('textbox', { name: 'Name' }).fill('owner');
    await page.getByRole('textbox', { name: 'Password' }).fill('not the password of anybody');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alert').waitFor();
    const { body } = await server.post<{ readonly path: string }>('one-time-codes');
    await page.goto(`${server.address}${body.path}`);
    await page.getByRole('button', { name: 'Sign out' }).waitFor();
  });
});
