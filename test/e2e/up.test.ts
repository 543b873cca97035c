import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { request } from 'node:https';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { EnvironmentState } from '#contract';
import { opensslMissing, selfSigned } from '../harness/certificate-fixture.ts';
import { done, eventually, gyre, isAlive, type Place, start, temporaryFolder, type Up, up } from '../harness/gyre-fixture.ts';
import { smallProject } from '../harness/projects-fixture.ts';
import { releaseVersion } from '../harness/release-fixture.ts';

interface Page<T> {
  readonly items: readonly T[];
}

/** Processes whose parent is this one: data planes are children of the platform. */
async function childrenOf(pid: number): Promise<readonly number[]> {
  const found: number[] = [];
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const status = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '');
    if (Number(status.slice(status.lastIndexOf(')') + 2).split(' ')[1]) === pid) found.push(Number(name));
  }
  return found;
}

/** The platform answers first, and has its planes start meanwhile. */
async function servingPlanes(house: Up): Promise<readonly number[]> {
  await eventually('both environments are served', async () => (await addressesOf(house)).every((address) => address !== undefined));
  const planes = await childrenOf(house.running.pid);
  assert.equal(planes.length, 2, 'a process for each environment');
  return planes;
}

const addressesOf = async (house: Up): Promise<readonly (string | undefined)[]> =>
  (await house.get<Page<EnvironmentState>>('environments')).items.map(({ address }) => address);

describe('gyre up over a store that is there', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let place: Place;

  before(async () => {
    folder = await temporaryFolder();
    place = { cwd: await smallProject(folder.path) };
    await done(['run'], place);
    await using house = await up(place);
    await releaseVersion(house, 'shop', 1);
  });
  after(() => folder[Symbol.asyncDispose]());

  test('answers within seconds of its start', async () => {
    const port = await freePort();
    const started = performance.now();
    await using running = start(['up', '--port', String(port)], place);
    let healthy = false;
    await eventually('the first health check answers 200', async () => {
      healthy = await fetch(`http://127.0.0.1:${port}/health`).then(
        (response) => response.ok,
        () => false,
      );
      return healthy;
    });
    const readyMs = performance.now() - started;
    console.log(`    gyre up: ready ${readyMs.toFixed(0)} ms after the start of its process`);
    assert.ok(readyMs < 5_000, `${readyMs} ms`);
    await running.line(/up at/);
  });

  test('lets a second one in the same data folder say who holds it and where', async () => {
    await using house = await up(place);
    const second = await gyre(['up', '--port', '0'], place);
    assert.equal(second.code, 3);
    assert.ok(second.stderr.includes(`process ${house.running.pid}`) && second.stderr.includes(house.address), second.stderr);
    assert.ok(second.stderr.includes('--data'), second.stderr);
    assert.equal((await gyre(['demo', '--exit', '-C', place.cwd], place)).code, 3, 'the demo neither');
    assert.match(await done(['data', 'ls'], place), /people/, 'verbs go to the one that runs');
    assert.ok((await fetch(`${house.address}/health`)).ok, 'the first is not disturbed');
  });

  test('ends at Ctrl-C with its planes, and leaves nothing running', async () => {
    await using house = await up(place);
    const planes = await servingPlanes(house);
    const ended = await house.stop();
    assert.deepEqual([ended.code, ended.signal], [0, null], ended.stderr);
    await eventually('the planes are gone', () => planes.every((pid) => !isAlive(pid)));
    assert.ok(!(await readdir(house.dataFolder)).includes('server.json'));
  });

  test('killed with -9 takes its planes with it, and starts again over the same folder', async () => {
    await using house = await up(place);
    const planes = await servingPlanes(house);
    house.running.kill('SIGKILL');
    assert.equal((await house.running.ended).signal, 'SIGKILL');
    await eventually('the planes are gone', () => planes.every((pid) => !isAlive(pid)));
    await using again = await up(place);
    await servingPlanes(again);
  });

  test('starts a data plane again that was killed, and answers at the same address', async () => {
    await using house = await up(place);
    const [first] = await servingPlanes(house);
    const addresses = await addressesOf(house);
    process.kill(first, 'SIGKILL');
    await eventually('another process stands in its place', async () => {
      const now = await childrenOf(house.running.pid);
      return now.length === 2 && !now.includes(first);
    });
    await eventually('all addresses answer', async () => {
      const answers = await Promise.all(
        addresses.map((address) =>
          fetch(`${address}/v2/health/ready`).then(
            (response) => response.ok,
            () => false,
          ),
        ),
      );
      return answers.every(Boolean);
    });
    assert.deepEqual(await addressesOf(house), addresses);
  });

  test('refuses a port that is in use, with its number', async () => {
    const holder = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => holder.once('listening', resolve));
    try {
      const taken = holder.address();
      assert.ok(typeof taken === 'object' && taken !== null);
      const ended = await gyre(['up', '--port', String(taken.port)], place);
      assert.equal(ended.code, 3, ended.stderr);
      assert.ok(ended.stderr.includes(String(taken.port)) && ended.stderr.includes('--port'), ended.stderr);
    } finally {
      holder.close();
    }
  });

  test('refuses to leave loopback without TLS', async () => {
    const ended = await gyre(['up', '--host', '0.0.0.0', '--port', '0'], place);
    assert.equal(ended.code, 3);
    assert.match(ended.stderr, /0\.0\.0\.0 without TLS.*--tls-cert.*--allow-plaintext/);
  });

  test('with a certificate speaks HTTPS on both planes', { skip: opensslMissing }, async () => {
    const { cert, key } = selfSigned(folder.path);
    await using running = start(['up', '--port', '0', '--tls-cert', cert, '--tls-key', key], place);
    const [, address, dataFolder] = await running.line(/up at (\S+), data in (.*)$/);
    assert.match(address, /^https:/);
    const token = (await readFile(join(dataFolder, 'secrets/owner-token'), 'utf8')).trim();
    const authority = readFileSync(cert, 'utf8');
    const health = await secureGet(`${address}/health`, authority);
    assert.equal(health.status, 200);
    let environments: readonly EnvironmentState[] = [];
    await eventually('both environments are served', async () => {
      const answer = await secureGet(`${address}/api/v1/environments`, authority, token);
      environments = (JSON.parse(answer.body) as Page<EnvironmentState>).items;
      return environments.every(({ ready }) => ready);
    });
    for (const { name, address: plane } of environments) {
      assert.ok(plane !== undefined && plane.startsWith('https:'), `${name}: ${plane}`);
      assert.equal((await secureGet(`${plane}/v2/health/ready`, authority)).status, 200);
      await assert.rejects(fetch(`${plane.replace('https:', 'http:')}/v2/health/ready`), 'not in plain text');
    }
    await assert.rejects(secureGet(`${address}/health`, undefined), /self.signed/i);
  });
});

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => probe.once('listening', resolve));
  const bound = probe.address();
  assert.ok(typeof bound === 'object' && bound !== null);
  await new Promise((resolve) => probe.close(resolve));
  return bound.port;
}

function secureGet(url: string, ca: string | undefined, token?: string): Promise<{ readonly status: number; readonly body: string }> {
  return new Promise((resolve, reject) => {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const asked = request(url, { ...(ca === undefined ? {} : { ca }), headers, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
    asked.on('error', reject);
    asked.end();
  });
}
