import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { samplePackage, writeSampleFolder } from '#serving';
import { freePort, missingKafka, startKafka } from '../harness/broker-fixture.ts';
import { eventually, start, temporaryFolder } from '../harness/gyre-fixture.ts';

const [messages, inFlight, waitMs] = [600, 50, 120_000];
const sent = Array.from({ length: messages }, (_, at) =>
  at % 97 === 5
    ? `nonsense ${at}`
    : JSON.stringify({ tenure: at % 73, charges: 20 + (at % 100), senior: at % 3 === 0, contract: 'Two year' }),
);

describe('a stream prediction over the Kafka protocol', { skip: missingKafka }, () => {
  test('commits only what is published, so that one that is killed is gone on with and nothing is lost', async () => {
    await using folder = await temporaryFolder();
    await writeSampleFolder(join(folder.path, 'model'), samplePackage({ threshold: 0.62 }));
    await using broker = await startKafka(join(folder.path, 'broker'));
    await broker.send('customers', sent.slice(0, messages / 2));
    const port = await freePort();
    const figure = async (): Promise<number> => {
      const answer = await fetch(`http://127.0.0.1:${port}/status`).catch(() => undefined);
      return answer === undefined ? 0 : ((await answer.json()) as { readonly published: number }).published;
    };
    const to = [
      '--output',
      `${broker.address}/scored`,
      '--create',
      '--in-flight',
      String(inFlight),
      '--ack-wait',
      '6',
      '--metrics-port',
      String(port),
      '--json',
    ];
    const words = ['predict', '--model', 'model', '--stream', `${broker.address}/customers`, ...to];
    {
      await using running = start(words, { cwd: folder.path });
      await eventually('it answers', async () => (await sleep(100), (await figure()) > 0), waitMs);
      running.kill('SIGKILL');
      await running.ended;
    }
    await broker.send('customers', sent.slice(messages / 2));
    await using running = start(words, { cwd: folder.path });
    await eventually('it goes on', async () => (await sleep(100), (await figure()) > 0), waitMs);
    await eventually(
      'nothing waits',
      async () => (await sleep(500), (await broker.count('scored')) + (await broker.count('scored.dead')) >= messages),
      waitMs,
    );
    running.kill('SIGTERM');
    const { code, stdout, stderr } = await running.ended;
    assert.equal(code, 0, stderr);
    assert.deepEqual((JSON.parse(stdout) as { readonly inFlight: number }).inFlight, 0);
    const answers = await broker.read('scored');
    const letters = await broker.read('scored.dead');
    const bySource = new Map<string, string>();
    for (const { headers } of answers) {
      const id = headers['ce_id'];
      assert.equal(bySource.get(headers['gyre-source']) ?? id, id, 'what is answered twice has the same id');
      bySource.set(headers['gyre-source'], id);
      assert.match(headers['key'], /^key \d+$/, 'the key goes along');
    }
    const bad = sent.filter((text) => text.startsWith('nonsense'));
    assert.equal(bySource.size, messages - bad.length);
    assert.equal(new Set(bySource.values()).size, messages - bad.length);
    assert.deepEqual(new Set(letters.map(({ body }) => body)), new Set(bad));
  });
});
