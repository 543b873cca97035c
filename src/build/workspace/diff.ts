import { changesBetween, isEmpty } from './changes.ts';
import { commitOf, trackedAt } from './git-history.ts';
import type { ObjectName } from './layout.ts';
import { manifestIn } from './objects.ts';
import type { Manifest } from './manifest.ts';
import { fetchListing } from './pull.ts';
import type { Changes, TrackedPath, WorkOptions } from './port.ts';
import type { RemoteObjects } from './remote-objects.ts';
import type { Session } from './session.ts';
import { lookAt, noChanges } from './status.ts';
import { trackedPaths } from './tracked.ts';

/** How a tracked path differs between two states. */
export interface PathDiff {
  readonly path: string;
  readonly change: 'added' | 'removed' | 'modified';
  readonly from?: ObjectName;
  readonly to?: ObjectName;
  /** Of a folder: its files. */
  readonly changes: Changes;
}

export interface DiffRequest {
  /** A revision of git; `HEAD` without it. */
  readonly from?: string;
  /** A revision of git; the workspace without it. */
  readonly to?: string;
}

interface State {
  readonly tracked: TrackedPath;
  readonly object: ObjectName;
  readonly manifest: () => Promise<Manifest>;
}

/**
 * What changed between two commits, or between a commit and the workspace, path by path.
 * @param remote where listings come from that the cache lacks
 * @throws GyreError INVALID_ARGUMENT for a revision that git does not know, DATA_LOSS when a listing is neither in the cache nor in a remote
 */
export async function diffOf(
  session: Session,
  { from = 'HEAD', to }: DiffRequest,
  remote: (() => Promise<RemoteObjects>) | undefined,
  options: WorkOptions,
): Promise<PathDiff[]> {
  const before = await statesAt(session, from, remote);
  const after = to === undefined ? await statesNow(session, before, options) : await statesAt(session, to, remote);
  const found: PathDiff[] = [];
  for (const path of [...new Set([...before.keys(), ...after.keys()])].sort()) {
    const [a, b] = [before.get(path), after.get(path)];
    if (a?.object === b?.object) continue;
    const changes = a === undefined || b === undefined ? noChanges : changesBetween(await a.manifest(), await b.manifest());
    if (a !== undefined && b !== undefined && isEmpty(changes)) continue;
    found.push({
      path,
      change: a === undefined ? 'added' : b === undefined ? 'removed' : 'modified',
      ...(a === undefined ? {} : { from: a.object }),
      ...(b === undefined ? {} : { to: b.object }),
      changes: withoutEmptyNames(changes),
    });
  }
  return found;
}

/** A file that is tracked by itself has no paths inside. */
function withoutEmptyNames(changes: Changes): Changes {
  return changes.modified.length === 1 && changes.modified[0] === '' ? noChanges : changes;
}

async function statesAt(
  session: Session,
  revision: string,
  remote: (() => Promise<RemoteObjects>) | undefined,
): Promise<Map<string, State>> {
  const tracked = await trackedAt(session.root.path, await commitOf(session.root.path, revision));
  return new Map(tracked.flatMap((each) => recorded(session, each, remote)));
}

function recorded(session: Session, tracked: TrackedPath, remote: (() => Promise<RemoteObjects>) | undefined): [string, State][] {
  const { object, legacy } = tracked.out;
  if (object === undefined) return [];
  const manifest = async (): Promise<Manifest> => {
    if (remote !== undefined) await fetchListing(session, object, legacy, remote);
    return manifestIn(session.root.cache, object, legacy);
  };
  return [[tracked.path, { tracked, object, manifest }]];
}

/** What the workspace holds at the paths that are tracked now or were tracked then. */
async function statesNow(session: Session, before: ReadonlyMap<string, State>, options: WorkOptions): Promise<Map<string, State>> {
  const now = new Map(trackedPaths(session.root.path).map((tracked) => [tracked.path, tracked]));
  for (const { tracked } of before.values()) if (!now.has(tracked.path)) now.set(tracked.path, tracked);
  const found = new Map<string, State>();
  for (const tracked of now.values()) {
    const current = await lookAt(session, tracked, (files, bytes) => options.onProgress?.({ phase: 'hashing', files, bytes }));
    if (current !== undefined)
      found.set(tracked.path, { tracked, object: current.object, manifest: () => Promise.resolve(current.manifest()) });
  }
  return found;
}
