import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { missingRedis, startRedis } from '../harness/broker-fixture.ts';
import { eventually, gyre, start, temporaryFolder } from '../harness/gyre-fixture.ts';
import type { Running } from '../harness/gyre-fixture.ts';
import { pythonFile, pythonMissing, runPython } from './python.ts';

interface Saved {
  readonly rows: readonly { readonly a: number; readonly b: number }[];
  readonly expected: readonly number[];
}

interface Answer {
  readonly outputs: readonly { readonly name: string; readonly data: readonly (number | string)[] }[];
}

const messages = 600;
const waitMs = 120_000;

describe('a topic that a model in Python answers', { skip: pythonMissing || missingRedis }, () => {
  test('is answered as scikit-learn says, also when it is killed in the middle; without leave it is refused', async () => {
    await using folder = await temporaryFolder();
    const cwd = folder.path;
    const { rows, expected } = await runPython<Saved>('python_models_peer.py', { act: 'save', folder: cwd }, { timeoutMs: 300_000 });
    await using broker = await startRedis(join(cwd, 'broker'));
    const sent = Array.from({ length: messages }, (_, at) => (at % 50 === 7 ? 'nonsense' : JSON.stringify(rows[at % rows.length])));
    await broker.send('in', sent);
    const words = ['predict', '--model', 'pickle', '--stream', `${broker.address}/in`, '--output', `${broker.address}/out`, '--create'];
    const refused = await gyre(words, { cwd });
    assert.notEqual(refused.code, 0);
    assert.match(refused.stderr, /loading it executes code from its package in Python, which is not allowed here/);

    const allowed = ['--python', pythonFile, '--python-cache', 'cache', '--python-limit', 'openFiles=512'];
    const begin = (): Running => start([...words, ...allowed, '--in-flight', '50', '--ack-wait', '2', '--json'], { cwd });
    let done = 0;
    {
      await using running = begin();
      await eventually('it answers', async () => (done = await broker.count('out')) >= 50, waitMs);
      running.kill('SIGKILL');
      await running.ended;
    }
    await using running = begin();
    await eventually('it goes on', async () => (await broker.count('out')) > done, waitMs);
    const all = async (): Promise<number> => {
      if ((await broker.count('out')) + (await broker.count('out:dead')) < messages) return 0;
      return new Set([...(await broker.read('out')), ...(await broker.read('out:dead'))].map(({ headers }) => headers['gyre-source'])).size;
    };
    await eventually('all is answered', async () => (await all()) === messages, waitMs);
    running.kill('SIGTERM');
    const { code, stdout, stderr } = await running.ended;
    assert.equal(code, 0, stderr);
    assert.deepEqual((JSON.parse(stdout) as { readonly inFlight: number }).inFlight, 0);

    const placed = new Map((await broker.read('in')).map(({ body }, at) => [at, body]));
    const answers = await broker.read('out');
    const bySource = new Map(answers.map(({ headers, body }) => [headers['gyre-source'], JSON.parse(body) as Answer]));
    const inOrder = [...bySource.entries()].sort(([left], [right]) => left.localeCompare(right, 'en', { numeric: true }));
    const good = [...placed.entries()].filter(([, body]) => body !== 'nonsense').map(([at]) => at);
    assert.equal(inOrder.length, good.length);
    for (const [place, [, { outputs }]] of inOrder.entries()) {
      const numbers = outputs.flatMap(({ data }) => data.map(Number)).filter((value) => value >= 0 && value <= 1);
      const right = expected[good[place] % rows.length];
      assert.ok(
        numbers.some((value) => Math.abs(value - right) < 1e-9),
        `${JSON.stringify(outputs)} does not say ${right}`,
      );
    }
  });
});
