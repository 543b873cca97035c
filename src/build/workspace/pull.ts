import { GyreError } from '#core';
import { checkoutPaths } from './checkout.ts';
import type { CheckedOut } from './checkout.ts';
import { isFolderObject } from './layout.ts';
import type { ObjectName } from './layout.ts';
import { md5At } from './manifest.ts';
import { listObjects, manifestBytesIn, manifestIn, putManifest } from './objects.ts';
import { placeAll, progressSum } from './place.ts';
import type { FailedObject } from './place.ts';
import type { TrackedPath, WorkOptions } from './port.ts';
import type { RemoteObjects } from './remote-objects.ts';
import { together } from './scan.ts';
import type { Session } from './session.ts';

export interface PullOptions extends WorkOptions {
  readonly force?: boolean;
  /** The cache is known to have no file's object. */
  readonly uncached?: boolean;
}

/** Where a checkout finds what the cache lacks. */
export interface Behind {
  /** Absolute, of a folder remote. */
  readonly folder?: string;
  /** Opened when it is needed: a checkout that lacks nothing asks nobody. */
  readonly open: () => Promise<RemoteObjects>;
}

/**
 * Checks tracked paths out; what the cache lacks or holds damaged comes from the remote.
 * @throws GyreError DATA_LOSS when a listing is neither in the cache nor in the remote
 */
export async function checkoutFrom(
  session: Session,
  paths: readonly TrackedPath[],
  behind: Behind | undefined,
  options: PullOptions,
): Promise<CheckedOut[]> {
  if (behind !== undefined) await fetchListings(session, paths, behind.open);
  const done = await checkoutPaths(session, paths, { ...options, ...(behind?.folder === undefined ? {} : { remote: behind.folder }) });
  if (behind === undefined || behind.folder !== undefined || done.every(({ failed }) => failed.length === 0)) return done;
  const lacking = new Map(done.filter(({ failed }) => failed.length > 0).map((each) => [each.path, each]));
  const again = paths.filter(({ path }) => lacking.has(path));
  const remote = await behind.open();
  const wanted = (legacy: boolean): string[] => [
    ...new Set(
      again.filter(({ out }) => out.legacy === legacy).flatMap(({ path }) => (lacking.get(path)?.failed ?? []).map(({ md5 }) => md5)),
    ),
  ];
  const reasons = await fetchAll(session, remote, { today: wanted(false), legacy: wanted(true) }, options);
  const second = await checkoutPaths(session, again, options);
  const merged = new Map(second.map((each) => [each.path, each]));
  return done.map((first) => {
    const then = merged.get(first.path);
    if (then === undefined) return first;
    return {
      path: first.path,
      placed: first.placed + then.placed,
      removed: first.removed + then.removed,
      fetched: first.failed.length - then.failed.length,
      failed: then.failed.map((each) => ({
        ...each,
        reason: [each.reason, reasons.get(each.md5)].filter(Boolean).join(' in the cache, '),
      })),
    };
  });
}

/**
 * Checks tracked paths out from cache and remote. Afterwards the cache is whole for these paths, also where the workspace needed nothing.
 * Objects of a folder remote are fetched, checked, kept and placed in one go; those of a bucket are fetched first.
 * @throws GyreError DATA_LOSS when a listing is neither in the cache nor in the remote
 */
export async function pullFrom(
  session: Session,
  paths: readonly TrackedPath[],
  remote: RemoteObjects,
  options: PullOptions,
): Promise<CheckedOut[]> {
  const open = (): Promise<RemoteObjects> => Promise.resolve(remote);
  await fetchListings(session, paths, open);
  const { folder } = remote;
  const objects = listObjects(session.root.cache);
  if (folder !== undefined) {
    const uncached = [...objects].every(isFolderObject);
    const done = await checkoutFrom(session, paths, { folder, open }, { ...options, uncached });
    return fillCache(session, paths, folder, { ...options, objects }, done);
  }
  const before = new Map(paths.map((tracked) => [tracked.path, missingOf(session, tracked, objects)]));
  const today = [...new Set([...before.values()].flat())];
  const reasons = await fetchAll(session, remote, { today, legacy: [] }, options);
  const done = await checkoutFrom(session, paths, { open }, options);
  return done.map((each) => {
    const wanted = before.get(each.path) ?? [];
    const named = new Set(each.failed.map(({ md5 }) => md5));
    // What the workspace has and neither cache nor remote does is told as well: nobody else could have it.
    const lost = wanted
      .filter((md5) => reasons.has(md5) && !named.has(md5))
      .map((md5) => ({ path: '', md5, reason: reasons.get(md5) ?? '' }));
    return { ...each, fetched: each.fetched + wanted.filter((md5) => !reasons.has(md5)).length, failed: [...each.failed, ...lost] };
  });
}

/** MD5s that a tracked path names and the cache lacks, each once. */
function missingOf({ root }: Session, { out }: TrackedPath, objects: ReadonlySet<string>): string[] {
  if (out.object === undefined || out.legacy) return [];
  const manifest = manifestIn(root.cache, out.object);
  return [...new Set(manifest.paths.map((_, i) => md5At(manifest, i)))].filter((md5) => !objects.has(md5));
}

/** @returns MD5 → why it could not be had */
async function fetchAll(
  session: Session,
  remote: RemoteObjects,
  { today, legacy }: { readonly today: readonly string[]; readonly legacy: readonly string[] },
  options: WorkOptions,
): Promise<Map<string, string>> {
  const tell = progressSum(2, 'fetching', today.length + legacy.length, options.onProgress);
  const failed: (readonly [string, string])[] = [];
  for (const [i, md5s] of [today, legacy].entries()) {
    if (md5s.length > 0) failed.push(...(await remote.fetch(session, md5s, i === 1, tell(i))).failed);
  }
  return new Map(failed);
}

async function fetchListings(session: Session, paths: readonly TrackedPath[], open: () => Promise<RemoteObjects>): Promise<void> {
  for (const { out } of paths) if (out.object !== undefined) await fetchListing(session, out.object, out.legacy, open);
}

/** Brings a folder's listing into the cache when that lacks it or holds it damaged. @throws GyreError DATA_LOSS when the remote has none */
export async function fetchListing(
  { root }: Session,
  object: ObjectName,
  legacy: boolean,
  open: () => Promise<RemoteObjects>,
): Promise<void> {
  if (!isFolderObject(object) || typeof manifestBytesIn(root.cache, object, legacy) !== 'string') return;
  const bytes = await (await open()).listing(object, legacy);
  if (typeof bytes === 'string') {
    throw new GyreError(
      'DATA_LOSS',
      `the listing ${object} is neither in the cache nor in the remote (${bytes} there): push it from where it was added`,
      { object },
    );
  }
  // Kept where today's objects are: its name is of its bytes, whichever version of DVC made it.
  putManifest(root.cache, bytes);
}

/** Fetches what the workspace needed nothing of. @param options with the names of the objects that the cache had before the checkout */
async function fillCache(
  session: Session,
  paths: readonly TrackedPath[],
  remote: string,
  { objects, onProgress }: WorkOptions & { readonly objects: ReadonlySet<ObjectName> },
  done: readonly CheckedOut[],
): Promise<CheckedOut[]> {
  const given = new Set(done.flatMap(({ failed }) => failed.map(({ md5 }) => md5)));
  const placed = new Map(done.map((each) => [each.path, each.placed + each.failed.length]));
  const wanted = paths.flatMap((tracked) => {
    const { path, out } = tracked;
    if (out.object === undefined || out.legacy) return [];
    if (placed.get(path) === (isFolderObject(out.object) ? out.files : 1)) return [];
    const manifest = manifestIn(session.root.cache, out.object);
    const positions = manifest.paths.flatMap((_, i) => (objects.has(md5At(manifest, i)) || given.has(md5At(manifest, i)) ? [] : [i]));
    return positions.length === 0 ? [] : [{ tracked, manifest, positions }];
  });
  const total = wanted.reduce((sum, { positions }) => sum + positions.length, 0);
  const tell = progressSum(wanted.length, 'fetching', total, onProgress);
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
  return done.map((each) => {
    const more = filled.get(each.path);
    return more === undefined ? each : { ...each, fetched: each.fetched + more.fetched, failed: [...each.failed, ...more.failed] };
  });
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
