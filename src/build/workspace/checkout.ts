import { existsSync, lstatSync, mkdirSync, readdirSync, rmSync, rmdirSync, unlinkSync } from 'node:fs';
import { GyreError } from '#core';
import { changesBetween } from './changes.ts';
import { isFolderObject } from './layout.ts';
import { comparePaths, md5At } from './manifest.ts';
import type { Manifest } from './manifest.ts';
import { listObjects, manifestIn } from './objects.ts';
import { folderStats, placeAll, progressSum } from './place.ts';
import type { FailedObject } from './place.ts';
import type { TrackedPath, WorkOptions } from './port.ts';
import { together } from './scan.ts';
import type { Session } from './session.ts';
import { dropStatCache, saveStatCache, statFields } from './stat-cache.ts';
import type { FolderStats, FoundFiles } from './stat-cache.ts';
import { lookAt } from './status.ts';
import type { Current } from './status.ts';

export interface CheckoutOptions extends WorkOptions {
  /** Overwrite and remove files that no object holds. */
  readonly force?: boolean;
  /** A folder remote that the cache is filled from. */
  readonly remote?: string;
  /** The cache is known to have no file's object. */
  readonly uncached?: boolean;
}

export interface CheckedOut {
  readonly path: string;
  readonly placed: number;
  readonly removed: number;
  readonly fetched: number;
  readonly failed: readonly FailedObject[];
}

const nothing: Manifest = { paths: [], md5s: Buffer.alloc(0) };

/**
 * Makes tracked paths what their `.dvc` files say. All of them are looked at before the first file is written.
 * @throws GyreError FAILED_PRECONDITION when files would be lost that no object holds, DATA_LOSS when a listing is missing or damaged
 */
export async function checkoutPaths(session: Session, paths: readonly TrackedPath[], options: CheckoutOptions): Promise<CheckedOut[]> {
  const recorded = paths.filter(({ out }) => out.object !== undefined);
  const looking = progressSum(recorded.length, 'hashing', undefined, options.onProgress);
  const plans: Plan[] = [];
  await together(
    recorded.map(async (tracked, i) => {
      plans[i] = await planOf(session, tracked, looking(i));
    }),
  );
  if (options.force !== true) refuseLoss(session, plans);
  const total = plans.reduce((sum, { place }) => sum + place.length, 0);
  const placing = progressSum(plans.length, 'placing', total, options.onProgress);
  const done: CheckedOut[] = [];
  await together(
    plans.map(async (plan, i) => {
      done[i] = await carryOut(session, plan, options, placing(i));
    }),
  );
  return done;
}

interface Plan {
  readonly tracked: TrackedPath;
  readonly target: Manifest;
  readonly current: Current | undefined;
  readonly now: Manifest;
  /** Positions in the target. */
  readonly place: readonly number[];
  /** Paths in the workspace's, by position in what is there now. */
  readonly remove: readonly number[];
  /** Positions in what is there now that are overwritten. */
  readonly overwrite: readonly number[];
}

async function planOf(session: Session, tracked: TrackedPath, onFiles: (files: number, bytes: number) => void): Promise<Plan> {
  const { out } = tracked;
  const current = await lookAt(session, tracked, onFiles);
  if (current?.object === out.object) return { tracked, target: nothing, current, now: nothing, place: [], remove: [], overwrite: [] };
  const target = manifestIn(session.root.cache, out.object ?? '', out.legacy);
  const isOtherKind = current !== undefined && current.scanned.isFolder !== isFolderObject(out.object ?? '');
  const now = current === undefined || isOtherKind ? nothing : current.manifest();
  if (isOtherKind) {
    throw new GyreError(
      'FAILED_PRECONDITION',
      `${tracked.path} is ${current.scanned.isFolder ? 'a folder' : 'a file'} now and was none when it was added: move it away first`,
      {
        path: tracked.path,
      },
    );
  }
  const all = (manifest: Manifest): number[] => manifest.paths.map((_, i) => i);
  if (current === undefined) return { tracked, target, current, now, place: all(target), remove: [], overwrite: [] };
  const changes = changesBetween(now, target);
  const placed = [...changes.added, ...changes.modified, ...changes.renamed.map(({ to }) => to)];
  const gone = [...changes.removed, ...changes.renamed.map(({ from }) => from)];
  return {
    tracked,
    target,
    current,
    now,
    place: positionsOf(target, placed),
    remove: positionsOf(now, gone),
    overwrite: positionsOf(now, changes.modified),
  };
}

/** Positions of paths in a listing, in the listing's order. */
function positionsOf(manifest: Manifest, paths: readonly string[]): number[] {
  if (paths.length === manifest.paths.length) return manifest.paths.map((_, i) => i);
  const wanted = new Set(paths);
  return manifest.paths.flatMap((path, i) => (wanted.has(path) ? [i] : []));
}

function refuseLoss({ root }: Session, plans: readonly Plan[]): void {
  if (plans.every(({ remove, overwrite }) => remove.length + overwrite.length === 0)) return;
  const objects = listObjects(root.cache);
  const lost = plans.flatMap(({ tracked, now, remove, overwrite }) =>
    [...remove, ...overwrite]
      .filter((position) => !objects.has(md5At(now, position)))
      .map((position) => (now.paths[position] === '' ? tracked.path : `${tracked.path}/${now.paths[position]}`)),
  );
  if (lost.length === 0) return;
  const named = lost.toSorted(comparePaths).slice(0, 5).join(', ');
  const more = lost.length > 5 ? ` and ${lost.length - 5} more` : '';
  throw new GyreError(
    'FAILED_PRECONDITION',
    `${named}${more} would be lost: the cache has no copy of what ${lost.length === 1 ? 'it holds' : 'they hold'} now. "gyre data add" keeps it; --force gives it up`,
    { paths: lost.slice(0, 100) },
  );
}

async function carryOut(
  session: Session,
  { tracked, target, current, now, place, remove }: Plan,
  options: CheckoutOptions,
  onFiles: (files: number, bytes: number) => void,
): Promise<CheckedOut> {
  const { absolute, path, out } = tracked;
  const { root } = session;
  if (current?.object === out.object) return { path, placed: 0, removed: 0, fetched: 0, failed: [] };
  // First, because a folder may have to make room for a file. What goes is in the cache, or was given up.
  removeFiles(
    absolute,
    remove.map((position) => now.paths[position]),
  );
  const placed = await placeAll(session, {
    path: absolute,
    out,
    manifest: target,
    positions: place,
    ...(options.remote === undefined ? {} : { remote: options.remote }),
    ...(options.uncached === undefined ? {} : { uncached: options.uncached }),
    place: true,
    onFiles,
  });
  if (isFolderObject(out.object ?? '')) mkdirSync(absolute, { recursive: true });
  const failed = new Set(placed.failed.map((each) => each.path));
  addUntouched(placed.found, target, failed, current);
  const folders = folderStats(absolute, out, target, placed.found);
  const key = out.legacy ? `${path} (legacy)` : path;
  if (failed.size > 0) dropStatCache(root.path, key);
  else saveStatCache(root.path, key, folders, out.object);
  return { path, placed: placed.files, removed: remove.length, fetched: placed.fetched, failed: placed.failed };
}

/** Files that were right already are known as they were seen. */
function addUntouched(
  { known, stats, flags }: FoundFiles,
  target: Manifest,
  failed: ReadonlySet<string>,
  current: Current | undefined,
): void {
  if (current === undefined) return;
  const before = new Map<string, { readonly of: FolderStats; readonly at: number }>();
  for (const of of current.scanned.folders()) {
    const inside = of.folder === '' ? '' : `${of.folder}/`;
    of.names.forEach((name, at) => before.set(current.scanned.isFolder ? inside + name : '', { of, at }));
  }
  target.paths.forEach((path, position) => {
    const found = before.get(path);
    if (known[position] === 1 || found === undefined || failed.has(path)) return;
    const { of, at } = found;
    stats.set(of.stats.subarray(at * statFields, (at + 1) * statFields), position * statFields);
    flags[position] = of.flags[at];
    known[position] = 1;
  });
}

/** Removes files, and the folders that are empty then. */
function removeFiles(root: string, paths: readonly string[]): void {
  const folders = new Set<string>();
  for (const path of paths) {
    const file = path === '' ? root : `${root}/${path}`;
    if (lstatSync(file, { throwIfNoEntry: false })?.isDirectory() === true) continue;
    if (existsSync(file)) unlinkSync(file);
    else rmSync(file, { force: true });
    const slash = path.lastIndexOf('/');
    if (slash > 0) folders.add(path.slice(0, slash));
  }
  for (const folder of [...folders].sort((a, b) => b.length - a.length)) {
    for (let each = folder; each !== ''; each = each.slice(0, Math.max(0, each.lastIndexOf('/')))) {
      if (readdirSync(`${root}/${each}`).length > 0) break;
      rmdirSync(`${root}/${each}`);
    }
  }
}
