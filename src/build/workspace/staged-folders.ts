import { lstatSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { makeParent } from './place-files.ts';
import { statFields } from './stat-cache.ts';
import type { FoundFiles } from './stat-cache.ts';

/** With fewer files, moving each is as quick. */
const fewestFiles = 8;
/** Beyond so many bytes a file, moving one costs nothing beside writing it, and what a killed process has placed is worth keeping. */
const mostBytesPerFile = 1024 * 1024;

/** Files of one folder of a listing that nobody has yet: they are written elsewhere, and the folder moves in when it is whole. */
export interface StagedFolder {
  /** Relative to the tracked path; empty for itself. */
  readonly folder: string;
  readonly positions: readonly number[];
}

export interface Division {
  /** Parents before the folders in them. */
  readonly staged: readonly StagedFolder[];
  /** Positions of files that move in one by one. */
  readonly rest: readonly number[];
}

/** @param root absolute: the tracked folder @param paths of the listing @param meanBytes of a file of the listing */
export function dividedByFolder(root: string, paths: readonly string[], positions: readonly number[], meanBytes: number): Division {
  if (meanBytes > mostBytesPerFile || handsDownItsGroup(root)) return { staged: [], rest: positions };
  const byFolder = new Map<string, number[]>();
  for (const position of positions) {
    const folder = paths[position].slice(0, Math.max(0, paths[position].lastIndexOf('/')));
    const own = byFolder.get(folder);
    if (own === undefined) byFolder.set(folder, [position]);
    else own.push(position);
  }
  const isNew = (folder: string): boolean => lstatSync(folder === '' ? root : `${root}/${folder}`, { throwIfNoEntry: false }) === undefined;
  const staged: StagedFolder[] = [];
  const rest: number[] = [];
  for (const [folder, own] of [...byFolder].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (own.length >= fewestFiles && isNew(folder)) staged.push({ folder, positions: own });
    else for (const position of own) rest.push(position);
  }
  return { staged, rest };
}

/** Whether new folders get their group from the folder above: one that was made elsewhere would not. */
function handsDownItsGroup(root: string): boolean {
  for (let folder = dirname(root); ; folder = dirname(folder)) {
    const found = statSync(folder, { throwIfNoEntry: false });
    if (found !== undefined) return (found.mode & 0o2000) !== 0;
  }
}

/** What moving a staged folder in needs to know. */
export interface Moving {
  /** Absolute: the tracked folder. */
  readonly root: string;
  /** Of the listing. */
  readonly paths: readonly string[];
  /** Folders that were made, or seen to be no link. */
  readonly made: Set<string>;
  /** Of the listing's files. */
  readonly found: FoundFiles;
  /** Files that changed later may change again without a trace. */
  readonly racyAfterMs: number;
}

/**
 * Gives a staged folder its place; where somebody made a folder there meanwhile, its files move in one by one.
 * @throws GyreError PERMISSION_DENIED when a link lies where a folder belongs
 */
export function moveStaged(from: string, { folder, positions }: StagedFolder, { root, paths, made, found, racyAfterMs }: Moving): void {
  if (folder === '') mkdirSync(dirname(root), { recursive: true });
  else makeParent(root, folder, made);
  const isWhole = renamed(from, folder === '' ? root : `${root}/${folder}`);
  for (const position of positions) {
    if (found.known[position] === 0) continue;
    const own = found.stats.subarray(position * statFields, (position + 1) * statFields);
    const path = paths[position];
    if (!isWhole) {
      makeParent(root, path, made);
      renameSync(`${from}/${path.slice(path.lastIndexOf('/') + 1)}`, `${root}/${path}`);
      own[3] = statSync(`${root}/${path}`).ctimeMs;
    }
    // Until now nobody could change it.
    if (Math.max(own[2], own[3]) > racyAfterMs) own[0] = -1;
  }
}

/** @returns false when there is something already */
function renamed(from: string, to: string): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOTEMPTY' || code === 'EEXIST' || code === 'ENOTDIR') return false;
    throw error;
  }
}

/** The nearest folder above of those that are given. */
export function nearestAbove<T>(folders: ReadonlyMap<string, T>, folder: string): T | undefined {
  for (let above = folder; above !== '';) {
    above = above.slice(0, Math.max(0, above.lastIndexOf('/')));
    const found = folders.get(above);
    if (found !== undefined) return found;
  }
  return undefined;
}
