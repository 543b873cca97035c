import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Browser } from 'playwright-core';
import type { StreamPrediction } from '#contract';
import { samplePackage, writeSampleFolder } from '#serving';
import { missingNats, missingRedis, startNats, startRedis, type TestBroker } from '../harness/broker-fixture.ts';
import { done, temporaryFolder, up, type Up } from '../harness/gyre-fixture.ts';
import { smallProject } from '../harness/projects-fixture.ts';
import { browserMissing, openBrowser, type Tab } from './browser.ts';
import { pageViews } from './page-views.ts';

/** Brokers are waited for with pauses of up to ten seconds. */
const patience = { timeout: 90_000 };
const messages = 300;
const isBad = (at: number): boolean => at % 100 === 7;
const sent = Array.from({ length: messages }, (_, at) =>
  isBad(at) ? `nonsense ${at}` : JSON.stringify({ tenure: at % 73, charges: 20 + (at % 100), senior: at % 3 === 0, contract: 'One year' }),
);
const bad = sent.filter((_, at) => isBad(at)).length;

const brokers = [
  { kind: 'NATS JetStream', missing: missingNats, open: startNats, topic: 'customers.new', to: 'scored', dead: 'scored.dead' },
  { kind: 'Redis Streams', missing: missingRedis, open: startRedis, topic: 'customers:new', to: 'scored', dead: 'scored:dead' },
] as const;

for (const { kind, missing, open, topic, to, dead } of brokers)
  describe(`a topic of ${kind} on the page of streams`, { skip: browserMissing || missing }, () => {
    const opened = new AsyncDisposableStack();
    let browser: Browser;
    let server: Up;
    let broker: TestBroker;
    const { withTab, isWhole, shows } = pageViews(
      () => browser,
      () => server,
    );
    const signedIn = (work: (tab: Tab) => Promise<void>): Promise<void> =>
      withTab('light', async (tab) => {
        const { body } = await server.post<{ readonly path: string }>('one-time-codes');
        await tab.open(`${server.address}${body.path}`);
        await tab.open(`${server.address}/stream-predictions`);
        await work(tab);
      });
    const streams = async (): Promise<readonly StreamPrediction[]> =>
      (await server.get<{ items: readonly StreamPrediction[] }>('stream-predictions')).items;

    before(async () => {
      const folder = opened.use(await temporaryFolder());
      broker = opened.use(await open(join(folder.path, 'broker')));
      await broker.send(topic, sent);
      const cwd = await smallProject(folder.path, { rows: 60 });
      await writeSampleFolder(join(cwd, 'model'), samplePackage({ threshold: 0.62 }));
      await writeFile(join(cwd, 'brokers.json'), JSON.stringify({ [broker.address]: {} }), { mode: 0o600 });
      await done(['model', 'add', 'churn', 'model'], { cwd });
      server = opened.use(await up({ cwd, env: { GYRE_BROKERS: 'brokers.json' } }));
      browser = await openBrowser();
      opened.defer(() => browser.close());
    });
    after(() => opened.disposeAsync());

    test('is answered from a form that says what is wrong with an address, and keeps up before one’s eyes', async () => {
      await signedIn(async (tab) => {
        const { page } = tab;
        await page.getByText('No topic is answered yet.').waitFor();
        await isWhole(tab, `no ${kind}`);
        await page.getByRole('button', { name: 'Answer a topic' }).click();
        const dialog = page.getByRole('dialog', { name: 'Answer a topic' });
        await dialog.getByLabel('Model:').fill('churn');
        await dialog.getByLabel('Topic:').fill(broker.address.replace('127.0.0.1', 'elsewhere.example').concat(`/${topic}`));
        await dialog.getByLabel('Answers go to').fill(`${broker.address}/${to}`);
        await dialog.getByRole('button', { name: 'Answer a topic' }).click();
        await dialog.getByText(/elsewhere\.example:\d+ is not among them: it belongs in the file that GYRE_BROKERS names/).waitFor();
        await dialog.getByLabel('Topic:').fill(`${broker.address}/${topic}`);
        await dialog.getByRole('button', { name: 'Answer a topic' }).click();
        await dialog
          .getByRole('alert')
          .getByText(/scored/)
          .waitFor();
        tab.complaints();
        await isWhole(tab, `answer a topic of ${kind}`);
        assert.deepEqual(await streams(), [], 'a topic that is not there is not answered to, unless it is to be made');
        await dialog.getByLabel('make topics that are not').check();
        await dialog.getByRole('button', { name: 'Answer a topic' }).click();
        await dialog.waitFor({ state: 'detached' });
        const card = page.locator('section', { has: page.getByRole('heading', { name: `${broker.address}/${topic}` }) });
        await card.getByText('none: it keeps up').waitFor(patience);
        await card.getByText(`${messages} taken (0 again), ${messages - bad} answered, 0 in flight`).waitFor(patience);
        await card.getByText(/no JSON/).waitFor();
        await isWhole(tab, `${kind} that is answered`);
      });
      assert.equal(await broker.count(to), messages - bad);
      assert.equal(await broker.count(dead), bad);
    });

    test('says when its broker is away and why, and goes on when it is back', async () => {
      await signedIn(async (tab) => {
        const { page } = tab;
        const card = page.locator('section', { has: page.getByRole('heading', { name: `${broker.address}/${topic}` }) });
        await card.getByText('running').waitFor();
        await broker.kill();
        await card.getByText('waits for its broker').waitFor(patience);
        await card.getByText(/, since/).waitFor();
        await isWhole(tab, `${kind} that is away`);
        await broker.restart();
        await broker.send(topic, [sent[0]]);
        await card.getByText('running').waitFor(patience);
        await card.getByText(`${messages - bad + 1} answered, 0 in flight`).waitFor(patience);
      });
      const [one] = await streams();
      await shows(`/stream-predictions?prediction=${one.id}`, [topic, 'running', 'Dead letters go to', 'Answered by churn, version 1']);
    });

    test('is stopped, and its record stays', async () => {
      await signedIn(async (tab) => {
        const { page } = tab;
        const card = page.locator('section', { has: page.getByRole('heading', { name: `${broker.address}/${topic}` }) });
        await card.getByRole('button', { name: 'Stop' }).click();
        const asking = page.getByRole('dialog', { name: 'Stop' });
        await asking.getByText(/whoever answers in “gyre-churn” later goes on from there/).waitFor();
        await asking.getByRole('button', { name: 'Stop' }).click();
        await page.getByRole('table', { name: 'Stream predictions' }).getByText('stopped').waitFor(patience);
        await isWhole(tab, `${kind} that was stopped`);
      });
      const [one] = await streams();
      assert.equal(one.state, 'stopped');
      await shows(`/stream-predictions?prediction=${one.id}`, ['stopped', 'Ended']);
    });
  });
