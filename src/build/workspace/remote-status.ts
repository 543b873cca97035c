import { isFolderObject } from './layout.ts';
import type { ObjectName } from './layout.ts';
import { md5At, parseManifest } from './manifest.ts';
import { listObjects, manifestBytesIn, manifestIn } from './objects.ts';
import type { TrackedPath } from './port.ts';
import type { RemoteObjects } from './remote-objects.ts';
import type { Session } from './session.ts';

/** A tracked path's objects, here and in a remote. */
export interface RemoteStatus {
  readonly path: string;
  readonly remote: string;
  /** All that its `.dvc` file names; a listing that neither side has counts as one. */
  readonly objects: number;
  /** Not in the remote: "gyre data push" sends them. */
  readonly toPush: readonly ObjectName[];
  /** Not in the cache: "gyre data pull" fetches them. */
  readonly toPull: readonly ObjectName[];
}

/** Compares by name: whether the bytes are right is checked when objects are read. What DVC before 3 added is left out, and what is never pushed. */
export async function remoteStatusOf(session: Session, paths: readonly TrackedPath[], remote: RemoteObjects): Promise<RemoteStatus[]> {
  const { cache } = session.root;
  const named = await Promise.all(
    paths.flatMap(({ path, out }) => {
      const { object, legacy, pushed } = out;
      return object === undefined || legacy || !pushed ? [] : [namesOf(cache, object, remote).then((names) => ({ path, names }))];
    }),
  );
  const lacking = new Set(await remote.lacking([...new Set(named.flatMap(({ names }) => names))]));
  const here = listObjects(cache);
  return named.map(({ path, names }) => ({
    path,
    remote: remote.name,
    objects: names.length,
    toPush: names.filter((name) => lacking.has(name)),
    toPull: names.filter((name) => !here.has(name)),
  }));
}

async function namesOf(cache: string, object: ObjectName, remote: RemoteObjects): Promise<ObjectName[]> {
  if (isFolderObject(object) && typeof manifestBytesIn(cache, object, false) === 'string')
    return [object, ...(await listedIn(remote, object))];
  const manifest = manifestIn(cache, object);
  const md5s = new Set(manifest.paths.map((_, i) => md5At(manifest, i)));
  return isFolderObject(object) ? [object, ...md5s] : [...md5s];
}

async function listedIn(remote: RemoteObjects, object: ObjectName): Promise<string[]> {
  const bytes = await remote.listing(object, false);
  if (typeof bytes === 'string') return [];
  const manifest = parseManifest(bytes, object);
  return [...new Set(manifest.paths.map((_, i) => md5At(manifest, i)))];
}
