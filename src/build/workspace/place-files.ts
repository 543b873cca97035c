import { createHash } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import type { Stats } from 'node:fs';
import { threadId } from 'node:worker_threads';
import { GyreError, messageOf } from '#core';
import type { ObjectWriter } from './cache-write.ts';
import { legacyMd5Of, makeBuffers, md5Of, readLarge, readSmall, smallBytes, writeAll } from './file-bytes.ts';
import type { Buffers } from './file-bytes.ts';
import { legacyObjectPath, objectPath } from './layout.ts';
import { statFields } from './stat-cache.ts';

/** How a file of the workspace comes to its bytes; DVC's `cache.type`. */
export type LinkType = 'reflink' | 'hardlink' | 'symlink' | 'copy';

/** Put objects into the workspace, from the cache, or through it from a folder remote. */
export interface PlaceTask {
  readonly kind: 'place';
  /** Absolute: the tracked path's own, or the folder that paths are relative to. */
  readonly root: string;
  readonly paths: readonly string[];
  /** 16 bytes a path. */
  readonly md5s: Uint8Array;
  readonly cache: string;
  /** Folder remotes to fetch from what the cache lacks. */
  readonly remote?: string;
  /** On the workspace's file system, for files on their way. */
  readonly incoming: string;
  readonly linkTypes: readonly LinkType[];
  readonly legacy: boolean;
  readonly executable: boolean;
  /** False: only into the cache. */
  readonly place: boolean;
  readonly racyAfterMs: number;
}

export interface PlaceResult {
  readonly kind: 'placed';
  readonly stats: Float64Array<ArrayBuffer>;
  readonly bytes: number;
  readonly fetched: number;
  /** Positions of paths whose object is nowhere, or damaged, with what is wrong. */
  readonly failed: readonly (readonly [position: number, reason: string])[];
}

export interface PlaceContext {
  readonly buffers: Buffers;
  readonly writer: ObjectWriter;
  /** Folders that were made, or seen to be no link. */
  readonly folders: Set<string>;
}

let count = 0;

/** @throws GyreError PERMISSION_DENIED when a path would lead through a link, RESOURCE_EXHAUSTED when the disk is full */
export function placeFiles(task: PlaceTask, context: PlaceContext): PlaceResult {
  const md5s = Buffer.from(task.md5s.buffer, task.md5s.byteOffset, task.md5s.byteLength);
  const stats = new Float64Array(task.paths.length * statFields);
  const failed: (readonly [number, string])[] = [];
  let [bytes, fetched] = [0, 0];
  for (const [i, path] of task.paths.entries()) {
    const md5 = md5s.toString('hex', i * 16, i * 16 + 16);
    const source = sourceOf(md5, task, context);
    if ('reason' in source) {
      failed.push([i, source.reason]);
      continue;
    }
    if (source.fetched) fetched += 1;
    bytes += source.size;
    if (!task.place) continue;
    const target = path === '' ? task.root : `${task.root}/${path}`;
    makeParent(task.root, path, context.folders);
    const placed = placeOne(source, target, task);
    const isRacy = Math.max(placed.mtimeMs, placed.ctimeMs) > task.racyAfterMs;
    stats.set([isRacy ? -1 : placed.ino, placed.size, placed.mtimeMs, placed.ctimeMs], i * statFields);
  }
  return { kind: 'placed', stats, bytes, fetched, failed };
}

interface Source {
  readonly path: string;
  readonly size: number;
  /** The bytes, where they are few: a view that the next object overwrites. */
  readonly bytes?: Buffer;
  readonly fetched: boolean;
}

/** The object in the cache, checked; from the remote where the cache has none or a damaged one. */
function sourceOf(md5: string, task: PlaceTask, context: PlaceContext): Source | { readonly reason: string } {
  const inCache = task.legacy ? legacyObjectPath(task.cache, md5) : objectPath(task.cache, md5);
  const kept = check(inCache, md5, task.legacy, context.buffers);
  if (typeof kept !== 'string') return { path: inCache, fetched: false, ...kept };
  if (task.remote === undefined) return { reason: kept };
  const inRemote = task.legacy ? legacyObjectPath(task.remote, md5) : objectPath(task.remote, md5);
  const there = check(inRemote, md5, task.legacy, context.buffers);
  if (typeof there === 'string') return { reason: `${kept} in the cache, ${there} in the remote` };
  // What DVC before 3 kept is read where it lies; the cache gets objects of today's layout alone.
  if (task.legacy) return { path: inRemote, fetched: true, ...there };
  if (there.bytes === undefined) context.writer.putLarge(inRemote, context.buffers.chunk(), md5);
  else context.writer.put(md5, there.bytes);
  return { path: inCache, fetched: true, ...there };
}

/** Reads an object and hashes it. @returns what is wrong with it, as a text */
function check(path: string, md5: string, legacy: boolean, buffers: Buffers): { size: number; bytes?: Buffer } | string {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return 'missing';
  const isRight = (digest: Buffer): boolean => digest.toString('hex') === md5;
  if (found.size <= smallBytes) {
    const bytes = readSmall(path, buffers.small);
    if (bytes === undefined) return 'damaged';
    if (isRight(md5Of(bytes)) || (legacy && isRight(legacyMd5Of(bytes)))) return { size: bytes.length, bytes };
    return 'damaged';
  }
  const digest = createHash('md5');
  readLarge(path, buffers.chunk(), (bytes) => digest.update(bytes));
  if (isRight(digest.digest()) || (legacy && isRight(legacyMd5Of(readFileSync(path))))) return { size: found.size };
  return 'damaged';
}

function makeParent(root: string, path: string, folders: Set<string>): void {
  const slash = path.lastIndexOf('/');
  const folder = slash < 0 ? (path === '' ? '' : root) : `${root}/${path.slice(0, slash)}`;
  if (folder === '' || folders.has(folder)) return;
  if (slash >= 0) makeParent(root, path.slice(0, slash), folders);
  const found = lstatSync(folder, { throwIfNoEntry: false });
  if (found === undefined) mkdirSync(folder, { recursive: true });
  else if (found.isSymbolicLink()) {
    throw new GyreError('PERMISSION_DENIED', `${folder} is a link: files are not written through it; remove it first`, { path: folder });
  } else if (!found.isDirectory()) rmSync(folder);
  if (found !== undefined && !found.isDirectory()) mkdirSync(folder);
  folders.add(folder);
}

function placeOne(source: Source, target: string, task: PlaceTask): Stats {
  const temporary = `${task.incoming}/${threadId}-${++count}`;
  try {
    const type = write(source, temporary, task);
    if (task.executable && type !== 'symlink') {
      chmodSync(temporary, type === 'hardlink' ? 0o555 : 0o777 & ~process.umask());
    }
    moveTo(temporary, target);
    // Renaming one hard link over another of the same file does nothing at all, and leaves the first.
    if (type === 'hardlink') rmSync(temporary, { force: true });
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  return statSync(target);
}

/** @returns how it was done: the first of the wanted ways that the file system allows */
function write(source: Source, temporary: string, { linkTypes }: PlaceTask): LinkType {
  for (const type of linkTypes) {
    if (type === 'copy') break;
    // A hard link of an empty file saves nothing, and DVC makes none.
    if (type === 'hardlink' && source.size === 0) break;
    try {
      if (type === 'hardlink') linkSync(source.path, temporary);
      else if (type === 'symlink') symlinkSync(source.path, temporary);
      else {
        copyFileSync(source.path, temporary, constants.COPYFILE_FICLONE_FORCE);
        chmodSync(temporary, 0o666 & ~process.umask());
      }
      return type;
    } catch (error) {
      if (!isUnsupported(error)) throw error;
      rmSync(temporary, { force: true });
    }
  }
  const file = openSync(temporary, 'w', 0o666);
  try {
    if (source.bytes !== undefined) writeAll(file, source.bytes);
    else readLarge(source.path, makeBuffers().chunk(), (bytes) => writeAll(file, bytes));
  } finally {
    closeSync(file);
  }
  return 'copy';
}

function moveTo(temporary: string, target: string): void {
  try {
    renameSync(temporary, target);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'EISDIR' || code === 'ENOTEMPTY') {
      throw new GyreError(
        'FAILED_PRECONDITION',
        `${target} is a folder where a file belongs: move it away`,
        { path: target },
        { cause: error },
      );
    }
    throw error;
  }
}

function isUnsupported(error: unknown): boolean {
  const codes = ['ENOTSUP', 'EOPNOTSUPP', 'EXDEV', 'EMLINK', 'EINVAL', 'ENOSYS', 'EPERM', 'ENOTTY'];
  return error instanceof Error && 'code' in error && codes.some((code) => code === error.code || messageOf(error).includes(code));
}
