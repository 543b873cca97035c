import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Browser } from 'playwright-core';
import type { Agent } from '#contract';
import { becomes, enrol, servedByAgents, startAgent } from '../harness/agent-fixture.ts';
import { done, temporaryFolder, up } from '../harness/gyre-fixture.ts';
import type { Place, Up } from '../harness/gyre-fixture.ts';
import { smallProject } from '../harness/projects-fixture.ts';
import { releaseVersion } from '../harness/release-fixture.ts';
import { browserMissing, openBrowser } from './browser.ts';
import { pageViews } from './page-views.ts';

describe('agents on the page Environments', { skip: browserMissing, timeout: 600_000 }, () => {
  const opened = new AsyncDisposableStack();
  let browser: Browser;
  let house: Up;
  let place: Place;
  const { withTab, isWhole, shows } = pageViews(
    () => browser,
    () => house,
  );

  before(async () => {
    place = { cwd: await smallProject(opened.use(await temporaryFolder()).path) };
    const elsewhere = opened.use(await temporaryFolder()).path;
    await servedByAgents(place.cwd, ', requires: { secrets: [FIELD_KEY] }', '30s');
    await done(['run'], place);
    house = await up(place);
    opened.defer(async () => void (await house.stop()));
    browser = await openBrowser();
    opened.defer(() => browser.close());
    await releaseVersion(house, 'shop', 1);
    for (const name of ['field-north', 'field-south', 'field-west']) await enrol(place, name);
    const enrolment = (name: string): readonly string[] => ['--folder', name, '--enrolment', join(place.cwd, `${name}.enrolment.json`)];
    opened.use(startAgent(elsewhere, enrolment('field-north'), { env: { FIELD_KEY: 'k' } }));
    opened.use(startAgent(elsewhere, enrolment('field-south')));
    await becomes(house, 'field-north', 'in step');
    await becomes(house, 'field-south', 'refused');
  });
  after(() => opened.disposeAsync());

  test('each is shown with what it serves, since when, and why it does not serve what is desired', async () => {
    await shows('/environments', [
      '1 of 3 agents in step',
      'field-north',
      /shop\/1, generation 1/,
      'in step',
      'refused',
      /secret: there is no environment variable FIELD_KEY, which is asked/,
      'never seen',
      /Its machine was looked at before/,
    ]);
  });

  test('one is looked at: how its state changed, and what was found of its machine', async () => {
    await shows('/environments?agent=field-south', [
      'How the state of field-south changed',
      'What was found of its machine',
      /secret FIELD_KEY: missing; asked: there/,
    ]);
  });

  test('an admin enrols one, sees its enrolment once with the command to type, and revokes it', async () => {
    await withTab('light', async (tab) => {
      const { page } = tab;
      const { body } = await house.post<{ readonly path: string }>('one-time-codes');
      await tab.open(`${house.address}${body.path}`);
      await tab.open(`${house.address}/environments`);
      const answer = async (label: string, fill: string, text: string): Promise<void> => {
        const dialog = page.getByRole('dialog');
        await dialog.getByLabel(fill).fill(text);
        await dialog.getByRole('button', { name: label, exact: true }).click();
        await dialog.waitFor({ state: 'detached' });
      };
      await page.getByRole('button', { name: 'Enrol an agent', exact: true }).click();
      await answer('Enrol an agent', 'Name', 'field-east');
      const shown = page.getByRole('status').filter({ hasText: 'The enrolment of field-east, shown this once' });
      await shown.getByText('gyre agent run --enrolment field-east.enrolment.json --folder agent').waitFor();
      const text = await shown.locator('pre').innerText();
      assert.match(text, /"server": "http:\/\/127\.0\.0\.1:\d+"[^]*"token": "gyre_[A-Za-z0-9_-]{43}"/);
      await isWhole(tab, '/environments enrolled');
      const row = page.getByRole('row').filter({ hasText: 'field-east' });
      await row.getByRole('button', { name: 'Revoke', exact: true }).click();
      await answer('Revoke', 'Type field-east to confirm', 'field-east');
      await row.getByText('revoked', { exact: true }).waitFor();
      assert.equal((await house.get<Agent>('agents/field-east')).state, 'revoked');
    });
  });
});
