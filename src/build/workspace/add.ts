import { lstatSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { GyreError } from '#core';
import { readDvcFile, writeDvcFile } from './dvc-file.ts';
import { ignoreInGit } from './git-ignore.ts';
import type { ObjectName } from './layout.ts';
import { manifestBytes } from './manifest.ts';
import { appendObjects } from './object-index.ts';
import { listObjects, putManifest } from './objects.ts';
import { relink } from './place.ts';
import type { Added, WorkOptions } from './port.ts';
import { isTrackedByGit } from './root.ts';
import { manifestOf, scan, together } from './scan.ts';
import type { Scanned } from './scan.ts';
import { flags, forgetAbsent, loadStatCache, saveStatCache } from './stat-cache.ts';
import type { FolderStats, StatCache } from './stat-cache.ts';
import type { Session } from './session.ts';
import { relativePath, requireTrackable } from './tracked.ts';
import { openWholeObjects } from './whole-objects.ts';

/** What is hashed is kept after so many files, so that a process that is killed does not begin from the beginning. */
const filesPerCheckpoint = 25_000;

/**
 * Adds paths: their bytes to the cache, a `.dvc` file beside each, a line in `.gitignore`. In this order, so that whatever is cut off, a
 * `.dvc` file never names what is not there.
 * @param paths absolute
 */
export async function addPaths(session: Session, paths: readonly string[], options: WorkOptions): Promise<Added[]> {
  const { root } = session;
  for (const path of paths) {
    if (lstatSync(path, { throwIfNoEntry: false }) === undefined) {
      throw new GyreError('NOT_FOUND', `there is no file or folder ${path}`, { path });
    }
    requireTrackable(root.path, path);
    if (root.git && isTrackedByGit(root.path, path)) {
      const name = relativePath(root.path, path);
      throw new GyreError('FAILED_PRECONDITION', `git tracks ${name} already: "git rm -r --cached ${name}" first, then add it again`, {
        path,
      });
    }
  }
  const counts = paths.map(() => ({ files: 0, bytes: 0 }));
  const found: Found[] = [];
  // The largest first: a single file keeps one thread busy for long, and small ones fill the others meanwhile.
  const order = paths.map((_, i) => i).sort((a, b) => sizeOf(paths[b]) - sizeOf(paths[a]));
  await together(
    order.map(async (i) => {
      found[i] = await storeOne(session, paths[i], (files, bytes) => {
        counts[i] = { files, bytes };
        options.onProgress?.({
          phase: 'hashing',
          files: counts.reduce((sum, each) => sum + each.files, 0),
          bytes: counts.reduce((sum, each) => sum + each.bytes, 0),
        });
      });
    }),
  );
  if (options.signal.aborted) throw new GyreError('CANCELLED', 'stopped before anything was recorded; the objects that were stored stay');
  const added: Added[] = [];
  for (const each of found) added.push(await recordOne(session, each));
  return added;
}

interface Found {
  readonly path: string;
  readonly inside: string;
  readonly known: StatCache | undefined;
  readonly scanned: Scanned;
  readonly object: ObjectName;
}

const sizeOf = (path: string): number => {
  const found = statSync(path, { throwIfNoEntry: false });
  return found === undefined || found.isDirectory() ? 0 : found.size;
};

async function storeOne(session: Session, path: string, onFiles: (files: number, bytes: number) => void): Promise<Found> {
  const { root } = session;
  const inside = relativePath(root.path, path);
  const known = loadStatCache(root.path, inside);
  const scanned = await scanAndStore(session, path, inside, known, onFiles);
  appendObjects(root.cache, scanned.pairs);
  return { path, inside, known, scanned, object: objectOf(session, scanned) };
}

async function recordOne(session: Session, { path, inside, known, scanned, object }: Found): Promise<Added> {
  const { root } = session;
  const isExecutable = !scanned.isFolder && (scanned.folders()[0].flags[0] & flags.executable) !== 0;
  const dvcFile = `${path}.dvc`;
  const gitignore = root.git ? ignoreInGit(path) : undefined;
  const changed = writeDvcFile(dvcFile, {
    name: basename(path),
    object,
    size: scanned.bytes,
    ...(scanned.isFolder ? { files: scanned.files } : {}),
    executable: isExecutable,
  });
  const folders = await relink(session, path, scanned, readDvcFile(dvcFile).outs[0]);
  if (!scanned.unchanged || known?.object !== object || folders !== undefined) {
    saveStatCache(root.path, inside, folders ?? scanned.folders(), object);
  }
  return {
    path: inside,
    object,
    isFolder: scanned.isFolder,
    files: scanned.files,
    size: scanned.bytes,
    dvcFile: relativePath(root.path, dvcFile),
    changed,
    hashed: scanned.hashed,
    stored: scanned.stored,
    ...(gitignore === undefined ? {} : { gitignore: relativePath(root.path, gitignore) }),
  };
}

async function scanAndStore(
  session: Session,
  path: string,
  inside: string,
  known: StatCache | undefined,
  onFiles: (files: number, bytes: number) => void,
): Promise<Scanned> {
  const { root, pool } = session;
  const keep = (folders: readonly FolderStats[]): void => saveStatCache(root.path, inside, folders, undefined);
  let last: (() => readonly FolderStats[]) | undefined;
  let next = filesPerCheckpoint;
  const request = {
    pool,
    root: root.path,
    path,
    store: true,
    legacy: false,
    onFiles: (files: number, bytes: number) => {
      onFiles(files, bytes);
      if (files >= next && last !== undefined) {
        next = files + filesPerCheckpoint;
        keep(last());
      }
    },
    onPart: (folders: () => readonly FolderStats[]) => {
      last = folders;
    },
  };
  try {
    if (known !== undefined && !isWhole(session, known)) forgetAbsent(known, listObjects(root.cache));
    return await scan({ ...request, known });
  } catch (error) {
    if (last !== undefined) keep(last());
    throw error;
  }
}

function isWhole({ root }: Session, { object }: StatCache): boolean {
  return object !== undefined && openWholeObjects(root.path, root.cache).has(object);
}

function objectOf({ root }: Session, scanned: Scanned): ObjectName {
  const folders = scanned.folders();
  if (!scanned.isFolder) return folders[0].md5s.toString('hex', 0, 16);
  const bytes = manifestBytes(manifestOf(folders));
  return putManifest(root.cache, bytes).name;
}
