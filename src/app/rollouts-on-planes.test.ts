import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, describe, test } from 'node:test';
import { type BlobStore, openFsBlobs } from '#blobs';
import type { Actor, ModelVersion, PlaneFigures, Rollout, RolloutPlan } from '#contract';
import { countingIds, isoInstant, systemClock } from '#core';
import { eventsMigrations, openEvents } from '#events';
import {
  openLoadGenerator,
  openRelease,
  type Release,
  releaseMigrations,
  releasePolicyMigrations,
  type ReleaseDeps,
  releaseTestMigrations,
  releaseDriftMigrations,
  rolloutMigrations,
} from '#release';
import { putSample, samplePackage, type SampleOptions } from '#serving';
import { openStore } from '#store';
import { createLogger } from '#telemetry';
import { holdDataFolder, signingKey } from './data-folder.ts';
import { type LocalPlanes, openLocalPlanes } from './planes.ts';

const ada: Actor = { identity: 'ada', name: 'Ada' };
const platform: Actor = { identity: 'gyre', name: 'gyre' };
const environment = 'production';
const lookEveryMs = 100;
const perSecond = 150;
/** Callers with tenures from 0 to 72: some are more than a model that fails for them can take. */
const rows = Array.from({ length: 73 }, (_, tenure) => ({ tenure, charges: 18 + tenure, senior: tenure % 5 === 0, contract: 'One year' }));
const bodies = rows.map((row) => JSON.stringify({ rows: [row] }));

const canary: RolloutPlan = {
  strategy: 'canary',
  steps: [{ weight: 0.2, forMs: 500 }],
  analysis: { minRequests: 40, maxErrorRateIncrease: 0.01, maxDistributionDistance: 0.25 },
  onFailure: 'rollback',
};

describe('rollouts on data planes, under load', { timeout: 300_000 }, () => {
  const opened = new AsyncDisposableStack();
  const versions = new Map<string, ModelVersion>();
  let path = '';
  let blobs: BlobStore;
  let planes: LocalPlanes;
  let release: Release;

  async function addVersion(number: number, options: SampleOptions): Promise<ModelVersion> {
    const sample = samplePackage(options);
    await putSample(blobs, sample);
    const at = isoInstant(systemClock.now());
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
      createdAt: at,
      updatedAt: at,
      createdBy: ada,
    };
    versions.set(version.id, version);
    return version;
  }

  before(async () => {
    path = await mkdtemp(join(tmpdir(), 'gyre-rollouts-'));
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
    planes = opened.use(
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
    // What a registry and a run would say; only what is asked for is there.
    const deps = {
      store,
      blobs,
      events,
      clock: systemClock,
      newId,
      planes,
      versions: { getById: (id: string) => Promise.resolve(versions.get(id)), setAlias: () => Promise.resolve() },
      training: { getRun: (id: string) => Promise.resolve({ id, createdBy: ada }) },
      settings: () => ({
        environments: [{ name: environment, position: 0, approvals: 0 }],
        endpoint: 'churn',
        latencyP99Ms: 1,
        requestsPerSecond: 1,
        durationMs: 1,
      }),
      privateKey: keys.privateKey,
      tokenHashes: () => Promise.resolve([]),
      monotonicMs: () => performance.now(),
      sleep: (ms: number) => sleep(ms),
    } as unknown as ReleaseDeps;
    release = openRelease(deps);
    await addVersion(1, {});
    await release.roll({ environment, modelVersion: 'mv-1', reason: 'first', by: ada });
  });
  after(async () => {
    await opened.disposeAsync();
    await rm(path, { recursive: true, force: true });
  });

  /** Rolls a version out while requests come at their appointed instants, until it has ended and the load as well. */
  const underLoad = async (version: ModelVersion, plan: RolloutPlan) => {
    await using generator = await openLoadGenerator({
      address: planes.address(environment) ?? assert.fail('production is not served'),
      path: '/predict/churn',
      bodies,
      timeoutMs: 30_000,
    });
    const { id } = await release.rollouts.start({ environment, modelVersion: version.id, plan, reason: 'under load', by: ada });
    let [offered, failed] = [0, 0];
    let rollout: Rollout = await release.rollouts.get(id);
    const load = async (): Promise<void> => {
      // One part of the load after the rollout has ended: what is said of it holds afterwards, too.
      for (let isLast = false; !isLast;) {
        isLast = rollout.endedAt !== undefined;
        const { requests, errors } = await generator.offer({ ratePerSecond: perSecond, durationMs: 1000, arrivals: 'poisson' });
        offered += requests;
        failed += errors;
      }
    };
    const look = async (): Promise<void> => {
      while (rollout.endedAt === undefined) {
        await release.rollouts.advance(platform);
        rollout = await release.rollouts.get(id);
        await sleep(lookEveryMs);
      }
    };
    await Promise.all([load(), look()]);
    const figures = await planes.figures?.(environment);
    return { rollout, offered, failed, errorsOf: (number: number) => errorsOf(figures, String(number)), last: rollout.history.at(-1) };
  };
  const errorsOf = (figures: PlaneFigures | undefined, version: string): number =>
    figures?.models.find((model) => model.version === version)?.answers?.errors ?? -1;
  const liveVersions = async (): Promise<readonly (readonly [string, number])[]> =>
    ((await planes.figures?.(environment))?.models ?? []).map(({ version, weight }) => [version, weight]);

  test('a version that fails for some callers is taken back by itself, and no request of the version before fails', async (t) => {
    const bad = await addVersion(2, { failsFrom: 40 });
    const { rollout, offered, failed, errorsOf: of, last } = await underLoad(bad, canary);
    assert.equal(rollout.state, 'rolled_back', JSON.stringify(rollout.checks));
    assert.match(last?.why ?? '', /error rate increase: \d+ of \d+ requests failed, 0 of \d+ of the version that is live/);
    const { candidate, stable } = rollout.observed;
    assert.deepEqual([of(1), stable.errors], [0, 0]);
    assert.ok(failed >= candidate.errors && candidate.errors > 0, `${failed} failed, ${candidate.errors} seen of the new version`);
    assert.ok(failed < offered / 10, `${failed} of ${offered}`);
    assert.deepEqual(await liveVersions(), [['1', 1]]);
    t.diagnostic(
      `${offered} requests, ${failed} failed, all of the new version (${candidate.errors} of ${candidate.requests} when it was sure); the rollback took ${last?.tookMs} ms`,
    );
  });

  test('a version that says something else is taken back, and nobody saw a failure', async (t) => {
    const other = await addVersion(3, { bias: 3 });
    const { rollout, offered, failed, last } = await underLoad(other, canary);
    assert.equal(rollout.state, 'rolled_back', JSON.stringify(rollout.checks));
    assert.match(last?.why ?? '', /prediction distribution/);
    assert.equal(failed, 0);
    t.diagnostic(`${offered} requests, ${failed} failed; the rollback took ${last?.tookMs} ms`);
  });

  test('callers see nothing of a shadow that fails, and it is taken back all the same', async () => {
    const plan: RolloutPlan = { ...canary, strategy: 'shadow', steps: [{ weight: 0, shadow: 1, forMs: 500 }] };
    const { rollout, failed } = await underLoad(await addVersion(4, { failsFrom: 30, bias: 0.01 }), plan);
    assert.equal(rollout.state, 'rolled_back', JSON.stringify(rollout.checks));
    assert.equal(failed, 0);
    assert.ok(rollout.observed.candidate.errors > 0);
  });

  test('a good version comes to all of the traffic, and no request fails on the way', async (t) => {
    const good = await addVersion(5, { bias: 0.001 });
    const steps = [0.2, 0.5].map((weight) => ({ weight, forMs: 500 }));
    const { rollout, offered, failed } = await underLoad(good, { ...canary, steps });
    assert.equal(rollout.state, 'promoted', JSON.stringify(rollout.checks));
    assert.equal(failed, 0);
    assert.deepEqual(await liveVersions(), [['5', 1]]);
    t.diagnostic(`${offered} requests, none failed; ${rollout.history.map(({ what, tookMs }) => `${what} ${tookMs} ms`).join(', ')}`);
  });
});
