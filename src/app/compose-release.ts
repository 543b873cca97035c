import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Access } from '#access';
import { hasCode } from '#core';
import type { Faults } from '#core';
import type { Data } from '#data';
import type { Evaluation } from '#evaluation';
import type { Monitoring } from '#monitoring';
import type { Actor, Deployment } from '#contract';
import { openFleet } from '#fleet';
import type { Fleet } from '#fleet';
import { thisMachine } from '#machine';
import type { CharterBook } from '#project';
import type { Registry, RegistryDeps } from '#registry';
import { openRelease } from '#release';
import type { DataPlanes, Release, ReleaseDeps } from '#release';
import type { Logger } from '#telemetry';
import type { Training } from '#training';
import type { TriggersDeps } from '#triggers';
import type { BlobsPlace } from './blobs.ts';
import { changedAt } from './changed-at.ts';
import { signingKey } from './data-folder.ts';
import type { DataFolder } from './data-folder.ts';
import { personalInputs } from './personal-inputs.ts';
import { openLocalPlanes } from './planes.ts';
import type { LocalPlanes, LocalPlanesOptions } from './planes.ts';
import type { ProjectHolder } from './project-holder.ts';
import { pythonWords } from './python-settings.ts';
import { releaseSettingsOf } from './release-settings.ts';
import { hostNamesOf, isLoopback } from './settings.ts';
import type { PlatformSettings } from './settings.ts';

interface ReleasingRooms extends Pick<ReleaseDeps, 'store' | 'blobs' | 'events' | 'clock' | 'newId'> {
  readonly access: Access;
  readonly charters: CharterBook;
  readonly data: Data;
  readonly training: Training;
  readonly evaluation: Evaluation;
  readonly registry: Registry;
  readonly project: ProjectHolder;
  readonly folder: DataFolder;
  readonly blobsPlace: BlobsPlace;
  readonly values: PlatformSettings;
  readonly faults: Faults;
  readonly log: Logger;
  /** The token of the first identity, by which the platform asks its own planes. */
  readonly ownerToken: string;
  /** The platform itself, by which what is found of agents is stated. */
  readonly actor: Actor;
  readonly onSegments: LocalPlanesOptions['onSegments'];
  /** Comes after releases: it is there when tests ask. */
  readonly monitoring: () => Pick<Monitoring, 'recentRequests'>;
}

export interface Releasing {
  readonly planes: LocalPlanes;
  readonly fleet: Fleet;
  readonly release: Release;
  readonly planeAccess: NonNullable<ReleaseDeps['planeAccess']>;
}

/** Data planes and agents, which are the caller's to dispose, and the releases that come to them. */
export function openReleasing(rooms: ReleasingRooms): Releasing {
  const { access, charters, data, training, evaluation, registry, project, folder, values, faults, log, ownerToken } = rooms;
  const keys = signingKey(folder);
  const planes = openLocalPlanes({
    folder: folder.planes,
    blobs: rooms.blobsPlace,
    faults,
    publicKeyFile: join(folder.path, 'secrets', 'manifest-key.pub.pem'),
    host: values.host,
    hostNames: hostNamesOf(values),
    insecureHttp: values.allowPlaintext && values.tlsCert === '',
    portsOf: (environment) => {
      const known = project.current().resolved.environments.find(({ name }) => name === environment);
      return { rest: known?.port ?? 0, grpc: known?.grpcPort ?? 0 };
    },
    pythonWords: () => pythonWords(project.current().resolved.serve.python, folder.python),
    ...(values.tlsCert === '' ? {} : { tls: { cert: values.tlsCert, key: values.tlsKey } }),
    eventHosts: values.eventHosts,
    accessLog: values.accessLog,
    machine: thisMachine(process.env),
    log,
    onSegments: rooms.onSegments,
  });
  const planeAccess = { token: ownerToken, ...(values.tlsCert === '' ? {} : { certificate: readFileSync(values.tlsCert, 'utf8') }) };
  const { store, blobs, events, clock, newId } = rooms;
  // Who serves an environment is not changed while it is served: a change counts from the next start.
  const byAgents = new Map(project.current().resolved.environments.map(({ name, agents }) => [name, agents]));
  const fleet = openFleet({
    store,
    blobs,
    events,
    clock,
    newId,
    access,
    privateKey: keys.privateKey,
    environments: () => project.current().resolved.environments.map((one) => ({ ...one, agents: byAgents.get(one.name) ?? one.agents })),
    actor: rooms.actor,
  });
  const release = openRelease({
    store,
    blobs,
    events,
    clock,
    newId,
    versions: registry,
    reports: evaluation,
    training,
    data,
    newestVersion: (dataset) => newestVersion(data, dataset),
    requests: (asked) => rooms.monitoring().recentRequests(asked),
    planes: hereAndElsewhere(planes, fleet),
    settings: () => releaseSettingsOf(project.current().resolved),
    personalInputs: (version) => {
      const current = () => {
        const { schemas, resolved } = project.current();
        return { schemas, charter: resolved.charter.personalData?.columns ?? [] };
      };
      return personalInputs({ project: current, data, training }, version);
    },
    charter: (digest) => charters.get(project.current().resolved.project, digest),
    changedAt: (version) => changedAt(version, { training, data, folder: project.current().folder }),
    owner: folder.path,
    privateKey: keys.privateKey,
    tokenHashes: async () => (isLoopback(values.host) ? [] : (await access.tokensWith('log')).hashes),
    planeAccess,
    monotonicMs: () => performance.now(),
    sleep: (ms) => sleep(ms),
  });
  return { planes, fleet, release, planeAccess };
}

/** Each environment's data planes: a child process of the platform, or what agents serve on other machines. */
function hereAndElsewhere(planes: LocalPlanes, { planes: agents }: Pick<Fleet, 'planes'>): DataPlanes {
  return {
    ...planes,
    apply: async (manifest, options) => {
      if (!agents.serves(manifest.manifest.environment)) return planes.apply(manifest, options);
      await agents.apply(manifest, options);
      return {};
    },
    address: (name) => (agents.serves(name) ? undefined : planes.address(name)),
    grpcAddress: (name) => (agents.serves(name) ? undefined : planes.grpcAddress?.(name)),
    figures: async (name) => (agents.serves(name) ? undefined : planes.figures?.(name)),
    agents: async (name) => (agents.serves(name) ? agents.summary(name) : undefined),
    clear: async (name) => {
      if (agents.serves(name)) await agents.clear(name);
    },
  };
}

async function newestVersion(data: Data, dataset: string): Promise<string | undefined> {
  try {
    return (await data.named(dataset)).digest;
  } catch (error) {
    if (hasCode(error, 'NOT_FOUND')) return undefined;
    throw error;
  }
}

/** What releases forbid the registry: a champion whose gates are not passed, and the end of a version that is live. */
export function heldByReleases(release: () => Release): Required<Pick<RegistryDeps, 'guard' | 'inUse'>> {
  return {
    guard: async (version, place) => (place === 'candidate' ? undefined : release().championRefusal(version)),
    inUse: async ({ id }) => {
      const own = (await release().deployments({ modelVersion: id })).find(({ state }) => state === 'live');
      const live = own ?? (await release().environments()).flatMap((environment) => environment.live ?? []).find(answersBeside(id));
      return live === undefined ? undefined : `is live in "${live.environment}": release another one there first`;
    },
  };
}

/** Whether a version takes a part of the traffic there, or is asked as a shadow. */
function answersBeside(id: string): (deployment: Deployment) => boolean {
  return ({ traffic }) => traffic?.beside.some(({ modelVersion }) => modelVersion === id) === true;
}

/** How an alert takes back the version that it speaks of. */
export function rollBackOnAlert(release: Release): TriggersDeps['rollBack'] {
  return async ({ environment, title, modelVersion }, by) => {
    const live = (await release.environments()).find(({ name }) => name === environment)?.live;
    const underWay = (await release.rollouts.list({ environment })).find(({ state }) => state === 'running' || state === 'paused');
    if (underWay !== undefined && (underWay.modelVersion === modelVersion || live?.modelVersion === modelVersion)) {
      await release.rollouts.rollBack({ id: underWay.id, reason: title, by });
      if (underWay.modelVersion === modelVersion)
        return `the rollout to "${environment}" was rolled back; model version ${underWay.stable} has all of its traffic`;
    }
    // Asked again, or long after: what the alert speaks of is served no more.
    if (live?.modelVersion !== modelVersion) return `"${environment}" does not serve model version ${modelVersion} any more`;
    const deployment = await release.rollBack({ environment, reason: title, by });
    return `"${environment}" is back on model version ${deployment.modelVersion}`;
  };
}
