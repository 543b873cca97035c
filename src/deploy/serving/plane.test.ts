import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openFsBlobs } from '#blobs';
import type { NamedRow, ReleaseManifest } from '#contract';
import { manualClock, seeded, uuidV7 } from '#core';
import { createMetrics } from '#telemetry';
import { feedsOfRows } from './example.ts';
import { Admission } from './http-admission.ts';
import { blobSource } from './package-source.ts';
import { Plane } from './plane.ts';
import type { Inferred, PlaneDeps } from './plane-port.ts';
import { putSample, sampleManifest, samplePackage } from './sample-package.ts';
import { readSegment } from './segment.ts';
import { Spool } from './spool.ts';

const row: NamedRow = { tenure: 10, charges: 50, senior: true, contract: 'One year' };
const probability = (bias: number, { tenure = 10, charges = 50, senior = 1, contract = 0 } = {}): number =>
  1 / (1 + Math.exp(-(0.5 + bias - 0.05 * tenure + 0.02 * charges + 0.3 * senior + contract)));

describe('a data plane', () => {
  let root = '';
  let deps: PlaneDeps;
  const first = samplePackage();
  const second = samplePackage({ bias: -3, threshold: 0.05 });
  const random = seeded(11);
  const newId = uuidV7(manualClock(1_767_225_600_000), (length) => Uint8Array.from({ length }, () => random.int(256)));
  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'gyre-plane-'));
    const blobs = await openFsBlobs({ dir: join(root, 'blobs') });
    for (const sample of [first, second]) await putSample(blobs, sample);
    deps = {
      source: blobSource(blobs),
      workers: 1,
      elapsed: () => performance.now(),
      clock: manualClock(1_767_225_600_000),
      newId,
      chance: () => random.next(),
      metrics: createMetrics(),
    };
  });
  after(() => rm(root, { recursive: true, force: true }));
  const open = (manifest: ReleaseManifest, changes: Partial<PlaneDeps> = {}): Promise<Plane> =>
    Plane.open(manifest, { ...deps, metrics: createMetrics(), ...changes });
  const ask = async (plane: Plane, rows: readonly NamedRow[] = [row], name = 'churn'): Promise<Inferred & { readonly version: string }> => {
    using lease = plane.lease(name);
    const { entry } = lease.model;
    const inferred = await lease.infer({ feeds: feedsOfRows(entry.signature.inputs, rows), rows, receivedMs: plane.elapsed() });
    return { ...inferred, version: entry.version };
  };
  const yes = ({ outcomes }: Inferred, at = 0): number => outcomes?.[at].probabilities?.Yes ?? Number.NaN;

  test('answers with the model’s probabilities, missing values and unknown categories included', async () => {
    await using plane = await open(sampleManifest(first, 1));
    const inferred = await ask(plane, [
      row,
      { ...row, charges: null, contract: 'Six weeks' },
      { ...row, contract: 'Month-to-month', senior: false },
    ]);
    const expected = [probability(0), probability(0, { charges: 65 }), probability(0, { senior: 0, contract: 0.8 })];
    // The model computes in float32: 1e-6 is 8 of its steps at 1.
    for (const [at, value] of expected.entries())
      assert.ok(Math.abs(yes(inferred, at) - value) < 1e-6, `row ${at}: ${yes(inferred, at)} and ${value}`);
    assert.deepEqual(
      inferred.outcomes?.map(({ label }) => label),
      ['Yes', 'Yes', 'Yes'],
    );
  });

  test('keeps loaded what its manifest keeps warm, answers nobody with it, and serves it without loading it again', async () => {
    const reads: string[] = [];
    const source: PlaneDeps['source'] = {
      read: (file) => {
        reads.push(file.path);
        return deps.source.read(file);
      },
    };
    const [one, two] = [sampleManifest(first, 1), sampleManifest(second, 2)];
    const keeping = (manifest: ReleaseManifest, kept: ReleaseManifest): ReleaseManifest => ({
      ...manifest,
      warm: kept.models.map((model) => ({ ...model, weight: 0 })),
    });
    const graphs = (): number => reads.filter((path) => path.endsWith('.onnx')).length;
    await using plane = await open(one, { source });
    assert.deepEqual(await plane.swap(() => Promise.resolve(keeping(two, one))), { loaded: true, generation: 2 });
    assert.equal(graphs(), 2);
    assert.deepEqual(
      plane.figures().warm?.map(({ name, version, loaded }) => [name, version, loaded]),
      [['churn-model', '1', true]],
    );
    assert.deepEqual(new Set([(await ask(plane)).version, (await ask(plane, [row], 'churn-model')).version]), new Set(['2']));
    assert.throws(() => plane.lease('churn-model', '1'), { code: 'NOT_FOUND' });
    assert.deepEqual(
      plane.repository.map(({ version }) => version),
      ['2'],
    );
    const back = { ...keeping(one, two), generation: 3 };
    assert.deepEqual(await plane.swap(() => Promise.resolve(back)), { loaded: true, generation: 3 });
    assert.equal(graphs(), 2, 'nothing was loaded again');
    assert.equal((await ask(plane)).version, '1');

    // A start has nothing warm yet: it loads that when it answers already. What cannot be loaded stays cold, and hurts nobody.
    const [model] = two.models;
    const lost = {
      ...model,
      version: '9',
      weight: 0,
      package: 'f'.repeat(64),
      files: model.files.map((file) => ({ ...file, digest: 'f'.repeat(64) })),
    };
    await using started = await open({ ...back, warm: [...(back.warm ?? []), lost] });
    for (let waits = 0; started.figures().warm?.some(({ loaded, failure }) => !loaded && failure === undefined) && waits < 3000; waits++)
      await sleep(10);
    assert.deepEqual(
      started.figures().warm?.map(({ version, loaded, failure }) => [version, loaded, failure === undefined]),
      [
        ['2', true, true],
        ['9', false, false],
      ],
    );
    assert.equal((await ask(started)).version, '1');
    await using limited = await open({ ...back, execution: { memoryMiB: 100_000 } });
    await ask(limited);
    assert.deepEqual(
      limited.figures().warm?.map(({ loaded }) => loaded),
      [false],
    );
  });

  test('decides the label by the threshold of the signature, in tensors and rows alike', async () => {
    await using plane = await open(sampleManifest(second, 1));
    const inferred = await ask(plane);
    assert.ok(yes(inferred) > 0.05 && yes(inferred) < 0.5);
    assert.equal(inferred.outcomes?.[0].label, 'Yes');
    assert.deepEqual(inferred.outputs.label.data, ['Yes']);
    assert.equal((await ask(plane, [{ ...row, tenure: 72 }])).outcomes?.[0].label, 'No');
  });

  test('counts what a model did, by the names of other servers too, and goes on counting when it is loaded again', async () => {
    await using plane = await open(sampleManifest(first, 1), { modelControl: true });
    await ask(plane, [row, row, row]);
    let text = await plane.metricsText();
    const counted = (name: string): number =>
      Number(new RegExp(`^${name}\\{model="churn-model",version="1"\\} (\\S+)$`, 'm').exec(text)?.[1] ?? Number.NaN);
    assert.deepEqual(['nv_inference_count', 'nv_inference_request_success', 'model_infer_request_failure'].map(counted), [3, 1, 0]);
    assert.ok(counted('nv_inference_request_duration_us') >= counted('nv_inference_compute_infer_duration_us'));
    assert.ok(counted('nv_inference_compute_infer_duration_us') > 0);
    // As many runs as the rows that go together when the model is loaded on a busy machine.
    assert.ok(counted('nv_inference_exec_count') >= 1 && counted('nv_inference_exec_count') <= 3);
    await plane.setLoaded('churn-model', false);
    await plane.setLoaded('churn-model', true);
    await ask(plane);
    text = await plane.metricsText();
    assert.deepEqual([counted('nv_inference_count'), counted('nv_inference_request_success')], [4, 2]);
  });

  test('unloads a model when it has answered what it was asked, and only where that is allowed', async () => {
    await using plane = await open(sampleManifest(first, 1), { modelControl: true });
    const lease = plane.lease('churn');
    await plane.setLoaded('churn-model', false);
    assert.throws(() => plane.lease('churn'), { code: 'UNAVAILABLE', message: /unloaded/ });
    assert.deepEqual(plane.repository, [{ name: 'churn-model', version: '1', loaded: false }]);
    const { feeds } = { feeds: feedsOfRows(lease.model.entry.signature.inputs, [row]) };
    assert.equal((await lease.infer({ feeds, rows: [row], receivedMs: plane.elapsed() })).rows, 1);
    lease[Symbol.dispose]();
    await assert.rejects(plane.setLoaded('other', true), { code: 'NOT_FOUND', message: /names no model "other"; it names "churn-model"/ });
    assert.deepEqual(await plane.swap(() => Promise.resolve(sampleManifest(second, 2))), { loaded: true, generation: 2 });
    assert.equal((await ask(plane)).version, '2');
    await using strict = await open(sampleManifest(first, 1));
    await assert.rejects(strict.setLoaded('churn-model', false), { code: 'FAILED_PRECONDITION', message: /--model-control/ });
  });

  test('gives up a request after its time, by the manifest’s limit or a shorter one of its own', async () => {
    const manifest = sampleManifest(first, 1);
    await using plane = await open({ ...manifest, limits: { ...manifest.limits, timeoutMs: 1000 } });
    using lease = plane.lease('churn');
    const infer = (agoMs: number, timeoutMs?: number): Promise<Inferred> =>
      lease.infer({
        feeds: feedsOfRows(lease.model.entry.signature.inputs, [row]),
        receivedMs: plane.elapsed() - agoMs,
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
      });
    assert.equal((await infer(0)).rows, 1);
    await assert.rejects(infer(1001), { code: 'DEADLINE_EXCEEDED', message: /within 1000 ms: the request was still being read/ });
    await assert.rejects(infer(20, 10), { code: 'DEADLINE_EXCEEDED', message: /within 10 ms/ });
    // Nobody waits longer than the manifest allows.
    await assert.rejects(infer(1001, 5000), { code: 'DEADLINE_EXCEEDED', message: /within 1000 ms/ });
  });

  test('gives every row an id that names generation and package', async () => {
    await using plane = await open(sampleManifest(first, 7));
    const { ids } = await ask(plane, [row, row]);
    assert.equal(new Set(ids).size, 2);
    for (const id of ids)
      assert.match(id, new RegExp(`^7-${first.digest.slice(0, 8)}-[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`));
  });

  test('logs inputs, outputs, key and event time before it answers', async () => {
    const spool = await Spool.open({ dir: join(root, 'log'), newId });
    await using plane = await open(sampleManifest(first, 1), { spool });
    using lease = plane.lease('churn');
    const feeds = feedsOfRows(lease.model.entry.signature.inputs, [{ ...row, charges: null }]);
    const { ids, outcomes } = await lease.infer({
      feeds,
      keys: ['customer-1'],
      eventTime: '2025-05-05T00:00:00.000Z',
      receivedMs: plane.elapsed(),
    });
    const [path] = await plane.flush();
    const [logged, ...others] = (await readSegment(path)).predictions;
    assert.equal(others.length, 0);
    // Read back from the tensors: the caller gave no rows.
    assert.deepEqual(logged.inputs, { tenure: 10, charges: null, senior: true, contract: 'One year' });
    assert.deepEqual(logged.outputs, outcomes?.[0]);
    assert.deepEqual(
      [logged.id, logged.key, logged.eventTime, logged.servedAt],
      [ids[0], 'customer-1', '2025-05-05T00:00:00.000Z', '2026-01-01T00:00:00.000Z'],
    );
    assert.deepEqual([logged.package, logged.model, logged.environment], [first.digest, 'churn-model', 'production']);
  });

  test('does not answer what must be logged and cannot be, but answers when only a sample is logged', async () => {
    const dir = join(root, 'gone');
    const failing = await Spool.open({ dir, newId });
    await rm(dir, { recursive: true });
    await using plane = await open(sampleManifest(first, 1), { spool: failing });
    await assert.rejects(ask(plane), { code: 'UNAVAILABLE', message: /must be logged/ });
    await using sampling = await open(sampleManifest(first, 1, { log: { sample: 0.99 } }), { spool: failing, chance: () => 0.5 });
    assert.equal((await ask(sampling)).ids.length, 1);
    assert.match(await sampling.metricsText(), /gyre_predictions_unlogged_total 1/);
  });

  test('masks and drops what its manifest says before anything is written, and takes up another policy with the next manifest', async () => {
    const spool = await Spool.open({ dir: join(root, 'masked'), newId });
    const log = { sample: 1, mask: ['contract', 'charges', 'label'], drop: ['tenure'] };
    await using plane = await open(sampleManifest(first, 1, { log }), { spool });
    await ask(plane, [row, { ...row, contract: null }]);
    const [path] = await plane.flush();
    assert.doesNotMatch(await readFile(path, 'latin1'), /One year|"tenure"/);
    const { predictions } = await readSegment(path);
    assert.deepEqual(
      predictions.map(({ inputs }) => inputs),
      [
        { charges: null, senior: true, contract: '***' },
        { charges: null, senior: true, contract: null },
      ],
    );
    assert.deepEqual(Object.keys(predictions[0].outputs), ['label', 'probabilities']);
    assert.equal(predictions[0].outputs['label'], '***');

    assert.deepEqual(await plane.swap(async () => sampleManifest(first, 2)), { loaded: true, generation: 2 });
    await ask(plane);
    const after = (await Promise.all((await plane.flush()).map((one) => readSegment(one)))).flatMap((segment) => segment.predictions);
    assert.deepEqual(after.find(({ generation }) => generation === 2)?.inputs, row);
  });

  test('a clock that is set back changes nothing but the instants that are written down', async () => {
    const clock = manualClock(1_767_225_600_000);
    const ownId = uuidV7(clock, (length) => Uint8Array.from({ length }, () => random.int(256)));
    const spool = await Spool.open({ dir: join(root, 'set-back'), newId: ownId });
    const limited = sampleManifest(first, 1, {
      limits: { maxBodyBytes: 1000, maxRows: 10, timeoutMs: 60_000, rate: { perSecond: 1e-6, burst: 3 } },
    });
    await using plane = await open(limited, { spool, clock, newId: ownId });
    const admission = new Admission(plane);
    const ids: string[] = [];
    for (const instant of ['2026-01-01T12:00:00Z', '2026-01-01T11:00:00Z', '1999-01-01T00:00:00Z']) {
      clock.set(Date.parse(instant));
      admission.take('');
      ids.push(...(await ask(plane)).ids);
      await plane.flush();
    }
    assert.throws(() => admission.take(''), { code: 'RESOURCE_EXHAUSTED' });
    assert.equal(new Set(ids).size, 3);
    const predictions = (await Promise.all((await plane.flush()).map((path) => readSegment(path)))).flatMap(
      (segment) => segment.predictions,
    );
    assert.deepEqual(predictions.map(({ id }) => id).toSorted(), ids.toSorted());
    assert.ok(predictions.every(({ latencyMs }) => latencyMs >= 0));
    assert.ok(plane.models.every(({ loaded: { statistics } }) => statistics.success.ms >= 0 && statistics.queue.ms >= 0));
  });

  test('logs the share of requests that the manifest asks for', async () => {
    const spool = await Spool.open({ dir: join(root, 'sampled'), newId });
    await using plane = await open(sampleManifest(first, 1, { log: { sample: 0.3 } }), { spool });
    for (let k = 0; k < 300; k++) await ask(plane);
    const { frames } = spool.figures;
    // 90 are expected; the chance of leaving 60 to 120 is below 1e-3, and the seed is fixed.
    assert.ok(frames > 60 && frames < 120, `${frames}`);
  });

  test('swaps under load: no request fails, and each says which version answered it', async () => {
    await using plane = await open(sampleManifest(first, 1));
    const seen: string[] = [];
    let swapped = false;
    const caller = async (): Promise<void> => {
      for (let after = 0; after < 20; after += swapped ? 1 : 0) {
        const answer = await ask(plane);
        const expected = answer.version === '1' || answer.version === '3' ? probability(0) : probability(-3);
        assert.ok(Math.abs(yes(answer) - expected) < 1e-6, `version ${answer.version} answered ${yes(answer)}`);
        seen.push(answer.version);
      }
    };
    const callers = Array.from({ length: 8 }, caller);
    assert.deepEqual(await plane.swap(async () => sampleManifest(second, 2)), { loaded: true, generation: 2 });
    assert.deepEqual(await plane.swap(async () => sampleManifest(first, 3)), { loaded: true, generation: 3 });
    swapped = true;
    await Promise.all(callers);
    assert.deepEqual([...new Set(seen)].sort().slice(0, 1), ['1']);
    assert.equal(seen.at(-1), '3');
  });

  test('lets a request that holds the old version finish on it after the swap', async () => {
    await using plane = await open(sampleManifest(first, 1));
    const lease = plane.lease('churn');
    await plane.swap(async () => sampleManifest(second, 2));
    const feeds = feedsOfRows(lease.model.entry.signature.inputs, [row]);
    const inferred = await lease.infer({ feeds, receivedMs: 0 });
    lease[Symbol.dispose]();
    assert.ok(Math.abs(yes(inferred) - probability(0)) < 1e-6);
    assert.match(inferred.ids[0], /^1-/);
  });

  test('keeps the old manifest when the new one cannot be served, and says why', async () => {
    await using plane = await open(sampleManifest(first, 5));
    const refusals: readonly (readonly [() => Promise<ReleaseManifest>, RegExp])[] = [
      [async () => sampleManifest(second, 5), /generation 5 is not newer than 5/],
      [async () => sampleManifest(second, 4), /not newer/],
      [async () => sampleManifest(second, 6, { environment: 'test' }), /for the environment "test"; this data plane serves "production"/],
      [async () => sampleManifest(samplePackage({ bias: 9 }), 6), /model.onnx of churn-model 6: .*[0-9a-f]{64}/],
      [() => Promise.reject(new Error('no such file')), /no such file/],
    ];
    for (const [read, reason] of refusals) {
      const answer = await plane.swap(read);
      assert.ok(!answer.loaded);
      assert.match(answer.refused, reason);
    }
    assert.deepEqual(await plane.swap(async () => sampleManifest(first, 5)), { loaded: true, generation: 5 });
    assert.equal((await ask(plane)).version, '5');
  });

  test('refuses a corrupt model file by its digest', async () => {
    const source = { read: async (): Promise<Uint8Array> => new Uint8Array([1, 2, 3]) };
    await assert.rejects(open(sampleManifest(first, 1), { source }), { code: 'INVALID_ARGUMENT' });
  });

  test('shares out an endpoint’s requests by weight, and answers to each model’s own name', async () => {
    const [one] = sampleManifest(first, 1).models;
    const [two] = sampleManifest(second, 2).models;
    const manifest = sampleManifest(first, 3, {
      models: [
        { ...one, weight: 0.25 },
        { ...two, weight: 0.75 },
      ],
    });
    await using plane = await open(manifest, {
      chance: (() => {
        let k = 0;
        return () => (k++ % 100) / 100;
      })(),
    });
    const versions: string[] = [];
    for (let k = 0; k < 100; k++) versions.push((await ask(plane)).version);
    assert.deepEqual(
      [versions.filter((version) => version === '1').length, versions.filter((version) => version === '2').length],
      [25, 75],
    );
    using lease = plane.lease('churn-model', '2');
    assert.equal(lease.model.entry.version, '2');
    assert.throws(() => plane.lease('churn-model', '9'), {
      code: 'NOT_FOUND',
      message: /"churn-model" version 1, "churn-model" version 2/,
    });
  });

  test('refuses tensors that do not fit before they share a run with others', async () => {
    await using plane = await open(sampleManifest(first, 1, { limits: { maxBodyBytes: 1000, maxRows: 3 } }));
    using lease = plane.lease('churn');
    const feeds = feedsOfRows(lease.model.entry.signature.inputs, [row, row]);
    const infer = (changed: typeof feeds, keys?: string[]): Promise<Inferred> =>
      lease.infer({ feeds: changed, receivedMs: 0, ...(keys === undefined ? {} : { keys }) });
    const { tenure, ...lacking } = feeds;
    await assert.rejects(infer(lacking), { code: 'INVALID_ARGUMENT' });
    await assert.rejects(infer({ ...feeds, senior: { type: 'DOUBLE', shape: [1, 1], data: new Float64Array(1) } }), {
      code: 'INVALID_ARGUMENT',
      message: /"senior" has 1/,
    });
    await assert.rejects(infer({ ...feeds, senior: { type: 'FLOAT', shape: [2, 1], data: new Float32Array(2) } }), {
      code: 'INVALID_ARGUMENT',
    });
    await assert.rejects(infer(feeds, ['one']), { code: 'INVALID_ARGUMENT', message: /1 keys for 2 rows/ });
    await assert.rejects(ask(plane, [row, row, row, row]), { code: 'OUT_OF_RANGE', message: /at most 3/ });
    await assert.rejects(ask(plane, []), { code: 'INVALID_ARGUMENT', message: /no rows/ });
    assert.deepEqual(tenure.shape, [2, 1]);
  });

  test('runs a slow model on worker threads and a tiny one inline, with the same answers', async () => {
    const blobs = await openFsBlobs({ dir: join(root, 'blobs') });
    const heavy = samplePackage({ ballast: 400 });
    await putSample(blobs, heavy);
    await using slow = await open(sampleManifest(heavy, 1));
    await using tiny = await open(sampleManifest(first, 1), { execution: { lane: 'inline' } });
    assert.equal(slow.figures().models[0].lane, 'workers');
    assert.equal(tiny.figures().models[0].lane, 'inline');
    const answers = await Promise.all([1, 2, 3, 4, 5, 6].map((tenure) => ask(slow, [{ ...row, tenure }])));
    for (const [at, answer] of answers.entries()) assert.ok(Math.abs(yes(answer) - probability(0, { tenure: at + 1 })) < 1e-6);
  });

  test('has no session open after it was closed, and its log is finished', async () => {
    const dir = join(root, 'closed');
    const plane = await open(sampleManifest(first, 1), { spool: await Spool.open({ dir, newId }) });
    await plane.swap(async () => sampleManifest(second, 2));
    const [{ loaded }] = plane.models;
    await ask(plane);
    const lease = plane.lease('churn');
    const closing = plane[Symbol.asyncDispose]();
    lease[Symbol.dispose]();
    await closing;
    await assert.rejects(loaded.run({}, 1), { code: 'UNAVAILABLE' });
    assert.deepEqual(
      (await readdir(dir)).map((name) => name.slice(-4)),
      ['.seg'],
    );
  });
});
