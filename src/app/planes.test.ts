import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, describe, test } from 'node:test';
import { openFsBlobs } from '#blobs';
import type { Prediction, PredictAnswer, SignedManifest } from '#contract';
import { canonicalJson, hasCode } from '#core';
import { thisMachine } from '#machine';
import { putSample, sampleManifest, samplePackage } from '#serving';
import { createLogger, createMetrics } from '#telemetry';
import { openLocalPlanes, type LocalPlanes } from './planes.ts';
import { shipSegments } from './shipping.ts';

const row = { tenure: 10, charges: 50, senior: true, contract: 'One year' };
const log = createLogger({ level: 'silent', destination: process.stderr, bindings: {} });

/** Asks until the answer is there; the suite's own limit ends what never comes. */
async function eventually<T>(ask: () => Promise<T | undefined> | T | undefined): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    await sleep(10);
  }
}

describe('data planes as child processes', { timeout: 60_000 }, () => {
  const keys = generateKeyPairSync('ed25519');
  const strangers = generateKeyPairSync('ed25519');
  const samples = [0, 1, 2].map((bias) => samplePackage({ bias }));
  const filed = new Map<string, readonly Prediction[]>();
  let filings = 0;
  let folder = '';
  let planes: LocalPlanes;

  const manifest = (generation: number, environment = 'production', privateKey = keys.privateKey): SignedManifest => {
    const unsigned = sampleManifest(samples[generation % samples.length], generation, { environment });
    return {
      manifest: unsigned,
      keyId: 'test',
      signature: sign(null, Buffer.from(canonicalJson(unsigned)), privateKey).toString('base64'),
    };
  };
  const predict = async (environment = 'production'): Promise<PredictAnswer> => {
    const response = await fetch(`${planes.address(environment) ?? assert.fail('no plane')}/predict/churn`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ rows: [row] }),
    });
    assert.equal(response.status, 200);
    return (await response.json()) as PredictAnswer;
  };
  const pidOf = (environment = 'production'): number => planes.pid(environment) ?? assert.fail('no plane');

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gyre-planes-'));
    const blobs = await openFsBlobs({ dir: join(folder, 'blobs') });
    for (const sample of samples) await putSample(blobs, sample);
    await writeFile(join(folder, 'key.pem'), keys.publicKey.export({ type: 'spki', format: 'pem' }));
    // Monitoring as it is asked here: a segment's name files its predictions once.
    const monitoring = {
      ingestSegment: ({ segment, predictions }: { segment: string; predictions: readonly Prediction[] }) => {
        filings += 1;
        const ingested = !filed.has(segment);
        if (ingested) filed.set(segment, predictions);
        return Promise.resolve({ ingested, rows: predictions.length });
      },
    };
    planes = openLocalPlanes({
      folder: join(folder, 'planes'),
      blobs: { address: join(folder, 'blobs') },
      publicKeyFile: join(folder, 'key.pem'),
      host: '127.0.0.1',
      portsOf: () => ({ rest: 0, grpc: 0 }),
      log,
      retryMs: 20,
      onSegments: (environment, paths) => shipSegments({ monitoring, log, metrics: createMetrics() }, environment, paths),
    });
  });
  after(async () => {
    await planes[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  test('start, serve, and swap in place to a newer generation', async () => {
    const { address } = await planes.apply(manifest(1));
    assert.equal(planes.address('production'), address);
    assert.equal((await predict()).version, '1');
    const pid = pidOf();
    await planes.apply(manifest(1));
    await planes.apply(manifest(2));
    assert.deepEqual([(await predict()).version, pidOf()], ['2', pid]);
  });

  test('that refuse a manifest go on with the one before, also in their file', async () => {
    await assert.rejects(planes.apply(manifest(3, 'production', strangers.privateKey)), (error) => {
      assert.ok(hasCode(error, 'FAILED_PRECONDITION'));
      return /refused generation 3: the signature of .* is not that of the pinned key/.test(error.message);
    });
    assert.equal((await predict()).version, '2');
    const file = JSON.parse(await readFile(join(folder, 'planes', 'production', 'manifest.json'), 'utf8')) as SignedManifest;
    assert.equal(file.manifest.generation, 2);
  });

  test('that are killed are started again with their manifest, where their callers know them', async () => {
    const [pid, address] = [pidOf(), planes.address('production')];
    process.kill(pid, 'SIGKILL');
    await eventually(() => (planes.pid('production') === pid ? undefined : planes.pid('production')));
    assert.equal(planes.address('production'), address);
    assert.equal((await predict()).version, '2');
  });

  test('that are killed while a swap is asked for serve the newer generation in the end', async () => {
    process.kill(pidOf(), 'SIGKILL');
    // The death may be seen before or in the middle of the swap: then it is asked for again.
    await eventually(() =>
      planes.apply(manifest(4)).then(
        ({ address }) => address,
        (error: unknown) => assert.ok(hasCode(error, 'UNAVAILABLE'), String(error)) as undefined,
      ),
    );
    assert.equal((await predict()).version, '4');
  });

  test('swaps asked for at once come one after the other', async () => {
    await Promise.all([planes.apply(manifest(5)), planes.apply(manifest(6)), planes.apply(manifest(7))]);
    assert.equal((await predict()).version, '7');
  });

  test('an older generation is served in place as well: a switch that was not recorded is taken back', async () => {
    const pid = pidOf();
    await planes.apply(manifest(5));
    assert.equal((await predict()).version, '5');
    assert.equal(pidOf(), pid);
  });

  test('that cannot start say why, and leave no process behind', async () => {
    const lacking = sampleManifest(samplePackage({ bias: 9 }), 1, { environment: 'staging' });
    const signature = sign(null, Buffer.from(canonicalJson(lacking)), keys.privateKey).toString('base64');
    await assert.rejects(planes.apply({ manifest: lacking, keyId: 'test', signature }), (error) => {
      assert.ok(hasCode(error, 'FAILED_PRECONDITION'), String(error));
      return /did not start: /.test(error.message);
    });
    assert.deepEqual([planes.pid('staging'), planes.address('staging')], [undefined, undefined]);
    await planes.apply(manifest(1, 'staging'));
    assert.equal((await predict('staging')).version, '1');
  });

  test('every prediction is shipped once, through a kill -9 and shipping at the same time', async () => {
    await planes.flush();
    filed.clear();
    filings = 0;
    const ids: string[] = [];
    for (let request = 0; request < 5; request++) ids.push((await predict()).predictions[0].id);
    await Promise.all([planes.flush(), planes.flush(), planes.flush('production')]);
    for (let request = 0; request < 5; request++) ids.push((await predict()).predictions[0].id);
    const pid = pidOf();
    process.kill(pid, 'SIGKILL');
    // What was answered before the kill is in the log: the next process finishes the segment that stayed open.
    await eventually(() => (planes.pid('production') === pid ? undefined : planes.pid('production')));
    await planes.flush();
    const shipped = [...filed.values()].flat().map(({ id }) => id);
    assert.deepEqual([...shipped].sort(), [...ids].sort());
    assert.equal(filings, filed.size, 'no segment was handed over twice');
  });

  test('are given nothing that their machine does not fit, and what was served before needs no looking at', async () => {
    let looks = 0;
    const place = join(folder, 'fitted');
    const machine = { ...thisMachine({}), availableBytes: async () => ((looks += 1), 1) };
    const open = (): LocalPlanes =>
      openLocalPlanes({
        folder: place,
        blobs: { address: join(folder, 'blobs') },
        publicKeyFile: join(folder, 'key.pem'),
        host: '127.0.0.1',
        portsOf: () => ({ rest: 0, grpc: 0 }),
        log,
        machine,
        onSegments: () => Promise.resolve(),
      });
    await using fitted = open();
    await assert.rejects(fitted.apply(manifest(1)), (error) => {
      assert.ok(hasCode(error, 'FAILED_PRECONDITION'), String(error));
      const { checks } = error.details as { readonly checks: readonly { readonly name: string; readonly passed: boolean }[] };
      assert.deepEqual(checks.map(({ name, passed }) => [name, passed]), [['memory', false], ['disk', true]]); // prettier-ignore
      return /^its machine does not fit: memory: 0 MiB are free, at least \d+ MiB, the size of its models are asked$/.test(error.message);
    });
    assert.equal(fitted.address('production'), undefined);
    machine.availableBytes = async () => ((looks += 1), 2 ** 40);
    const { checks, address } = await fitted.apply(manifest(1));
    assert.ok(address !== undefined);
    assert.deepEqual(checks?.map(({ passed }) => passed), [true, true]); // prettier-ignore
    await fitted[Symbol.asyncDispose]();
    const before = looks;
    await using again = open();
    assert.equal((await again.apply(manifest(1))).checks, undefined);
    assert.equal(looks, before);
  });

  test('end with their supervisor', async () => {
    const pids = [pidOf(), pidOf('staging')];
    await planes[Symbol.asyncDispose]();
    for (const pid of pids) assert.throws(() => process.kill(pid, 0));
    await assert.rejects(planes.apply(manifest(8)), (error) => hasCode(error, 'UNAVAILABLE'));
  });
});
