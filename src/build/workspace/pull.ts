import { GyreError } from '#core';
import { checkoutPaths } from './checkout.ts';
import type { CheckedOut } from './checkout.ts';
import { isFolderObject } from './layout.ts';
import { md5At } from './manifest.ts';
import { listObjects, manifestBytesIn, manifestIn, putManifest } from './objects.ts';
import { placeAll, progressSum } from './place.ts';
import type { FailedObject } from './place.ts';
import type { TrackedPath, WorkOptions } from './port.ts';
import { requireParent } from './remotes.ts';
import type { Remote } from './remotes.ts';
import { together } from './scan.ts';
import type { Session } from './session.ts';

export interface PullOptions extends WorkOptions {
  readonly force?: boolean;
}

/**
 * Checks tracked paths out, with a folder remote behind the cache: what the cache lacks or holds damaged is fetched, checked, kept, and
 * placed in one go. Afterwards the cache is whole for these paths, also where the workspace needed nothing.
 * @throws GyreError DATA_LOSS naming what neither cache nor remote has
 */
export async function pullFromFolder(
  session: Session,
  paths: readonly TrackedPath[],
  remote: Remote & { readonly folder: string },
  options: PullOptions,
): Promise<CheckedOut[]> {
  requireParent(remote);
  for (const { out } of paths) {
    if (out.object !== undefined && isFolderObject(out.object)) fetchListing(session, out.object, out.legacy, remote.folder);
  }
  const done = await checkoutPaths(session, paths, { ...options, remote: remote.folder });
  const filled = await fillCache(
    session,
    paths,
    remote.folder,
    options,
    new Set(done.flatMap(({ failed }) => failed.map(({ md5 }) => md5))),
  );
  return done.map((each) => {
    const more = filled.get(each.path);
    return more === undefined ? each : { ...each, fetched: each.fetched + more.fetched, failed: [...each.failed, ...more.failed] };
  });
}

/** Brings a folder's listing into the cache when that lacks it or holds it damaged. @throws GyreError DATA_LOSS when the remote has none */
export function fetchListing({ root }: Session, name: string, legacy: boolean, remote: string): void {
  if (typeof manifestBytesIn(root.cache, name, legacy) !== 'string') return;
  const bytes = manifestBytesIn(remote, name, legacy);
  if (typeof bytes === 'string') {
    throw new GyreError(
      'DATA_LOSS',
      `the listing ${name} is neither in the cache nor in the remote (${bytes} there): push it from where it was added`,
      {
        object: name,
      },
    );
  }
  // Kept where today's objects are: its name is of its bytes, whichever version of DVC made it.
  putManifest(root.cache, bytes);
}

/** @param given up already: neither cache nor remote has them */
async function fillCache(
  session: Session,
  paths: readonly TrackedPath[],
  remote: string,
  options: WorkOptions,
  given: ReadonlySet<string>,
): Promise<Map<string, { readonly fetched: number; readonly failed: readonly FailedObject[] }>> {
  const objects = listObjects(session.root.cache);
  const wanted = paths.flatMap((tracked) => {
    const { out } = tracked;
    if (out.object === undefined || out.legacy) return [];
    const manifest = manifestIn(session.root.cache, out.object);
    const positions = manifest.paths.flatMap((_, i) => (objects.has(md5At(manifest, i)) || given.has(md5At(manifest, i)) ? [] : [i]));
    return positions.length === 0 ? [] : [{ tracked, manifest, positions }];
  });
  const total = wanted.reduce((sum, { positions }) => sum + positions.length, 0);
  const tell = progressSum(wanted.length, 'fetching', total, options.onProgress);
  const filled = new Map<string, { fetched: number; failed: readonly FailedObject[] }>();
  await together(
    wanted.map(async ({ tracked: { path, absolute, out }, manifest, positions }, i) => {
      const { fetched, failed } = await placeAll(session, {
        path: absolute,
        out,
        manifest,
        positions,
        remote,
        place: false,
        onFiles: tell(i),
      });
      filled.set(path, { fetched, failed });
    }),
  );
  return filled;
}

/** What could not be had, as one error; nothing when all went well. */
export function requireNothingFailed(done: readonly CheckedOut[], hint: string): void {
  const failed = done.flatMap(({ path, failed: all }) =>
    all.map((each) => ({ ...each, path: each.path === '' ? path : `${path}/${each.path}` })),
  );
  if (failed.length === 0) return;
  const named = failed
    .slice(0, 5)
    .map(({ path, md5, reason }) => `${path} (${md5}: ${reason})`)
    .join('; ');
  const more = failed.length > 5 ? ` and ${failed.length - 5} more` : '';
  throw new GyreError(
    'DATA_LOSS',
    `${failed.length} file${failed.length === 1 ? ' is' : 's are'} without a sound object: ${named}${more}. ${hint}`,
    {
      files: failed.slice(0, 100),
    },
  );
}
