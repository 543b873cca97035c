import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { eventually, facts, gyre, start, temporaryFolder, up } from '../harness/gyre-fixture.ts';
import { smallProject } from '../harness/projects-fixture.ts';
import { pythonMissing, runPython } from './python.ts';

interface Metric {
  readonly step: number;
  readonly value: number;
}

/** A port that nobody listens on: a server that comes back has to come back there. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const bound = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof bound === 'object' && bound !== null ? bound.port : 0;
}

describe('a training by the real MLflow client behind a relay', { skip: pythonMissing }, () => {
  test('goes through the death of the server and of the relay; all it logged is there once', { timeout: 240_000 }, async () => {
    await using folder = await temporaryFolder();
    const place = { cwd: await smallProject(folder.path) };
    const [serverPort, relayPort] = [await freePort(), await freePort()];
    const relayWords = [
      'relay',
      '--to',
      `http://127.0.0.1:${serverPort}`,
      '--port',
      String(relayPort),
      '--journal',
      join(folder.path, 'journal'),
    ];
    const progress = join(folder.path, 'progress');
    const at = (): readonly number[] => (existsSync(progress) ? readFileSync(progress, 'utf8').split(' ').map(Number) : [-1, -1]);
    const reached = (run: number, step: number) => () => at()[0] > run || (at()[0] === run && at()[1] >= step);
    const status = async (): Promise<{ readonly waiting: number; readonly refused: number }> =>
      JSON.parse((await gyre(['relay', 'status', '--at', `http://127.0.0.1:${relayPort}`, '--json'], place)).stdout) as {
        readonly waiting: number;
        readonly refused: number;
      };
    const steps = 150;
    const training = await (async () => {
      await using first = await up(place, ['--port', String(serverPort)]);
      await using relay = start(relayWords, place);
      await relay.line(/relay at/);
      const trained = runPython<{ readonly runs: readonly string[] }>(
        'relay_peer.py',
        { address: `http://127.0.0.1:${relayPort}`, experiment: 'relayed', runs: 2, steps, pause: 0.01, progress },
        { timeoutMs: 200_000 },
      );
      trained.catch(() => undefined);
      await eventually('the training logs', reached(0, 20), 60_000);
      first.running.kill('SIGKILL');
      await eventually('it goes on without the server', reached(0, 100), 60_000);
      relay.kill('SIGKILL');
      await relay.ended;
      return { trained };
    })();
    await using relay = start(relayWords, place);
    await relay.line(/requests wait/);
    await eventually('it goes on with the second run', reached(1, 20), 60_000);
    await using house = await up(place, ['--port', String(serverPort)]);
    const { runs } = await training.trained;
    await eventually('all is delivered', async () => (await status()).waiting === 0, 60_000);
    assert.equal((await status()).refused, 0);
    await facts(['relay', 'status', '--at', `http://127.0.0.1:${relayPort}`], place);
    const token = readFileSync(join(house.dataFolder, 'secrets', 'owner-token'), 'utf8').trim();
    const ask = async <T>(path: string, body?: object): Promise<T> => {
      const response = await fetch(`${house.address}/api/2.0/mlflow/${path}`, {
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
      });
      assert.equal(response.status, 200, await response.clone().text());
      return (await response.json()) as T;
    };
    const { experiment } = await ask<{ readonly experiment: { readonly experiment_id: string } }>(
      'experiments/get-by-name?experiment_name=relayed',
    );
    const found = await ask<{
      readonly runs: readonly {
        readonly info: { readonly run_id: string; readonly status: string };
        readonly data: { readonly params: readonly object[]; readonly tags: readonly { readonly key: string; readonly value: string }[] };
      }[];
    }>('runs/search', { experiment_ids: [experiment.experiment_id] });
    assert.deepEqual(
      found.runs.map(({ info }) => info.run_id).sort(),
      [...runs].sort(),
      'the very runs that the client made, and no other',
    );
    for (const { info, data } of found.runs) {
      assert.equal(info.status, 'FINISHED');
      assert.equal(data.params.length, 2);
      assert.ok(data.tags.some(({ key, value }) => key === 'ended' && value === 'yes'));
      for (const key of ['loss', 'step']) {
        const { metrics } = await ask<{ readonly metrics: readonly Metric[] }>(
          `metrics/get-history?run_id=${info.run_id}&metric_key=${key}&max_results=25000`,
        );
        assert.deepEqual(
          metrics.map(({ step }) => Number(step)),
          Array.from({ length: steps }, (_, step) => step),
          `${key} of ${info.run_id}`,
        );
      }
    }
  });
});
