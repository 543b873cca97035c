import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { GyreError } from '#core';
import { isFolderObject, objectPath } from './layout.ts';
import { md5At } from './manifest.ts';
import { listObjects, manifestBytesIn, manifestIn, putManifest } from './objects.ts';
import { progressSum } from './place.ts';
import type { TrackedPath, WorkOptions } from './port.ts';
import { incomingFolder } from './root.ts';
import { requireParent } from './remotes.ts';
import type { Remote } from './remotes.ts';
import { together } from './scan.ts';
import type { Session } from './session.ts';
import { openWorkerPool } from './worker-pool.ts';

const objectsPerTask = 256;
/** Up to so many objects are asked for one by one; beyond, the remote is listed. */
const askedOneByOne = 500;

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
export async function pushToFolder(
  session: Session,
  paths: readonly TrackedPath[],
  remote: Remote & { readonly folder: string },
  options: WorkOptions,
): Promise<Pushed> {
  requireParent(remote);
  const { root, signal } = session;
  const { files, folders } = objectsOf(session, paths);
  const lacking = lackingIn(remote.folder, files);
  const parent = join(remote.folder, '.gyre');
  const incoming = incomingFolder(parent);
  await using pool = openWorkerPool({
    signal,
    ...(options.threads === undefined ? {} : { threads: options.threads }),
    objects: remote.folder,
    incoming,
    reflink: false,
  });
  const tell = progressSum(1, 'pushing', lacking.length, options.onProgress)(0);
  const failed: (readonly [string, string])[] = [];
  let [pushed, bytes] = [0, 0];
  const starts = Array.from({ length: Math.ceil(lacking.length / objectsPerTask) }, (_, i) => i * objectsPerTask);
  await together(
    starts.map(async (start) => {
      const part = lacking.slice(start, start + objectsPerTask);
      const result = await pool.run({ kind: 'copy', from: root.cache, md5s: new Uint8Array(Buffer.from(part.join(''), 'hex')) });
      failed.push(...result.failed);
      pushed += result.copied;
      bytes += result.bytes;
      tell(pushed, bytes);
    }),
  );
  const bad = new Set(failed.map(([md5]) => md5));
  for (const { name, md5s } of folders) {
    if (bad.size > 0 && md5s().some((md5) => bad.has(md5))) continue;
    const listing = manifestBytesIn(root.cache, name, false);
    if (typeof listing === 'string') failed.push([name, `${listing} in the cache`]);
    else if (putManifest(remote.folder, listing).stored) {
      pushed += 1;
      bytes += listing.length;
    }
  }
  rmSync(parent, { recursive: true, force: true });
  if (failed.length > 0) throw lost(failed, remote);
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

function lackingIn(remote: string, md5s: readonly string[]): string[] {
  if (md5s.length <= askedOneByOne) return md5s.filter((md5) => !existsSync(objectPath(remote, md5)));
  const there = listObjects(remote);
  return md5s.filter((md5) => !there.has(md5));
}

function lost(failed: readonly (readonly [string, string])[], { name }: Remote): GyreError {
  const named = failed
    .slice(0, 5)
    .map(([md5, reason]) => `${md5} is ${reason}`)
    .join('; ');
  const more = failed.length > 5 ? ` and ${failed.length - 5} more` : '';
  return new GyreError(
    'DATA_LOSS',
    `${failed.length} object${failed.length === 1 ? '' : 's'} could not be pushed to "${name}": ${named}${more}. "gyre data add" stores again what the workspace still has`,
    { objects: failed.slice(0, 100).map(([md5]) => md5) },
  );
}
