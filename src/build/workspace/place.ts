import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { WorkspaceProgress } from '#contract';
import type { Out } from './dvc-file.ts';
import { isFolderObject } from './layout.ts';
import type { Manifest } from './manifest.ts';
import { workspaceIncoming } from './root.ts';
import { clockOf, manifestOf, racyBefore, together } from './scan.ts';
import type { Scanned } from './scan.ts';
import type { Session } from './session.ts';
import { dividedByFolder, moveStaged, nearestAbove } from './staged-folders.ts';
import type { Moving } from './staged-folders.ts';
import { statFields } from './stat-cache.ts';
import type { FolderStats } from './stat-cache.ts';

const filesPerTask = 256;

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
  /** Position → what the file system says of the file that was placed. */
  readonly stats: ReadonlyMap<number, Float64Array>;
  readonly files: number;
  readonly bytes: number;
  readonly fetched: number;
  readonly failed: readonly FailedObject[];
}

/** Puts files of a listing into the workspace (or only into the cache), each checked against its MD5 when its object is read. */
export async function placeAll({ root, pool }: Session, request: PlaceRequest): Promise<Placed> {
  const { path, out, manifest, positions, remote, uncached = false, place, onFiles } = request;
  const incoming = workspaceIncoming(root.path);
  const clock = clockOf(root.path);
  let latestMs = clock.ctimeMs;
  const stats = new Map<number, Float64Array>();
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
        const bad = new Set(result.failed.map(([i]) => i));
        part.forEach((position, i) => {
          if (!bad.has(i)) stats.set(position, result.stats.subarray(i * statFields, (i + 1) * statFields));
        });
        for (const [i, reason] of result.failed) {
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
  for (const [i, each] of staged.entries()) {
    const scratch = join(incoming, `folder-${i}`);
    mkdirSync(scratch);
    const placed = placeIn(scratch, true, each.positions, each.folder === '' ? 0 : each.folder.length + 1);
    // A folder moves in behind those that it lies in.
    const inside = Promise.all([placed, nearestAbove(moved, each.folder)]);
    const moving = (): Moving => ({ root: path, paths: manifest.paths, made, stats, racyAfterMs: racyBefore(clock, latestMs) });
    moved.set(
      each.folder,
      inside.then(() => moveStaged(scratch, each, moving())),
    );
  }
  await together([...moved.values()]);
  await placeIn(path, false, rest, 0);
  return { stats, files, bytes, fetched, failed };
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
  const { stats } = await placeAll(session, { path, out, manifest, positions, place: true, onFiles: () => undefined });
  return folderStats(path, out, manifest, (position) => stats.get(position));
}

/** A listing as a stat cache keeps it: by folder, names in their order. Files without stats are left out. */
export function folderStats(
  path: string,
  out: Out,
  manifest: Manifest,
  statsOf: (position: number) => Float64Array | undefined,
  flagOf: (position: number) => number = () => (out.executable ? 1 : 0),
): FolderStats[] {
  const byFolder = new Map<string, { name: string; position: number; stats: Float64Array }[]>();
  const isFolder = out.object !== undefined && isFolderObject(out.object);
  if (isFolder) byFolder.set('', []);
  manifest.paths.forEach((each, position) => {
    const stats = statsOf(position);
    if (stats === undefined) return;
    const slash = each.lastIndexOf('/');
    const [folder, name] = isFolder
      ? [each.slice(0, Math.max(0, slash)), each.slice(slash + 1)]
      : ['', path.slice(path.lastIndexOf('/') + 1)];
    for (let above = folder; above !== '' && !byFolder.has(above); above = above.slice(0, Math.max(0, above.lastIndexOf('/'))))
      byFolder.set(above, []);
    const files = byFolder.get(folder) ?? [];
    files.push({ name, position, stats });
    byFolder.set(folder, files);
  });
  return [...byFolder].map(([folder, files]) => {
    files.sort((a, b) => (a.name < b.name ? -1 : 1));
    const columns = {
      folder,
      names: files.map(({ name }) => name),
      stats: new Float64Array(files.length * statFields),
      md5s: Buffer.alloc(files.length * 16),
      flags: new Uint8Array(files.length),
    };
    files.forEach(({ position, stats }, i) => {
      columns.stats.set(stats, i * statFields);
      manifest.md5s.copy(columns.md5s, i * 16, position * 16, position * 16 + 16);
      columns.flags[i] = flagOf(position);
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
