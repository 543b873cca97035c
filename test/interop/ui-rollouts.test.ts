import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Browser } from 'playwright-core';
import type { ApplicationTestReport, EnvironmentState, Rollout } from '#contract';
import { openLoadGenerator } from '#release';
import { customers, openHouse, type RunningHouse } from '../e2e/house.ts';
import { browserMissing, openBrowser } from './browser.ts';
import { pageViews } from './page-views.ts';

const roll =
  '{ strategy: canary, steps: [{ weight: 30%, for: 1h }, { weight: 60%, for: 1h }], analysis: { minRequests: 30, maxLatencyFactor: 1000 } }';
const bodies = Array.from({ length: 60 }, (_, at) =>
  JSON.stringify({ rows: [{ visits: at % 20, spent: (at * 37) % 100, channel: ['web', 'shop', 'phone'][at % 3] }] }),
);

describe('a rollout on its page', { skip: browserMissing, timeout: 600_000 }, () => {
  const opened = new AsyncDisposableStack();
  let browser: Browser;
  let house: RunningHouse;
  let rollout: Rollout;
  const { withTab, isWhole, shows } = pageViews(
    () => browser,
    () => house,
  );
  const ok = async <T>(asked: Promise<{ readonly status: number; readonly body: T }>): Promise<T> => {
    const { status, body } = await asked;
    assert.ok(status < 300, JSON.stringify(body));
    return body;
  };

  before(async () => {
    house = opened.use(await openHouse({ roll, latencyP99Ms: 60_000 }));
    browser = await openBrowser();
    opened.defer(() => browser.close());
    const ada = await house.person('ada', ['data-scientist', 'ml-engineer']);
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
    [rollout] = (await house.owner.get<{ readonly items: readonly Rollout[] }>('rollouts')).items;
    const { items } = await house.owner.get<{ readonly items: readonly EnvironmentState[] }>('environments');
    const { address = '' } = items.find(({ name }) => name === 'production') ?? {};
    await using generator = await openLoadGenerator({ address, path: '/predict/shop', bodies, timeoutMs: 60_000 });
    assert.equal((await generator.offer({ ratePerSecond: 100, durationMs: 3000 })).errors, 0);
  });
  after(() => opened.disposeAsync());

  test('its steps, its checks and both versions are seen as they are now', async () => {
    await shows(`/rollouts/${rollout.id}`, [
      /30\s% of the traffic/,
      'step 1',
      'error rate increase',
      /\d+ requests were observed/,
      'What they say',
    ]);
    await shows('/releases', ['Rollouts', /shop 2 beside it|shop version 2 beside it|beside it/]);
  });

  test('a person pauses it, takes it back, and reads afterwards who did what and why', async () => {
    await withTab('light', async (tab) => {
      const { page } = tab;
      const { body } = await house.owner.post<{ readonly path: string }>('one-time-codes');
      await tab.open(`${house.address}${body.path}`);
      await tab.open(`${house.address}/rollouts/${rollout.id}`);
      const decide = async (label: string, reason: string): Promise<void> => {
        await page.getByRole('button', { name: label, exact: true }).click();
        const dialog = page.getByRole('dialog');
        await dialog.getByLabel('Reason').fill(reason);
        await dialog.getByRole('button', { name: label, exact: true }).click();
        await dialog.waitFor({ state: 'detached' });
      };
      await decide('Pause', 'to look closer');
      await page.getByRole('button', { name: 'Resume', exact: true }).waitFor();
      await page
        .locator('.truth')
        .getByText(/to look closer/)
        .waitFor();
      await decide('Roll back', 'I do not like it');
      await page
        .locator('.truth')
        .getByText(/I do not like it/)
        .waitFor();
      assert.equal(await page.getByRole('button', { name: 'Promote now' }).count(), 0);
      await isWhole(tab, 'a rollout that was taken back');
    });
    const ended = await house.owner.get<Rollout>(`rollouts/${rollout.id}`);
    assert.deepEqual(
      ended.history.map(({ what }) => what),
      ['step', 'paused', 'rolled_back'],
    );
  });
});
