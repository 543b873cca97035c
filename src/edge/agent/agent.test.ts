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
import { agentFolder } from './agent-folder.ts';
import { runAgent } from './agent.ts';
import { checkAgentMachine } from './check-by-hand.ts';
import { openContact } from './contact.ts';
import { pause } from './pauses.ts';
import type { AgentDeps, AgentPlane } from './port.ts';
import { sendSegments } from './send-segments.ts';

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
  dies = false;
  /** What it does when it is to hand over its log. */
  hands: (() => Promise<void>) | undefined;
  #handing: Promise<void> | undefined;

  async apply({ manifest }: SignedManifest): Promise<{ readonly address: string }> {
    if (this.dies) throw new GyreError('UNAVAILABLE', 'the data plane ended (by SIGKILL)');
    if (this.refuses !== undefined) throw new GyreError('FAILED_PRECONDITION', this.refuses);
    this.served.push(manifest.generation);
    this.address = 'http://127.0.0.1:9';
    return { address: this.address };
  }

  async stop(): Promise<void> {
    this.address = undefined;
    await this.#handing;
  }

  async figures(): Promise<PlaneFigures | undefined> {
    return undefined;
  }

  async ship(): Promise<void> {
    this.#handing = this.hands?.().catch(() => undefined);
    await this.#handing;
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
  /** What it answers when a file is asked for; 0: nothing. */
  let fileStatus = 200;
  let sending = 0;
  let stopping = new AbortController();
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
  const enrolment = () => ({
    format: 'gyre.enrolment.v1' as const,
    agent: 'far',
    environment: 'field',
    server: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    token: `gyre_${'A'.repeat(43)}`,
    key: keys.publicKey.export({ type: 'spki', format: 'der' }).toString('base64'),
  });
  const replaceFile = (path: string, content: string): void => {
    writeFileSync(`${path}.fresh`, content);
    renameSync(`${path}.fresh`, path);
  };
  const roomy: Machine = {
    cpuFeatures: async () => new Set(),
    availableBytes: async () => 2 ** 40,
    freeBytes: async () => 2 ** 40,
    onnxruntime: async () => '1.30.0',
    portProblem: async () => undefined,
    hasSecret: async () => true,
    reachProblem: async () => undefined,
  };
  const start = (times: Partial<AgentDeps['times']> = {}, prepare?: (plane: PlayedPlane) => void): void => {
    stopping = new AbortController();
    plane = new PlayedPlane();
    prepare?.(plane);
    running = (async () => {
      await runAgent({
        enrolment: enrolment(),
        folder,
        blobs: await openFsBlobs({ dir: join(folder, 'blobs') }),
        openPlane: (onSegments) => {
          const segment = join(folder, '1.seg');
          if (plane.hands !== undefined) plane.hands = async () => (await writeFile(segment, ''), onSegments([segment]));
          return plane;
        },
        machine: { ...roomy, ...machine },
        host: { name: 'box', platform: 'linux-x64', cpus: 1, memoryMiB: 1, gyre: '0.1.0', onnxruntime: '1.30.0' },
        clock: systemClock,
        chance: () => 0.5,
        replaceFile,
        times: { waitMs: 50, reportMs: 20, shipMs: 1000, pauseMs: 5, longestPauseMs: 40, refusedMs: 60_000, lastTryMs: 50, ...times },
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
    [fileStatus, sending] = [200, 0];
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
          if (fileStatus === 0) return undefined;
          if (fileStatus !== 200)
            return response.writeHead(fileStatus).end(JSON.stringify({ code: 'RESOURCE_EXHAUSTED', detail: 'its disk is full' }));
          return bytes === undefined ? response.writeHead(404).end('{}') : response.end(bytes);
        }
        if (url.endsWith('/predictions')) return void (sending += 1);
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

  test('takes a rollback where the machine has become too small, as its packages ran here before', async () => {
    answer = desiredOf(10, manifestOf(1));
    start();
    await eventually(() => plane.served.at(-1) === 1);
    answer = desiredOf(11, manifestOf(2));
    await eventually(() => plane.served.at(-1) === 2);
    await stop();
    machine = { availableBytes: async () => 10 };
    // The packages of generation 1, in a manifest of its own.
    answer = desiredOf(12, manifestOf(4));
    start();
    await eventually(() => plane.served.at(-1) === 4 || refusal() !== '');
    assert.deepEqual([plane.served, refusal()], [[2, 4], '']);
    answer = desiredOf(13, manifestOf(3));
    await eventually(() => /its machine does not fit/.test(refusal()));
  });

  test('does not take what goes wrong on the platform while it fetches for a refusal of its own', async () => {
    answer = desiredOf(10, manifestOf(1));
    fileStatus = 507;
    start();
    await eventually(() => fetched.length > 2);
    assert.equal(refusal(), '');
    fileStatus = 200;
    await eventually(() => plane.served.length === 1);
    assert.ok(!said.some((line) => line.startsWith('refused')));
  });

  test('waits no longer for a file of which nothing comes, not even an answer', async () => {
    [answer, fileStatus] = [{}, 0];
    start();
    await assert.rejects(openContact(enrolment(), stopping.signal, 50).bytes('files/0'), { code: 'UNAVAILABLE' });
  });

  test('started while the platform is away, tries again when its data plane dies at the start, and does not go back for it', async () => {
    answer = desiredOf(10, manifestOf(1));
    start();
    await eventually(() => plane.served.at(-1) === 1);
    answer = desiredOf(11, manifestOf(2));
    await eventually(() => plane.served.at(-1) === 2);
    await stop();
    answer = undefined;
    start({}, (fresh) => (fresh.dies = true));
    await eventually(() => said.some((line) => line.includes('could not be served again')));
    plane.dies = false;
    await eventually(() => plane.served.length > 0);
    assert.deepEqual(plane.served, [2]);
  });

  test('ends in time while its log is still being sent', async () => {
    answer = desiredOf(10, manifestOf(1));
    start({ shipMs: 5 }, (fresh) => (fresh.hands = async () => undefined));
    await eventually(() => sending > 0);
    const late = new AbortController();
    const first = await Promise.race([stop().then(() => 'ended'), pause(15_000, late.signal).then(() => 'still sending')]);
    late.abort();
    assert.equal(first, 'ended');
    assert.ok((await readdir(folder)).includes('1.seg'), 'what was not sent stays');
  });

  test('sets a damaged part of the log aside, and sends the rest', async () => {
    const paths = ['1.seg', '2.seg', '3.seg'].map((name) => join(folder, name));
    for (const [at, path] of paths.entries()) await writeFile(path, at === 0 ? 'what is no segment' : '');
    const sent: string[] = [];
    const contact = {
      ...openContact(enrolment(), AbortSignal.abort()),
      post: async (_path: string, body: unknown) => {
        const { segment } = body as { segment: string };
        if (segment === '2.seg') throw new GyreError('INVALID_ARGUMENT', 'predictions[0] has no time');
        sent.push(segment);
      },
    };
    await sendSegments(contact, paths, (line) => void said.push(line));
    assert.deepEqual(sent, ['3.seg']);
    assert.deepEqual((await readdir(folder)).toSorted(), ['1.seg.damaged', '2.seg.damaged']);
    assert.match(said.join('\n'), /is no segment of a prediction log.*1\.seg\.damaged\n.*predictions\[0\] has no time.*2\.seg\.damaged/);
  });

  test('looked at by hand, counts what the agent beside it serves as loaded', async () => {
    answer = desiredOf(10, manifestOf(1));
    start();
    await eventually(() => asked.some((url) => url.includes('after=10&')));
    const look = async (ports: readonly number[]) =>
      checkAgentMachine({
        enrolment: enrolment(),
        folder,
        agentFolder: agentFolder(folder, replaceFile),
        blobs: await openFsBlobs({ dir: join(folder, 'blobs'), readOnly: true }),
        machine: { ...roomy, availableBytes: async () => 10 },
        host: '127.0.0.1',
        ports,
        signal: stopping.signal,
      });
    const memory = async (ports: readonly number[]) => (await look(ports))?.checks.find(({ name }) => name === 'memory')?.passed;
    assert.equal(await memory([0]), false);
    assert.notEqual(await memory([]), false);
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
