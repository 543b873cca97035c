import { generateKeyPairSync } from 'node:crypto';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openFsBlobs } from '#blobs';
import type { BlobStore } from '#blobs';
import type {
  Action,
  Actor,
  ApplicationTestReport,
  Approval,
  Certification,
  CodeVersion,
  Deployment,
  Environment,
  TrainedVersion,
  PipelineRun,
  TransformStep,
} from '#contract';
import { GyreError, asSha256, countingIds, isoInstant, manualClock, seededBytes, sha256 } from '#core';
import { dataMigrations, openData } from '#data';
import { evaluationMigrations, openEvaluation } from '#evaluation';
import { eventsMigrations, openEvents } from '#events';
import type { Events } from '#events';
import { featuresMigrations, openFeatures } from '#features';
import { monitoringMigrations, openMonitoring } from '#monitoring';
import type { Monitoring } from '#monitoring';
import { openCharter, projectMigrations } from '#project';
import { openRegistry, registryMigrations } from '#registry';
import { fleetMigrations } from '#fleet';
import {
  openRelease,
  releaseDriftMigrations,
  releaseMigrations,
  releasePolicyMigrations,
  releaseTestMigrations,
  rolloutMigrations,
} from '#release';
import { openStore } from '#store';
import type { Store } from '#store';
import { sliceRows, toRecords } from '#tables';
import { openTraining, trainingMigrations } from '#training';
import { openGovernance } from './governance.ts';
import { governanceMigrations } from './migrations/index.ts';
import type { Governance, GovernanceDeps } from './port.ts';

export const ada: Actor = { identity: 'ada-id', name: 'Ada' };
const quinn: Actor = { identity: 'quinn-id', name: 'Quinn', simulated: true };
const mara: Actor = { identity: 'mara-id', name: 'Mara', simulated: true };
const code: CodeVersion = { commit: 'c0ffee', dirty: false };
const environment: Environment = { gyre: '0.1.0', node: '26.10.0', platform: 'linux-x64', lock: sha256('package-lock.json') };
const startMs = Date.UTC(2026, 0, 5);

const churnTransform: TransformStep = {
  of: 'customers',
  target: 'Churn',
  positive: 'Yes',
  transform: {
    exclude: ['customerID', 'gender'],
    numeric: { impute: 'median', scale: 'standard' },
    categorical: { impute: 'missing', encode: 'one_hot' },
  },
};

/** A house whose one model went the whole way: trained, tested, certified, approved, live, asked once. */
export interface Bench extends AsyncDisposable {
  readonly store: Store;
  readonly blobs: BlobStore;
  readonly events: Events;
  readonly monitoring: Monitoring;
  readonly governance: Governance;
  readonly deps: GovernanceDeps;
  readonly version: TrainedVersion;
  readonly deployment: Deployment;
  /** The pipeline run that made the version. */
  readonly build: PipelineRun;
  /** What the triggers have done: nothing at first. */
  readonly actions: Action[];
  /** A logged prediction. */
  readonly prediction: string;
  /** Opens the room once more over the same store, as another process would. */
  again(): Governance;
  /** Changes one byte of a blob behind everybody's back. */
  corrupt(digest: string): Promise<void>;
}

export async function openBench(options: { readonly url?: string; readonly schema?: string } = {}): Promise<Bench> {
  const folder = await mkdtemp(join(tmpdir(), 'gyre-governance-'));
  const { url = `sqlite:${join(folder, 'gyre.db')}`, schema } = options;
  const clock = manualClock(startMs);
  const build: PipelineRun = {
    id: 'build-1',
    pipeline: 'build',
    state: 'succeeded',
    parameters: {},
    steps: [],
    reason: 'first build',
    createdBy: ada,
    createdAt: isoInstant(startMs),
  };
  const actions: Action[] = [];
  const newId = countingIds('id');
  const store = await openStore({ url, ...(schema === undefined ? {} : { schema }) });
  await store.migrate([
    eventsMigrations,
    projectMigrations,
    dataMigrations,
    featuresMigrations,
    trainingMigrations,
    evaluationMigrations,
    registryMigrations,
    releaseMigrations,
    rolloutMigrations,
    releaseTestMigrations,
    fleetMigrations,
    releaseDriftMigrations,
    releasePolicyMigrations,
    monitoringMigrations,
    governanceMigrations,
  ]);
  const blobs = await openFsBlobs({ dir: join(folder, 'blobs') });
  const events = openEvents({ store, clock, newId, source: '/gyre/test' });
  const common = { store, blobs, events, clock, newId };
  const charters = openCharter({ store, events, clock });
  const data = openData({ ...common, temporary: folder });
  const features = openFeatures({ ...common, data });
  const training = openTraining({ ...common, randomBytes: seededBytes(23), data, features });
  const evaluation = openEvaluation({ ...common, data, features, training });
  const registry = openRegistry({ ...common, data, features, training, reports: evaluation, guard: () => Promise.resolve(undefined) });
  const release = openRelease({
    ...common,
    versions: registry,
    reports: evaluation,
    training,
    data,
    newestVersion: () => Promise.resolve(undefined),
    planes: { apply: () => Promise.resolve({ address: 'http://127.0.0.1:1' }), address: () => undefined },
    settings: () => ({
      environments: [{ name: 'production', position: 0, approvals: 0 }],
      endpoint: 'churn',
      latencyP99Ms: 50,
      requestsPerSecond: 10,
      durationMs: 100,
    }),
    charter: (digest) => charters.get('churn', digest),
    privateKey: generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }),
    tokenHashes: () => Promise.resolve([]),
    monotonicMs: () => clock.now(),
    sleep: () => Promise.resolve(),
  });
  const monitoring = openMonitoring({
    ...common,
    data,
    features,
    training,
    evaluation,
    registry,
    settings: () => ({ windowMs: 86_400_000, reference: 'train', minRows: 80, drift: { alpha: 0.01, psi: 0.1 }, performance: [] }),
    actor: ada,
  });

  const charter = await charters.record('churn', { problem: 'Whom to call', owner: 'Mara', success: { roc_auc: '>= 0.75' } }, ada);
  const { version: whole } = await data.ingest({
    dataset: 'customers',
    path: join(import.meta.dirname, '../../../examples/churn/data/telco-churn.csv'),
    source: 'data/telco-churn.csv',
    key: 'customerID',
    by: ada,
  });
  const parts = { train: 0.3, validation: 0.1, test: 0.2, later: 0.4 };
  const split = await data.split(whole.digest, { dataset: 'customers', key: 'customerID', parts, salt: 'churn', by: ada });
  const part = (name: string): string => split.parts.find((one) => one.part === name)?.version ?? '';
  const transform = await features.fit({
    name: 'prepare',
    spec: churnTransform,
    train: [{ version: part('train'), weight: 1 }],
    key: 'customerID',
    by: ada,
  });
  const { best } = await training.trainStudy({
    name: 'boosting',
    trainer: 'gbdt',
    params: { iterations: 10 },
    seed: 7,
    transform: transform.digest,
    validation: part('validation'),
    code,
    environment,
    by: ada,
  });
  const report = await evaluation.judge({ model: best.id, test: part('test'), charter, repeats: 0, resamples: 50, by: ada });
  const version = await registry.createVersion({
    model: 'churn',
    run: best.id,
    report: report.id,
    charter,
    tags: { pipelineRun: build.id },
    by: ada,
  });
  const deployment = await release.roll({ environment: 'production', modelVersion: version.id, reason: 'first release', by: ada });

  const frame = sliceRows(await data.open(part('later')), 0, 1);
  const [record] = toRecords(frame);
  const [score] = await (await training.readModel(best.id)).predict(frame);
  const prediction = `${deployment.generation}-${version.package.slice(0, 8)}-0198f0a0-0000-7000-8000-000000000001`;
  await monitoring.ingestSegment({
    environment: 'production',
    segment: 'one.seg',
    predictions: [
      {
        id: prediction,
        environment: 'production',
        endpoint: 'churn',
        generation: deployment.generation,
        package: version.package,
        model: version.model,
        version: String(version.version),
        servedAt: isoInstant(startMs),
        latencyMs: 2,
        inputs: Object.fromEntries(version.signature.inputs.map(({ name }) => [name, record[name]])),
        outputs: { label: score >= 0.5 ? 'Yes' : 'No', probabilities: { No: 1 - score, Yes: score } },
        key: String(record['customerID']),
      },
    ],
  });

  const people = new Map([ada, quinn, mara].map((actor) => [actor.identity, actor]));
  const signOff = signedOff(version);
  const deps: GovernanceDeps = {
    ...common,
    data,
    features,
    training,
    evaluation,
    registry,
    // Sign-offs come from application tests over HTTP; what they leave behind is all that this room sees.
    release: { ...release, ...signOff },
    monitoring,
    triggers: { actions: () => Promise.resolve(actions) },
    pipelines: {
      get: (id) => (id === build.id ? Promise.resolve(build) : Promise.reject(new GyreError('NOT_FOUND', `no pipeline run "${id}"`))),
    },
    charters,
    project: () => 'churn',
    actorOf: (identity) => {
      const actor = people.get(identity);
      return actor === undefined ? Promise.reject(new GyreError('NOT_FOUND', `no identity "${identity}"`)) : Promise.resolve(actor);
    },
  };
  const governance = openGovernance(deps);
  return {
    store,
    blobs,
    events,
    monitoring,
    governance,
    deps,
    version,
    deployment,
    build,
    actions,
    prediction,
    again: () => openGovernance(deps),
    async corrupt(digest) {
      const path = await blobs.localPath(asSha256(digest));
      const bytes = await readFile(path);
      bytes[Math.floor(bytes.length / 2)] ^= 1;
      await chmod(path, 0o600);
      await writeFile(path, bytes);
    },
    async [Symbol.asyncDispose]() {
      await governance[Symbol.asyncDispose]();
      await features[Symbol.asyncDispose]();
      await events[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function signedOff(version: TrainedVersion): Pick<GovernanceDeps['release'], 'applicationTests' | 'certifications' | 'approvals'> {
  const at = isoInstant(startMs);
  const about = { modelVersion: version.id, package: version.package };
  const tests: ApplicationTestReport = {
    ...about,
    id: 'test-1',
    digest: sha256('application tests'),
    environment: 'test',
    generation: 1,
    checks: [{ name: 'known inputs', passed: true, observed: 20, wanted: '20', message: '20 of 20 answers are as expected' }],
    passed: true,
    startedAt: at,
    endedAt: at,
    startedBy: ada,
  };
  const certification: Certification = {
    ...about,
    id: 'certification-1',
    report: tests.id,
    reportDigest: tests.digest,
    verdict: 'certified',
    statement: 'read and repeated',
    certifiedBy: quinn,
    certifiedAt: at,
  };
  const approval: Approval = {
    ...about,
    id: 'approval-1',
    environment: 'production',
    verdict: 'approved',
    statement: 'go',
    approvedBy: mara,
    approvedAt: at,
  };
  return {
    applicationTests: () => Promise.resolve([tests]),
    certifications: () => Promise.resolve([certification]),
    approvals: () => Promise.resolve([approval]),
  };
}
