import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { digestOf } from '#core';
import { scratchOf } from './layout.ts';
import type { ObjectName } from './layout.ts';
import { replaceFile } from './replace-file.ts';

/** Numbers of a file's entry in `stats`: inode, size in bytes, time of change of content and of inode, both in ms. */
export const statFields = 4;

/** A file has a bit of these in its flags. */
export const flags = { executable: 1, link: 2 } as const;

/**
 * The files of one folder (without those of folders in it), column by column, in the order of their names: what the file system said
 * about each, and its MD5. Times are doubles: a quarter of a microsecond, finer than any kernel stamps files.
 */
export interface FolderStats {
  /** Relative to the tracked path, with `/`; empty for itself. */
  readonly folder: string;
  readonly names: readonly string[];
  readonly stats: Float64Array;
  /** 16 bytes a file. */
  readonly md5s: Buffer;
  readonly flags: Uint8Array;
}

/** What is known of a listing's files, column by column, in the listing's order. */
export interface FoundFiles {
  /** 1 for a file of which the others say something. */
  readonly known: Uint8Array;
  readonly stats: Float64Array;
  readonly flags: Uint8Array;
}

export function noFiles(count: number): FoundFiles {
  return { known: new Uint8Array(count), stats: new Float64Array(count * statFields), flags: new Uint8Array(count) };
}

/** Where a folder's columns lie in the file. Plain, so that it goes to worker threads together with the shared bytes. */
export interface KnownFolder {
  readonly bytes: SharedArrayBuffer;
  readonly offset: number;
  readonly count: number;
  readonly namesBytes: number;
}

/** What was known of a tracked path when it was last looked at. */
export interface StatCache {
  /** The object that these very files make; undefined when the last look was broken off. */
  readonly object: ObjectName | undefined;
  readonly folders: ReadonlyMap<string, KnownFolder>;
}

interface Header {
  readonly path: string;
  readonly object?: ObjectName;
  readonly folders: readonly (readonly [folder: string, count: number, namesBytes: number])[];
}

const magic = 'gyre-stat/1\n';
const headBytes = 24;
const align = (bytes: number): number => Math.ceil(bytes / 8) * 8;

/** One file for each tracked path, so that adding a small one does not write the others' entries again. */
function fileOf(root: string, path: string): string {
  return join(scratchOf(root), 'stat', digestOf(path).slice(0, 32));
}

/** @param path the tracked one, relative to the root @returns undefined when nothing is known: a damaged file is as good as none */
export function loadStatCache(root: string, path: string): StatCache | undefined {
  let file: Buffer;
  try {
    file = readFileSync(fileOf(root, path));
  } catch {
    return undefined;
  }
  if (file.length < headBytes || file.toString('latin1', 0, 12) !== magic || crc32(file.subarray(16)) !== file.readUInt32LE(12))
    return undefined;
  const bytes = new SharedArrayBuffer(file.length);
  new Uint8Array(bytes).set(file);
  const headerBytes = file.readUInt32LE(16);
  // The checksum has shown that these are bytes that this very program wrote.
  const header = JSON.parse(file.toString('utf8', headBytes, headBytes + headerBytes)) as Header;
  if (header.path !== path) return undefined;
  const folders = new Map<string, KnownFolder>();
  let offset = align(headBytes + headerBytes);
  for (const [folder, count, namesBytes] of header.folders) {
    folders.set(folder, { bytes, offset, count, namesBytes });
    offset += folderBytes(count, namesBytes);
  }
  return { object: header.object, folders };
}

function folderBytes(count: number, namesBytes: number): number {
  return count * (statFields * 8 + 16) + align(count) + align(namesBytes);
}

/** The columns of a known folder, as views into the shared bytes. */
export function openKnown(folder: string, { bytes, offset, count, namesBytes }: KnownFolder): FolderStats {
  const md5Start = offset + count * statFields * 8;
  const flagStart = md5Start + count * 16;
  const names = Buffer.from(bytes, flagStart + align(count), namesBytes);
  return {
    folder,
    names: count === 0 ? [] : names.toString('utf8').split('\0'),
    stats: new Float64Array(bytes, offset, count * statFields),
    md5s: Buffer.from(bytes, md5Start, count * 16),
    flags: new Uint8Array(bytes, flagStart, count),
  };
}

/**
 * Makes files unknown whose object is not in the cache: an add is to read and store them, though a look has hashed them before.
 * @param objects the names of all objects of the cache
 */
export function forgetAbsent({ folders }: StatCache, objects: ReadonlySet<ObjectName>): void {
  for (const [folder, known] of folders) {
    const { stats, md5s } = openKnown(folder, known);
    for (let i = 0; i < known.count; i++) if (!objects.has(md5s.toString('hex', i * 16, i * 16 + 16))) stats[i * statFields] = -1;
  }
}

/**
 * Keeps what is known of a tracked path. The file is put in place whole but not flushed: after a power cut it may be damaged, which its
 * checksum shows, and then files are hashed once more.
 */
export function saveStatCache(root: string, path: string, folders: readonly FolderStats[], object: ObjectName | undefined): void {
  const names = folders.map(({ names: all }) => Buffer.from(all.join('\0')));
  const header: Header = {
    path,
    ...(object === undefined ? {} : { object }),
    folders: folders.map(({ folder, names: all }, i) => [folder, all.length, names[i].length]),
  };
  const headerText = Buffer.from(JSON.stringify(header));
  let total = align(headBytes + headerText.length);
  for (const [i, { names: all }] of folders.entries()) total += folderBytes(all.length, names[i].length);
  const file = Buffer.alloc(total);
  file.write(magic, 0, 'latin1');
  file.writeUInt32LE(headerText.length, 16);
  headerText.copy(file, headBytes);
  let at = align(headBytes + headerText.length);
  for (const [i, { names: all, stats, md5s, flags: bits }] of folders.entries()) {
    file.set(new Uint8Array(stats.buffer, stats.byteOffset, stats.byteLength), at);
    at += stats.byteLength;
    file.set(md5s, at);
    at += md5s.length;
    file.set(bits, at);
    at += align(all.length);
    names[i].copy(file, at);
    at += align(names[i].length);
  }
  file.writeUInt32LE(crc32(file.subarray(16)), 12);
  replaceFile(fileOf(root, path), file, { durable: false });
}

/** Forgets what is known of a tracked path. */
export function dropStatCache(root: string, path: string): void {
  rmSync(fileOf(root, path), { force: true });
}
