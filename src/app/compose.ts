import { randomFillSync } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { type Access, openAccess } from '#access';
import { allowedHosts } from '#blobs';
import type { Batches, BatchSchedules } from '#batch';
import type { Streams } from '#streams';
import type { BlobStore } from '#blobs';
import { messageOf, systemClock, uuidV7, type Clock, type NewId } from '#core';
import type { Actor, BlobStorage } from '#contract';
import { type Ci, openCi } from '#ci';
import { type Data, type LfsRepositories, openData, openLfs } from '#data';
import { type Evaluation, openEvaluation } from '#evaluation';
import { type Events, openEvents } from '#events';
import { openLocalExecutor } from '#executors';
import { type Features, openFeatures } from '#features';
import { type Garbage, type Governance, openGarbage, openGovernance } from '#governance';
import { type Monitoring, openMonitoring } from '#monitoring';
import { openPipelines, openSchedules, type Pipelines, type Schedules } from '#pipelines';
import { type CharterBook, openCharter } from '#project';
import { type Imports, openImports } from '#imports';
import type { Mails } from '#mail';
import { openRegistry, openWebhooks, type Registry, type Webhooks } from '#registry';
import type { Fleet } from '#fleet';
import type { Release } from '#release';
import { openStore, type Store } from '#store';
import { createLogger, createMetrics, type Logger, type LogLevel, type Metrics, watchProcess } from '#telemetry';
import { openTraining, type Training } from '#training';
import type { Triggers } from '#triggers';
import { openServedWorkspace, openWorkspaceObjects, type ServedWorkspace } from '#workspace';
import { openBackups } from './backup/backups.ts';
import { openStreamPredictions } from './stream-predictions.ts';
import { openBatchPredictions } from './batch-predictions.ts';
import { openBlobs, s3Access } from './blobs.ts';
import { pooledRandomBytes } from './random.ts';
import { recentProduction } from './recent-production.ts';
import { sourceFetcher } from './source-fetcher.ts';
import { commitsBetween } from './commits-between.ts';
import { countEvents } from './event-metrics.ts';
import { codeVersion } from './code-version.ts';
import { committedProjects } from './commits/committed-projects.ts';
import { comparedColumns } from './commits/compared-columns.ts';
import { projectScope, scopeReader } from './commits/project-scope.ts';
import { openPlatformMails } from './compose-mails.ts';
import { heldByReleases, openReleasing, type Releasing } from './compose-release.ts';
import { openPlatformTriggers } from './compose-triggers.ts';
import { holdDataFolder, secretKey, type DataFolder } from './data-folder.ts';
import { gaugeAgents } from './agent-gauges.ts';
import { gaugeDelivery } from './delivery-gauges.ts';
import { faultsFromEnvironment } from './faults.ts';
import { keptSources } from './kept-sources.ts';
import { migrationSets } from './migrations.ts';
import { commandStep } from './loop/command-step.ts';
import { dataSteps } from './loop/data-steps.ts';
import { itemStep } from './loop/item-step.ts';
import { judgingSteps } from './loop/judging-steps.ts';
import { type Loop, openLoop } from './loop/loop.ts';
import { modelSteps } from './loop/model-steps.ts';
import { retrainingSteps } from './loop/retraining-steps.ts';
import type { LoopRooms } from './loop/rooms.ts';
import { ownerSecret } from './owner-secret.ts';
import type { LocalPlanes } from './planes.ts';
import { pythonModels } from './python-models.ts';
import { holdProject, type ProjectHolder } from './project-holder.ts';
import { backupFolderOf, blobsPlaceOf, dataMemoryOf, defaultLevelOf, type SettledSettings } from './settings.ts';
import { shipSegments } from './shipping.ts';
import { runEnvironment } from './version.ts';
import { type ModelImages, openPlatformImages } from './model-images.ts';
import { openVideos, videoFoldersOf, type Videos } from './videos.ts';
import { recordWorkspaceJobs } from './workspace-jobs.ts';

/** Every room, opened and wired. */
export interface House extends AsyncDisposable {
  readonly folder: DataFolder;
  readonly settings: SettledSettings;
  readonly project: ProjectHolder;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly store: Store;
  readonly blobs: BlobStore;
  readonly events: Events;
  readonly access: Access;
  readonly charters: CharterBook;
  readonly pipelines: Pipelines;
  readonly schedules: Schedules;
  readonly data: Data;
  readonly lfs: LfsRepositories;
  readonly features: Features;
  readonly training: Training;
  readonly evaluation: Evaluation;
  readonly ci: Ci;
  readonly registry: Registry;
  readonly imports: Imports;
  readonly webhooks: Webhooks;
  readonly mails: Mails;
  readonly release: Release;
  readonly fleet: Fleet;
  readonly batches: Batches;
  readonly batchSchedules: BatchSchedules;
  readonly streams: Streams;
  readonly monitoring: Monitoring;
  readonly triggers: Triggers;
  readonly images: ModelImages;
  readonly videos: Videos;
  readonly governance: Governance;
  readonly garbage: Garbage;
  readonly backups: ReturnType<typeof openBackups>;
  readonly blobStorage: () => Promise<BlobStorage>;
  readonly workspace: ServedWorkspace;
  readonly planes: LocalPlanes;
  readonly loop: Loop;
  /** The token of the first identity, as the data folder keeps it. */
  readonly ownerToken: string;
}

export interface ComposeOptions {
  readonly projectFolder: string;
  readonly settings: SettledSettings;
  readonly clock?: Clock;
  /** Follow changes of the project's file. */
  readonly watchProject: boolean;
}

/** Threads of a training: as the settings say, or as many as cores, four at most. */
function trainingWorkers({ workers }: SettledSettings['values']): number {
  return workers === 0 ? Math.min(4, availableParallelism()) : workers;
}

/** The platform itself, where it acts by policy: no person, no token, no role. */
export const platform: Actor = { identity: 'gyre', name: 'gyre' };

/**
 * Opens every room over one data folder. What was opened before a failure is closed again.
 * @throws GyreError ALREADY_EXISTS when another process holds the data folder; whatever a room throws when it opens
 */
export async function compose(options: ComposeOptions): Promise<House> {
  await using opened = new AsyncDisposableStack();
  const { settings, clock = systemClock } = options;
  const { values } = settings;
  const log = createLogger({ level: values.logLevel as LogLevel, destination: process.stderr, bindings: { role: 'control' } });
  const metrics = createMetrics();
  opened.use(watchProcess(metrics));
  const faults = faultsFromEnvironment();
  const folder = opened.use(holdDataFolder(settings.dataFolder, clock, faults));
  const randomBytes = (length: number): Uint8Array => randomFillSync(new Uint8Array(length));
  const newId = uuidV7(clock, pooledRandomBytes());
  const project = opened.use(await holdProject(options.projectFolder, log, options.watchProject));

  const store = opened.use(
    await openStore({
      url: values.database === '' ? `sqlite:${folder.database}` : values.database,
      ...(values.databaseSchema === '' ? {} : { schema: values.databaseSchema }),
      faults,
    }),
  );
  await store.migrate(migrationSets);
  const blobsPlace = blobsPlaceOf(settings, folder);
  const openedBlobs = opened.use(await openBlobs(blobsPlace, { environment: process.env, clock, faults }));
  const { blobs } = openedBlobs;
  const events = opened.use(
    openEvents({
      store,
      clock,
      newId,
      source: '/gyre',
      report: ({ message, cause }) => log.error({ cause }, message),
    }),
  );
  opened.use(await countEvents({ events, metrics }, (error) => log.error({ error: messageOf(error) }, 'events are counted no more')));
  const access = openAccess({
    store,
    events,
    clock,
    newId,
    randomBytes,
    local: values.localIdentity,
    defaultLevel: defaultLevelOf(values),
  });
  const ownerToken = await ownerSecret(folder, access);
  const actorOf = async (id: string): Promise<Actor> => {
    if (id === platform.identity) return platform;
    const identity = await access.getIdentity(id);
    return { identity: identity.id, name: identity.name, ...(identity.simulated ? { simulated: true } : {}) };
  };

  const rooms = { store, blobs, events, clock, newId };
  const charters = openCharter({ store, events, clock });
  // monitoring comes after data: it is there when somebody asks
  const produced = recentProduction(project, () => monitoring);
  const data = openData({
    ...rooms,
    production: produced,
    temporary: folder.temporary,
    memoryLimitMib: dataMemoryOf(values),
    environment: process.env,
    fetch: sourceFetcher(values, process.env),
    objects: openWorkspaceObjects(resolve(options.projectFolder)),
  });
  opened.use(data.ingestions);
  await data.ingestions.endAbandoned();
  const lfs = openLfs(rooms);
  const features = opened.use(openFeatures({ ...rooms, data, workers: trainingWorkers(values) }));
  const training = openTraining({ ...rooms, randomBytes, data, features, grants: access.grants });
  opened.use(await training.outlineEnded());
  await training.endAbandoned(platform);
  await training.ensureExperiment('Default');
  const evaluation = openEvaluation({ ...rooms, data, features, training });
  const registry = openRegistry({
    ...rooms,
    data,
    features,
    training,
    reports: evaluation,
    grants: access.grants,
    ...heldByReleases(() => release),
    kept: keptSources(training),
    owner: folder.path,
    python: pythonModels({ allowed: () => project.current().resolved.serve.python, cacheFolder: folder.python, blobs }),
  });
  opened.use(registry.conversions);
  const webhooks = opened.use(
    await openWebhooks({
      ...rooms,
      randomBytes,
      key: secretKey(folder, 'webhook-key', randomBytes),
      hosts: allowedHosts(values.webhookHosts, 'GYRE_WEBHOOK_HOSTS', 'webhooks may go there'),
      report: (message) => log.warn(message),
    }),
  );
  const { planes, fleet, release, planeAccess }: Releasing = openReleasing({
    ...rooms,
    access,
    charters,
    data,
    training,
    evaluation,
    registry,
    project,
    folder,
    blobsPlace,
    values,
    faults,
    log,
    ownerToken,
    actor: platform,
    onSegments: (environment, paths) => shipSegments({ monitoring, log, metrics }, environment, paths),
    monitoring: () => monitoring,
  });
  gaugeDelivery({ release, metrics, log });
  opened.use(planes);
  opened.use(release.testRuns);
  const images = openPlatformImages({ ...rooms, folder, values });
  opened.use(fleet);
  gaugeAgents({ fleet, metrics, log });
  const videos = openVideos({ release, planeAccess, folders: videoFoldersOf(values.videoFolders, resolve(options.projectFolder)) });
  const monitoring: Monitoring = openMonitoring({
    ...rooms,
    data,
    features,
    training,
    registry,
    evaluation,
    settings: () => {
      const { monitor, environments, serve } = project.current().resolved;
      const unlogged = [...(serve.log?.mask ?? []), ...(serve.log?.drop ?? [])];
      return { ...monitor, unlogged, environments: environments.slice(-1).map(({ name }) => name) };
    },
    actor: platform,
  });
  const executor = opened.use(await openLocalExecutor({ dir: join(folder.path, 'jobs'), clock, environment: process.env }));
  const owner = newId();
  const exclusive = values.database === '';
  const predicting = { access, data, registry, release, project, folder, values, log, owner, exclusive, actor: platform };
  const { batches, batchSchedules } = openBatchPredictions({ ...rooms, ...predicting });
  opened.use(batches);
  opened.use(batchSchedules);
  const projectFolder = resolve(options.projectFolder);
  const perStream = { ...rooms, registry, metrics, owner: folder.path, batches, values, projectFolder, log };
  const streams = opened.use(openStreamPredictions(perStream));
  const pipelines = opened.use(openPipelines({ ...rooms, log, owner, exclusive, project: project.current().resolved.project }));
  const ending = new AbortController();
  const commits = committedProjects({
    projectFolder,
    folder: join(folder.path, 'commits'),
    file: () => project.current().file,
    closing: ending.signal,
  });
  const scope = projectScope(scopeReader(pipelines, (commit) => commits.open(commit)));
  const loopRooms: LoopRooms = {
    project: () => scope.current() ?? project.current(),
    isCi: () => scope.isCi(),
    blobs,
    charters,
    data,
    features,
    training,
    evaluation,
    registry,
    monitoring,
    executor,
    environment: runEnvironment(),
    codeVersion: () =>
      codeVersion((scope.current() ?? project.current()).folder, { blobs, temporary: folder.temporary, ignored: folder.path }),
    workers: trainingWorkers(values),
  };
  const steps = [...dataSteps(loopRooms), ...modelSteps(loopRooms), ...judgingSteps(loopRooms), ...retrainingSteps(loopRooms)];
  const commands = [
    commandStep(loopRooms, join(folder.path, 'jobs', 'parameters')),
    itemStep(loopRooms, { store, clock, folder: join(folder.temporary, 'items') }),
  ];
  for (const handler of [...steps, ...commands]) pipelines.register(scope.within(handler));
  const loop = openLoop({ rooms: loopRooms, pipelines, planes, commits, clock });
  const ci = opened.use(
    openCi({
      ...rooms,
      pipelines,
      data,
      training,
      evaluation,
      registry,
      project: () => project.current().resolved.project,
      build: (request) => loop.buildCommit(request),
      comparing: (dataset) => comparedColumns(project.current(), dataset),
      base: () => project.current().resolved.ci.base,
      isOnBranch: (commit, branch) => commits.isOnBranch(commit, branch),
      finished: (underWay) => commits.keepOnly(underWay),
      report: (problem) => log.error(problem),
    }),
  );
  opened.defer(() => ending.abort());
  const schedules = opened.use(
    openSchedules({
      store,
      events,
      clock,
      log,
      owner,
      exclusive,
      actor: platform,
      project: () => project.current().resolved.project,
      definitions: () =>
        project.current().resolved.datasets.flatMap(({ name, schedule }) => (schedule === undefined ? [] : [{ name, ...schedule }])),
      start: (run) => loop.startDue(run),
      getRun: (id) => pipelines.get(id),
    }),
  );
  const triggers = opened.use(
    await openPlatformTriggers({ ...rooms, log, project, monitoring, loop, pipelines, release, actor: platform }),
  );
  const governance = opened.use(
    openGovernance({
      ...rooms,
      data,
      features,
      training,
      evaluation,
      registry,
      release,
      monitoring,
      pipelines,
      triggers,
      charters,
      commits: (from, to) => commitsBetween(project.current().folder, from, to),
      actorOf,
      project: () => project.current().resolved.project,
      onProblem: (message) => log.error(message),
    }),
  );

  const mails = opened.use(await openPlatformMails({ ...rooms, log, values, access, registry }));
  const workspace = opened.use(
    openServedWorkspace({
      folder: resolve(options.projectFolder),
      clock,
      newId,
      s3: (overrides) => s3Access(process.env, overrides),
      record: recordWorkspaceJobs(rooms),
    }),
  );
  const garbage = opened.use(openGarbage({ ...rooms, training, registry, evaluation, workspace }));
  const backups = opened.use(
    openBackups({ settings, environment: process.env, clock, faults, folder: backupFolderOf(settings), store, events }),
  );
  const imports = opened.use(
    await openImports({
      store,
      clock,
      newId,
      tracking: training.tracking,
      loggedModels: training.loggedModels,
      artifacts: training.artifacts,
      registry,
    }),
  );

  const closing = opened.move();
  return {
    folder,
    settings,
    project,
    log,
    metrics,
    clock,
    newId,
    store,
    blobs,
    events,
    access,
    charters,
    pipelines,
    schedules,
    data,
    lfs,
    features,
    training,
    evaluation,
    ci,
    registry,
    webhooks,
    mails,
    release,
    fleet,
    batches,
    batchSchedules,
    streams,
    monitoring,
    triggers,
    videos,
    governance,
    garbage,
    backups,
    images,
    imports,
    blobStorage: () => openedBlobs.storage(),
    workspace,
    planes,
    loop,
    ownerToken,
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}
