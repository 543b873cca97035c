import { existsSync } from 'node:fs';
import { changesBetween, isEmpty } from './changes.ts';
import { isFolderObject, legacyObjectPath } from './layout.ts';
import type { ObjectName } from './layout.ts';
import { manifestBytes, manifestName } from './manifest.ts';
import type { Manifest } from './manifest.ts';
import { listObjects, manifestBytesIn, manifestIn } from './objects.ts';
import { progressSum } from './place.ts';
import type { Changes, TrackedPath, WorkOptions } from './port.ts';
import { manifestOf, scan, together } from './scan.ts';
import type { Scanned } from './scan.ts';
import type { Session } from './session.ts';
import { loadStatCache, saveStatCache } from './stat-cache.ts';
import { openWholeObjects } from './whole-objects.ts';
import type { WholeObjects } from './whole-objects.ts';

/** What a tracked path is like beside what its `.dvc` file says. */
export interface TrackedStatus {
  readonly tracked: TrackedPath;
  /** `unrecorded`: the `.dvc` file says nothing yet; `unknown`: it differs, but the recorded listing is not in the cache. */
  readonly state: 'clean' | 'modified' | 'deleted' | 'unrecorded' | 'unknown';
  readonly files: number;
  readonly size: number;
  readonly changes: Changes;
  /** Recorded objects that the cache lacks. */
  readonly missing: readonly string[];
}

export const noChanges: Changes = { added: [], removed: [], modified: [], renamed: [] };

/** Looks at tracked paths; what was learned is kept, so that the next look reads nothing. */
export async function statusOf(session: Session, paths: readonly TrackedPath[], options: WorkOptions): Promise<TrackedStatus[]> {
  const found: TrackedStatus[] = [];
  const { path, cache } = session.root;
  const whole = openWholeObjects(path, cache);
  let listed: ReadonlySet<ObjectName> | undefined;
  const present: Present = { whole, objects: () => (listed ??= listObjects(cache)) };
  const tell = progressSum(paths.length, 'hashing', undefined, options.onProgress);
  await together(
    paths.map(async (tracked, i) => {
      found[i] = await statusOne(session, tracked, present, tell(i));
    }),
  );
  whole.save(
    found.flatMap(({ tracked: { out }, missing }) => (out.object === undefined || out.legacy || missing.length > 0 ? [] : [out.object])),
  );
  return found;
}

/** What the cache has. */
interface Present {
  readonly whole: WholeObjects;
  /** All of it, listed once, when somebody asks. */
  readonly objects: () => ReadonlySet<ObjectName>;
}

async function statusOne(
  session: Session,
  tracked: TrackedPath,
  present: Present,
  onFiles: (files: number, bytes: number) => void,
): Promise<TrackedStatus> {
  const { out } = tracked;
  const current = await lookAt(session, tracked, onFiles);
  if (out.object === undefined)
    return { tracked, state: 'unrecorded', files: current?.files ?? 0, size: current?.size ?? 0, changes: noChanges, missing: [] };
  if (current?.object === out.object) {
    const missing = missingOf(session, tracked, () => current.scanned.folders().map(({ md5s }) => md5s), present);
    return { tracked, state: 'clean', files: current.files, size: current.size, changes: noChanges, missing };
  }
  const { cache } = session.root;
  const facts = { tracked, files: current?.files ?? out.files ?? 0, size: current?.size ?? out.size ?? 0 };
  if (isFolderObject(out.object) && typeof manifestBytesIn(cache, out.object, out.legacy) === 'string') {
    return { ...facts, state: current === undefined ? 'deleted' : 'unknown', changes: noChanges, missing: [out.object] };
  }
  const recorded = manifestIn(cache, out.object, out.legacy);
  const missing = missingOf(session, tracked, () => [recorded.md5s], present);
  if (current === undefined) return { ...facts, state: 'deleted', changes: noChanges, missing };
  const changes = changesBetween(recorded, current.manifest());
  // The same files, listed by another writer in another way.
  return { ...facts, state: isEmpty(changes) ? 'clean' : 'modified', changes, missing };
}

/** A tracked path as it is now. */
export interface Current {
  readonly object: ObjectName;
  readonly files: number;
  readonly size: number;
  readonly scanned: Scanned;
  manifest(): Manifest;
}

/** @returns undefined when there is nothing at the path */
export async function lookAt(
  { root, pool }: Session,
  { path, absolute, out }: TrackedPath,
  onFiles: (files: number, bytes: number) => void,
): Promise<Current | undefined> {
  if (!existsSync(absolute)) return undefined;
  // MD5 of old and new kind must not be mixed up: what is known is of one kind.
  const known = loadStatCache(root.path, out.legacy ? `${path} (legacy)` : path);
  const scanned = await scan({ pool, root: root.path, path: absolute, known, store: false, legacy: out.legacy, onFiles });
  const manifest = (): Manifest => (scanned.isFolder ? manifestOf(scanned.folders()) : { paths: [''], md5s: scanned.folders()[0].md5s });
  const isKnown = scanned.unchanged && known?.object !== undefined;
  const object = isKnown
    ? known.object
    : scanned.isFolder
      ? manifestName(manifestBytes(manifest()))
      : scanned.folders()[0].md5s.toString('hex', 0, 16);
  if (!isKnown) saveStatCache(root.path, out.legacy ? `${path} (legacy)` : path, scanned.folders(), object);
  return { object, files: scanned.files, size: scanned.bytes, scanned, manifest };
}

function missingOf({ root }: Session, { out }: TrackedPath, md5sOf: () => readonly Buffer[], { whole, objects }: Present): string[] {
  if (out.object !== undefined && !out.legacy && whole.has(out.object)) return [];
  const has = (md5: string): boolean => (out.legacy ? existsSync(legacyObjectPath(root.cache, md5)) : objects().has(md5));
  const missing = new Set<string>();
  for (const md5s of md5sOf()) {
    for (let at = 0; at < md5s.length; at += 16) {
      const md5 = md5s.toString('hex', at, at + 16);
      if (!has(md5)) missing.add(md5);
    }
  }
  if (out.object !== undefined && isFolderObject(out.object) && !has(out.object)) missing.add(out.object);
  return [...missing];
}
