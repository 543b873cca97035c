import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { ignoreFilesFor } from './ignored-paths.ts';
import { scratchOf } from './layout.ts';
import { sortedManifest } from './manifest.ts';
import type { Manifest } from './manifest.ts';
import type { ScanResult, ScanSplit, ScanTask } from './scan-folder.ts';
import { openKnown, statFields } from './stat-cache.ts';
import type { FolderStats, KnownFolder, StatCache } from './stat-cache.ts';
import type { WorkerPool } from './worker-pool.ts';

/** A folder with more entries is looked at in parts of so many. */
const partFiles = 1024;
/** Longer than any local file system's clock stands still; those that stamp whole seconds get two. */
const tickMs = 50;
const coarseTickMs = 2_000;

export interface ScanRequest {
  readonly pool: WorkerPool;
  /** The workspace's. */
  readonly root: string;
  /** Absolute: the tracked path. */
  readonly path: string;
  readonly known: StatCache | undefined;
  readonly store: boolean;
  readonly legacy: boolean;
  readonly onFiles: (files: number, bytes: number) => void;
  /** Told now and then with what is known so far, so that work that is cut off is not lost. */
  readonly onPart?: (folders: () => readonly FolderStats[]) => void;
}

/** A tracked path as it is on the disk. */
export interface Scanned {
  readonly isFolder: boolean;
  readonly files: number;
  readonly bytes: number;
  readonly hashed: number;
  readonly stored: number;
  /** Whether files, names and all are as they were known. */
  readonly unchanged: boolean;
  /** Every folder's files, in the order of folders' names. */
  folders(): readonly FolderStats[];
  /** MD5 and SHA-256 of what was hashed, 48 bytes each. */
  readonly pairs: readonly Buffer[];
}

/**
 * Files that changed after the answer cannot be told from files that changed just before they were read: the clock of a file system stands
 * still for some milliseconds. (Git calls such entries racily clean.) They count as unknown the next time.
 */
export function racyAfter(root: string): number {
  const clock = clockOf(root);
  return racyBefore(clock, clock.ctimeMs);
}

/** The same for an instant of the file system's clock. @param clock what `clockOf` said */
export function racyBefore(clock: Stats, nowMs: number): number {
  return nowMs - (clock.mtimeMs % 1000 === 0 ? coarseTickMs : tickMs);
}

/** What the file system of the workspace takes for now. */
export function clockOf(root: string): Stats {
  const probe = join(scratchOf(root), 'clock');
  mkdirSync(scratchOf(root), { recursive: true });
  writeFileSync(probe, '');
  return statSync(probe);
}

function filesOf({ folders }: StatCache): number {
  return [...folders.values()].reduce((sum, { count }) => sum + count, 0);
}

/** Looks at folders on this thread, one at a turn of the event loop; undefined where files have to be read. */
async function lookerHere(): Promise<(task: ScanTask) => Promise<ScanResult | ScanSplit | undefined>> {
  const { lookOver } = await import('./scan-folder.ts');
  const opened = { at: '', stats: undefined };
  return async (task) => {
    await setImmediate();
    return lookOver(task, opened);
  };
}

interface Part {
  readonly files: Omit<FolderStats, 'folder'> | undefined;
  readonly from: number;
  readonly count: number;
}

/** Looks at a tracked path with all threads. @throws whatever `scanFolder` throws */
export async function scan(request: ScanRequest): Promise<Scanned> {
  const { pool, root, path, known, store, legacy } = request;
  const isFolder = statSync(path).isDirectory();
  const ignoreFiles = isFolder ? ignoreFilesFor(root, path) : [];
  const racyAfterMs = racyAfter(root);
  const parts = new Map<string, Part[]>();
  const pairs: Buffer[] = [];
  const total = { files: 0, bytes: 0, hashed: 0, stored: 0 };

  const here = known !== undefined && pool.takesHere(filesOf(known)) ? await lookerHere() : undefined;
  const task = (folder: string, relative: string, names?: readonly string[]): ScanTask & { kind: 'scan' } => {
    const knownFolder = known?.folders.get(relative);
    return {
      kind: 'scan',
      folder,
      relative,
      ...(names === undefined ? {} : { names }),
      ...(knownFolder === undefined ? {} : { known: knownFolder }),
      ignoreFiles,
      store,
      legacy,
      splitAt: partFiles,
      racyAfterMs,
    };
  };
  const look = async (folder: string, relative: string, names?: readonly string[], slot?: Part[], at = 0): Promise<void> => {
    const own = slot ?? [];
    if (slot === undefined) parts.set(relative, own);
    const next = task(folder, relative, names);
    const result = (await here?.(next)) ?? (await pool.run(next));
    if (result.kind === 'split') {
      const starts = Array.from({ length: Math.ceil(result.names.length / partFiles) }, (_, i) => i * partFiles);
      await together(starts.map((start, i) => look(folder, relative, result.names.slice(start, start + partFiles), own, i)));
      return;
    }
    own[at] = { files: result.files, from: result.from, count: result.count };
    take(result);
    await together([
      ...result.large.map((position) => hashOwn(request, folder, result, position, { racyAfterMs, pairs, total })),
      ...result.folders.map((name) => look(`${folder}/${name}`, relative === '' ? name : `${relative}/${name}`)),
    ]);
  };
  const take = (result: ScanResult): void => {
    total.files += result.count;
    total.bytes += result.bytes;
    total.hashed += result.hashed;
    total.stored += result.stored;
    if (result.pairs.length > 0) pairs.push(Buffer.from(result.pairs.buffer, result.pairs.byteOffset, result.pairs.byteLength));
    request.onFiles(total.files, total.bytes);
    request.onPart?.(() => foldersOf(parts, known));
  };
  const slash = path.lastIndexOf('/');
  await (isFolder ? look(path, '') : look(path.slice(0, slash), '', [path.slice(slash + 1)]));
  return {
    isFolder,
    ...total,
    unchanged: isUnchanged(parts, known),
    folders: () => foldersOf(parts, known),
    pairs,
  };
}

/** All of them to their end, so that no task is left behind; then the first failure. */
export async function together(work: readonly Promise<unknown>[]): Promise<void> {
  const failed = (await Promise.allSettled(work)).find((each) => each.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

/** A large file, by a task of its own. */
async function hashOwn(
  { pool, store, legacy }: ScanRequest,
  folder: string,
  { files }: ScanResult,
  position: number,
  { racyAfterMs, pairs, total }: { racyAfterMs: number; pairs: Buffer[]; total: { hashed: number; stored: number } },
): Promise<void> {
  if (files === undefined) return;
  const path = `${folder}/${files.names[position]}`;
  const found = await pool.run({ kind: 'hash', path, what: store ? 'store' : legacy ? 'legacy' : 'md5' });
  const isRacy = Math.max(found.mtimeMs, found.ctimeMs) > racyAfterMs;
  files.stats.set([isRacy ? -1 : found.ino, found.size, found.mtimeMs, found.ctimeMs], position * statFields);
  const md5 = Buffer.from(found.md5);
  md5.copy(files.md5s, position * 16);
  if (found.sha256 !== undefined) pairs.push(md5, Buffer.from(found.sha256));
  total.hashed += 1;
  if (store) total.stored += 1;
}

function isUnchanged(parts: ReadonlyMap<string, readonly Part[]>, known: StatCache | undefined): boolean {
  if (known === undefined || parts.size !== known.folders.size) return false;
  return [...parts].every(([folder, list]) => isFolderUnchanged(list, known.folders.get(folder)));
}

function isFolderUnchanged(parts: readonly Part[], known: KnownFolder | undefined): boolean {
  if (known === undefined) return false;
  let next = 0;
  for (const { files, from, count } of parts) {
    if (files !== undefined || (count > 0 && from !== next)) return false;
    next += count;
  }
  return next === known.count;
}

function foldersOf(parts: ReadonlyMap<string, readonly Part[]>, known: StatCache | undefined): FolderStats[] {
  return [...parts.keys()].sort().map((folder) => {
    const list = (parts.get(folder) ?? []).filter((part) => part !== undefined);
    const knownFolder = known?.folders.get(folder);
    const before = knownFolder === undefined ? undefined : openKnown(folder, knownFolder);
    const pieces = list.map(({ files, from, count }) => files ?? sliceOf(before, from, count));
    return joined(folder, pieces);
  });
}

function sliceOf(known: FolderStats | undefined, from: number, count: number): Omit<FolderStats, 'folder'> {
  if (known === undefined) return { names: [], stats: new Float64Array(), md5s: Buffer.alloc(0), flags: new Uint8Array() };
  const to = from + count;
  return {
    names: known.names.slice(from, to),
    stats: known.stats.subarray(from * statFields, to * statFields),
    md5s: known.md5s.subarray(from * 16, to * 16),
    flags: known.flags.subarray(from, to),
  };
}

function joined(folder: string, pieces: readonly Omit<FolderStats, 'folder'>[]): FolderStats {
  const count = pieces.reduce((sum, { names }) => sum + names.length, 0);
  const stats = new Float64Array(count * statFields);
  const md5s = Buffer.alloc(count * 16);
  const flags = new Uint8Array(count);
  let at = 0;
  for (const piece of pieces) {
    stats.set(piece.stats, at * statFields);
    md5s.set(piece.md5s, at * 16);
    flags.set(piece.flags, at);
    at += piece.names.length;
  }
  return { folder, names: pieces.flatMap(({ names }) => names), stats, md5s, flags };
}

/** What a tracked folder holds, from the files that were found in it. */
export function manifestOf(folders: readonly FolderStats[]): Manifest {
  const paths: string[] = [];
  for (const { folder, names } of folders) {
    if (folder === '') for (const name of names) paths.push(name);
    else for (const name of names) paths.push(`${folder}/${name}`);
  }
  return sortedManifest(paths, Buffer.concat(folders.map(({ md5s }) => md5s)));
}
