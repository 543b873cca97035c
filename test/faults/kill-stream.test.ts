import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { samplePackage, writeSampleFolder } from '#serving';
import { missingNats, missingRedis, startNats, startRedis } from '../harness/broker-fixture.ts';
import type { TestBroker } from '../harness/broker-fixture.ts';
import { eventually, start, temporaryFolder } from '../harness/gyre-fixture.ts';
import type { Running } from '../harness/gyre-fixture.ts';

const messages = 10_000;
const isBad = (at: number): boolean => at % 97 === 5;
const sent = Array.from({ length: messages }, (_, at) =>
  isBad(at) ? `nonsense ${at}` : JSON.stringify({ tenure: at % 73, charges: 20 + (at % 100), senior: at % 3 === 0, contract: 'One year' }),
);
/** So that it is in the middle of its work when it is killed. */
const [inFlight, waitMs] = [200, 120_000];

const brokers = [
  { kind: 'NATS JetStream', kills: 3, missing: missingNats, open: startNats, topic: 'customers.new', to: 'scored', dead: 'scored.dead' },
  { kind: 'Redis Streams', kills: 2, missing: missingRedis, open: startRedis, topic: 'customers:new', to: 'scored', dead: 'scored:dead' },
] as const;

describe('a stream prediction that is killed', () => {
  for (const { kind, kills, missing, open, topic, to, dead } of brokers)
    test(`answers every message of ${kind}, and what it answers twice under the same id`, { skip: missing }, async () => {
      await using folder = await temporaryFolder();
      await writeSampleFolder(join(folder.path, 'model'), samplePackage({ threshold: 0.62 }));
      await using broker = await open(join(folder.path, 'broker'));
      await broker.send(topic, sent);
      const words = ['predict', '--model', 'model', '--stream', `${broker.address}/${topic}`, '--output', `${broker.address}/${to}`];
      const begin = (): Running =>
        start([...words, '--create', '--in-flight', String(inFlight), '--ack-wait', '2', '--json'], { cwd: folder.path });

      let done = 0;
      for (let killed = 0; killed < kills; killed++) {
        await using running = begin();
        const before = done;
        await eventually('it answers', async () => (done = await broker.count(to)) >= before + inFlight, waitMs);
        running.kill('SIGKILL');
        assert.equal((await running.ended).signal, 'SIGKILL');
      }
      await using running = begin();
      await eventually('it goes on', async () => (await broker.count(to)) > done, waitMs);
      // The broker is away for a while: it is waited for.
      await broker.kill();
      await broker.restart();
      await eventually('nothing waits', async () => (await answered(broker, to, dead)) >= messages, waitMs);
      running.kill('SIGTERM');
      const { code, stdout, stderr } = await running.ended;
      assert.equal(code, 0, stderr);
      const figures = JSON.parse(stdout) as { readonly inFlight: number; readonly lag?: number };
      assert.deepEqual([figures.inFlight, figures.lag], [0, 0], stdout);
      await requireWhole(broker, to, dead);
    });
});

/** Messages that have an answer or a dead letter, each once. */
async function answered(broker: TestBroker, to: string, dead: string): Promise<number> {
  // Reading all of it is no small thing, and is not done all the time.
  await sleep(500);
  if ((await broker.count(to)) + (await broker.count(dead)) < messages) return 0;
  const all = [...(await broker.read(to)), ...(await broker.read(dead))];
  return new Set(all.map(({ headers }) => headers['gyre-source'])).size;
}

async function requireWhole(broker: TestBroker, to: string, dead: string): Promise<void> {
  const bySource = new Map<string, { readonly id: string; readonly body: string }>();
  const answers = await broker.read(to);
  for (const { body, headers } of answers) {
    const id = headers['ce-id'];
    const known = bySource.get(headers['gyre-source']);
    if (known !== undefined) {
      assert.equal(id, known.id, 'what is answered twice has the same id');
      requireAlike(body, known.body);
    }
    bySource.set(headers['gyre-source'], { id, body });
  }
  const letters = await broker.read(dead);
  const dropped = new Set(letters.map(({ headers }) => headers['gyre-source']));
  const bad = sent.filter((_, at) => isBad(at));
  assert.equal(bySource.size, messages - bad.length);
  assert.equal(new Set([...bySource.values()].map(({ id }) => id)).size, messages - bad.length, 'each message has an id of its own');
  assert.equal(dropped.size, bad.length);
  assert.deepEqual(new Set(letters.map(({ body }) => body)), new Set(bad), 'a dead letter is the message as it came');
  assert.ok(letters.every(({ headers }) => headers['gyre-error'] === 'the message is no JSON'));
}

interface Answer {
  readonly predictions: readonly {
    readonly id: string;
    readonly label: string;
    readonly probabilities: Readonly<Record<string, number>>;
  }[];
}

/** Rows that share a run are summed in another order than alone: probabilities, floats of 32 bits, may differ in their last digits. */
function requireAlike(one: string, other: string): void {
  const [[left], [right]] = [one, other].map((text) => (JSON.parse(text) as Answer).predictions);
  assert.deepEqual([left.id, left.label], [right.id, right.label]);
  for (const [name, share] of Object.entries(left.probabilities)) assert.ok(Math.abs(share - right.probabilities[name]) < 1e-5);
}
