import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { promisify } from 'node:util';
import { GyreError } from '#core';
import { isFolderObject, objectPath } from './layout.ts';
import type { ObjectName } from './layout.ts';
import { keepObject } from './kept-objects.ts';
import { md5At } from './manifest.ts';
import { appendObjects, digestsOfObjects } from './object-index.ts';
import { manifestIn } from './objects.ts';
import type { TrackedPath, WorkOptions } from './port.ts';
import { findRoot, openRoot } from './root.ts';
import { inSession } from './session.ts';
import type { Session } from './session.ts';
import { statusOf } from './status.ts';
import type { TrackedStatus } from './status.ts';
import { relativePath, trackedPaths } from './tracked.ts';

/** A file of a tracked path, as its `.dvc` file has it. */
export interface RecordedFile {
  /** Relative to the tracked folder, with `/`; of a file that is tracked by itself, its name. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  readonly md5: string;
  readonly sha256: string;
}

/** What a tracked path holds. */
export interface RecordedPath {
  readonly object: ObjectName;
  readonly files: readonly RecordedFile[];
}

/** The cache of a folder's workspace, for records that refer to files in it. */
export interface WorkspaceObjects {
  /**
   * What the `.dvc` file of a path says that it holds; from then on the cache keeps all of it, whatever git and the `.dvc` files say later.
   * @param path absolute
   * @returns undefined for a path that no `.dvc` file tracks
   * @throws GyreError FAILED_PRECONDITION when the path is not as it was added, DATA_LOSS naming what the cache lacks, CANCELLED
   */
  keep(path: string, options: WorkOptions): Promise<RecordedPath | undefined>;
  /** Tells where the cache, as it is set now, has an object (its MD5 in hex), whose bytes nobody has checked yet; undefined where it has not. */
  finder(): (md5: string) => string | undefined;
}

/** @param folder absolute; the workspace is the nearest one from here upwards */
export function openWorkspaceObjects(folder: string): WorkspaceObjects {
  return {
    keep: async (path, options) => {
      const root = findRoot(folder);
      const tracked = root === undefined ? undefined : trackedPaths(root).find(({ absolute }) => absolute === resolve(path));
      if (root === undefined || tracked === undefined) return undefined;
      return inSession(root, options, (session) => keepIn(session, tracked, options));
    },
    finder: () => {
      const root = findRoot(folder);
      if (root === undefined) return () => undefined;
      const { cache } = openRoot(root);
      return (md5) => {
        const path = objectPath(cache, md5);
        return existsSync(path) ? path : undefined;
      };
    },
  };
}

async function keepIn(session: Session, tracked: TrackedPath, options: WorkOptions): Promise<RecordedPath> {
  const [found] = await statusOf(session, [tracked], options);
  const { object, legacy } = tracked.out;
  if (object === undefined || legacy || found.state !== 'clean') throw changedError(session, found);
  const { cache } = session.root;
  if (found.missing.length > 0) throw missingError(tracked, found.missing);
  const manifest = manifestIn(cache, object);
  const known = digestsOfObjects(cache, manifest.md5s);
  const [files, fresh]: [RecordedFile[], Buffer[]] = [[], []];
  const hashing = new Map<string, Promise<string>>();
  const sha256Once = (md5: string, path: string): Promise<string> => {
    const found = hashing.get(md5) ?? sha256Of(path);
    if (!hashing.has(md5)) void found.then((sha256) => fresh.push(Buffer.from(md5 + sha256, 'hex'))).catch(() => undefined);
    hashing.set(md5, found);
    return found;
  };
  const { length } = manifest.paths;
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < length) {
      if (options.signal.aborted) throw new GyreError('CANCELLED', 'stopped; what was found out is known the next time');
      const i = next++;
      const md5 = md5At(manifest, i);
      const path = objectPath(cache, md5);
      const { size } = await stat(path).catch(() => {
        throw missingError(tracked, [md5]);
      });
      const sha256 = known.get(md5) ?? (await sha256Once(md5, path));
      // of a file that is tracked by itself the path is empty
      files[i] = { path: manifest.paths[i] || basename(tracked.path), size, md5, sha256 };
    }
  };
  try {
    await Promise.all(Array.from({ length: lanes }, lane));
  } finally {
    appendObjects(cache, fresh);
  }
  await flush(cache, files);
  keepObject(cache, object);
  return { object, files };
}

/** Asking the file system is mostly waiting. */
const lanes = 16;

/** An `add` leaves it to the system when objects reach the disk; what a record refers to has to be there before. */
async function flush(cache: string, files: readonly RecordedFile[]): Promise<void> {
  try {
    // the whole file system at once: hundreds of times as fast as one file after the other
    await promisify(execFile)('sync', ['-f', cache]);
  } catch {
    for (const { md5 } of files) {
      await using file = await open(objectPath(cache, md5));
      await file.datasync();
    }
  }
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) hash.update(chunk);
  return hash.digest('hex');
}

function changedError(session: Session, { tracked, state, changes }: TrackedStatus): GyreError {
  const { path, file } = tracked;
  const of = relativePath(session.root.path, file);
  const counts = [
    [changes.added.length, 'added'],
    [changes.removed.length, 'removed'],
    [changes.modified.length, 'changed'],
    [changes.renamed.length, 'renamed'],
  ] as const;
  const words = counts.flatMap(([count, word]) => (count === 0 ? [] : [`${count} ${word}`]));
  const what = state === 'deleted' ? 'is gone' : state === 'clean' || state === 'unrecorded' ? 'was never added by DVC 3' : 'has changed';
  return new GyreError(
    'FAILED_PRECONDITION',
    `${path} ${what} since ${of} was written${words.length === 0 ? '' : ` (${words.join(', ')})`}: "gyre data add ${path}${tracked.out.object !== undefined && isFolderObject(tracked.out.object) ? '/' : ''}" puts it into the cache, "gyre data checkout" brings back what was recorded`,
    { path },
  );
}

function missingError({ path }: TrackedPath, missing: readonly string[]): GyreError {
  const shown = missing.slice(0, 3).join(', ');
  return new GyreError(
    'DATA_LOSS',
    `the cache lacks ${missing.length === 1 ? 'an object' : `${missing.length} objects`} of ${path} (${shown}${missing.length > 3 ? ', …' : ''}): "gyre data pull" fetches from a remote`,
    { path, objects: missing.slice(0, 100) },
  );
}
