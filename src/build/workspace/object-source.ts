import { hash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readFileSync, rmSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { putIfSound } from './cache-write.ts';
import type { ObjectWriter } from './cache-write.ts';
import { legacyMd5Of, md5Beside, readSmall, writeAll } from './file-bytes.ts';
import type { Buffers } from './file-bytes.ts';
import { legacyObjectPath, objectPath } from './layout.ts';

/** An object whose bytes were read and found to be those that it is named by. */
export interface Source {
  readonly path: string;
  readonly size: number;
  /** The bytes, where they are few: a view that the next object overwrites. */
  readonly bytes?: Buffer;
  readonly fetched: boolean;
  /** What the file system says of the copy that was wanted, where the bytes are many. */
  readonly copy?: Stats;
}

export interface SourceRequest {
  readonly cache: string;
  /** A folder remote to fetch from what the cache lacks. */
  readonly remote?: string;
  /** The cache is known to have none of the objects: it is not looked at. */
  readonly uncached: boolean;
  readonly legacy: boolean;
}

interface SourceContext {
  readonly buffers: Buffers;
  readonly writer: ObjectWriter;
}

/**
 * The object in the cache, checked; from the remote, through the cache, where the cache has none or a damaged one.
 * @param copyTo a path where a copy of a large object is wanted: its bytes are written there while they are checked
 */
export function sourceOf(
  md5: string,
  { cache, remote, uncached, legacy }: SourceRequest,
  context: SourceContext,
  copyTo: string | undefined,
): Source | { readonly reason: string } {
  const pathIn = (root: string): string => (legacy ? legacyObjectPath(root, md5) : objectPath(root, md5));
  const copying = legacy ? undefined : copyTo;
  const inCache = pathIn(cache);
  const kept = uncached && remote !== undefined ? 'missing' : check(inCache, md5, legacy, context, copying);
  if (typeof kept !== 'string') return { path: inCache, fetched: false, ...kept };
  if (remote === undefined) return { reason: kept };
  const inRemote = pathIn(remote);
  const there = legacy ? check(inRemote, md5, legacy, context, undefined) : fetched(inRemote, md5, kept, context, copying);
  if (typeof there === 'string') return { reason: `${kept} in the cache, ${there} in the remote` };
  // What DVC before 3 kept is read where it lies; the cache gets objects of today's layout alone.
  return { path: legacy ? inRemote : inCache, fetched: true, ...there };
}

type Fault = 'missing' | 'damaged';
type Read = Pick<Source, 'size' | 'bytes' | 'copy'>;

/** Brings an object of a remote into the cache, read once. @param kept what is wrong with the cache's own */
function fetched(
  path: string,
  md5: string,
  kept: Fault,
  { buffers, writer }: SourceContext,
  copyTo: string | undefined,
): (Read & { readonly fetched: boolean }) | Fault {
  const bytes = readObject(path, md5, buffers);
  if (typeof bytes !== 'string') return { size: bytes.length, bytes, fetched: writer.put(md5, bytes, kept === 'damaged') };
  if (bytes !== 'large') return bytes;
  return copiedBeside(copyTo, (use) => {
    const stored = putIfSound(writer, path, buffers, { wanted: md5, use });
    return stored === undefined ? 'damaged' : { size: stored.size, fetched: true };
  });
}

/** Reads an object and hashes it. @returns what is wrong with it, as a text */
function check(path: string, md5: string, legacy: boolean, { buffers }: SourceContext, copyTo: string | undefined): Read | Fault {
  const bytes = readObject(path, md5, buffers, legacy);
  if (typeof bytes !== 'string') return { size: bytes.length, bytes };
  if (bytes !== 'large') return bytes;
  return copiedBeside(copyTo, (use) => {
    let size = 0;
    const found = md5Beside(path, buffers, (part) => {
      size += part.length;
      use(part);
    });
    return found === md5 || (legacy && legacyMd5Of(readFileSync(path)).toString('hex') === md5) ? { size } : 'damaged';
  });
}

/** Writes what is read into a file of its own as well. The file goes when the bytes are damaged. */
function copiedBeside<T extends Read>(path: string | undefined, read: (use: (bytes: Buffer) => void) => T | Fault): T | Fault {
  if (path === undefined) return read(() => undefined);
  const file = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o666);
  let found: T | Fault | undefined;
  try {
    found = read((bytes) => writeAll(file, bytes));
    return typeof found === 'string' ? found : { ...found, copy: fstatSync(file) };
  } finally {
    closeSync(file);
    if (found === undefined || typeof found === 'string') rmSync(path, { force: true });
  }
}

/** @returns the bytes of a small object, a view that the next call overwrites */
export function readObject(path: string, md5: string, { small }: Buffers, legacy = false): Buffer | Fault | 'large' {
  try {
    for (const atOnce of [true, false]) {
      const bytes = readSmall(path, small, atOnce);
      if (bytes === undefined) return 'large';
      if (hash('md5', bytes, 'hex') === md5 || (legacy && legacyMd5Of(bytes).toString('hex') === md5)) return bytes;
    }
    return 'damaged';
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return 'missing';
    throw error;
  }
}
