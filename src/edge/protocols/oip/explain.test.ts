import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { ExplainAnswer, ReleaseManifest } from '#contract';
import { manualClock, seeded, sha256, uuidV7 } from '#core';
import { attr, encodeModel, graphBuilder, tensor } from '#onnx';
import { explainRoute, Explanations, Plane, sampleManifest, samplePackage, serveHttp } from '#serving';
import type { InferenceServer } from '#serving';
import { createLogger, createMetrics } from '#telemetry';
import { describeError } from './errors.ts';
import { oipRoutes } from './routes.ts';

/** Says of an image how bright its upper left and its lower right quarter are, and takes its time. */
function corners(): Uint8Array {
  const graph = graphBuilder({ name: 'corners' });
  graph.input('image', 'FLOAT', ['N', 1, 8, 8]);
  const weights = Float32Array.from({ length: 64 * 2 }, (_, at) => {
    const [pixel, output] = [Math.floor(at / 2), at % 2];
    const [y, x] = [Math.floor(pixel / 8), pixel % 8];
    return (output === 0 ? y < 4 && x < 4 : y >= 4 && x >= 4) ? 1 / 16 : 0;
  });
  const flat = graph.op('Flatten', ['image'], { attributes: { axis: attr.int(1) } });
  graph.output('scores', 'FLOAT', ['N', 2], graph.op('MatMul', [flat, graph.initializer('weights', tensor('FLOAT', [64, 2], weights))]));
  return encodeModel(graph);
}

const sample = samplePackage();
const image = corners();
const imageFiles = [{ path: 'model.onnx', digest: sha256(image), size: image.byteLength }];
const bytesOf = new Map([...sample.files.map(({ digest, bytes }) => [digest, bytes] as const), [imageFiles[0].digest, image] as const]);
const manifest = (explain?: { timeoutMs: number }): ReleaseManifest => {
  const base = sampleManifest(sample, 1);
  return {
    ...base,
    models: [
      ...base.models,
      {
        name: 'corners',
        version: '1',
        modelVersion: 'mv',
        package: 'c'.repeat(64),
        files: imageFiles,
        signature: { inputs: [], outputs: [], classes: [] },
        weight: 0,
      },
    ],
    ...(explain === undefined ? {} : { explain }),
  };
};

interface Served extends AsyncDisposable {
  readonly http: InferenceServer;
}

async function serve(served: ReleaseManifest): Promise<Served> {
  const random = seeded(3);
  const source = { read: async ({ digest }: { readonly digest: string }) => bytesOf.get(digest) ?? assert.fail(digest) };
  const plane = await Plane.open(served, {
    source,
    workers: 1,
    elapsed: () => performance.now(),
    clock: manualClock(0),
    newId: uuidV7(manualClock(0), (length) => Uint8Array.from({ length }, () => random.int(256))),
    chance: () => random.next(),
    metrics: createMetrics(),
  });
  const explanations = new Explanations({ plane, source });
  const http = await serveHttp({
    plane,
    host: '127.0.0.1',
    port: 0,
    log: createLogger({ level: 'silent', destination: process.stderr }),
    routes: [...oipRoutes({ plane, version: '1', explanations }), explainRoute(plane, explanations)],
    describe: describeError,
  });
  return {
    http,
    [Symbol.asyncDispose]: async () => {
      await http.close(0);
      await explanations[Symbol.asyncDispose]();
      await plane[Symbol.asyncDispose]();
    },
  };
}

describe('explanations on the data plane', () => {
  let served: Served;
  before(async () => {
    served = await serve(manifest());
  });
  after(() => served[Symbol.asyncDispose]());
  const post = async <T = ExplainAnswer>(
    path: string,
    body: unknown,
    headers: Record<string, string> = {},
    at = served,
  ): Promise<[number, T]> => {
    const response = await fetch(at.http.address + path, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json', ...headers },
    });
    return [response.status, (await response.json()) as T];
  };
  const row = { tenure: 40, charges: 100, senior: true, contract: 'Two year' };

  test('rows with named columns: what each column added, from the row that the package shows', async () => {
    const [status, { method, scale, background, explanations = [] }] = await post('/explain/churn', { rows: [row] });
    assert.equal(status, 200);
    assert.deepEqual([method, scale, background], ['linear', 'log_odds', { kind: 'input_example', rows: 1 }]);
    const [one] = explanations;
    assert.equal(one.class, 'Yes');
    // The formula of the sample against its example: 12 months, 70.5, no, one year.
    const wanted: Record<string, number> = { tenure: -0.05 * 28, charges: 0.02 * 29.5, senior: 0.3, contract: -0.7 };
    for (const { feature, contribution } of one.contributions) assert.ok(Math.abs(contribution - wanted[feature]) < 1e-5, feature);
    assert.deepEqual(
      one.contributions.map(({ feature, value }) => [feature, value]),
      [
        ['tenure', 40],
        ['contract', 'Two year'],
        ['charges', 100],
        ['senior', 1],
      ],
    );
    assert.ok(Math.abs(one.base - (0.5 - 0.6 + 1.41)) < 1e-5 && Math.abs(one.residual) < 1e-5);
  });

  test('an inference request, with rows behind it that contributions are measured from', async () => {
    const inputs = [
      { name: 'tenure', shape: [3, 1], datatype: 'FP64', data: [40, 10, 20] },
      { name: 'charges', shape: [3, 1], datatype: 'FP64', data: [100, null, 75] },
      { name: 'senior', shape: [3, 1], datatype: 'FP64', data: [1, 0, 1] },
      { name: 'contract', shape: [3, 1], datatype: 'BYTES', data: ['Two year', 'One year', 'Month-to-month'] },
    ];
    const path = '/v2/models/churn-model/versions/1/explain';
    const [status, answer] = await post<ExplainAnswer & { model_name: string; id: string }>(path, {
      id: 'q',
      inputs,
      parameters: { background_rows: 2 },
    });
    assert.equal(status, 200);
    assert.deepEqual([answer.model_name, answer.id, answer.background], ['churn-model', 'q', { kind: 'request', rows: 2 }]);
    const [one] = answer.explanations ?? [];
    // A missing charge is taken as 65; the mean of both rows is 15, 70, 0.5 and half of 0.8.
    const wanted: Record<string, number> = { tenure: -0.05 * 25, charges: 0.02 * 30, senior: 0.15, contract: -0.7 - 0.4 };
    for (const { feature, contribution } of one.contributions) assert.ok(Math.abs(contribution - wanted[feature]) < 1e-5, feature);
    const kernel = await post<ExplainAnswer>(path, { inputs, parameters: { background_rows: 2, method: 'kernel_shap' } });
    const [sampled] = kernel[1].explanations ?? [];
    assert.deepEqual([kernel[1].method, kernel[1].scale, sampled.class], ['kernel_shap', 'probability', 'Yes']);
    const total = sampled.contributions.reduce((sum, { contribution }) => sum + contribution, sampled.base);
    assert.ok(Math.abs(total - sampled.margin) < 1e-9);
    assert.deepEqual([sampled.fidelity?.coalitions, sampled.fidelity?.of], [14, 16]);
  });

  test('an image: the parts that a class is seen by, for each class that is asked', async () => {
    const data = Array.from({ length: 64 }, (_, at) => (Math.floor(at / 8) < 4 && at % 8 < 4 ? 1 : 0));
    const inputs = [{ name: 'image', shape: [1, 1, 8, 8], datatype: 'FP32', data }];
    const [status, { method, maps }] = await post('/v2/models/corners/explain', {
      inputs,
      parameters: { classes: '["0","1"]', patch: 4, stride: 4, baseline: 0 },
    });
    assert.equal(status, 200);
    assert.equal(method, 'occlusion');
    assert.deepEqual([maps?.patch, maps?.stride, maps?.height, maps?.width], [4, 4, 8, 8]);
    assert.deepEqual(maps?.images[0], [
      { class: '0', score: 1, values: [[1, 0], [0, 0]] },
      { class: '1', score: 0, values: [[0, 0], [0, 0]] },
    ]); // prettier-ignore
  });

  test('what cannot be explained so is refused with what would be right', async () => {
    const cases: readonly (readonly [string, object, number, RegExp])[] = [
      ['/explain/churn', { rows: [row], class: 'Maybe' }, 400, /speaks of "Yes", not of "Maybe"/],
      ['/explain/churn', { rows: [row], method: 'guess' }, 400, /"method"/],
      ['/explain/churn', { rows: [row], depth: 3 }, 400, /"depth" is not known/],
      ['/explain/churn', { rows: [] }, 400, /"rows"/],
      ['/explain/churn', { rows: [row], method: 'occlusion' }, 400, /take one image/],
      ['/explain/corners', { rows: [row] }, 400, /names no columns/],
      ['/explain/nobody', { rows: [row] }, 404, /no model "nobody"/],
      ['/v2/models/corners/explain', { inputs: [{ name: 'image', shape: [1, 1, 8, 8], datatype: 'FP32', data: Array.from({ length: 64 }, () => 0) }], parameters: { method: 'exact' } }, 400, /no exact contributions/],
      ['/v2/models/corners/explain', { inputs: [{ name: 'image', shape: [1, 1, 8, 8], datatype: 'FP32', data: Array.from({ length: 64 }, () => 0) }], parameters: { patch: 9 } }, 400, /does not fit/],
    ]; // prettier-ignore
    for (const [path, body, status, message] of cases) {
      const [answered, { error }] = await post<{ error: string }>(path, body);
      assert.equal(answered, status, `${path} ${JSON.stringify(body)}: ${error}`);
      assert.match(error, message);
    }
  });

  test('an explanation that takes too long is given up at its deadline, and the next one is made', async () => {
    await using short = await serve(manifest({ timeoutMs: 400 }));
    const rows = Array.from({ length: 1000 }, () => row);
    const background = Array.from({ length: 1000 }, (_, at) => ({
      ...row,
      tenure: at,
      charges: at,
      senior: at % 2 === 0,
      contract: 'One year',
    }));
    const slow = { rows, background, method: 'kernel_shap' };
    const [late, { error }] = await post<{ error: string }>('/explain/churn', slow, {}, short);
    assert.equal(late, 504, error);
    assert.match(error, /not explained within \d+ ms/);
    const [hurried, { error: why }] = await post<{ error: string }>('/explain/churn', slow, { 'x-request-timeout-ms': '50' });
    assert.equal(hurried, 504, why);
    const [status] = await post('/explain/churn', { rows: [row] }, {});
    assert.equal(status, 200);
  });
});
