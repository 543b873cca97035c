import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { Agent, request as httpRequest } from 'node:http';
import { connect } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, describe, test } from 'node:test';
import { openFsBlobs } from '#blobs';
import type { ReleaseManifest } from '#contract';
import { putSample, readSegment, sampleManifest, samplePackage } from '#serving';
import type { SamplePackage } from '#serving';
import { runInference } from './inference.ts';
import type { InferenceOptions } from './inference-options.ts';
import type { RunningInference } from './inference.ts';

const row = { tenure: 10, charges: 50, senior: true, contract: 'One year' };
const samples = [samplePackage(), samplePackage({ bias: 1 })];
const limits = { maxBodyBytes: 100_000, maxRows: 100 };

interface Reply {
  readonly status: number;
  readonly text: string;
  readonly retryAfter: string | undefined;
}

/** @param agent default: a connection of its own, which the kernel gives to any of the threads */
function ask(
  address: string,
  path: string,
  body?: object,
  headers: Record<string, string> = {},
  agent = new Agent({ keepAlive: false }),
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const { port } = new URL(address);
    const sent = httpRequest({
      port,
      host: '127.0.0.1',
      path,
      method: body === undefined ? 'GET' : 'POST',
      agent,
      headers: { 'content-type': 'application/json', ...headers },
    });
    sent.on('error', reject);
    sent.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => (text += part));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text, retryAfter: response.headers['retry-after'] }));
    });
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

const askBy = (agent: Agent, address: string): Promise<Reply> =>
  ask(address, '/predict/churn', { rows: Array.from({ length: 20 }, () => row) }, {}, agent);

const predict = (address: string, headers: Record<string, string> = {}): Promise<Reply> =>
  ask(address, '/predict/churn', { rows: [row] }, headers);
const many = <T>(count: number, make: (k: number) => Promise<T>): Promise<readonly T[]> =>
  Promise.all(Array.from({ length: count }, (_, k) => make(k)));
const generationOf = ({ text }: Reply): string => (JSON.parse(text) as { version: string }).version;

/** Waits until it is so, or fails: threads get their time when the machine has some. */
async function eventually(isSo: () => Promise<boolean>): Promise<void> {
  for (let waits = 0; waits < 600; waits++) {
    if (await isSo()) return;
    await sleep(100);
  }
  assert.fail('it did not come to that in a minute');
}

describe('threads that answer together', () => {
  let root = '';
  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'gyre-threads-'));
    const blobs = await openFsBlobs({ dir: join(root, 'blobs') });
    for (const sample of samples) await putSample(blobs, sample);
  });
  after(() => rm(root, { recursive: true, force: true }));

  const write = (name: string, sample: SamplePackage, generation: number, changes: Partial<ReleaseManifest> = {}): Promise<void> =>
    writeFile(join(root, name), JSON.stringify(sampleManifest(sample, generation, { limits, ...changes })));

  const open = async (name: string, options: Partial<InferenceOptions> = {}): Promise<RunningInference & AsyncDisposable> => {
    const running = await runInference({
      manifest: join(root, name),
      blobs: join(root, 'blobs'),
      unsigned: true,
      port: 0,
      answeringThreads: 3,
      spool: join(root, `log of ${name}`),
      logLevel: 'silent',
      ...options,
    });
    return { ...running, [Symbol.asyncDispose]: () => running.drain() };
  };

  test('take the connections of one port, log all of them, and say the same of all of them whichever is asked', async () => {
    await write('all.json', samples[0], 1);
    await using running = await open('all.json');
    const { address } = running;
    const replies = await many(120, () => predict(address));
    assert.ok(replies.every(({ status }) => status === 200));
    const reports = await running.plane.reports();
    const taken = reports.map(({ models }) => models[0].totals.success.count);
    assert.equal(reports.length, 3);
    assert.ok(
      taken.every((count) => count > 0 && count < 120),
      `each took some: ${taken.join(', ')}`,
    );
    const texts = await many(12, () => ask(address, '/metrics'));
    for (const { text } of texts) {
      assert.match(text, /^gyre_inference_rows_total\{model="churn-model",version="1"\} 120$/m);
      assert.match(text, /^gyre_log_requests_total 120$/m);
      assert.match(text, /^gyre_http_request_seconds_count\{route="predict"\} 120$/m);
      assert.match(text, /^gyre_ready 1$/m);
      assert.match(text, /^gyre_manifest_generation 1$/m);
      assert.equal(text.match(/^process_resident_memory_bytes /gm)?.length, 1);
    }
    for (const { text } of await many(12, () => ask(address, '/v2/models/churn-model/stats'))) {
      const { model_stats: stats } = JSON.parse(text) as {
        model_stats: { inference_count: number; inference_stats: { success: { count: number } } }[];
      };
      assert.deepEqual([stats.length, stats[0].inference_count, stats[0].inference_stats.success.count], [1, 120, 120]);
    }
    const figures = await running.plane.allFigures();
    assert.deepEqual(
      [figures.answeringThreads, figures.models[0].traffic.requests, figures.spool?.frames, figures.inFlight],
      [3, 120, 120, 0],
    );
    const logged = (await Promise.all((await running.plane.flush()).map((path) => readSegment(path)))).flatMap(
      ({ predictions }) => predictions,
    );
    const answered = replies.map(({ text }) => (JSON.parse(text) as { predictions: { id: string }[] }).predictions[0].id);
    assert.deepEqual(logged.map(({ id }) => id).toSorted(), answered.toSorted());
    assert.equal(new Set(answered).size, 120);
  });

  test('take gRPC at one port too', async () => {
    await write('grpc.json', samples[0], 1);
    await using running = await open('grpc.json');
    const at = (running.grpcAddress ?? '').replace('grpc', 'http');
    const live = (): Promise<string> =>
      new Promise((resolve, reject) => {
        const session = connect(at);
        session.on('error', reject);
        const call = session.request({
          ':method': 'POST',
          ':path': '/inference.GRPCInferenceService/ServerReady',
          'content-type': 'application/grpc',
          te: 'trailers',
        });
        const parts: Buffer[] = [];
        call.on('data', (part: Buffer) => parts.push(part));
        call.on('end', () => {
          session.close();
          resolve(Buffer.concat(parts).toString('hex'));
        });
        call.end(Buffer.alloc(5));
      });
    // Ready: field 1, true, in a frame of two bytes.
    assert.deepEqual(new Set(await many(30, live)), new Set(['00000000020801']));
    const own = /gyre_http_requests_total\{route="[^"]*ServerReady",code="0"\} (\d+)/;
    assert.equal(Number(own.exec(await running.plane.metricsText())?.[1]), 30);
    const [leading] = await running.plane.collect().then((families) => families.filter(({ name }) => name === 'gyre_http_requests_total'));
    const here = leading.series.find(({ key }) => key.includes('ServerReady'))?.values[0] ?? 0;
    assert.ok(here > 0 && here < 30, `the first thread took ${here}`);
  });

  test('replace their manifest together, and none of them when one cannot', async () => {
    await write('swap.json', samples[0], 1);
    await using running = await open('swap.json');
    const { address, plane } = running;
    let asking = true;
    const failed: string[] = [];
    const keepAsking = many(6, async () => {
      while (asking) {
        const { status, text } = await predict(address);
        if (status !== 200) failed.push(text);
      }
    });
    await write('swap.json', samples[1], 2);
    assert.deepEqual(await running.reload(), { loaded: true, generation: 2 });
    assert.deepEqual(new Set((await many(40, () => predict(address))).map(generationOf)), new Set(['2']));
    const lacking = sampleManifest(samples[0], 3, { limits });
    const broken = {
      ...lacking,
      models: lacking.models.map((model) => ({ ...model, files: model.files.map((file) => ({ ...file, digest: 'f'.repeat(64) })) })),
    };
    const refused = await plane.swap(() => Promise.resolve(broken));
    assert.equal(refused.loaded, false);
    assert.deepEqual(new Set((await many(40, () => predict(address))).map(generationOf)), new Set(['2']));
    asking = false;
    await keepAsking;
    assert.deepEqual(failed, []);
    const { text } = await ask(address, '/metrics');
    assert.match(text, /^gyre_manifest_swaps_total\{result="loaded"\} 1$/m);
    assert.match(text, /^gyre_manifest_swaps_total\{result="refused"\} 1$/m);
    assert.match(text, /^gyre_manifest_generation 2$/m);
  });

  test('unload a model and load it again, whichever is asked', async () => {
    await write('control.json', samples[0], 1);
    await using running = await open('control.json', { modelControl: true });
    const { address } = running;
    for (let round = 0; round < 4; round++) {
      assert.equal((await ask(address, '/v2/repository/models/churn-model/unload', {})).status, 200);
      assert.deepEqual(new Set((await many(20, () => predict(address))).map(({ status }) => status)), new Set([503]));
      assert.equal((await ask(address, '/v2/repository/models/churn-model/load', {})).status, 200);
      assert.deepEqual(new Set((await many(20, () => predict(address))).map(({ status }) => status)), new Set([200]));
    }
    const unknown = await many(8, () => ask(address, '/v2/repository/models/nobody/load', {}));
    for (const { status, text } of unknown) assert.match(`${status} ${text}`, /^404 .*names no model \\"nobody\\"/);
  });

  test('let in together what a limit allows', async () => {
    const tokens = ['gyre_one', 'gyre_two'];
    const hashes = tokens.map((token) => createHash('sha256').update(token).digest('hex'));
    await write('rate.json', samples[0], 1, { limits: { ...limits, rate: { perSecond: 0.01, burst: 20 } }, tokenHashes: hashes });
    await using running = await open('rate.json');
    for (const token of tokens) {
      const replies = await many(60, () => predict(running.address, { authorization: `Bearer ${token}` }));
      assert.deepEqual(
        [replies.filter(({ status }) => status === 200).length, replies.filter(({ status }) => status === 429).length],
        [20, 40],
      );
      assert.ok(replies.every(({ status, retryAfter }) => status === 200 || Number(retryAfter) > 10));
    }
    assert.equal((await running.plane.allFigures()).refused.rate, 80);
  });

  test('keep a port to their own process', async () => {
    await write('port.json', samples[0], 1);
    await using running = await open('port.json');
    const port = Number(new URL(running.address).port);
    for (const answeringThreads of [1, 2, 'auto'] as const)
      await assert.rejects(open('port.json', { port, answeringThreads, spool: join(root, 'other') }), {
        code: 'FAILED_PRECONDITION',
        message: new RegExp(`127\\.0\\.0\\.1:${port} is in use`),
      });
    assert.equal((await predict(running.address)).status, 200);
  });

  test('end while a manifest is being loaded by all of them', async () => {
    await write('late.json', samples[0], 1);
    const running = await open('late.json', { lane: 'workers' });
    let drained: Promise<void> | undefined;
    const swapped = await running.plane.swap(() => {
      // When it is read, and before any of them can have loaded it.
      setImmediate(() => (drained = running.drain()));
      return Promise.resolve(sampleManifest(samples[1], 2, { limits }));
    });
    assert.equal(swapped.loaded, true);
    assert.ok(drained !== undefined);
    await drained;
  });

  test('become more without loading again what is loaded', async () => {
    await write('more.json', samples[0], 1);
    await using running = await open('more.json', { answeringThreads: 1 });
    const { plane } = running;
    const [{ loaded: before }] = plane.models;
    const changes: number[] = [];
    await plane.lead((served) => {
      changes.push(served.planes);
      return Promise.resolve({
        prepare: (change) => Promise.resolve(void changes.push(change.planes)),
        commit: () => Promise.resolve(),
        abandon: () => Promise.resolve(),
        flush: () => Promise.resolve(),
        report: () => plane.report(),
        collect: () => plane.collect(),
      });
    });
    assert.deepEqual(changes, [2, 2], 'it takes half of what all may take from the start, and the first gives it');
    assert.equal(plane.models[0].loaded, before);
    assert.equal(before.execution.settings.maxQueued, 2048);
    const kept = sampleManifest(samples[0], 1, { limits });
    const next = { ...sampleManifest(samples[1], 2, { limits }), warm: kept.models.map((model) => ({ ...model, weight: 0 })) };
    assert.deepEqual(await plane.swap(() => Promise.resolve(next)), { loaded: true, generation: 2 });
    assert.deepEqual(await plane.swap(() => Promise.resolve({ ...kept, generation: 3 })), { loaded: true, generation: 3 });
    assert.equal(plane.models[0].loaded, before, 'a rollback after that loads nothing');
  });

  test('answer what is on its way when they are told to end', async () => {
    await write('drain.json', samples[0], 1);
    const running = await open('drain.json');
    const agents = Array.from({ length: 30 }, () => new Agent({ keepAlive: true, maxSockets: 1 }));
    const askAll = (): Promise<readonly number[]> => Promise.all(agents.map(async (agent) => (await askBy(agent, running.address)).status));
    await askAll();
    const replies = askAll();
    const drained = running.drain();
    assert.deepEqual(new Set(await replies), new Set([200]));
    await drained;
    await assert.rejects(predict(running.address), { code: 'ECONNREFUSED' });
  });

  test('become more when one has no time left, and take their part of connections that were there', async () => {
    await write('auto.json', samples[0], 1);
    await using running = await open('auto.json', { answeringThreads: 'auto' });
    let asking = true;
    const failed: string[] = [];
    const kept = many(16, async () => {
      const own = new Agent({ keepAlive: true, maxSockets: 1 });
      while (asking) {
        const { status, text } = await askBy(own, running.address);
        if (status !== 200) failed.push(text);
      }
      own.destroy();
    });
    await eventually(async () => {
      const reports = await running.plane.reports();
      return reports.length > 1 && reports.slice(1).every(({ models }) => models[0].totals.success.count > 0);
    });
    asking = false;
    await kept;
    assert.deepEqual(failed, []);
    assert.match((await ask(running.address, '/metrics')).text, /^gyre_ready 1$/m);
  });
});
