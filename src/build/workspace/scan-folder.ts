import { hash } from 'node:crypto';
import { lstatSync, readdirSync, statSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { GyreError } from '#core';
import type { ObjectWriter } from './cache-write.ts';
import { changedWhileRead, isSameStat, legacyMd5Of, md5Beside, md5Of, readLarge, readSeen, smallBytes } from './file-bytes.ts';
import type { Buffers } from './file-bytes.ts';
import { ignoreTest } from './ignored-paths.ts';
import type { IgnoreFile } from './ignored-paths.ts';
import { flags, openKnown, statFields } from './stat-cache.ts';
import type { FolderStats, KnownFolder } from './stat-cache.ts';

/** Files of this size and more are hashed by tasks of their own, so that no thread is left alone with several. */
export const ownTaskBytes = 16 * 1024 * 1024;

/** Look at the files of one folder, and hash (and store) those that are not known as they are. */
export interface ScanTask {
  readonly kind: 'scan';
  /** Absolute. */
  readonly folder: string;
  /** Relative to the tracked path. */
  readonly relative: string;
  /** The names to look at, sorted; without it all of the folder's. */
  readonly names?: readonly string[];
  readonly known?: KnownFolder;
  readonly ignoreFiles: readonly IgnoreFile[];
  /** Whether objects are put into the cache. */
  readonly store: boolean;
  /** MD5 as DVC before 3 took it. */
  readonly legacy: boolean;
  /** A folder with more entries answers with their names, to be looked at in parts. */
  readonly splitAt: number;
  /** Files whose content or inode changed after this instant of the file system's clock are hashed, whatever is known. */
  readonly racyAfterMs: number;
}

export interface ScanResult {
  readonly kind: 'scanned';
  /** Undefined: the files are the known ones from position `from` on. */
  readonly files: Omit<FolderStats, 'folder'> | undefined;
  readonly from: number;
  readonly count: number;
  readonly bytes: number;
  readonly folders: readonly string[];
  /** Positions of files that are left to tasks of their own. */
  readonly large: readonly number[];
  readonly hashed: number;
  readonly stored: number;
  /** MD5 and SHA-256 of what was hashed, 48 bytes each. */
  readonly pairs: Uint8Array;
}

/** The names in a folder that is too large for one task. */
export interface ScanSplit {
  readonly kind: 'split';
  readonly names: readonly string[];
}

/** What a thread keeps between tasks. */
export interface ScanContext {
  readonly buffers: Buffers;
  readonly writer: ObjectWriter | undefined;
  /** The folder that was opened last: a folder in parts is opened once. */
  readonly opened: { at: string; stats: FolderStats | undefined };
}

/** @throws GyreError INVALID_ARGUMENT for what cannot be versioned, ABORTED when a file changes while it is read */
export function scanFolder(task: ScanTask, context: ScanContext): ScanResult | ScanSplit {
  return scanned(task, context.opened, (path, found) => hashSmall(path, found, task, context));
}

const mustRead = new Error('a file must be read');

/** Looks at a folder without reading any file. @returns undefined when one would have to be read @throws GyreError INVALID_ARGUMENT */
export function lookOver(task: ScanTask, opened: ScanContext['opened']): ScanResult | ScanSplit | undefined {
  try {
    const result = scanned(task, opened, () => {
      throw mustRead;
    });
    return result.kind === 'scanned' && result.large.length > 0 ? undefined : result;
  } catch (error) {
    if (error === mustRead) return undefined;
    throw error;
  }
}

function scanned(task: ScanTask, opened: ScanContext['opened'], read: (path: string, found: Stats) => Hashed): ScanResult | ScanSplit {
  const names = task.names ?? readNames(task.folder);
  if (task.names === undefined && names.length > task.splitAt) return { kind: 'split', names };
  const known = knownOf(task, opened);
  const isIgnored = ignoreTest(task.ignoreFiles);
  const columns = newColumns(names.length);
  const folders: string[] = [];
  const large: number[] = [];
  const pairs: Buffer[] = [];
  const kept: string[] = [];
  let [same, hashed, stored, bytes] = [true, 0, 0, 0];
  let next = known === undefined || names.length === 0 ? 0 : lowerBound(known.names, names[0]);
  const first = next;
  for (const name of names) {
    const path = `${task.folder}/${name}`;
    const found = look(path);
    if (found === undefined || isIgnored(path, found.isDirectory())) continue;
    if (found.isDirectory()) {
      folders.push(name);
      continue;
    }
    const target = found.isSymbolicLink() ? targetOf(path) : found;
    if (target === undefined) continue;
    requireFile(path, name, target);
    const at = kept.push(name) - 1;
    bytes += target.size;
    setStats(columns, at, target, found.isSymbolicLink());
    while (known !== undefined && next < known.names.length && known.names[next] < name) next += 1;
    const isKnown = known !== undefined && next < known.names.length && known.names[next] === name;
    if (isKnown && isUnchanged(known, next, columns, at)) {
      known.md5s.copy(columns.md5s, at * 16, next * 16, next * 16 + 16);
      if (next !== first + at) same = false;
      continue;
    }
    same = false;
    if (target.size >= ownTaskBytes) {
      large.push(at);
      continue;
    }
    hashed += 1;
    const result = read(path, target);
    result.md5.copy(columns.md5s, at * 16);
    if (result.sha256 !== undefined) pairs.push(result.md5, result.sha256);
    if (result.stored) stored += 1;
    // Written to within the tick of the file system's clock in which it was read: the next look cannot tell, so it will read again.
    if (Math.max(target.mtimeMs, target.ctimeMs) > task.racyAfterMs) columns.stats[at * statFields] = -1;
  }
  return {
    kind: 'scanned',
    files: same && known !== undefined ? undefined : cut(columns, kept),
    from: first,
    count: kept.length,
    bytes,
    folders,
    large,
    hashed,
    stored,
    pairs: new Uint8Array(Buffer.concat(pairs)),
  };
}

function readNames(folder: string): string[] {
  const names = readdirSync(folder);
  const broken = names.find((name) => name.includes('\ufffd'));
  if (broken !== undefined && lstatSync(`${folder}/${broken}`, { throwIfNoEntry: false }) === undefined) {
    throw new GyreError('INVALID_ARGUMENT', `${folder} holds a name that is no UTF-8 ("${broken}"): rename it`, { folder });
  }
  return names.sort();
}

function knownOf(task: ScanTask, opened: ScanContext['opened']): FolderStats | undefined {
  if (task.known === undefined) return undefined;
  if (opened.at !== task.folder || opened.stats === undefined) {
    opened.at = task.folder;
    opened.stats = openKnown(task.relative, task.known);
  }
  return opened.stats;
}

interface Columns {
  readonly stats: Float64Array<ArrayBuffer>;
  readonly md5s: Buffer<ArrayBuffer>;
  readonly flags: Uint8Array<ArrayBuffer>;
}

function newColumns(count: number): Columns {
  return { stats: new Float64Array(count * statFields), md5s: Buffer.alloc(count * 16), flags: new Uint8Array(count) };
}

function cut({ stats, md5s, flags: bits }: Columns, names: readonly string[]): Omit<FolderStats, 'folder'> {
  const count = names.length;
  return { names, stats: stats.subarray(0, count * statFields), md5s: md5s.subarray(0, count * 16), flags: bits.subarray(0, count) };
}

function look(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

/** What a link leads to: a file counts as its content, as in DVC; a folder does not count. @throws GyreError INVALID_ARGUMENT when it leads nowhere */
function targetOf(path: string): Stats | undefined {
  const target = statSync(path, { throwIfNoEntry: false });
  if (target === undefined) throw new GyreError('INVALID_ARGUMENT', `${path} is a link that leads nowhere: remove it or mend it`, { path });
  return target.isDirectory() ? undefined : target;
}

function requireFile(path: string, name: string, found: Stats): void {
  if (!found.isFile()) {
    throw new GyreError('INVALID_ARGUMENT', `${path} is no file but a pipe, socket or device: it has no bytes that could be kept`, {
      path,
    });
  }
  if (name === '.dvcignore') {
    throw new GyreError('INVALID_ARGUMENT', `${path}: a .dvcignore must not lie inside of what is tracked; move it to a folder above`, {
      path,
    });
  }
}

function setStats(columns: Columns, at: number, found: Stats, isLink: boolean): void {
  const { stats } = columns;
  stats[at * statFields] = found.ino;
  stats[at * statFields + 1] = found.size;
  stats[at * statFields + 2] = found.mtimeMs;
  stats[at * statFields + 3] = found.ctimeMs;
  columns.flags[at] = ((found.mode & 0o100) === 0 ? 0 : flags.executable) | (isLink ? flags.link : 0);
}

function isUnchanged(known: FolderStats, at: number, columns: Columns, here: number): boolean {
  const [a, b] = [at * statFields, here * statFields];
  const { stats } = columns;
  return (
    known.stats[a] === stats[b] &&
    known.stats[a + 1] === stats[b + 1] &&
    known.stats[a + 2] === stats[b + 2] &&
    known.stats[a + 3] === stats[b + 3] &&
    known.flags[at] === columns.flags[here]
  );
}

/** The first position whose name is not before this one. */
function lowerBound(names: readonly string[], name: string): number {
  let [low, high] = [0, names.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (names[middle] < name) low = middle + 1;
    else high = middle;
  }
  return low;
}

interface Hashed {
  readonly md5: Buffer;
  readonly sha256?: Buffer;
  readonly stored: boolean;
}

/** Reads once: what is hashed is what is stored. A file that changes meanwhile is read once more, then given up. */
function hashSmall(path: string, found: Stats, task: ScanTask, { buffers, writer }: ScanContext): Hashed {
  let seen: Stats | undefined = found;
  for (let attempt = 0; attempt < 2 && seen !== undefined; attempt++) {
    const bytes = readSeen(path, seen, seen.size < smallBytes ? buffers.small : Buffer.allocUnsafe(seen.size));
    if (bytes !== undefined) {
      const md5 = task.legacy ? legacyMd5Of(bytes) : md5Of(bytes);
      if (!task.store || writer === undefined) return { md5, stored: false };
      return { md5, sha256: hash('sha256', bytes, 'buffer'), stored: writer.put(md5.toString('hex'), bytes) };
    }
    seen = statSync(path, { throwIfNoEntry: false });
  }
  throw changedWhileRead(path);
}

/** Hash (and store) one large file. */
export interface HashTask {
  readonly kind: 'hash';
  readonly path: string;
  readonly what: 'store' | 'md5' | 'legacy';
}

export interface HashResult {
  readonly kind: 'hashed';
  readonly md5: Uint8Array;
  /** Of what was stored. */
  readonly sha256?: Uint8Array;
  readonly ino: number;
  readonly size: number;
  readonly mtimeMs: number;
  readonly ctimeMs: number;
}

/** @throws GyreError ABORTED when the file changes meanwhile */
export function hashLarge(task: HashTask, { buffers, writer }: ScanContext): HashResult {
  const before = statSync(task.path);
  const { md5, sha256 } = digestLarge(task, buffers, writer);
  const after = statSync(task.path);
  if (!isSameStat(before, after)) throw changedWhileRead(task.path);
  const { ino, size, mtimeMs, ctimeMs } = after;
  return {
    kind: 'hashed',
    md5: Uint8Array.from(Buffer.from(md5, 'hex')),
    ...(sha256 === undefined ? {} : { sha256: Uint8Array.from(sha256) }),
    ino,
    size,
    mtimeMs,
    ctimeMs,
  };
}

function digestLarge(
  { path, what }: HashTask,
  buffers: Buffers,
  writer: ObjectWriter | undefined,
): { readonly md5: string; readonly sha256?: Buffer } {
  if (what === 'store' && writer !== undefined) return writer.putLarge(path, buffers, { withSha256: true });
  if (what !== 'legacy') return { md5: md5Beside(path, buffers) };
  const parts: Buffer[] = [];
  readLarge(path, buffers.chunk(), (bytes) => parts.push(Buffer.from(bytes)));
  return { md5: legacyMd5Of(Buffer.concat(parts)).toString('hex') };
}
