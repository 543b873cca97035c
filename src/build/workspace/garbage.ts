import { readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join, sep } from 'node:path';
import { GyreError } from '#core';
import { namesObjects, objectNamesIn, objectsNamedInGit } from './git-objects.ts';
import { isFolderObject, objectPath, scratchOf } from './layout.ts';
import type { ObjectName } from './layout.ts';
import { keptObjects } from './kept-objects.ts';
import { md5At } from './manifest.ts';
import { listObjects, manifestIn } from './objects.ts';
import type { WorkOptions } from './port.ts';
import { fetchListing } from './pull.ts';
import type { RemoteObjects } from './remote-objects.ts';
import { clockOf } from './scan.ts';
import type { Session } from './session.ts';

export interface GarbageOptions extends WorkOptions {
  /** Delete; nothing is without it. */
  readonly apply?: boolean;
  /** Of git's history only the tips of branches and tags count: what only older commits name is garbage. */
  readonly tips?: boolean;
  /** What is younger stays, because work under way stores objects before it names them. */
  readonly graceMs: number;
}

/** An object that no `.dvc` file names. */
export interface GarbageObject {
  readonly object: ObjectName;
  /** Bytes. */
  readonly size: number;
  /** When it was stored last, UTC milliseconds. */
  readonly storedAt: number;
}

export interface CollectedGarbage {
  /** Objects of the cache. */
  readonly objects: number;
  /** Those that something names. */
  readonly named: number;
  /** Files and folders that recorded dataset versions refer to; named are their objects, whatever git says. */
  readonly kept: number;
  /** Unnamed ones that are younger than the grace period. */
  readonly young: number;
  readonly garbage: readonly GarbageObject[];
  /** Bytes of the garbage. */
  readonly bytes: number;
  readonly deleted: boolean;
}

/**
 * Finds objects of the cache that nothing names, and deletes them when told so. Named are those of every `.dvc` and `dvc.lock` file in the
 * working folder, in git's index, and in the commits that branches, tags, stashes and the reflogs lead to; and what the listings among them
 * name. So are those that recorded dataset versions keep. Any text of these files that looks like an object's name counts: too much is kept rather than too little.
 * @param remote where listings come from that the cache lacks
 * @throws GyreError FAILED_PRECONDITION for a cache that other workspaces may share, DATA_LOSS when a listing cannot be had: what it names is unknown
 */
export async function collectGarbage(
  session: Session,
  remote: (() => Promise<RemoteObjects>) | undefined,
  { apply = false, tips = false, graceMs, signal }: GarbageOptions,
): Promise<CollectedGarbage> {
  const { path, cache } = session.root;
  if (!cache.startsWith(`${path}${sep}`)) {
    throw new GyreError(
      'FAILED_PRECONDITION',
      `the cache ${cache} lies outside of ${path}: other workspaces may keep their objects there`,
      { cache },
    );
  }
  const named = objectsNamedIn(path);
  for (const name of await objectsNamedInGit(path, tips)) named.add(name);
  const kept = keptObjects(cache);
  for (const name of kept) named.add(name);
  for (const name of [...named].filter(isFolderObject)) {
    await requireListing(session, name, remote);
    const manifest = manifestIn(cache, name);
    manifest.paths.forEach((_, i) => named.add(md5At(manifest, i)));
  }
  const before = clockOf(path).ctimeMs - graceMs;
  const garbage: GarbageObject[] = [];
  let [objects, young] = [0, 0];
  for (const object of listObjects(cache)) {
    objects += 1;
    if (named.has(object)) continue;
    const found = statSync(objectPath(cache, object), { throwIfNoEntry: false });
    if (found === undefined) continue;
    const storedAt = Math.max(found.ctimeMs, found.mtimeMs);
    if (storedAt > before) young += 1;
    else garbage.push({ object, size: found.size, storedAt });
  }
  // Listings first, so that one never names files that went before it.
  garbage.sort((a, b) => Number(isFolderObject(b.object)) - Number(isFolderObject(a.object)) || (a.object < b.object ? -1 : 1));
  if (apply) {
    for (const { object } of garbage) {
      if (signal.aborted) throw new GyreError('CANCELLED', 'stopped; what was deleted was garbage');
      rmSync(objectPath(cache, object), { force: true });
    }
    // Parts of large objects that pulls left, which nobody may go on with any more.
    rmSync(join(cache, 'gyre', 'fetching'), { recursive: true, force: true });
  }
  const bytes = garbage.reduce((sum, { size }) => sum + size, 0);
  return { objects, named: objects - garbage.length - young, kept: kept.length, young, garbage, bytes, deleted: apply };
}

async function requireListing(session: Session, name: ObjectName, remote: (() => Promise<RemoteObjects>) | undefined): Promise<void> {
  try {
    if (remote !== undefined) await fetchListing(session, name, false, remote);
    manifestIn(session.root.cache, name);
  } catch (cause) {
    throw new GyreError(
      'DATA_LOSS',
      `the listing ${name} is named by a .dvc file or a recorded dataset version and cannot be had, so nobody knows which objects it names: nothing is deleted. Pull it first`,
      { object: name },
      { cause },
    );
  }
}

/** Of all files of the working folder, also where DVC ignores them. */
function objectsNamedIn(root: string): Set<ObjectName> {
  const named = new Set<ObjectName>();
  const scratch = scratchOf(root);
  const walk = (folder: string): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) {
        if (path !== scratch && path !== join(root, '.dvc', 'cache') && entry.name !== '.git') walk(path);
      } else if (namesObjects(path)) for (const name of objectNamesIn(readFileSync(path, 'utf8'))) named.add(name);
    }
  };
  walk(root);
  return named;
}
