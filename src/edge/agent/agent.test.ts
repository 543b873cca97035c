import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { openFsBlobs } from '#blobs';
import type { AgentReport, DesiredAnswer, PlaneFigures, SignedManifest } from '#contract';
import { canonicalJson, GyreError, isoInstant, sha256, systemClock } from '#core';
import type { Machine } from '#machine';
import { sampleManifest, samplePackage } from '#serving';
import { runAgent } from './agent.ts';
import type { AgentDeps, AgentPlane } from './port.ts';

const keys = generateKeyPairSync('ed25519');
const strangers = generateKeyPairSync('ed25519');
const samples = [0, 1, 2].map((bias) => samplePackage({ bias }));

const signed = (value: unknown, key: KeyObject): string => sign(null, Buffer.from(canonicalJson(value)), key).toString('base64');

/** Waits for what the agent does; the suite's own limit ends what never comes. */
async function eventually(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** A data plane that only says what it was told. */
class PlayedPlane implements AgentPlane {
  readonly host = '127.0.0.1';
  readonly ports = [0];
  readonly served: number[] = [];
  address: string | undefined;
  refuses: string | undefined;
  shipped: readonly string[] = [];

  async apply({ manifest }: SignedManifest): Promise<{ readonly address: string }> {
    if (this.refuses !== undefined) throw new GyreError('FAILED_PRECONDITION', this.refuses);
    this.served.push(manifest.generation);
    this.address = 'http://127.0.0.1:9';
    return { address: this.address };
  }

  async stop(): Promise<void> {
    this.address = undefined;
  }

  async figures(): Promise<PlaneFigures | undefined> {
    return undefined;
  }

  async ship(): Promise<void> {
    return undefined;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

describe('an agent', { timeout: 60_000 }, () => {
  let folder = '';
  let server: Server;
  let plane: PlayedPlane;
  /** What the platform answers; undefined: it breaks the connection off. */
  let answer: DesiredAnswer | undefined;
  let reports: AgentReport[] = [];
  let asked: string[] = [];
  let said: string[] = [];
  let fetched: string[] = [];
  let files = new Map<string, Uint8Array>();
  let machine: Partial<Machine> = {};
  let stopping: AbortController;
  let running: Promise<void> | undefined;

  const manifestOf = (generation: number, options: { readonly environment?: string; readonly key?: KeyObject } = {}): SignedManifest => {
    const { environment = 'field', key = keys.privateKey } = options;
    const manifest = sampleManifest(samples[generation % samples.length], generation, { environment });
    return { manifest, keyId: 'test', signature: signed(manifest, key) };
  };
  const desiredOf = (
    revision: number,
    manifest: SignedManifest | null,
    { environment = 'field', key = keys.privateKey } = {},
  ): DesiredAnswer => {
    const desired = {
      format: 'gyre.desired.v1' as const,
      environment,
      revision,
      manifest: manifest === null ? null : sha256(canonicalJson(manifest)),
      issuedAt: isoInstant(systemClock.now()),
    };
    return { state: { desired, keyId: 'test', signature: signed(desired, key) }, ...(manifest === null ? {} : { manifest }) };
  };
  const start = (times: Partial<AgentDeps['times']> = {}): void => {
    stopping = new AbortController();
    plane = new PlayedPlane();
    running = (async () => {
      await runAgent({
        enrolment: {
          format: 'gyre.enrolment.v1',
          agent: 'far',
          environment: 'field',
          server: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
          token: `gyre_${'A'.repeat(43)}`,
          key: keys.publicKey.export({ type: 'spki', format: 'der' }).toString('base64'),
        },
        folder,
        blobs: await openFsBlobs({ dir: join(folder, 'blobs') }),
        openPlane: () => plane,
        machine: {
          cpuFeatures: async () => new Set(),
          availableBytes: async () => 2 ** 40,
          freeBytes: async () => 2 ** 40,
          onnxruntime: async () => '1.30.0',
          portProblem: async () => undefined,
          hasSecret: async () => true,
          reachProblem: async () => undefined,
          ...machine,
        },
        host: { name: 'box', platform: 'linux-x64', cpus: 1, memoryMiB: 1, gyre: '0.1.0', onnxruntime: '1.30.0' },
        clock: systemClock,
        chance: () => 0.5,
        replaceFile: (path, content) => {
          writeFileSync(`${path}.fresh`, content);
          renameSync(`${path}.fresh`, path);
        },
        times: { waitMs: 50, reportMs: 20, shipMs: 1000, pauseMs: 5, longestPauseMs: 40, refusedMs: 60_000, ...times },
        say: (line) => void said.push(line),
        signal: stopping.signal,
      });
    })();
  };
  const stop = async (): Promise<void> => {
    stopping.abort();
    await running;
  };
  const refusal = (): string => reports.at(-1)?.refused?.reason ?? '';

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gyre-agent-'));
    [answer, reports, asked, said, fetched, machine] = [{}, [], [], [], [], {}];
    files = new Map(samples.flatMap((sample) => sample.files.map(({ digest, bytes }) => [digest, bytes] as const)));
    server = createServer((request, response) => {
      const { url = '' } = request;
      void (async () => {
        if (answer === undefined) return request.socket.destroy();
        if (request.headers.authorization !== `Bearer gyre_${'A'.repeat(43)}`) return response.writeHead(401).end();
        if (url.startsWith('/api/v1/agent/desired')) {
          asked.push(url);
          const { state } = answer;
          // As the platform does: who has dealt with it waits a while.
          if (url.includes(`after=${state?.desired.revision ?? 0}&`)) await new Promise((resolve) => setTimeout(resolve, 20));
          return response.end(JSON.stringify(answer));
        }
        if (url.startsWith('/api/v1/agent/files/')) {
          const digest = url.split('/').at(-1) ?? '';
          fetched.push(digest);
          const bytes = files.get(digest);
          return bytes === undefined ? response.writeHead(404).end('{}') : response.end(bytes);
        }
        reports.push(JSON.parse(await text(request)) as AgentReport);
        return response.end('{}');
      })();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterEach(async () => {
    await stop();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    await rm(folder, { recursive: true, force: true });
  });

  test('fetches what it is to serve, has it served, and says so; files that nothing names any more go', async () => {
    answer = desiredOf(10, manifestOf(1));
    start();
    await eventually(() => reports.some(({ serving }) => serving?.generation === 1));
    assert.deepEqual(plane.served, [1]);
    for (const [generation, revision] of [
      [2, 11],
      [3, 12],
      [4, 13],
    ] as const) {
      // prettier-ignore
      answer = desiredOf(revision, manifestOf(generation));
      await eventually(() => plane.served.at(-1) === generation);
    }
    await eventually(async () => (await readdir(join(folder, 'manifests'))).length === 3);
    const again = fetched.length;
    answer = desiredOf(14, manifestOf(3));
    await eventually(() => plane.served.at(-1) === 3);
    assert.equal(fetched.length, again, 'what was served before is there still');
  });

  test('goes on with what it had when it is told what nobody signed, another environment’s, or what is older', async () => {
    answer = desiredOf(10, manifestOf(1));
    start();
    await eventually(() => reports.some(({ serving }) => serving?.generation === 1));
    const changed = manifestOf(2);
    const cases: readonly (readonly [DesiredAnswer, RegExp])[] = [
      [desiredOf(11, manifestOf(2), { key: strangers.privateKey }), /the signature of the desired state is not that of the pinned key/],
      [desiredOf(11, manifestOf(2, { key: strangers.privateKey })), /the signature of the manifest is not that of the pinned key/],
      [desiredOf(11, manifestOf(2), { environment: 'north' }), /the desired state is of environment "north", and this agent is of "field"/],
      [desiredOf(11, manifestOf(2, { environment: 'north' })), /the manifest is of environment "north"/],
      [{ ...desiredOf(11, changed), manifest: { ...changed, manifest: { ...changed.manifest, generation: 3 } } }, /the manifest is not the one that the desired state names/],
      [desiredOf(9, manifestOf(2)), /revision 9 is older than 10, which this agent has seen: it was played again/],
    ]; // prettier-ignore
    for (const [wrong, reason] of cases) {
      answer = wrong;
      await eventually(() => reason.test(refusal()));
      assert.deepEqual(plane.served, [1], String(reason));
      assert.equal(reports.at(-1)?.serving?.generation, 1);
    }
    answer = desiredOf(11, manifestOf(2));
    await eventually(() => plane.served.at(-1) === 2);
    await eventually(() => reports.at(-1)?.refused === undefined);
  });

  test('remembers over a restart what it has seen, so that older states stay old', async () => {
    answer = desiredOf(20, manifestOf(1));
    start();
    await eventually(() => plane.served.length === 1);
    await eventually(() => asked.some((url) => url.includes('after=20&')));
    await stop();
    answer = desiredOf(19, manifestOf(2));
    start();
    await eventually(() => /revision 19 is older than 20/.test(refusal()));
    assert.deepEqual(plane.served, [1]);
  });

  test('started while the platform is away, serves what it served last', async () => {
    answer = desiredOf(10, manifestOf(1));
    start();
    await eventually(() => plane.served.length === 1);
    await stop();
    answer = undefined;
    start();
    await eventually(() => plane.served.length === 1);
    await eventually(() => said.some((line) => line.includes('the platform is away: what is served goes on')));
    answer = desiredOf(11, manifestOf(2));
    await eventually(() => plane.served.at(-1) === 2);
    assert.ok(said.some((line) => line.endsWith('answers again')));
  });

  test('takes no file with other bytes than the manifest names, however often it comes', async () => {
    const [model] = manifestOf(1).manifest.models[0].files;
    const right = files.get(model.digest) ?? new Uint8Array();
    files.set(model.digest, Buffer.concat([right.subarray(1), Buffer.from('x')]));
    answer = desiredOf(10, manifestOf(1));
    start({ refusedMs: 30 });
    await eventually(() => /came with other bytes than the manifest names/.test(refusal()));
    files.set(model.digest, Buffer.concat([right, right]));
    await eventually(() => /came with more bytes than the \d+ that the manifest names/.test(refusal()));
    assert.deepEqual(plane.served, []);
    files.set(model.digest, right);
    await eventually(() => plane.served.length === 1);
    await eventually(() => reports.at(-1)?.refused === undefined && reports.at(-1)?.serving?.generation === 1);
  });

  test('fetches a file anew that was damaged on its disk', async () => {
    answer = desiredOf(10, manifestOf(1));
    start();
    await eventually(() => plane.served.length === 1);
    await eventually(() => asked.some((url) => url.includes('after=10&')));
    await stop();
    const [{ digest }] = manifestOf(1).manifest.models[0].files;
    const place = join(folder, 'blobs', 'sha256', digest.slice(0, 2), digest.slice(2));
    await rm(place, { force: true });
    await writeFile(place, 'rotten');
    fetched = [];
    start();
    plane.refuses = 'model.onnx is corrupt';
    await eventually(() => said.some((line) => line.includes('could not be served again: model.onnx is corrupt')));
    plane.refuses = undefined;
    await eventually(() => plane.served.length === 1);
    assert.deepEqual(fetched, [digest]);
  });

  test('does not begin what its machine does not fit, and tries again later', async () => {
    answer = desiredOf(10, manifestOf(1));
    let looks = 0;
    machine = { availableBytes: async () => ((looks += 1), 10) };
    start({ refusedMs: 50 });
    await eventually(() => /its machine does not fit: memory: 0 MiB are free/.test(refusal()));
    assert.deepEqual([plane.served, fetched], [[], []]);
    assert.deepEqual(reports.at(-1)?.checks?.map(({ name, passed }) => [name, passed]), [['memory', false], ['disk', true]]); // prettier-ignore
    const before = looks;
    await eventually(() => looks > before);
  });

  test('says why its data plane refused, and keeps what it had', async () => {
    answer = desiredOf(10, manifestOf(1));
    start();
    await eventually(() => plane.served.length === 1);
    plane.refuses = 'this model cannot be loaded';
    answer = desiredOf(11, manifestOf(2));
    await eventually(() => refusal() === 'this model cannot be loaded');
    assert.equal(reports.at(-1)?.serving?.generation, 1);
    answer = desiredOf(12, manifestOf(1));
    await eventually(() => reports.at(-1)?.refused === undefined);
    assert.deepEqual(plane.served, [1], 'it serves that already');
  });

  test('ends its data plane when nothing is to be served', async () => {
    answer = desiredOf(10, manifestOf(1));
    start();
    await eventually(() => plane.served.length === 1);
    answer = desiredOf(11, null);
    await eventually(() => reports.at(-1)?.serving === undefined && plane.address === undefined);
    answer = desiredOf(12, manifestOf(1));
    await eventually(() => plane.served.length === 2);
  });
});
