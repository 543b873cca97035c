import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { PackageOutliers, PredictAnswer } from '#contract';
import { manualClock, seeded, sha256, uuidV7 } from '#core';
import { appendMahalanobis } from '#learners';
import { attr, encodeModel, graphBuilder } from '#onnx';
import { Outliers, Plane, predictRoute, sampleManifest, samplePackage, serveHttp } from '#serving';
import type { InferenceServer } from '#serving';
import { createLogger, createMetrics } from '#telemetry';
import { describeError } from './errors.ts';
import { oipRoutes } from './routes.ts';

/** How many tens of months and of charges a customer lies from 30 and 60. */
function distances(): Uint8Array {
  const graph = graphBuilder({ name: 'distances' });
  for (const name of ['tenure', 'charges', 'senior']) graph.input(name, 'DOUBLE', ['N', 1]);
  graph.input('contract', 'STRING', ['N', 1]);
  const numbers = graph.op('Concat', ['tenure', 'charges'], { attributes: { axis: attr.int(1) } });
  const fitted = { kind: 'mahalanobis', means: [30, 60], whitening: [[0.1, 0], [0, 0.1]] } as const; // prettier-ignore
  graph.output('outlier_score', 'DOUBLE', ['N', 1], appendMahalanobis(graph, numbers, fitted));
  return encodeModel(graph);
}

const sample = samplePackage();
const facts: PackageOutliers = {
  format: 'gyre.outliers.v1',
  method: 'mahalanobis',
  quantile: 0.99,
  threshold: 3,
  columns: ['tenure', 'charges'],
  of: { rows: 9 },
};
const added = [['outliers.json', Buffer.from(JSON.stringify(facts))], ['outliers.onnx', distances()]] as const; // prettier-ignore
const bytesOf = new Map<string, Uint8Array>([
  ...sample.files.map(({ digest, bytes }) => [digest, bytes] as const),
  ...added.map(([, bytes]) => [sha256(bytes), bytes] as const),
]);

describe('outlier scores on the data plane', () => {
  let http: InferenceServer;
  let close: () => Promise<void>;
  const read: string[] = [];
  before(async () => {
    const base = sampleManifest(sample, 1);
    const [plain] = base.models;
    const files = [...plain.files, ...added.map(([path, bytes]) => ({ path, digest: sha256(bytes), size: bytes.byteLength }))];
    const manifest = {
      ...base,
      models: [
        { ...plain, files, package: 'a'.repeat(64) },
        { ...plain, name: 'bare', weight: 0 },
      ],
    };
    const random = seeded(3);
    const source = {
      read: async ({ path, digest }: { readonly path: string; readonly digest: string }) => {
        read.push(path);
        return bytesOf.get(digest) ?? assert.fail(path);
      },
    };
    const plane = await Plane.open(manifest, {
      source,
      workers: 1,
      elapsed: () => performance.now(),
      clock: manualClock(0),
      newId: uuidV7(manualClock(0), (length) => Uint8Array.from({ length }, () => random.int(256))),
      chance: () => random.next(),
      metrics: createMetrics(),
    });
    const outliers = new Outliers(source);
    http = await serveHttp({
      plane,
      host: '127.0.0.1',
      port: 0,
      log: createLogger({ level: 'silent', destination: process.stderr }),
      routes: [...oipRoutes({ plane, version: '1', outliers }), predictRoute(plane, outliers)],
      describe: describeError,
    });
    close = async () => {
      await http.close(0);
      await outliers[Symbol.asyncDispose]();
      await plane[Symbol.asyncDispose]();
    };
  });
  after(() => close());
  const post = async <T>(path: string, body: unknown): Promise<[number, T]> => {
    const response = await fetch(http.address + path, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    });
    return [response.status, (await response.json()) as T];
  };
  const rows = [
    { tenure: 30, charges: 60, senior: false, contract: 'One year' },
    { tenure: 60, charges: 100, senior: false, contract: 'One year' },
  ];

  test('come with each prediction when they are asked for, and cost nothing before', async () => {
    const [, plain] = await post<PredictAnswer>('/predict/churn', { rows });
    assert.ok(plain.predictions.every(({ outlier }) => outlier === undefined));
    assert.ok(!read.includes('outliers.onnx'));
    const [status, asked] = await post<PredictAnswer>('/predict/churn', { rows, outlier: true });
    assert.equal(status, 200);
    assert.deepEqual(asked.predictions.map(({ outlier }) => outlier), [
      { score: 0, threshold: 3, isOutlier: false },
      { score: 5, threshold: 3, isOutlier: true },
    ]); // prettier-ignore
    assert.deepEqual(asked.predictions.map(({ label }) => label), plain.predictions.map(({ label }) => label)); // prettier-ignore
    assert.ok(read.includes('outliers.onnx'));
  });

  test('come as further outputs of an inference request', async () => {
    const inputs = [
      { name: 'tenure', shape: [2, 1], datatype: 'FP64', data: [30, 60] },
      { name: 'charges', shape: [2, 1], datatype: 'FP64', data: [60, 100] },
      { name: 'senior', shape: [2, 1], datatype: 'FP64', data: [0, 0] },
      { name: 'contract', shape: [2, 1], datatype: 'BYTES', data: ['One year', 'One year'] },
    ];
    const [status, { outputs }] = await post<{ outputs: { name: string; data: unknown[] }[] }>('/v2/models/churn-model/infer', {
      inputs,
      outputs: [{ name: 'label' }],
      parameters: { outlier: true },
    });
    assert.equal(status, 200);
    assert.deepEqual(outputs.map(({ name }) => name), ['label', 'outlier_score', 'is_outlier', 'outlier_threshold']); // prettier-ignore
    assert.deepEqual(outputs.slice(1).map(({ data }) => data), [[0, 5], [false, true], [3]]); // prettier-ignore
  });

  test('of a package that has none are refused before anything is predicted, and so is an answer neither yes nor no', async () => {
    const [status, { error }] = await post<{ error: string }>('/predict/bare', { rows, outlier: true });
    assert.equal(status, 400);
    assert.match(error, /has no outlier scores/);
    assert.equal((await post('/predict/churn', { rows, outlier: 'yes' }))[0], 400);
  });
});
