import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually, temporaryFolder, type Place, up } from '../harness/gyre-fixture.ts';
import { smallProject } from '../harness/projects-fixture.ts';

const versions = '/usr/lib/postgresql';
const newest = existsSync(versions) ? readdirSync(versions).sort((a, b) => Number(b) - Number(a))[0] : undefined;
const missing: string | false =
  newest === undefined
    ? 'no PostgreSQL server is installed below /usr/lib/postgresql'
    : process.getuid?.() === 0
      ? false
      : 'a PostgreSQL server of its own is started as its user by root only';

/** Runs a program of PostgreSQL as the user that it wants, while whoever writes goes on. */
async function postgres(program: string, ...words: readonly string[]): Promise<void> {
  const command = join(versions, newest ?? '', 'bin', program);
  const running = spawn('setpriv', ['--reuid=postgres', '--regid=postgres', '--clear-groups', command, ...words], {
    cwd: '/',
    stdio: 'ignore',
  });
  const [code] = (await once(running, 'close')) as [number | null];
  assert.equal(code, 0, `${program} ${words.join(' ')}`);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

describe('PostgreSQL that is restarted while runs are logged', { skip: missing }, () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let cluster = '';
  let place: Place;
  before(async () => {
    folder = await temporaryFolder();
    cluster = await mkdtemp(join(tmpdir(), 'gyre-cluster-'));
    await chmod(cluster, 0o700);
    execFileSync('chown', ['postgres', cluster]);
    const port = await freePort();
    await postgres('initdb', '--pgdata', join(cluster, 'data'), '--auth', 'trust', '--username', 'postgres');
    const options = `-p ${port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=${cluster}`;
    await postgres('pg_ctl', 'start', '--wait', '-D', join(cluster, 'data'), '-l', join(cluster, 'log'), '-o', options);
    place = {
      cwd: await smallProject(folder.path),
      env: { GYRE_DATABASE: `postgres://postgres@127.0.0.1:${port}/postgres` },
    };
  });
  after(async () => {
    await postgres('pg_ctl', 'stop', '-m', 'immediate', '-D', join(cluster, 'data'));
    await rm(cluster, { recursive: true });
    await folder[Symbol.asyncDispose]();
  });

  test('loses nothing that was acknowledged; clients are told to come again, and what they send then is logged', async () => {
    await using house = await up(place);
    const ask = async (verb: string, message: object): Promise<{ status: number; said: Record<string, unknown> }> => {
      const response = await fetch(`${house.address}/api/2.0/mlflow/${verb}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(message),
      });
      return { status: response.status, said: (await response.json()) as Record<string, unknown> };
    };
    const { said } = await ask('runs/create', { experiment_id: '0' });
    const { run } = said as { run: { info: { run_id: string } } };
    const id = run.info.run_id;
    const statuses = new Map<number, number>();
    const acknowledged = new Set<number>();
    let goesOn = true;
    let step = 0;
    const writing = Array.from({ length: 8 }, async () => {
      while (goesOn) {
        const at = step++;
        const { status, said: answer } = await ask('runs/log-batch', {
          run_id: id,
          metrics: Array.from({ length: 10 }, (_, k) => ({ key: `m${k}`, value: at, timestamp: at, step: at })),
        });
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        if (status === 200) acknowledged.add(at);
        else assert.deepEqual([status, answer.error_code], [503, 'TEMPORARILY_UNAVAILABLE'], JSON.stringify(answer));
      }
    });
    for (const mode of ['immediate', 'fast']) {
      const before = acknowledged.size;
      await eventually('some is logged', () => acknowledged.size > before + 20);
      await postgres('pg_ctl', 'restart', '--wait', '-m', mode, '-D', join(cluster, 'data'));
      const after = acknowledged.size;
      await eventually('it goes on by itself', () => acknowledged.size > after + 20);
    }
    await sleep(100);
    goesOn = false;
    await Promise.all(writing);
    assert.ok((statuses.get(503) ?? 0) > 0, 'the restart was noticed');
    const response = await fetch(`${house.address}/api/2.0/mlflow/metrics/get-history?run_id=${id}&metric_key=m3`);
    const { metrics } = (await response.json()) as { metrics: readonly { readonly step: number }[] };
    const found = new Set(metrics.map(({ step: at }) => at));
    assert.deepEqual(
      [...acknowledged].filter((at) => !found.has(at)),
      [],
    );
  });
});
