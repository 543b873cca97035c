import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, describe, test } from 'node:test';
import type { Browser } from 'playwright-core';
import type { ApplicationTestReport, Deployment, WantedSignOff } from '#contract';
import { customers, openHouse, type Person, type RunningHouse } from '../e2e/house.ts';
import { openSmtpStand, type SmtpStand } from '../harness/smtp-fixture.ts';
import { browserMissing, openBrowser } from './browser.ts';
import { pageViews } from './page-views.ts';

describe('releases and findings on their pages', { skip: browserMissing, timeout: 600_000 }, () => {
  const opened = new AsyncDisposableStack();
  let browser: Browser;
  let house: RunningHouse;
  let ada: Person;
  let stand: SmtpStand;
  const { withTab, isWhole, shows } = pageViews(
    () => browser,
    () => house,
  );
  const ok = async <T>(asked: Promise<{ readonly status: number; readonly body: T }>): Promise<T> => {
    const { status, body } = await asked;
    assert.ok(status < 300, JSON.stringify(body));
    return body;
  };
  let deployments: readonly Deployment[];

  before(async () => {
    stand = opened.use(await openSmtpStand());
    const settings = { HOST: '127.0.0.1', PORT: String(stand.port), TLS: 'none', FROM: 'gyre@example.org' };
    for (const [name, value] of Object.entries(settings)) process.env[`GYRE_SMTP_${name}`] = value;
    opened.defer(() => Object.keys(settings).forEach((name) => delete process.env[`GYRE_SMTP_${name}`]));
    house = opened.use(await openHouse({ latencyP99Ms: 60_000 }));
    browser = await openBrowser();
    opened.defer(() => browser.close());
    ada = await house.person('ada', ['data-scientist', 'ml-engineer']);
    const qa = await house.person('quinn', ['qa']);
    const approver = await house.person('olga', ['approver']);
    for (const seed of [11, 12]) {
      await writeFile(join(house.folder, 'customers.csv'), customers(seed));
      const modelVersion = await house.build(ada);
      await ok(ada.post('environments/test/deploy', { modelVersion, reason: 'for QA' }));
      const report = await ok(ada.post<ApplicationTestReport>('environments/test/tests'));
      await ok(qa.post('certifications', { report: report.id, verdict: 'certified', statement: 'fine' }));
      await ok(approver.post('approvals', { modelVersion, environment: 'production', verdict: 'approved', statement: 'go' }));
      await ok(house.owner.post('environments/production/release', { modelVersion, reason: 'more customers' }));
    }
    const { items } = await house.owner.get<{ readonly items: readonly Deployment[] }>('deployments?environment=production');
    deployments = items;
  });
  after(() => opened.disposeAsync());

  test('what changed stands first, and leads to the rows that differ', async () => {
    await shows('/release-diff?from=production@1&to=production@2', [
      'shop version 1 in production, generation 1 to shop version 2 in production, generation 2',
      /of 11 parts differ/,
      'row by row',
      /On the same \d+ rows? that neither learned from|Not compared row by row/,
      /certified by quinn/,
      'The same',
    ]);
  });

  test('a deployment is compared with another one that is chosen on its card', async () => {
    await withTab('light', async (tab) => {
      const [later, earlier] = deployments;
      await tab.open(`${house.address}/releases?deployment=${later.id}`);
      await tab.page.getByLabel('Compare with…').selectOption(earlier.id);
      await tab.page.getByRole('heading', { name: /shop version 1 in production, generation 1 to shop version 2/ }).waitFor();
      await isWhole(tab, 'a difference that was chosen');
      await tab.page.getByRole('link', { name: 'row by row' }).first().click();
      await tab.page
        .getByText(/rows added/)
        .first()
        .waitFor();
    });
  });

  test('a finding is given an owner and a due date on the page, and waits for its owner', async () => {
    const qadir = await house.person('qadir', ['qa']);
    await withTab('light', async (tab) => {
      const { page } = tab;
      const { body } = await qadir.post<{ readonly path: string }>('one-time-codes');
      await tab.open(`${house.address}${body.path}`);
      await tab.open(`${house.address}/models/shop/2`);
      await page.getByRole('button', { name: 'Add a finding', exact: true }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByLabel('Severity').selectOption('critical');
      await dialog.getByLabel('Who sees to it').fill('ada');
      await dialog.getByLabel('Due by the end of (UTC)').fill('2999-12-31');
      await dialog.getByLabel('What is wrong').fill('wrong for tenants');
      await dialog.getByRole('button', { name: 'Add a finding', exact: true }).click();
      await dialog.waitFor({ state: 'detached' });
      const findings = page.getByRole('region', { name: 'Findings' });
      await findings.getByText('wrong for tenants').waitFor();
      await findings.getByRole('link', { name: 'ada' }).waitFor();
      await findings.getByText(/2999/).waitFor();
      await isWhole(tab, 'a finding with owner and due date');
    });
    await withTab('light', async (tab) => {
      const { page } = tab;
      const { body } = await ada.post<{ readonly path: string }>('one-time-codes');
      await tab.open(`${house.address}${body.path}`);
      await tab.open(`${house.address}/access`);
      await page.getByRole('button', { name: 'Set the address' }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByLabel('E-mail address').fill('ada@example.org');
      await isWhole(tab, 'where somebody is told by e-mail, asked');
      await dialog.getByRole('button', { name: 'Set the address' }).click();
      await page.getByText('ada@example.org').waitFor();
      await isWhole(tab, 'where somebody is told by e-mail');
    });
    const soon = new Date(Date.now() + 1500).toISOString();
    await ok(
      qadir.post('findings', { modelVersion: deployments[0].modelVersion, severity: 'low', statement: 'slow', owner: 'ada', dueAt: soon }),
    );
    const waiting = await ada.get<{ readonly items: readonly WantedSignOff[] }>('release/queue');
    assert.deepEqual(
      waiting.items.filter(({ what }) => what === 'finding').map(({ dueAt }) => dueAt?.slice(0, 4)),
      ['2999', soon.slice(0, 4)],
    );
    while (stand.taken.length === 0) await sleep(100);
    assert.match(stand.taken[0].text, /^Subject: Gyre: waits for you: A finding \(low\) to see to: slow$/m);
    const listed = await house.owner.cli('mail', 'list');
    assert.match(listed.stdout, /slow +sent +1/);
    assert.doesNotMatch(listed.stdout, /ada@example/);
    assert.notEqual((await qadir.cli('mail', 'show', '--identity', 'ada')).code, 0, 'an address is personal');
    assert.match((await ada.cli('mail', 'show')).stdout, /ada is told at ada@example\.org/);
    await sleep(2000);
    await withTab('dark', async (tab) => {
      const { body } = await ada.post<{ readonly path: string }>('one-time-codes');
      await tab.open(`${house.address}${body.path}`);
      await tab.open(`${house.address}/waiting`);
      await tab.page.getByText('overdue').waitFor();
      await isWhole(tab, 'a finding that is overdue, waiting');
      await tab.open(`${house.address}/models/shop/2`);
      await tab.page.getByRole('region', { name: 'Findings' }).getByText('overdue').waitFor();
    });
  });
});
