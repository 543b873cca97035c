import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  fstatSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import type { Stats } from 'node:fs';
import { threadId } from 'node:worker_threads';
import { GyreError, messageOf } from '#core';
import type { ObjectWriter } from './cache-write.ts';
import { readLarge, writeAll } from './file-bytes.ts';
import type { Buffers } from './file-bytes.ts';
import { sourceOf } from './object-source.ts';
import type { Source, SourceRequest } from './object-source.ts';
import { statFields } from './stat-cache.ts';

/** How a file of the workspace comes to its bytes; DVC's `cache.type`. */
export type LinkType = 'reflink' | 'hardlink' | 'symlink' | 'copy';

/** Put objects into the workspace, from the cache, or through it from a folder remote. */
export interface PlaceTask extends SourceRequest {
  readonly kind: 'place';
  /** Absolute: the tracked path's own, or the folder that paths are relative to. */
  readonly root: string;
  /** The root is a folder that nobody else sees yet: files get their names at once. */
  readonly isStaged: boolean;
  readonly paths: readonly string[];
  /** 16 bytes a path. */
  readonly md5s: Uint8Array;
  /** On the workspace's file system, for files on their way. */
  readonly incoming: string;
  readonly linkTypes: readonly LinkType[];
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
    const target = path === '' ? task.root : `${task.root}/${path}`;
    // In a folder that nobody sees, a file gets its name at once.
    const way = task.isStaged ? target : `${task.incoming}/${threadId}-${++count}`;
    const copyTo = task.place && task.linkTypes[0] === 'copy' ? way : undefined;
    const source = sourceOf(md5s.toString('hex', i * 16, i * 16 + 16), task, context, copyTo);
    if ('reason' in source) {
      failed.push([i, source.reason]);
      continue;
    }
    if (source.fetched) fetched += 1;
    bytes += source.size;
    if (!task.place) continue;
    if (!task.isStaged) makeParent(task.root, path, context.folders);
    const written = source.copy === undefined ? write(source, way, task, context.buffers) : { type: 'copy' as const, stats: source.copy };
    const placed = task.isStaged ? written.stats : moveOne(written.type, way, target, task);
    const isRacy = Math.max(placed.mtimeMs, placed.ctimeMs) > task.racyAfterMs;
    stats.set([isRacy ? -1 : placed.ino, placed.size, placed.mtimeMs, placed.ctimeMs], i * statFields);
  }
  return { kind: 'placed', stats, bytes, fetched, failed };
}

/** Makes the folders that a path lies in. @param folders those that were made, or seen to be no link */
export function makeParent(root: string, path: string, folders: Set<string>): void {
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

function moveOne(type: LinkType, temporary: string, target: string, task: PlaceTask): Stats {
  try {
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
function write(
  source: Source,
  path: string,
  { linkTypes }: PlaceTask,
  buffers: Buffers,
): { readonly type: LinkType; readonly stats: Stats } {
  for (const type of linkTypes) {
    if (type === 'copy') break;
    // A hard link of an empty file saves nothing, and DVC makes none.
    if (type === 'hardlink' && source.size === 0) break;
    try {
      if (type === 'hardlink') linkSync(source.path, path);
      else if (type === 'symlink') symlinkSync(source.path, path);
      else {
        copyFileSync(source.path, path, constants.COPYFILE_FICLONE_FORCE);
        chmodSync(path, 0o666 & ~process.umask());
      }
      return { type, stats: statSync(path) };
    } catch (error) {
      if (!isUnsupported(error)) throw error;
      rmSync(path, { force: true });
    }
  }
  const file = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o666);
  try {
    if (source.bytes !== undefined) writeAll(file, source.bytes);
    else readLarge(source.path, buffers.chunk(), (bytes) => writeAll(file, bytes));
    return { type: 'copy', stats: fstatSync(file) };
  } finally {
    closeSync(file);
  }
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
