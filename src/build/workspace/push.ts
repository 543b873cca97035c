import { GyreError } from '#core';
import { isFolderObject } from './layout.ts';
import { md5At } from './manifest.ts';
import { manifestBytesIn, manifestIn } from './objects.ts';
import { progressSum } from './place.ts';
import type { TrackedPath, WorkOptions } from './port.ts';
import type { RemoteObjects } from './remote-objects.ts';
import type { Session } from './session.ts';

export interface Pushed {
  readonly remote: string;
  /** Objects that the remote did not have. */
  readonly pushed: number;
  /** Objects that it had. */
  readonly present: number;
  readonly bytes: number;
}

/**
 * Copies objects that the remote lacks: files first, each folder's listing when all of its files are there, so that a listing in a remote
 * never names what is not. Broken off, the next push goes on where it was.
 * @throws GyreError DATA_LOSS naming objects that the cache lacks or holds damaged; everything else was pushed
 */
export async function pushTo(
  session: Session,
  paths: readonly TrackedPath[],
  remote: RemoteObjects,
  options: WorkOptions,
): Promise<Pushed> {
  const { files, folders } = objectsOf(session, paths);
  const lacking = await remote.lacking(files);
  const sent = await remote.send(session, lacking, progressSum(1, 'pushing', lacking.length, options.onProgress)(0));
  const failed = [...sent.failed];
  let { sent: pushed, bytes } = sent;
  const bad = new Set(failed.map(([md5]) => md5));
  for (const { name, md5s } of folders) {
    if (bad.size > 0 && md5s().some((md5) => bad.has(md5))) continue;
    const listing = manifestBytesIn(session.root.cache, name, false);
    if (typeof listing === 'string') failed.push([name, `${listing} in the cache`]);
    else if (await remote.sendListing(name, listing)) {
      pushed += 1;
      bytes += listing.length;
    }
  }
  if (failed.length > 0) throw lost(failed, remote.name);
  return { remote: remote.name, pushed, present: files.length + folders.length - pushed, bytes };
}

interface PushObjects {
  readonly files: readonly string[];
  readonly folders: readonly { readonly name: string; readonly md5s: () => readonly string[] }[];
}

/** Every object that tracked paths name, each once. @throws GyreError FAILED_PRECONDITION for what DVC before 3 added */
export function objectsOf({ root }: Session, paths: readonly TrackedPath[]): PushObjects {
  const files = new Set<string>();
  const folders = new Map<string, () => readonly string[]>();
  for (const { path, out } of paths) {
    if (out.object === undefined || !out.pushed) continue;
    if (out.legacy) {
      throw new GyreError(
        'FAILED_PRECONDITION',
        `${path} was added by DVC before version 3, whose cache is only read: "gyre data add ${path}" brings it up to date`,
        { path },
      );
    }
    const manifest = manifestIn(root.cache, out.object);
    const md5s = (): readonly string[] => manifest.paths.map((_, i) => md5At(manifest, i));
    for (const md5 of md5s()) files.add(md5);
    if (isFolderObject(out.object)) folders.set(out.object, md5s);
  }
  return { files: [...files], folders: [...folders].map(([name, md5s]) => ({ name, md5s })) };
}

function lost(failed: readonly (readonly [string, string])[], remote: string): GyreError {
  const named = failed
    .slice(0, 5)
    .map(([md5, reason]) => `${md5} is ${reason}`)
    .join('; ');
  const more = failed.length > 5 ? ` and ${failed.length - 5} more` : '';
  return new GyreError(
    'DATA_LOSS',
    `${failed.length} object${failed.length === 1 ? '' : 's'} could not be pushed to "${remote}": ${named}${more}. "gyre data add" stores again what the workspace still has`,
    { objects: failed.slice(0, 100).map(([md5]) => md5) },
  );
}
