import { generateKeyPairSync } from 'node:crypto';
import type { Data } from '#data';
import type { Evaluation } from '#evaluation';
import type { CharterBook, LoadedProject } from '#project';
import type { Registry, RegistryDeps } from '#registry';
import { openRelease } from '#release';
import type { DataPlanes, Release, ReleaseDeps } from '#release';
import type { Training } from '#training';

/** What releases forbid the registry, as the composition root joins them. */
export function heldByTestReleases(release: () => Release): Required<Pick<RegistryDeps, 'guard'>> {
  return { guard: async (version, alias) => (alias === 'candidate' ? undefined : release().championRefusal(version)) };
}

interface TestReleasingRooms extends Pick<ReleaseDeps, 'store' | 'blobs' | 'events' | 'clock' | 'newId'> {
  readonly data: Data;
  readonly training: Training;
  readonly evaluation: Evaluation;
  readonly registry: Registry;
  readonly charters: CharterBook;
  readonly project: { readonly current: () => LoadedProject };
}

/** Releases to data planes that are only played. */
export function openTestReleases({ data, training, evaluation, registry, charters, project, ...common }: TestReleasingRooms): Release {
  const { resolved } = project.current();
  return openRelease({
    ...common,
    versions: registry,
    reports: evaluation,
    training,
    data,
    newestVersion: () => Promise.resolve(undefined),
    planes: playedPlanes(),
    settings: () => ({
      risk: resolved.charter.risk,
      environments: resolved.environments,
      endpoint: resolved.serve.endpoint,
      ...resolved.applicationTests,
    }),
    charter: (digest) => charters.get(resolved.project, digest),
    privateKey: generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    tokenHashes: () => Promise.resolve([]),
    monotonicMs: () => common.clock.now(),
    sleep: () => Promise.resolve(),
  });
}

/** Data planes run as processes of their own; here they only say that they serve. */
function playedPlanes(): DataPlanes {
  const addresses = new Map<string, string>();
  return {
    apply: async ({ manifest }) => {
      addresses.set(manifest.environment, 'http://127.0.0.1:9');
      return { address: 'http://127.0.0.1:9' };
    },
    address: (name) => addresses.get(name),
  };
}
