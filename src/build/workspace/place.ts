import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { WorkspaceProgress } from '#contract';
import type { Out } from './dvc-file.ts';
import { isFolderObject } from './layout.ts';
import type { Manifest } from './manifest.ts';
import { clockOf, manifestOf, racyBefore, together } from './scan.ts';
import type { Scanned } from './scan.ts';
import type { Session } from './session.ts';
import { dividedByFolder, moveStaged, nearestAbove } from './staged-folders.ts';
import type { Moving } from './staged-folders.ts';
import { flags, noFiles, statFields } from './stat-cache.ts';
import type { FolderStats, FoundFiles } from './stat-cache.ts';

const filesPerTask = 256;
/** Staged folders so far: several paths are placed at the same time. */
let count = 0;

/** A path whose object is nowhere, or damaged. */
export interface FailedObject {
  readonly path: string;
  readonly md5: string;
  readonly reason: string;
}

export interface PlaceRequest {
  /** Absolute. */
  readonly path: string;
  readonly out: Out;
  /** Which of it, by position. */
  readonly manifest: Manifest;
  readonly positions: readonly number[];
  /** A folder remote that the cache is filled from. */
  readonly remote?: string;
  /** The cache is known to have none of it. */
  readonly uncached?: boolean;
  /** False: into the cache alone. */
  readonly place: boolean;
  readonly onFiles: (files: number, bytes: number) => void;
}

export interface Placed {
  /** Of the files that were placed. */
  readonly found: FoundFiles;
  readonly files: number;
  readonly bytes: number;
  readonly fetched: number;
  readonly failed: readonly FailedObject[];
}

/** Puts files of a listing into the workspace (or only into the cache), each checked against its MD5 when its object is read. */
export async function placeAll({ root, pool, incoming }: Session, request: PlaceRequest): Promise<Placed> {
  const { path, out, manifest, positions, remote, uncached = false, place, onFiles } = request;
  const clock = clockOf(root.path);
  let latestMs = clock.ctimeMs;
  const found = noFiles(manifest.paths.length);
  const failed: FailedObject[] = [];
  let [files, bytes, fetched] = [0, 0, 0];
  /** Places files in `to`, under their paths from the position `from` on. */
  const placeIn = async (to: string, isStaged: boolean, all: readonly number[], from: number): Promise<void> => {
    const starts = Array.from({ length: Math.ceil(all.length / filesPerTask) }, (_, i) => i * filesPerTask);
    await together(
      starts.map(async (start) => {
        const part = all.slice(start, start + filesPerTask);
        const md5s = new Uint8Array(part.length * 16);
        part.forEach((position, i) => md5s.set(manifest.md5s.subarray(position * 16, position * 16 + 16), i * 16));
        const result = await pool.run({
          kind: 'place',
          root: to,
          isStaged,
          paths: part.map((position) => manifest.paths[position].slice(from)),
          md5s,
          cache: root.cache,
          ...(remote === undefined ? {} : { remote }),
          uncached,
          incoming,
          linkTypes: root.linkTypes,
          legacy: out.legacy,
          executable: out.executable,
          place,
          racyAfterMs: isStaged ? Infinity : racyBefore(clock, clock.ctimeMs),
        });
        part.forEach((position, i) => {
          for (let field = 0; field < statFields; field++)
            found.stats[position * statFields + field] = result.stats[i * statFields + field];
          found.known[position] = 1;
          found.flags[position] = out.executable ? flags.executable : 0;
        });
        for (const [i, reason] of result.failed) {
          found.known[part[i]] = 0;
          failed.push({ path: manifest.paths[part[i]], md5: Buffer.from(md5s).toString('hex', i * 16, i * 16 + 16), reason });
        }
        latestMs = Math.max(latestMs, result.stats.at(-1) ?? 0);
        files += part.length - result.failed.length;
        bytes += result.bytes;
        fetched += result.fetched;
        onFiles(files, bytes);
      }),
    );
  };
  const isFolder = isFolderObject(out.object ?? '');
  const meanBytes = (out.size ?? Infinity) / Math.max(1, out.files ?? 1);
  const { staged, rest } =
    place && isFolder ? dividedByFolder(path, manifest.paths, positions, meanBytes) : { staged: [], rest: positions };
  const made = new Set<string>();
  const moved = new Map<string, Promise<void>>();
  for (const each of staged) {
    const scratch = join(incoming, `folder-${++count}`);
    mkdirSync(scratch);
    const placed = placeIn(scratch, true, each.positions, each.folder === '' ? 0 : each.folder.length + 1);
    // A folder moves in behind those that it lies in.
    const inside = Promise.all([placed, nearestAbove(moved, each.folder)]);
    const moving = (): Moving => ({ root: path, paths: manifest.paths, made, found, racyAfterMs: racyBefore(clock, latestMs) });
    moved.set(
      each.folder,
      inside.then(() => moveStaged(scratch, each, moving())),
    );
  }
  await together([...moved.values()]);
  await placeIn(path, false, rest, 0);
  return { found, files, bytes, fetched, failed };
}

/**
 * After an add, where the workspace is to hold links into the cache rather than files of its own: DVC's `cache.type` hardlink or symlink.
 * @returns the files' new stats; undefined when nothing had to be done
 */
export async function relink(session: Session, path: string, scanned: Scanned, out: Out): Promise<readonly FolderStats[] | undefined> {
  const [first] = session.root.linkTypes;
  if ((first !== 'hardlink' && first !== 'symlink') || scanned.hashed === 0) return undefined;
  const manifest = scanned.isFolder ? manifestOf(scanned.folders()) : { paths: [''], md5s: scanned.folders()[0].md5s };
  const positions = manifest.paths.map((_, i) => i);
  const { found } = await placeAll(session, { path, out, manifest, positions, place: true, onFiles: () => undefined });
  return folderStats(path, out, manifest, found);
}

/** A listing as a stat cache keeps it: by folder, names in their order. Files of which nothing is known are left out. */
export function folderStats(path: string, out: Out, manifest: Manifest, found: FoundFiles): FolderStats[] {
  const byFolder = new Map<string, number[]>();
  const isFolder = out.object !== undefined && isFolderObject(out.object);
  const folderOf = (each: string): string => (isFolder ? each.slice(0, Math.max(0, each.lastIndexOf('/'))) : '');
  if (isFolder) byFolder.set('', []);
  for (const [position, each] of manifest.paths.entries()) {
    if (found.known[position] === 0) continue;
    const folder = folderOf(each);
    const own = byFolder.get(folder);
    if (own !== undefined) {
      own.push(position);
      continue;
    }
    byFolder.set(folder, [position]);
    for (let above = folderOf(folder); above !== '' && !byFolder.has(above); above = folderOf(above)) byFolder.set(above, []);
  }
  return [...byFolder].map(([folder, positions]) => {
    const from = isFolder ? (folder === '' ? 0 : folder.length + 1) : 0;
    const nameOf = (position: number): string => (isFolder ? manifest.paths[position].slice(from) : path.slice(path.lastIndexOf('/') + 1));
    // The order of code points, in which a listing is, and that of UTF-16 differ where names have characters beyond U+FFFF.
    const named = positions.map((position) => ({ position, name: nameOf(position) }));
    if (named.some(({ name }, i) => i > 0 && name < named[i - 1].name)) named.sort((a, b) => (a.name < b.name ? -1 : 1));
    const columns = {
      folder,
      names: named.map(({ name }) => name),
      stats: new Float64Array(named.length * statFields),
      md5s: Buffer.alloc(named.length * 16),
      flags: new Uint8Array(named.length),
    };
    named.forEach(({ position }, i) => {
      for (let field = 0; field < statFields; field++) columns.stats[i * statFields + field] = found.stats[position * statFields + field];
      manifest.md5s.copy(columns.md5s, i * 16, position * 16, position * 16 + 16);
      columns.flags[i] = found.flags[position];
    });
    return columns;
  });
}

/** Files and bytes of several pieces of work that go on side by side, as one progress. */
export function progressSum(
  pieces: number,
  phase: WorkspaceProgress['phase'],
  of: number | undefined,
  tell: ((progress: WorkspaceProgress) => void) | undefined,
): (piece: number) => (files: number, bytes: number) => void {
  const counts = Array.from({ length: pieces }, () => ({ files: 0, bytes: 0 }));
  return (piece) => (files, bytes) => {
    counts[piece] = { files, bytes };
    tell?.({
      phase,
      files: counts.reduce((sum, each) => sum + each.files, 0),
      bytes: counts.reduce((sum, each) => sum + each.bytes, 0),
      ...(of === undefined ? {} : { of }),
    });
  };
}
