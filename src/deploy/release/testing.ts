import assert from 'node:assert/strict';
import { releaseDriftMigrations } from './policy/drift-migrations/index.ts';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openFsBlobs } from '#blobs';
import type {
  Actor,
  AnswerTotals,
  ApplicationTestReport,
  EventKind,
  JudgedVersion,
  PlaneFigures,
  RolloutPlan,
  SignedManifest,
} from '#contract';
import { countingIds, digestOf, GyreError, isoInstant, manualClock } from '#core';
import type { ManualClock } from '#core';
import { eventsMigrations, openEvents } from '#events';
import type { Store } from '#store';
import type { Environment } from './gates.ts';
import {
  openRelease,
  releaseMigrations,
  releasePolicyMigrations,
  releaseTestMigrations,
  rolloutMigrations,
  type Release,
  type ReleaseDeps,
  type ReleaseSettings,
} from './index.ts';
import { insertApplicationTest } from './release-store.ts';

/** A store of its own for one test. */
export interface StoreFixture extends AsyncDisposable {
  open(): Promise<Store>;
}

export const person = (name: string): Actor => ({ identity: name.toLowerCase(), name });
export const ada = person('Ada');
export const quinn = person('Quinn');
export const olga = person('Olga');
export const otto = person('Otto');

/** The package of the version that has a number. */
export function packageOf(number: number): { readonly digest: string; readonly files: JudgedVersion['files'] } {
  const files = [{ path: 'model.onnx', digest: digestOf({ number }), size: 1 }];
  return { files, digest: digestOf({ format: 'gyre.package.v1', files }) };
}

const testing: Environment = { name: 'test', position: 0, certify: 'qa', approvals: 0 };
const production: Environment = { name: 'production', position: 1, approve: 'approver', approvals: 1, warm: 2 };

/** Data planes that only remember what they were told: what a real one does is tested with real processes. */
class RememberedPlanes {
  readonly serving = new Map<string, SignedManifest>();
  readonly applied: SignedManifest[] = [];
  refusal: Error | undefined;
  /** Runs while a switch is under way. */
  meanwhile: (() => Promise<void>) | undefined;
  /** What has been counted, by the id of a model version and where it was asked. */
  readonly counted = new Map<string, AnswerTotals>();
  /** Whether planes tell nothing of what they do. */
  isSilent = false;
  addressOf = (environment: string): string => `http://127.0.0.1:1/${environment}`;

  async apply(manifest: SignedManifest): Promise<{ readonly address: string }> {
    if (this.refusal !== undefined) throw this.refusal;
    const { environment } = manifest.manifest;
    this.serving.set(environment, manifest);
    this.applied.push(manifest);
    const { meanwhile } = this;
    this.meanwhile = undefined;
    await meanwhile?.();
    return { address: this.addressOf(environment) };
  }

  async figures(environment: string): Promise<PlaneFigures | undefined> {
    const manifest = this.serving.get(environment)?.manifest;
    if (manifest === undefined || this.isSilent) return undefined;
    const answersOf = (model: { readonly name: string; readonly version: string }) => ({
      answers: this.counted.get(`mv-${model.version}`),
    });
    // Of all that a plane tells these alone are read by what is tested here.
    return Promise.resolve({
      models: manifest.models.map((model) => ({ ...model, ...answersOf(model) })),
      shadows: (manifest.route?.shadows ?? []).map(({ model }) => ({ ...model, ...answersOf(model) })),
    } as unknown as PlaneFigures);
  }

  address(environment: string): string | undefined {
    return this.serving.has(environment) ? this.addressOf(environment) : undefined;
  }
}

/** A report of application tests in "test" that passed, as its digest names it. */
export function reportFor(
  version: Pick<JudgedVersion, 'id' | 'package'>,
  change: Pick<ApplicationTestReport, 'id' | 'startedAt' | 'endedAt'> & Partial<ApplicationTestReport>,
): ApplicationTestReport {
  const body = {
    modelVersion: version.id,
    package: version.package,
    environment: 'test',
    generation: 1,
    checks: [],
    passed: true,
    startedBy: quinn,
    ...change,
  };
  return { ...body, digest: digestOf(body) };
}

/** The room over a store, with remembered planes and versions. */
export interface Bench extends AsyncDisposable {
  readonly release: Release;
  readonly planes: RememberedPlanes;
  readonly store: Store;
  readonly clock: ManualClock;
  /** How versions come to environments. */
  readonly rolls: Record<string, RolloutPlan>;
  readonly versions: Map<string, JudgedVersion>;
  readonly champions: string[];
  /** Hashes of the tokens that may infer. */
  readonly tokens: string[];
  /** What gyre.yaml says of policies; tests change it. */
  readonly project: { risk?: ReleaseSettings['risk']; policy?: string };
  /** @returns its digest */
  putBlob(text: string): Promise<string>;
  /** What fails next. */
  readonly fault: { alias: Error | undefined; failWrites: number };
  /** The same house after its process ended: nothing but the store is left. */
  again(): Release;
  addVersion(number: number, change?: Partial<JudgedVersion>): JudgedVersion;
  /** Application tests on record, as a run of them leaves them. */
  tested(version: JudgedVersion, change?: Partial<ApplicationTestReport>): Promise<ApplicationTestReport>;
  /** Everything that a version needs for production. */
  signedOff(version: JudgedVersion): Promise<void>;
  events(kind: EventKind): Promise<readonly Record<string, unknown>[]>;
}

export async function openBench(fixture: StoreFixture): Promise<Bench> {
  const folder = await mkdtemp(join(tmpdir(), 'gyre-release-'));
  const clock = manualClock(Date.parse('2026-01-05T10:00:00Z'));
  const newId = countingIds('id');
  const opened = await fixture.open();
  await opened.migrate([
    eventsMigrations,
    releaseMigrations,
    releasePolicyMigrations,
    rolloutMigrations,
    releaseTestMigrations,
    releaseDriftMigrations,
  ]);
  const fault: Bench['fault'] = { alias: undefined, failWrites: 0 };
  // A disk that fails when the test says so, in front of the real store.
  const store: Store = {
    facts: opened.facts,
    read: (query) => opened.read(query),
    write: (write, args) => {
      if (fault.failWrites > 0 && write.name === 'makeLive') {
        fault.failWrites -= 1;
        return Promise.reject(new GyreError('UNAVAILABLE', 'the disk did not take a commit'));
      }
      return opened.write(write, args);
    },
    migrate: (sets) => opened.migrate(sets),
    [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
  };
  const events = openEvents({ store: opened, clock, newId, source: '/gyre/test' });
  const blobs = await openFsBlobs({ dir: join(folder, 'blobs') });
  const planes = new RememberedPlanes();
  const versions = new Map<string, JudgedVersion>();
  const champions: string[] = [];
  const tokens: string[] = [];
  const rolls: Bench['rolls'] = {};
  const project: Bench['project'] = {};
  const keys = generateKeyPairSync('ed25519', {
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  const unused = (what: string) => (): never => assert.fail(`${what} was not expected to be asked`);
  const deps: ReleaseDeps = {
    store,
    blobs,
    events,
    clock,
    newId,
    planes,
    versions: {
      getById: async (id) => {
        const version = versions.get(id);
        if (version === undefined) throw new GyreError('NOT_FOUND', `no model version "${id}"`);
        return Promise.resolve(version);
      },
      setAlias: async ({ model, alias, version: number }) => {
        if (fault.alias !== undefined) throw fault.alias;
        const version = [...versions.values()].find((one) => one.model === model && one.version === number);
        if (version === undefined) throw new GyreError('NOT_FOUND', 'no such version');
        const refusal = await release.championRefusal(version);
        if (refusal !== undefined) throw new GyreError('FAILED_PRECONDITION', refusal);
        for (const [id, one] of versions) versions.set(id, { ...one, aliases: one.id === version.id ? [alias] : [] });
        champions.push(version.id);
      },
      modelSource: unused('a model'),
    },
    reports: { getReport: unused('a test report'), openModel: unused('a model'), unseenRows: unused('rows') },
    training: {
      // The room asks for the run's author and its beginning alone.
      getRun: (id) =>
        Promise.resolve({ id, createdBy: ada, startedAt: '2026-01-05T09:00:00.000Z' } as Awaited<
          ReturnType<ReleaseDeps['training']['getRun']>
        >),
    },
    data: { open: unused('rows') },
    newestVersion: unused('a dataset'),
    settings: () => ({
      ...project,
      environments: [testing, production],
      rollouts: rolls,
      endpoint: 'churn',
      log: { mask: ['street'], maxMib: 512, events: { url: 'https://events.example.org/', mask: ['plan'] } },
      limits: { timeoutMs: 2000, maxConcurrent: 64, rate: { perSecond: 20, burst: 40 } },
      latencyP99Ms: 50,
      requestsPerSecond: 10,
      durationMs: 100,
    }),
    personalInputs: () => Promise.resolve(['gender', 'plan']),
    charter: unused('the charter'),
    privateKey: keys.privateKey,
    tokenHashes: () => Promise.resolve(tokens),
    monotonicMs: unused('the time'),
    sleep: unused('sleep'),
  };
  const release = openRelease(deps);
  const bench: Bench = {
    release,
    planes,
    store: opened,
    clock,
    rolls,
    versions,
    champions,
    tokens,
    project,
    putBlob: async (text) => (await blobs.put(Buffer.from(text))).digest,
    fault,
    again: () => {
      planes.serving.clear();
      return openRelease(deps);
    },
    addVersion: (number, change = {}) => {
      const { files, digest } = packageOf(number);
      const version: JudgedVersion = {
        id: `mv-${number}`,
        model: 'churn',
        version: number,
        source: 'runs:/run-1',
        description: '',
        stage: 'None',
        package: digest,
        files,
        signature: { task: 'binary', inputs: [], outputs: [], classes: ['No', 'Yes'] },
        run: `run-${number}`,
        testReport: `report-${number}`,
        testsPassed: true,
        charter: 'charter',
        aliases: [],
        tags: {},
        createdAt: isoInstant(clock.now()),
        updatedAt: isoInstant(clock.now()),
        createdBy: ada,
        ...change,
      };
      versions.set(version.id, version);
      return version;
    },
    tested: async (version, change = {}) => {
      clock.advance(1000);
      const id = newId();
      const report = reportFor(version, { id, startedAt: isoInstant(clock.now()), endedAt: isoInstant(clock.now()), ...change });
      await opened.write(insertApplicationTest, report);
      return report;
    },
    signedOff: async (version) => {
      const report = await bench.tested(version);
      await release.certify({ report: report.id, verdict: 'certified', statement: 'good', by: quinn });
      await release.approve({ modelVersion: version.id, environment: 'production', verdict: 'approved', statement: 'go', by: olga });
    },
    events: async (kind) => (await events.read({ types: [`dev.gyre.${kind}.v1`], limit: 1000 })).map(({ data }) => ({ ...data })),
    [Symbol.asyncDispose]: async () => {
      await events[Symbol.asyncDispose]();
      await opened[Symbol.asyncDispose]();
      await fixture[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
  return bench;
}
