import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { openFsBlobs } from '#blobs';
import type { BlobStore } from '#blobs';
import type { ManifestModel, ManifestRoute, NamedRow, ReleaseManifest, Signature } from '#contract';
import { GyreError, digestOf, manualClock, seeded, sha256, uuidV7 } from '#core';
import { encodeModel, graphBuilder, tensor } from '#onnx';
import { createMetrics } from '#telemetry';
import { feedsOfRows } from './example.ts';
import { withFallback } from './fallback.ts';
import { blobSource } from './package-source.ts';
import { Plane } from './plane.ts';
import type { Inferred, PlaneDeps } from './plane-port.ts';
import { byWeight, routeProblem, shareOf } from './route.ts';
import { putSample, sampleManifest, samplePackage } from './sample-package.ts';
import type { SamplePackage } from './sample-package.ts';

const row: NamedRow = { tenure: 10, charges: 50, senior: true, contract: 'One year' };

/** `y = x + by`, one tensor in and one out, by the names that are given. */
function adder(input: string, output: string, by: number): SamplePackage {
  const graph = graphBuilder({ name: 'adder' });
  const x = graph.input(input, 'FLOAT', ['N', 1]);
  graph.output(output, 'FLOAT', ['N', 1], graph.op('Add', [x, graph.initializer('by', tensor('FLOAT', [1], Float32Array.of(by)))]));
  const bytes = encodeModel(graph);
  const signature: Signature = { inputs: [], outputs: [{ name: output, datatype: 'FP32', shape: [-1, 1] }], classes: [] };
  const file = { path: 'model.onnx', digest: sha256(bytes), size: bytes.byteLength };
  return { digest: digestOf({ format: 'gyre.package.v1', files: [file] }), files: [{ ...file, bytes }], signature };
}

/** A line of the log of shadows, as far as it is looked at. */
interface LoggedShadow {
  readonly predictions: readonly string[];
  readonly answered: { readonly version: string };
  readonly shadow: { readonly version: string; readonly outputs: readonly { readonly probabilities: { readonly Yes: number } }[] };
  readonly same: boolean;
  readonly difference: number;
}

describe('shares of traffic', () => {
  test('a key keeps its place for a salt, and places are even', () => {
    assert.equal(shareOf('a', 'customer-1'), shareOf('a', 'customer-1'));
    assert.notEqual(shareOf('a', 'customer-1'), shareOf('b', 'customer-1'));
    const counts = Array.from({ length: 10 }, () => 0);
    for (let k = 0; k < 10_000; k++) counts[Math.floor(shareOf('salt', `customer-${k}`) * 10)] += 1;
    // 1,000 are expected in each; 5 standard deviations of a binomial are 150.
    for (const count of counts) assert.ok(Math.abs(count - 1000) < 150, `${counts.join(' ')}`);
  });

  test('a key keeps the first model while its share grows', () => {
    const models = (share: number): { name: string; entry: { weight: number } }[] => [
      { name: 'new', entry: { weight: share } },
      { name: 'old', entry: { weight: 1 - share } },
    ];
    const chosen = (share: number): string[] => Array.from({ length: 200 }, (_, k) => byWeight(models(share), shareOf('s', `${k}`)).name);
    const [few, more] = [chosen(0.1), chosen(0.4)];
    assert.ok(few.includes('new') && few.every((name, at) => name === 'old' || more[at] === 'new'));
  });

  test('a model without a share is never chosen by weight', () => {
    const models = [{ entry: { weight: 0 } }, { entry: { weight: 1 } }, { entry: { weight: 0 } }];
    for (const place of [0, 0.5, 1 - 2 ** -48]) assert.equal(byWeight(models, place), models[1]);
  });
});

describe('a fallback', () => {
  const failing =
    (code: 'UNAVAILABLE' | 'INVALID_ARGUMENT', after = 0) =>
    async (): Promise<string> => {
      await new Promise((done) => setTimeout(done, after));
      throw new GyreError(code, 'no');
    };
  const answering = (text: string) => (): Promise<string> => Promise.resolve(text);
  const never = (): Promise<string> => new Promise(() => undefined);

  test('answers when the first model fails by no fault of the request, or is late', async () => {
    assert.deepEqual(await withFallback(answering('first'), answering('other'), 10_000), { value: 'first' });
    assert.deepEqual(await withFallback(failing('UNAVAILABLE'), answering('other'), undefined), { value: 'other', reason: 'failed' });
    assert.deepEqual(await withFallback(never, answering('other'), 5), { value: 'other', reason: 'late' });
    await assert.rejects(withFallback(failing('INVALID_ARGUMENT'), answering('other'), undefined), { code: 'INVALID_ARGUMENT' });
    await assert.rejects(withFallback(failing('UNAVAILABLE'), failing('INVALID_ARGUMENT'), undefined), { code: 'UNAVAILABLE' });
    await assert.rejects(withFallback(failing('UNAVAILABLE', 30), failing('INVALID_ARGUMENT'), 5), { code: 'UNAVAILABLE' });
  });

  test('is not used when the first model answers after all, and sooner', async () => {
    const late = async (): Promise<string> => {
      await new Promise((done) => setTimeout(done, 20));
      return 'first';
    };
    assert.deepEqual(await withFallback(late, never, 5), { value: 'first' });
  });
});

describe('routes of a manifest', () => {
  let root = '';
  let blobs: BlobStore;
  let deps: PlaneDeps;
  const packages = [samplePackage(), samplePackage({ bias: -3 }), samplePackage({ bias: 3 })];
  const before_ = adder('raw', 'x', 10);
  const middle = adder('x', 'y', 1);
  const after_ = adder('in', 'z', 100);
  const random = seeded(5);
  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'gyre-route-'));
    blobs = await openFsBlobs({ dir: join(root, 'blobs') });
    for (const sample of [...packages, before_, middle, after_]) await putSample(blobs, sample);
    deps = {
      source: blobSource(blobs),
      workers: 1,
      elapsed: () => performance.now(),
      clock: manualClock(1_767_225_600_000),
      newId: uuidV7(manualClock(1_767_225_600_000), (length) => Uint8Array.from({ length }, () => random.int(256))),
      chance: () => random.next(),
      metrics: createMetrics(),
    };
  });
  after(() => rm(root, { recursive: true, force: true }));

  const entry = (sample: SamplePackage, version: number, weight: number, name = 'churn-model'): ManifestModel => ({
    ...sampleManifest(sample, version).models[0],
    name,
    weight,
  });
  const ref = (version: number, name = 'churn-model'): { name: string; version: string } => ({ name, version: String(version) });
  const open = (models: ManifestModel[], route: ManifestRoute, changes: Partial<PlaneDeps> = {}): Promise<Plane> =>
    Plane.open(manifest(models, route), { ...deps, metrics: createMetrics(), ...changes });
  const manifest = (models: ManifestModel[], route: ManifestRoute): ReleaseManifest => sampleManifest(packages[0], 1, { models, route });
  interface Asking {
    readonly headers?: Readonly<Record<string, string>>;
    readonly key?: string;
    readonly name?: string;
    readonly version?: string;
  }
  const ask = async (plane: Plane, { headers = {}, key, name = 'churn', version }: Asking = {}): Promise<Inferred> => {
    using lease = plane.lease(name, version, { header: (one) => headers[one], ...(key === undefined ? {} : { key }) });
    const feeds = feedsOfRows(lease.model.entry.signature.inputs, [row]);
    return await lease.infer({ feeds, rows: [row], receivedMs: plane.elapsed() });
  };
  const versionOf = ({ model }: Inferred): string => model.entry.version;

  test('a key gets the same version again and again; without one the weights count', async () => {
    await using plane = await open([entry(packages[0], 1, 0.5), entry(packages[1], 2, 0.5)], { sticky: { header: 'x-user', salt: 's' } });
    for (const by of ['header', 'key'] as const) {
      const versions = new Set<string>();
      for (let user = 0; user < 20; user++) {
        const asking = by === 'key' ? { key: `user-${user}` } : { headers: { 'x-user': `user-${user}` } };
        const [one, again] = [await ask(plane, asking), await ask(plane, asking)];
        assert.equal(versionOf(one), versionOf(again));
        assert.equal(versionOf(one), shareOf('s', `user-${user}`) < 0.5 ? '1' : '2');
        versions.add(versionOf(one));
      }
      assert.equal(versions.size, 2);
    }
    const drawn = new Set<string>();
    for (let k = 0; k < 40; k++) drawn.add(versionOf(await ask(plane)));
    assert.equal(drawn.size, 2);
  });

  test('a header leads to the version of its rule; a named version is that version', async () => {
    const route: ManifestRoute = { rules: [{ header: 'x-group', equals: 'beta', model: ref(2) }] };
    await using plane = await open([entry(packages[0], 1, 1), entry(packages[1], 2, 0)], route);
    assert.equal(versionOf(await ask(plane, { headers: { 'x-group': 'beta' } })), '2');
    assert.equal(versionOf(await ask(plane, { headers: { 'x-group': 'beta' }, name: 'churn-model' })), '2');
    assert.equal(versionOf(await ask(plane, { headers: { 'x-group': 'alpha' } })), '1');
    assert.equal(versionOf(await ask(plane)), '1');
    assert.equal(versionOf(await ask(plane, { headers: { 'x-group': 'beta' }, name: 'churn-model', version: '1' })), '1');
  });

  test('a shadow is asked after the answer; what it says is compared and logged, and never answered', async () => {
    const lines: string[] = [];
    const route: ManifestRoute = {
      shadows: [
        { model: ref(2), sample: 1 },
        { model: ref(3), sample: 1 },
      ],
    };
    await using plane = await open([entry(packages[0], 1, 1), entry(packages[1], 2, 0), entry(packages[0], 3, 0)], route, {
      shadowLog: (line) => lines.push(line),
    });
    const answered = await ask(plane);
    assert.equal(versionOf(answered), '1');
    assert.ok(answered.holdsFeeds, 'the shadows read what was asked after it was answered');
    while (lines.length < 2) await new Promise((done) => setTimeout(done, 5));
    const logged = lines.map((line) => JSON.parse(line) as LoggedShadow);
    assert.deepEqual(
      logged.map(({ predictions, shadow, answered: { version }, same }) => [predictions, shadow.version, version, same]),
      [
        [answered.ids, '2', '1', false],
        [answered.ids, '3', '1', true],
      ],
    );
    const [yes] = [answered.outcomes?.[0].probabilities?.Yes ?? 0];
    assert.ok(Math.abs(logged[0].difference - (yes - logged[0].shadow.outputs[0].probabilities.Yes)) < 1e-12);
    assert.deepEqual(
      plane
        .figures()
        .shadows.map(({ version, requests, same, different, failed, dropped }) => [version, requests, same, different, failed, dropped]),
      [
        ['2', 1, 0, 1, 0, 0],
        ['3', 1, 1, 0, 0, 0],
      ],
    );
    assert.match(await plane.metricsText(), /gyre_shadow_requests_total\{model="churn-model",version="2",result="different"\} 1/);
    // A named version is asked by itself.
    const alone = await ask(plane, { name: 'churn-model', version: '1' });
    assert.ok(!alone.holdsFeeds);
    await new Promise((done) => setTimeout(done, 150));
    assert.equal(lines.length, 2);
  });

  test('what the log’s policy hides of answers is hidden of what shadows say', async () => {
    const lines: string[] = [];
    const models = [entry(packages[0], 1, 1), entry(packages[1], 2, 0)];
    const told = sampleManifest(packages[0], 1, {
      models,
      route: { shadows: [{ model: ref(2), sample: 1 }] },
      log: { sample: 1, mask: ['label'], drop: ['probabilities'] },
    });
    await using plane = await Plane.open(told, { ...deps, metrics: createMetrics(), shadowLog: (line) => lines.push(line) });
    const answered = await ask(plane);
    assert.match(answered.outcomes?.[0].label ?? '', /^(Yes|No)$/);
    while (lines.length < 1) await new Promise((done) => setTimeout(done, 5));
    const { answered: said, shadow } = JSON.parse(lines[0]) as Readonly<Record<string, { readonly outputs: readonly object[] }>>;
    assert.deepEqual([said.outputs, shadow.outputs], [[{ label: '***' }], [{ label: '***' }]]);
  });

  test('a fallback answers for a model that fails, and says so', async () => {
    await using plane = await open([entry(packages[0], 1, 1), entry(packages[1], 2, 0)], { fallback: { model: ref(2) } });
    const model = plane.models[0].loaded;
    const run = model.run.bind(model);
    model.run = () => Promise.reject(new GyreError('RESOURCE_EXHAUSTED', 'too many wait'));
    const answered = await ask(plane);
    assert.deepEqual([versionOf(answered), answered.fallback], ['2', 'failed']);
    assert.match(answered.ids[0], new RegExp(`^1-${packages[1].digest.slice(0, 8)}-`));
    assert.match(await plane.metricsText(), /gyre_fallbacks_total\{model="churn-model",version="1",reason="failed"\} 1/);
    await assert.rejects(ask(plane, { name: 'churn-model', version: '1' }), { code: 'RESOURCE_EXHAUSTED' });
    model.run = run;
    assert.equal((await ask(plane)).fallback, undefined);
  });

  test('a chain feeds each model with what those before it gave, and answers with the last', async () => {
    const route: ManifestRoute = {
      before: [{ model: ref(1, 'pre') }],
      after: [{ model: ref(1, 'post'), rename: { in: 'y' } }],
    };
    await using plane = await open([entry(middle, 1, 1), entry(before_, 1, 0, 'pre'), entry(after_, 1, 0, 'post')], route);
    using lease = plane.lease('churn');
    assert.deepEqual(
      [lease.model.loaded.inputs.map(({ name }) => name), lease.model.loaded.outputs.map(({ name }) => name)],
      [['raw'], ['z']],
    );
    const feeds = { raw: tensor('FLOAT', [2, 1], Float32Array.of(1, 2)) };
    const { outputs, ids } = await lease.infer({ feeds, receivedMs: plane.elapsed() });
    assert.deepEqual(outputs, { z: tensor('FLOAT', [2, 1], Float32Array.of(112, 113)) });
    assert.equal(ids.length, 2);
    // By its own name a model of the chain answers alone.
    using alone = plane.lease('pre');
    const { outputs: x } = await alone.infer({ feeds, receivedMs: plane.elapsed() });
    assert.deepEqual(x, { x: tensor('FLOAT', [2, 1], Float32Array.of(11, 12)) });
  });

  test('models that do not fit each other are refused, and the old manifest stays', async () => {
    await using plane = await open([entry(packages[0], 1, 1)], {});
    const swap = async (models: ManifestModel[], route: ManifestRoute): Promise<string> => {
      const answer = await plane.swap(() => Promise.resolve({ ...manifest(models, route), generation: 2 }));
      return answer.loaded ? 'loaded' : answer.refused;
    };
    assert.match(
      await swap([entry(packages[0], 1, 1), entry(middle, 2, 0)], { fallback: { model: ref(2) } }),
      /churn-model 2 stands in for or beside churn-model 1 and has other inputs: "x" \(FLOAT\), not "charges" \(DOUBLE\)/,
    );
    const chain: ManifestRoute = { after: [{ model: ref(1, 'post'), rename: { in: 'label' } }] };
    assert.match(
      await swap([entry(packages[0], 1, 1), entry(after_, 1, 0, 'post')], chain),
      /takes "in" as FLOAT; in its chain "label" is STRING/,
    );
    assert.equal(versionOf(await ask(plane)), '1');
  });

  test('a route that names a model that the manifest lacks, or weighs one of its chain, is no manifest', () => {
    const models = [entry(packages[0], 1, 0.5), entry(packages[1], 2, 0.5)];
    assert.match(
      routeProblem(manifest(models, { shadows: [{ model: ref(9), sample: 1 }] })) ?? '',
      /a shadow of its route names churn-model 9, which is not among its models/,
    );
    assert.match(routeProblem(manifest(models, { before: [{ model: ref(2) }] })) ?? '', /stands in its chain and has a weight/);
    assert.equal(routeProblem(manifest(models, { fallback: { model: ref(2) } })), undefined);
  });
});
