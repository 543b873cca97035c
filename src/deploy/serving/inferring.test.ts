import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { ReleaseManifest, Signature } from '#contract';
import { digestOf, faultAt, manualClock, sha256, uuidV7 } from '#core';
import type { NewId } from '#core';
import { attr, encodeModel, graphBuilder, mlDomain, tensor } from '#onnx';
import { createMetrics } from '#telemetry';
import { Plane } from './plane.ts';
import type { Inference, InferredNow, PlaneDeps } from './plane-port.ts';
import { readSegment } from './segment.ts';
import { Spool } from './spool.ts';

/** One tree: 10 where x is at most 1, else 20. */
function stump(): Uint8Array {
  const graph = graphBuilder({ name: 'stump' });
  const margins = graph.op('TreeEnsembleRegressor', [graph.input('x', 'FLOAT', ['N', 1])], {
    domain: mlDomain,
    attributes: {
      n_targets: attr.int(1),
      nodes_treeids: attr.ints([0, 0, 0]),
      nodes_nodeids: attr.ints([0, 1, 2]),
      nodes_featureids: attr.ints([0, 0, 0]),
      nodes_values: attr.floats([1, 0, 0]),
      nodes_modes: attr.strings(['BRANCH_LEQ', 'LEAF', 'LEAF']),
      nodes_truenodeids: attr.ints([1, 0, 0]),
      nodes_falsenodeids: attr.ints([2, 0, 0]),
      target_treeids: attr.ints([0, 0]),
      target_nodeids: attr.ints([1, 2]),
      target_ids: attr.ints([0, 0]),
      target_weights: attr.floats([10, 20]),
    },
  });
  graph.output('prediction', 'FLOAT', ['N', 1], margins);
  return encodeModel(graph);
}

const signature: Signature = {
  task: 'regression',
  inputs: [],
  tensors: [{ name: 'x', datatype: 'FP32', shape: [-1, 1] }],
  outputs: [{ name: 'prediction', datatype: 'FP32', shape: [-1, 1] }],
  classes: [],
};
const graph = stump();
const files = [{ path: 'model.onnx', digest: sha256(graph), size: graph.byteLength }];

const manifest = (changes: Partial<ReleaseManifest> = {}): ReleaseManifest => ({
  format: 'gyre.manifest.v1',
  environment: 'test',
  endpoint: 'house',
  generation: 1,
  models: [
    {
      name: 'stump',
      version: '1',
      modelVersion: 'mv',
      package: digestOf({ format: 'gyre.package.v1', files }),
      files,
      signature,
      weight: 1,
    },
  ],
  log: { sample: 1 },
  limits: { maxBodyBytes: 20_000, maxRows: 5_000 },
  tokenHashes: [],
  createdAt: '2026-01-01T00:00:00.000Z',
  ...changes,
});

describe('a model that is computed here', () => {
  let folder = '';
  let newId: NewId;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gyre-inferring-'));
    let count = 0;
    newId = uuidV7(manualClock(1_767_225_600_000), (length) => Uint8Array.from({ length }, () => count++ % 256));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  const open = (changes: Partial<ReleaseManifest> = {}, deps: Partial<PlaneDeps> = {}): Promise<Plane> =>
    Plane.open(manifest(changes), {
      source: { read: () => Promise.resolve(graph) },
      workers: 1,
      elapsed: () => performance.now(),
      clock: manualClock(1_767_225_600_000),
      newId,
      chance: () => 0,
      metrics: createMetrics(),
      ...deps,
    });
  const inference = (plane: Plane, values: readonly number[], more: Partial<Inference> = {}): Inference => ({
    feeds: { x: tensor('FLOAT', [values.length, 1], Float32Array.from(values)) },
    receivedMs: plane.elapsed(),
    ...more,
  });
  const askNow = (plane: Plane, values: readonly number[], more?: Partial<Inference>): InferredNow | undefined => {
    using lease = plane.lease('house');
    return lease.inferNow(inference(plane, values, more));
  };
  const said = (now: InferredNow | undefined): unknown => now?.inferred.outcomes?.map(({ value }) => value);
  const settled = (now: InferredNow | undefined): Promise<Error | undefined> =>
    new Promise((resolve) => {
      assert.ok(now !== undefined);
      now.settle(resolve);
    });

  test('answers at once, and is counted and logged as one that answers later', async () => {
    const spool = await Spool.open({ dir: join(folder, 'log'), newId });
    await using plane = await open({}, { spool });
    const now = askNow(plane, [0.5, 3], { keys: ['a', 'b'] });
    assert.deepEqual(said(now), [10, 20]);
    assert.equal(await settled(now), undefined);
    using lease = plane.lease('house');
    const later = await lease.infer(inference(plane, [1]));
    assert.deepEqual(
      later.outcomes?.map(({ value }) => value),
      [10],
    );
    const [path] = await plane.flush();
    const { predictions } = await readSegment(path);
    assert.deepEqual(
      predictions.map(({ id, inputs, outputs, key }) => [id, inputs, outputs, key]),
      [
        [now?.inferred.ids[0], { x: 0.5 }, { value: 10 }, 'a'],
        [now?.inferred.ids[1], { x: 3 }, { value: 20 }, 'b'],
        [later.ids[0], { x: 1 }, { value: 10 }, undefined],
      ],
    );
    const text = await plane.metricsText();
    const counted = (name: string): number =>
      Number(new RegExp(`^${name}\\{model="stump",version="1"\\} (\\S+)$`, 'm').exec(text)?.[1] ?? Number.NaN);
    assert.deepEqual(
      ['gyre_inference_rows_total', 'gyre_queue_seconds_count', 'gyre_inference_seconds_count', 'nv_inference_request_success'].map(
        counted,
      ),
      [3, 2, 2, 2],
    );
  });

  test('gives each request of a turn its own rows, all of them logged in one write', async () => {
    const spool = await Spool.open({ dir: join(folder, 'turn'), newId });
    await using plane = await open({}, { spool });
    const asked = Array.from({ length: 50 }, (_, k) => [k % 3, (k * 7) % 5]);
    const answers = asked.map((values) => askNow(plane, values));
    await Promise.all(answers.map(settled));
    for (const [k, values] of asked.entries())
      assert.deepEqual(
        said(answers[k]),
        values.map((value) => (value <= 1 ? 10 : 20)),
      );
    assert.equal(spool.figures.frames, 50);
    const { predictions } = await readSegment((await plane.flush())[0]);
    assert.deepEqual(
      predictions.map(({ id }) => id),
      answers.flatMap((now) => now?.inferred.ids ?? []),
    );
  });

  test('is not answered for when every prediction must be logged and the log cannot be written', async () => {
    const faults = faultAt('file.write:1', () => {
      throw new Error('the disk is full');
    });
    const spool = await Spool.open({ dir: join(folder, 'full'), newId, faults });
    await using plane = await open({}, { spool });
    const fault = await settled(askNow(plane, [1]));
    assert.match(String(fault), /not answered, because every prediction of this endpoint must be logged/);
    assert.match(await plane.metricsText(), /gyre_requests_dropped_total\{reason="log"\} 1/);
    assert.ok(!/nv_inference_request_success\{model="stump",version="1"\} 1/.test(await plane.metricsText()));
    assert.equal(await settled(askNow(plane, [1])), undefined);
  });

  test('refuses what does not fit, and what nobody waits for any more, as it would later', async () => {
    await using plane = await open({ limits: { maxBodyBytes: 20_000, maxRows: 3 } });
    assert.throws(() => askNow(plane, [1, 2, 3, 4]), { code: 'OUT_OF_RANGE' });
    assert.throws(() => askNow(plane, []), { code: 'INVALID_ARGUMENT' });
    assert.throws(() => askNow(plane, [1], { timeoutMs: 5, receivedMs: plane.elapsed() - 6 }), { code: 'DEADLINE_EXCEEDED' });
    assert.match(await plane.metricsText(), /gyre_inference_failures_total\{model="stump",version="1",code="DEADLINE_EXCEEDED"\} 1/);
  });

  test('lets requests wait where they are to: for each other, for a worker, for a run of many rows', async () => {
    await using patient = await open({ execution: { maxDelayMs: 2 } });
    assert.equal(askNow(patient, [1]), undefined);
    await using elsewhere = await open({ execution: { lane: 'workers' } });
    assert.equal(askNow(elsewhere, [1]), undefined);
    await using runtime = await open({ execution: { engine: 'onnxruntime' } });
    assert.equal(askNow(runtime, [1]), undefined);
    const engines = (plane: Plane): unknown => plane.figures().models.map(({ engine }) => engine);
    assert.deepEqual([engines(patient), engines(elsewhere), engines(runtime)], [['gyre'], ['onnxruntime'], ['onnxruntime']]);
    await using idle = await open({ execution: { workers: { min: 0 }, idleMs: 100 } });
    while (!idle.figures().models[0].asleep) await new Promise((done) => setTimeout(done, 20));
    assert.deepEqual([engines(idle), askNow(idle, [1])], [['gyre'], undefined], 'asleep, it is woken by a request that waits');
    await using few = await open({ execution: { maxBatchRows: 2 } });
    assert.equal(askNow(few, [1, 2, 3]), undefined);
    assert.deepEqual(said(askNow(few, [1, 2])), [10, 20]);
    using lease = few.lease('house');
    assert.deepEqual((await lease.infer(inference(few, [1, 2, 3]))).outcomes, [{ value: 10 }, { value: 20 }, { value: 20 }]);
  });
});
