import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, describe, test } from 'node:test';
import { type BlobStore, openFsBlobs } from '#blobs';
import type { Actor, ModelVersion, ServeLimits, SignedManifest } from '#contract';
import { asSha256, countingIds, digestOf, hasCode, isoInstant, systemClock } from '#core';
import { eventsMigrations, openEvents } from '#events';
import {
  openRelease,
  type Release,
  releaseMigrations,
  releasePolicyMigrations,
  type ReleaseDeps,
  type ReleaseSettings,
  releaseTestMigrations,
  releaseDriftMigrations,
  rolloutMigrations,
} from '#release';
import { putSample, readManifest, readPublicKey, samplePackage } from '#serving';
import { computeMetrics } from '#stats';
import { openStore } from '#store';
import { frameFromRecords, selectColumns, toRecords } from '#tables';
import type { Frame } from '#tables';
import { createLogger } from '#telemetry';
import { holdDataFolder, signingKey } from './data-folder.ts';
import { openLocalPlanes } from './planes.ts';

const ada: Actor = { identity: 'ada', name: 'Ada' };
const quinn: Actor = { identity: 'quinn', name: 'Quinn' };
const contracts = ['Month-to-month', 'One year', 'Two year', 'unheard of'] as const;
const records = Array.from({ length: 300 }, (_, at) => ({
  tenure: (at * 7) % 73,
  charges: at % 11 === 0 ? null : 18 + ((at * 13) % 100),
  senior: at % 5 === 0,
  contract: contracts[at % contracts.length],
}));

/** The sample's own formula in float64: the trainer that it never had. */
function probability({ tenure, charges, senior, contract }: (typeof records)[number]): number {
  const byContract = contract === 'Month-to-month' ? 0.8 : contract === 'Two year' ? -0.7 : 0;
  return 1 / (1 + Math.exp(-(0.5 - 0.05 * tenure + 0.02 * (charges ?? 65) + (senior ? 0.3 : 0) + byContract)));
}

const wanted = Float64Array.from(records, probability);
const truth = Int32Array.from(records, (record, at) => (probability(record) + ((at * 37) % 100) / 250 > 0.7 ? 1 : 0));

describe('application tests against a data plane of its own', { timeout: 300_000 }, () => {
  const opened = new AsyncDisposableStack();
  /** What the room is told; each test bends one thing. */
  const told = {
    expected: wanted,
    reported: 0,
    charter: '>= 0.5',
    requestsPerSecond: 50,
    latencyP99Ms: 2000,
    slices: ['contract'],
    groupGates: ['accuracy by contract >= 0.1'],
    robustness: {} as ReleaseSettings['robustness'],
    footprint: {} as ReleaseSettings['footprint'],
    comparison: {} as ReleaseSettings['comparison'],
    validation: {} as ReleaseSettings['validation'],
    production: { rows: 60 } as ReleaseSettings['production'],
    soak: { durationMs: 500 },
    saturation: { stepMs: 200, mostPerSecond: 100 },
    // As patient as these tests on a busy machine.
    explainTimeoutMs: 60_000,
  };
  const usualEnvironments: ReleaseSettings['environments'] = [
    { name: 'test', position: 0, certify: 'qa', approvals: 0 },
    { name: 'production', position: 1, approve: 'approver', approvals: 1 },
  ];
  let environments = usualEnvironments;
  /** What the project says that data planes let through. */
  let limits: Partial<ServeLimits> = {};
  /** What happens while application tests run, after they have seen what is live. */
  let meanwhile: () => Promise<unknown> = () => Promise.resolve();
  const versions = new Map<string, ModelVersion>();
  let path = '';
  let blobs: BlobStore;
  let release: Release;

  /** What the trainer's model says of rows; of those of the test report it is what a test makes of it. */
  const saidOf = (asked: Frame): Float64Array =>
    asked.has('senior') && asked.rows === records.length
      ? told.expected
      : Float64Array.from(toRecords(asked), (row) => probability(row as (typeof records)[number]));

  const failed = async (): Promise<readonly string[]> => {
    const report = await release.runApplicationTests({ environment: 'test', by: quinn });
    const names = report.checks.filter(({ passed }) => !passed).map(({ name }) => name);
    assert.equal(report.passed, names.length === 0);
    // Whether this machine keeps up while others use it is not what these tests ask.
    return names.filter((name) => !name.startsWith('load: ') || told.latencyP99Ms < 1);
  };

  async function addVersion(number: number, bias: number): Promise<ModelVersion> {
    const sample = samplePackage({ bias });
    await putSample(blobs, sample);
    const version: ModelVersion = {
      id: `mv-${number}`,
      model: 'churn-model',
      version: number,
      source: 'runs:/run-1',
      description: '',
      stage: 'None',
      package: sample.digest,
      files: sample.files.map(({ path: name, digest, size }) => ({ path: name, digest, size })),
      signature: sample.signature,
      run: 'run-1',
      testReport: 'report-1',
      testsPassed: true,
      charter: 'charter',
      aliases: [],
      tags: {},
      createdAt: isoInstant(systemClock.now()),
      updatedAt: isoInstant(systemClock.now()),
      createdBy: ada,
    };
    versions.set(version.id, version);
    return version;
  }

  before(async () => {
    path = await mkdtemp(join(tmpdir(), 'gyre-app-tests-'));
    const folder = opened.use(holdDataFolder(join(path, 'data'), systemClock));
    const keys = signingKey(folder);
    const store = opened.use(await openStore({ url: `sqlite:${folder.database}` }));
    await store.migrate([
      eventsMigrations,
      releaseMigrations,
      releasePolicyMigrations,
      rolloutMigrations,
      releaseTestMigrations,
      releaseDriftMigrations,
    ]);
    blobs = await openFsBlobs({ dir: folder.blobs });
    const newId = countingIds('id');
    const events = opened.use(openEvents({ store, clock: systemClock, newId, source: '/gyre/test' }));
    const planes = opened.use(
      openLocalPlanes({
        folder: folder.planes,
        blobs: { address: folder.blobs },
        publicKeyFile: join(folder.path, 'secrets', 'manifest-key.pub.pem'),
        host: '127.0.0.1',
        portsOf: () => ({ rest: 0, grpc: 0 }),
        log: createLogger({ level: 'silent', destination: process.stderr, bindings: {} }),
        onSegments: () => Promise.resolve(),
      }),
    );
    const frame = frameFromRecords(records, [
      { name: 'tenure', type: 'integer' },
      { name: 'charges', type: 'number' },
      { name: 'senior', type: 'boolean' },
      { name: 'contract', type: 'string' },
    ]);
    // What a run, its transform and its report would say; only what is asked for is there.
    const deps = {
      store,
      blobs,
      events,
      clock: systemClock,
      newId,
      planes,
      versions: {
        getById: (id: string) => Promise.resolve(versions.get(id)),
        modelSource: (version: ModelVersion) => Promise.resolve(version.run),
        setAlias: () => Promise.resolve(),
      },
      reports: {
        getReport: () => {
          const metrics = computeMetrics('binary', truth, wanted, 0.5);
          const reported = Object.entries(metrics).map(([name, value]) => ({ name, value: value + told.reported }));
          return Promise.resolve({ id: 'report-1', task: 'binary', dataset: 'rows-1', metrics: reported });
        },
        unseenRows: () => Promise.resolve({ frame: selectColumns(frame, ['tenure', 'charges', 'senior', 'contract']), leftOut: 0 }),
        openModel: async () => {
          await meanwhile();
          return {
            task: 'binary',
            classes: ['No', 'Yes'],
            predict: (asked: Frame) => Promise.resolve(saidOf(asked)),
            probabilities: (asked: Frame) => Promise.resolve(Float64Array.from([...saidOf(asked)].flatMap((value) => [1 - value, value]))),
            truth: () => Promise.resolve(truth),
            [Symbol.asyncDispose]: () => Promise.resolve(),
          };
        },
      },
      training: { getRun: (id: string) => Promise.resolve({ id, createdBy: ada }) },
      data: { open: () => Promise.resolve(frame) },
      newestVersion: () => Promise.resolve('rows-2'),
      requests: () =>
        Promise.resolve({
          frame: selectColumns(frame, ['tenure', 'charges', 'contract']),
          predicted: records.map((record) => (probability(record) >= 0.5 ? 'Yes' : 'No')),
          scores: records.map(probability),
          actuals: records.map((_, at) => (truth[at] === 1 ? 'Yes' : 'No')),
          at: records.map((_, at) => Date.UTC(2026, 0, 1) + at),
        }),
      settings: () => ({
        environments,
        endpoint: 'churn',
        durationMs: 200,
        limits,
        ...told,
      }),
      personalInputs: () => Promise.resolve(['contract']),
      charter: () => Promise.resolve({ charter: { success: { accuracy: told.charter } } }),
      privateKey: keys.privateKey,
      tokenHashes: () => Promise.resolve([]),
      monotonicMs: () => performance.now(),
      sleep: (ms: number) => sleep(ms),
    } as unknown as ReleaseDeps;
    release = openRelease(deps);
    await release.roll({ environment: 'test', modelVersion: (await addVersion(1, 0)).id, reason: 'first', by: ada });
  });
  after(async () => {
    await opened.disposeAsync();
    await rm(path, { recursive: true, force: true });
  });

  test('the manifest that was signed is the one that serving believes, and no other', async () => {
    const key = { publicKey: await readPublicKey(join(path, 'data', 'secrets', 'manifest-key.pub.pem')) };
    const [deployment] = await release.deployments({ environment: 'test' });
    const signed: SignedManifest = await release.getManifest(deployment.manifest ?? '');
    const file = join(path, 'manifest.json');
    await writeFile(file, JSON.stringify(signed, undefined, 2));
    assert.deepEqual(await readManifest(file, key), signed.manifest);
    assert.deepEqual(JSON.parse(await readFile(join(path, 'data', 'planes', 'test', 'manifest.json'), 'utf8')), signed);
    await writeFile(file, JSON.stringify({ ...signed, manifest: { ...signed.manifest, generation: 99 } }));
    await assert.rejects(readManifest(file, key), (error) => hasCode(error, 'PERMISSION_DENIED'));
  });

  test('pass for the model that was judged, every malformed request answered with 4xx', async () => {
    const report = await release.runApplicationTests({ environment: 'test', by: quinn });
    assert.deepEqual(
      report.checks.filter(({ name, passed }) => !passed && !name.startsWith('load: ')),
      [],
    );
    const malformed = report.checks.filter(({ name }) => name.startsWith('bad_input: '));
    assert.equal(malformed.length, 11);
    for (const { name, observed } of malformed) assert.ok(typeof observed === 'number' && observed >= 400 && observed < 500, name);
    assert.deepEqual([report.accuracy?.rows, report.load?.requests, report.load?.errors], [300, 10, 0]);
    const metrics = computeMetrics('binary', truth, wanted, 0.5);
    assert.ok(Math.abs((report.accuracy?.metrics['roc_auc'] ?? 0) - (metrics.roc_auc ?? 1)) < 1e-6);
    const { digest, ...body } = report;
    assert.equal(digest, digestOf(body));
    assert.deepEqual(JSON.parse(Buffer.from(await blobs.read(asSha256(digest))).toString('utf8')), body);
  });

  test('find a model that answers otherwise than the trainer by two parts in 100,000', async () => {
    told.expected = wanted.map((value, at) => (at === 3 ? value + 2e-5 : value));
    assert.deepEqual(await failed(), ['golden_requests']);
    told.expected = wanted;
  });

  test('find figures that the test report did not promise, and a charter that is missed', async () => {
    told.reported = 0.01;
    assert.deepEqual(await failed(), ['accuracy']);
    told.reported = 0;
    told.charter = '>= 0.999';
    assert.deepEqual(await failed(), ['charter: accuracy']);
    told.charter = '>= 0.5';
  });

  test('give a verdict for each requirement, with slices, errors and perturbed rows behind them, and personal inputs masked', async () => {
    const report = await release.runApplicationTests({ environment: 'test', by: quinn });
    const verdicts = new Map(report.requirements?.map(({ id, verdict }) => [id, verdict]));
    for (const id of ['golden', 'consistency', 'bad_input', 'accuracy', 'slices', 'robustness'] as const) {
      assert.equal(verdicts.get(id), 'passed', `${id}: ${JSON.stringify(report.requirements?.find((one) => one.id === id))}`);
    }
    for (const id of ['saturation', 'soak', 'footprint', 'comparison'] as const) assert.equal(verdicts.get(id), 'not_asked');
    assert.deepEqual(
      report.robustness?.map(({ perturbation }) => perturbation),
      ['noise', 'out of range', 'missing values', 'unseen categories', 'another order'],
    );
    const slice = report.slices?.find(({ column, value }) => column === 'contract' && value === 'One year');
    const oneYear = records.flatMap(({ contract }, at) => (contract === 'One year' ? [at] : []));
    const right = oneYear.filter((at) => (wanted[at] >= 0.5 ? 1 : 0) === truth[at]).length;
    assert.deepEqual([slice?.rows, slice?.metrics['accuracy']], [oneYear.length, right / oneYear.length]);
    const [worst] = report.errors ?? [];
    assert.notEqual(worst.said.label, worst.truth);
    assert.equal(worst.inputs['contract'], '***');
    assert.equal(worst.inputs['tenure'], records[worst.row].tenure);
  });

  test('find a group that is served worse than the project allows, and a model that flips when rows change a little', async () => {
    told.groupGates = ['accuracy by contract >= 0.999'];
    const [gate] = await failed();
    assert.equal(gate, 'slices: accuracy by contract >= 0.999');
    told.groupGates = ['demographic_parity_difference by contract <= 0.0001'];
    assert.deepEqual(await failed(), ['fairness: demographic_parity_difference by contract <= 0.0001']);
    told.groupGates = ['accuracy by contract >= 0.1'];
    told.robustness = { changed: 0, drop: 0.5 };
    const flipped = await failed();
    assert.ok(
      flipped.length > 0 && flipped.every((name) => name === 'robustness: noise' || name === 'robustness: missing values'),
      flipped.join(),
    );
    told.robustness = {};
  });

  test('judge further datasets and ask what production was asked, hidden inputs exchanged', async () => {
    told.validation = { spring: { gates: ['accuracy >= 0.99', 'accuracy >= 0.1'] } };
    const report = await release.runApplicationTests({ environment: 'test', by: quinn });
    assert.deepEqual(
      report.checks.filter(({ name }) => /^(validation|production): /.test(name)).map(({ name, passed }) => [name, passed]),
      [
        ['validation: spring: accuracy >= 0.99', false],
        ['validation: spring: accuracy >= 0.1', true],
        ['production: answered', true],
        ['production: model', true],
      ],
    );
    assert.deepEqual([report.validation?.[0].rows, report.validation?.[0].dataset], [300, 'rows-2']);
    const { production } = report;
    assert.deepEqual([production?.logged, production?.rows, production?.exchanged], [300, 60, ['senior', 'contract']]);
    assert.match(report.requirements?.find(({ id }) => id === 'production')?.says ?? '', /nothing serves in production yet/);
    told.validation = {};
  });

  test('find latency beyond the target', async () => {
    told.latencyP99Ms = 0.0001;
    assert.ok((await failed()).includes('load: latency'));
    told.latencyP99Ms = 2000;
  });

  test('of the full profile start planes of their own: footprint, soak, saturation, and production on the same requests', async () => {
    // It was released before anybody asked for sign-offs.
    environments = [{ name: 'production', position: 0, approvals: 0 }];
    await release.roll({ environment: 'production', modelVersion: (await addVersion(7, 0.4)).id, reason: 'to compare with', by: ada });
    environments = usualEnvironments;
    told.footprint = { startMs: 0.001, packageMiB: 100 };
    told.comparison = { changed: 0 };
    const report = await release.runApplicationTests({ environment: 'test', by: quinn, profile: 'full' });
    assert.equal(report.profile, 'full');
    assert.deepEqual(
      report.checks.filter(({ name, passed }) => !passed && !/^(load|soak|saturation): /.test(name)).map(({ name }) => name),
      ['footprint: start-up', 'comparison: changed'],
    );
    for (const wanted of ['another process', 'two workers'])
      assert.ok(
        report.checks.some(({ name, passed }) => name === `consistency: ${wanted}` && passed),
        wanted,
      );
    assert.ok((report.footprint?.startMs ?? 0) > 1 && (report.footprint?.residentMiB ?? 0) > 20);
    assert.ok((report.soak?.requests ?? 0) > 10 && (report.soak?.memory.length ?? 0) > 1);
    assert.ok((report.saturation?.points.length ?? 0) > 0);
    assert.deepEqual([report.explanations?.rows, report.explanations?.repeated], [8, 0]);
    const { comparison } = report;
    assert.deepEqual([comparison?.modelVersion, comparison?.rows], ['mv-7', 300]);
    assert.ok((comparison?.changed ?? 0) > 0 && comparison?.worst[0].before.label !== comparison?.worst[0].after.label);
    assert.deepEqual(await readdir(join(path, 'data', 'planes', '.scratch')), []);
    told.footprint = {};
    told.comparison = {};
  });

  test('are followed and stopped: they leave no report, no plane beside, and the next one runs', async () => {
    told.soak = { durationMs: 600_000 };
    const begun = await release.testRuns.start({ environment: 'test', profile: 'full', by: quinn });
    assert.deepEqual([begun.state, begun.profile, begun.modelVersion], ['queued', 'full', 'mv-1']);
    const next = await release.testRuns.start({ environment: 'test', by: quinn });
    const before = (await release.applicationTests()).length;
    const stages = new Set<string>();
    for (let stage = ''; stage !== 'soak'; stage = (await release.testRuns.get(begun.id)).stage ?? '') {
      stages.add(stage);
      assert.notEqual((await release.testRuns.get(begun.id)).state, 'failed');
      await sleep(5);
    }
    assert.ok(stages.has('a data plane of its own') || stages.has('load'), [...stages].join(', '));
    assert.equal((await release.testRuns.get(next.id)).state, 'queued', 'one at a time: they share the machine that they measure');
    const stopped = await release.testRuns.cancel(begun.id);
    assert.deepEqual([stopped.state, stopped.code, stopped.stage, stopped.report], ['cancelled', 'CANCELLED', undefined, undefined]);
    told.soak = { durationMs: 500 };
    const report = await release.testRuns.report(next.id);
    const done = await release.testRuns.get(next.id);
    assert.deepEqual([done.state, done.report, done.passed], ['finished', report.id, report.passed]);
    assert.equal((await release.testRuns.report(next.id)).id, report.id, 'it can be asked for later as well');
    assert.equal((await release.applicationTests()).length, before + 1);
    assert.deepEqual(await readdir(join(path, 'data', 'planes', '.scratch')), []);
    assert.deepEqual(
      (await release.testRuns.list(2)).map(({ id }) => id),
      [next.id, begun.id],
    );
    assert.equal((await release.testRuns.cancel(begun.id)).finishedAt, stopped.finishedAt, 'what has ended stays as it is');
    await assert.rejects(release.testRuns.get('nowhere'), (error) => hasCode(error, 'NOT_FOUND'));
    await assert.rejects(
      release.testRuns.report(begun.id),
      (error) => hasCode(error, 'FAILED_PRECONDITION') && /stopped/.test(error.message),
    );
  });

  test('keep what else was found where no plane beside starts, neither of the version nor of production', async () => {
    const kept = ['mv-1', 'mv-7'].map((id) => versions.get(id) ?? assert.fail(`${id} is not there`));
    const nowhere = digestOf({ bytes: 'nowhere' });
    for (const version of kept)
      versions.set(version.id, { ...version, files: version.files.map((file) => ({ ...file, digest: nowhere })) });
    told.comparison = { changed: 0 };
    const report = await release.runApplicationTests({ environment: 'test', by: quinn, profile: 'full' });
    assert.deepEqual(
      report.checks.filter(({ name, passed }) => !passed && !name.startsWith('load: ')).map(({ name }) => name),
      ['footprint: start-up', 'comparison: changed'],
    );
    assert.match(
      report.checks.find(({ name }) => name === 'comparison: changed')?.message ?? '',
      /^not compared: the version in production/,
    );
    assert.deepEqual([report.accuracy?.rows, report.robustness?.length, report.comparison], [300, 5, undefined]);
    const says = (wanted: string) => report.requirements?.find(({ id }) => id === wanted)?.says ?? '';
    for (const id of ['soak', 'saturation', 'explanations']) assert.match(says(id), /no data plane of its own could be started/);
    told.comparison = {};
    for (const version of kept) versions.set(version.id, version);
  });

  test('find a package that is not the one that was judged: golden requests, metrics and charter speak', async () => {
    await release.roll({ environment: 'test', modelVersion: (await addVersion(2, 3)).id, reason: 'wrong file', by: ada });
    told.charter = '>= 0.8';
    const names = await failed();
    assert.ok(names.includes('golden_requests') && names.includes('accuracy'), names.join(', '));
    told.charter = '>= 0.5';
  });

  test('say nothing of a version that was switched away under them', async () => {
    meanwhile = () => release.roll({ environment: 'test', modelVersion: 'mv-1', reason: 'back', by: ada });
    await assert.rejects(
      release.runApplicationTests({ environment: 'test', by: quinn }),
      (error) => hasCode(error, 'ABORTED') && /was switched while its application tests ran/.test(error.message),
    );
  });

  test('an endpoint says what holds there, what the project says otherwise by now, and what was refused', async () => {
    const [first] = await release.endpoints();
    assert.deepEqual([first.log?.sample, first.limits?.rate, first.pending], [0, undefined, []]);
    limits = { rate: { perSecond: 0.001, burst: 1 } };
    assert.deepEqual((await release.endpoints())[0].pending, ['limits']);
    await release.roll({ environment: 'test', modelVersion: 'mv-1', reason: 'limited', by: ada });
    const [row] = records;
    assert.equal((await release.predict('test', { rows: [row] })).predictions.length, 1);
    await assert.rejects(release.predict('test', { rows: [row] }), (error) => hasCode(error, 'RESOURCE_EXHAUSTED'));
    const [now] = await release.endpoints();
    assert.deepEqual([now.limits?.rate, now.pending], [limits.rate, []]);
    assert.deepEqual(now.figures?.refused, { rate: 1, queue: 0, concurrency: 0, log: 0, deadline: 0 });
  });
});
