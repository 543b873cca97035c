import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { samplePackage, writeSampleFolder } from '#serving';
import { missingRedis, startRedis } from '../harness/broker-fixture.ts';
import { eventually, start, temporaryFolder } from '../harness/gyre-fixture.ts';
import type { Running } from '../harness/gyre-fixture.ts';

const messages = 1_500;
const isBad = (at: number): boolean => at % 97 === 5;
const sent = Array.from({ length: messages }, (_, at) =>
  JSON.stringify({ tenure: isBad(at) ? 'long' : at % 73, charges: 20 + (at % 100), senior: at % 3 === 0, contract: 'One year' }),
);
const waitMs = 120_000;

interface Answer {
  readonly id: string;
  readonly predictions: readonly { readonly id: string; readonly label: string }[];
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

describe('a stream prediction by an endpoint', () => {
  test(
    'loses nothing when it is killed, and when the endpoint is; all answers stand in the endpoint’s log',
    { skip: missingRedis },
    async () => {
      await using folder = await temporaryFolder();
      await writeSampleFolder(join(folder.path, 'model'), samplePackage({ threshold: 0.62 }));
      await using broker = await startRedis(join(folder.path, 'broker'));
      await broker.send('customers', sent);
      const port = await freePort();
      // Fewer at once than the stream asks about, and a rate: it is told to wait, and does.
      const limits = ['--max-concurrent', '8', '--rate', '400/200'];
      const serve = (): Running =>
        start(['serve', '--model', 'churn=model', '--port', String(port), '--grpc-port', 'off', '--spool', 'log', ...limits], {
          cwd: folder.path,
        });
      const words = ['predict', '--endpoint', `http://127.0.0.1:${port}`, '--model', 'churn', '--stream', `${broker.address}/customers`];
      const begin = (): Running =>
        start([...words, '--output', `${broker.address}/scored`, '--create', '--in-flight', '200', '--ack-wait', '2', '--json'], {
          cwd: folder.path,
        });

      let plane = serve();
      await plane.line(/serving/);
      let done = 0;
      {
        await using running = begin();
        await eventually('it answers', async () => (done = await broker.count('scored')) > 200, waitMs);
        running.kill('SIGKILL');
        assert.equal((await running.ended).signal, 'SIGKILL');
      }
      await using running = begin();
      await eventually('it goes on', async () => (await broker.count('scored')) > done + 200, waitMs);
      plane.kill('SIGKILL');
      await plane.ended;
      plane = serve();
      await using _plane = plane;
      const all = async (): Promise<number> => {
        if ((await broker.count('scored')) + (await broker.count('scored:dead')) < messages) return 0;
        const kept = [...(await broker.read('scored')), ...(await broker.read('scored:dead'))];
        return new Set(kept.map(({ headers }) => headers['gyre-source'])).size;
      };
      await eventually('all is answered', async () => (await all()) === messages, waitMs);
      running.kill('SIGTERM');
      const { code, stdout, stderr } = await running.ended;
      assert.equal(code, 0, stderr);
      const figures = JSON.parse(stdout) as { readonly inFlight: number; readonly lag?: number; readonly retries: number };
      assert.deepEqual([figures.inFlight, figures.lag], [0, 0], stdout);
      assert.ok(figures.retries > 0, 'the endpoint had it wait');

      const idOf = new Map<string, string>();
      const predictions = new Set<string>();
      for (const { body, headers } of await broker.read('scored')) {
        const { id, predictions: said } = JSON.parse(body) as Answer;
        assert.equal(id, headers['ce-id']);
        assert.equal(idOf.get(headers['gyre-source']) ?? id, id, 'what is answered twice has the same id');
        idOf.set(headers['gyre-source'], id);
        for (const one of said) predictions.add(one.id);
      }
      assert.equal(idOf.size, sent.filter((_, at) => !isBad(at)).length);
      const letters = await broker.read('scored:dead');
      assert.deepEqual(new Set(letters.map(({ body }) => body)), new Set(sent.filter((_, at) => isBad(at))));
      for (const { headers } of letters) assert.match(headers['gyre-error'], /churn at http:\/\/.* answered 400: .*tenure/);

      plane.kill('SIGTERM');
      assert.equal((await plane.ended).code, 0);
      const logged = new Set<string>();
      for (const name of await readdir(join(folder.path, 'log'), { recursive: true })) {
        const text = await readFile(join(folder.path, 'log', name), 'utf8').catch(() => '');
        for (const [, id] of text.matchAll(/"(?:id|predictionId)":"([^"]+)"/g)) logged.add(id);
      }
      assert.deepEqual(
        [...predictions].filter((id) => !logged.has(id)),
        [],
        'each prediction that was published is in the log',
      );
    },
  );
});
