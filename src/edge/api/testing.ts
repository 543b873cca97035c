import { generateKeyPairSync } from 'node:crypto';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { accessMigrations, openAccess } from '#access';
import { batchMigrations } from '#batch';
import { streamMigrations } from '#streams';
import { amountOf, openFsBlobs } from '#blobs';
import type { BlobStore } from '#blobs';
import type { Actor, Role } from '#contract';
import { GyreError, countingIds, manualClock, seededBytes, noFaults } from '#core';
import type { Faults, ManualClock } from '#core';
import { ciMigrations, openCi } from '#ci';
import { dataMigrations, openData, openLfs } from '#data';
import { evaluationMigrations, openEvaluation } from '#evaluation';
import { eventsMigrations, openEvents } from '#events';
import { featuresMigrations, openFeatures } from '#features';
import { fleetMigrations, openFleet } from '#fleet';
import { governanceMigrations, openGarbage, openGovernance } from '#governance';
import { importsMigrations, openImports } from '#imports';
import { mailMigrations, openMails } from '#mail';
import { monitoringMigrations, openMonitoring } from '#monitoring';
import { openPipelines, openSchedules, pipelinesMigrations } from '#pipelines';
import { checkProject, loadProject, openCharter, projectMigrations } from '#project';
import { openRegistry, registryMigrations } from '#registry';
import type { RegistryDeps } from '#registry';
import { openImageRecords, packagingMigrations } from '#packaging';
import { releaseDriftMigrations, releaseMigrations, releasePolicyMigrations, releaseTestMigrations, rolloutMigrations } from '#release';
import type { Release } from '#release';
import { openStore } from '#store';
import type { Store } from '#store';
import { createLogger, createMetrics } from '#telemetry';
import { openTraining, trainingMigrations } from '#training';
import { openTriggers, triggersMigrations } from '#triggers';
import { openServedWorkspace } from '#workspace';
import { openApi } from './api.ts';
import type { ApiDeps } from './port.ts';
import { heldByTestReleases, openTestReleases } from './testing-release.ts';
import { openTestBatches, openTestStreams, openTestWebhooks, playedBackups, playedVideos, turnsOfLoop } from './testing-stand-ins.ts';
import { tokensByRole } from './testing-tokens.ts';

const example = join(import.meta.dirname, '../../../examples/churn');
const platform: Actor = { identity: 'gyre', name: 'gyre' };
export const dayMs = 86_400_000;
export const start = Date.UTC(2026, 5, 1);

export interface BenchOptions {
  readonly host?: string;
  readonly port?: number;
  readonly tls?: { readonly cert: string; readonly key: string };
  readonly hostNames?: readonly string[];
  readonly allowLocal?: boolean;
  readonly uiFolder?: string | Promise<string>;
  readonly heartbeatMs?: number;
  readonly artifactLimitBytes?: number;
  /** Told of what the blobs do. */
  readonly faults?: Faults;
  readonly bodyTimeoutMs?: number;
  /** What the registry finds at the addresses of brought versions. */
  readonly kept?: RegistryDeps['kept'];
  /** What runs models that only Python can load. */
  readonly python?: RegistryDeps['python'];
}

/** The API over real rooms, on the example project, in a folder of its own. Only what runs in other processes is played here. */
export interface Bench extends AsyncDisposable {
  readonly address: string;
  readonly deps: ApiDeps;
  readonly clock: ManualClock;
  readonly blobs: BlobStore;
  readonly store: Store;
  /** A token of an identity that has this one role. */
  readonly tokens: Readonly<Record<Role, string>>;
  /** Lines of the log. */
  readonly logged: readonly string[];
  /** How often data planes were asked for what they logged. */
  readonly shipped: () => number;
  /** Asks the API. @param token undefined: without any */
  ask(path: string, options?: AskOptions): Promise<Response>;
  /** Stops the API alone: rooms stay open. */
  stop(): Promise<void>;
}

export interface AskOptions {
  readonly method?: string;
  readonly token?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly redirect?: 'manual';
}

export async function openBench(options: BenchOptions = {}): Promise<Bench> {
  await using opened = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'gyre-api-'));
  opened.defer(() => rm(folder, { recursive: true, force: true }));
  const projectFolder = join(folder, 'churn');
  await cp(example, projectFolder, { recursive: true, filter: (path) => !path.includes('/.gyre') });
  const clock = manualClock(start);
  const newId = countingIds('id');
  const randomBytes = seededBytes(11);
  const logged: string[] = [];
  const log = createLogger({ level: 'debug', destination: { write: (line) => void logged.push(line) } });
  const store = opened.use(await openStore({ url: `sqlite:${join(folder, 'gyre.db')}` }));
  await store.migrate([
    eventsMigrations,
    accessMigrations,
    projectMigrations,
    pipelinesMigrations,
    dataMigrations,
    featuresMigrations,
    trainingMigrations,
    evaluationMigrations,
    registryMigrations,
    importsMigrations,
    releaseMigrations,
    rolloutMigrations,
    releaseTestMigrations,
    packagingMigrations,
    releaseDriftMigrations,
    mailMigrations,
    releasePolicyMigrations,
    fleetMigrations,
    batchMigrations,
    streamMigrations,
    monitoringMigrations,
    triggersMigrations,
    governanceMigrations,
    ciMigrations,
  ]);
  const loaded = await loadProject(projectFolder);
  const { resolved } = loaded;
  const project = { current: () => loaded };
  const blobs = await openFsBlobs({ dir: join(folder, 'blobs'), faults: options.faults ?? noFaults });
  const events = opened.use(openEvents({ store, clock, newId, source: '/gyre/test' }));
  const common = { store, blobs, events, clock, newId };
  const { allowLocal = false } = options;
  const access = openAccess({ store, events, clock, newId, randomBytes, local: allowLocal });
  const charters = openCharter({ store, events, clock });
  const data = openData({ ...common, temporary: folder });
  opened.use(data.ingestions);
  const features = opened.use(openFeatures({ ...common, data }));
  const training = openTraining({ ...common, randomBytes, data, features, grants: access.grants });
  const evaluation = openEvaluation({ ...common, data, features, training });
  const registry = openRegistry({
    ...common,
    data,
    features,
    training,
    reports: evaluation,
    grants: access.grants,
    ...(options.kept === undefined ? {} : { kept: options.kept }),
    ...(options.python === undefined ? {} : { python: options.python }),
    ...heldByTestReleases(() => release),
  });
  opened.use(registry.conversions);
  const webhooks = opened.use(await openTestWebhooks({ ...common, randomBytes }));
  const release: Release = openTestReleases({ ...common, data, training, evaluation, registry, charters, project });
  const { batches, batchSchedules } = openTestBatches({ ...common, data, registry }, folder, project, access, platform);
  opened.use(batches);
  opened.use(batchSchedules);
  const streams = opened.use(openTestStreams({ ...common, registry }, batches));
  const monitoring = openMonitoring({
    ...common,
    data,
    features,
    training,
    evaluation,
    registry,
    settings: () => ({ ...resolved.monitor, endpoint: resolved.serve.endpoint, key: resolved.datasets[0].key }),
    actor: platform,
  });
  const pipelines = opened.use(openPipelines({ store, events, clock, newId, log, owner: 'bench', project: resolved.project }));
  pipelines.register({
    kind: 'bench.count',
    version: '1',
    cacheable: true,
    run: async (step) => {
      step.log('counting');
      step.progress(1, 2, 'half-way');
      return { outputs: { counted: 2 }, summary: 'counted to two' };
    },
  });
  let shipped = 0;
  const build: ApiDeps['loop']['build'] = ({ by, reason, fresh }) =>
    pipelines.submit({
      pipeline: 'build',
      reason,
      by,
      parameters: {},
      steps: [{ name: 'count', kind: 'bench.count', after: [], parameters: {}, inputs: {} }],
      ...(fresh === undefined ? {} : { fresh }),
    });
  const ci = opened.use(
    openCi({
      ...common,
      pipelines,
      data,
      training,
      evaluation,
      registry,
      project: () => resolved.project,
      build,
      comparing: () => ({ masked: new Set<string>() }),
      base: () => resolved.ci.base,
      isOnBranch: async () => false,
      finished: async () => undefined,
      report: (problem) => log.error(problem),
    }),
  );
  const schedules = opened.use(
    openSchedules({
      store,
      events,
      clock,
      owner: 'bench',
      actor: platform,
      project: () => resolved.project,
      definitions: () => [{ name: 'customers', cron: '0 6 * * *', timezone: 'UTC', run: 'ingest' }],
      start: build,
      getRun: (id) => pipelines.get(id),
    }),
  );
  const triggers = opened.use(
    await openTriggers({
      store,
      events,
      clock,
      newId,
      actor: platform,
      policy: () => ({ onAlert: resolved.monitor.onAlert, minRows: resolved.retrain.minRows }),
      getAlert: (id) => monitoring.getAlert(id),
      labelledRows: ({ environment: name, endpoint, since }) => monitoring.labelledRows({ environment: name, endpoint, since }),
      startRetraining: (_alert, action, by) => build({ by, reason: action.reason }),
      getPipelineRun: (id) => pipelines.get(id),
      outcomeOf: async (id) => `pipeline run ${id} ended`,
      rollBack: async () => 'rolled back',
      notify: () => undefined,
    }),
  );
  const actorOf = async (id: string): Promise<Actor> => {
    if (id === platform.identity) return platform;
    const { id: identity, name } = await access.getIdentity(id);
    return { identity, name };
  };
  const mails = opened.use(
    await openMails({
      store,
      events,
      clock,
      links: '',
      people: () => access.listIdentities(),
      mayRead: async () => true,
      titleOf: async (id) => id,
      report: (message) => log.warn(message),
    }),
  );
  const governance = opened.use(
    openGovernance({
      ...common,
      data,
      features,
      training,
      evaluation,
      registry,
      release,
      monitoring,
      triggers,
      pipelines,
      charters,
      project: () => resolved.project,
      actorOf,
    }),
  );
  const workspace = opened.use(openServedWorkspace({ folder: projectFolder, clock, newId, record: async () => undefined }));
  const deps: ApiDeps = {
    access,
    backups: playedBackups(clock),
    batches,
    batchSchedules,
    streams,
    blobStorage: async () => ({ address: join(folder, 'blobs'), clear: await amountOf(blobs.list()), sealed: { count: 0, bytes: 0 } }),
    charters,
    ci,
    data,
    evaluation,
    events,
    features,
    fleet: opened.use(
      openFleet({
        ...common,
        access,
        privateKey: generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
        environments: () => resolved.environments.map(({ name, agentsWaitMs }) => ({ name, agents: name === 'production', agentsWaitMs })),
        actor: platform,
      }),
    ),
    garbage: opened.use(openGarbage({ ...common, training, registry, evaluation, workspace })),
    governance,
    imports: opened.use(
      await openImports({
        store,
        clock,
        newId,
        tracking: training.tracking,
        loggedModels: training.loggedModels,
        artifacts: training.artifacts,
        registry,
      }),
    ),
    lfs: openLfs(common),
    monitoring,
    pipelines,
    project,
    registry,
    webhooks,
    mails,
    release,
    schedules,
    training,
    triggers,
    images: {
      ...openImageRecords({ store, events }),
      make: () => Promise.reject(new GyreError('FAILED_PRECONDITION', 'no image is made here')),
      archive: (id) => Promise.reject(new GyreError('NOT_FOUND', `there is no image "${id}"`)),
    },
    videos: playedVideos(),
    workspace,
    loop: {
      build,
      ...turnsOfLoop({ data, evaluation, registry, monitoring, charters, loaded: () => project.current() }),
      clone: ({ by }) => build({ by, reason: 'a clone' }),
      collectPredictions: async () => void shipped++,
    },
    clock,
    newId,
    log,
    metrics: createMetrics(),
    version: '0.1.0',
    artifactLimitBytes: options.artifactLimitBytes ?? 2 ** 30,
    host: options.host ?? '127.0.0.1',
    port: options.port ?? 0,
    allowLocal,
    settings: [{ name: 'port', value: 0, source: 'flag', from: '--port', help: 'port of the control plane' }],
    checkProject: () => checkProject(projectFolder),
    ...(options.tls === undefined ? {} : { tls: options.tls }),
    ...(options.hostNames === undefined ? {} : { hostNames: options.hostNames }),
    ...(options.bodyTimeoutMs === undefined ? {} : { bodyTimeoutMs: options.bodyTimeoutMs }),
    ...(options.heartbeatMs === undefined ? {} : { heartbeatMs: options.heartbeatMs }),
    ...(options.uiFolder === undefined ? {} : { uiFolder: options.uiFolder }),
  };
  const tokens = await tokensByRole(access, platform);
  const api = opened.use(await openApi(deps));
  const closing = opened.move();
  return {
    address: api.address,
    deps,
    clock,
    blobs,
    store,
    tokens,
    logged,
    shipped: () => shipped,
    ask: (path, { method = 'GET', token, body, headers = {}, redirect } = {}) =>
      fetch(`${api.address}${path}`, {
        method,
        headers: {
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
        ...(redirect === undefined ? {} : { redirect }),
      }),
    stop: async () => api[Symbol.asyncDispose](),
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}
