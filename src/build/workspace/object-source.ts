import { createHash, hash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import type { ObjectWriter } from './cache-write.ts';
import { legacyMd5Of, readLarge, readSmall } from './file-bytes.ts';
import type { Buffers } from './file-bytes.ts';
import { legacyObjectPath, objectPath } from './layout.ts';

/** An object whose bytes were read and found to be those that it is named by. */
export interface Source {
  readonly path: string;
  readonly size: number;
  /** The bytes, where they are few: a view that the next object overwrites. */
  readonly bytes?: Buffer;
  readonly fetched: boolean;
}

export interface SourceRequest {
  readonly cache: string;
  /** A folder remote to fetch from what the cache lacks. */
  readonly remote?: string;
  /** The cache is known to have none of the objects: it is not looked at. */
  readonly uncached: boolean;
  readonly legacy: boolean;
}

/** The object in the cache, checked; from the remote, through the cache, where the cache has none or a damaged one. */
export function sourceOf(
  md5: string,
  { cache, remote, uncached, legacy }: SourceRequest,
  { buffers, writer }: { readonly buffers: Buffers; readonly writer: ObjectWriter },
): Source | { readonly reason: string } {
  const pathIn = (root: string): string => (legacy ? legacyObjectPath(root, md5) : objectPath(root, md5));
  const inCache = pathIn(cache);
  const kept = uncached && remote !== undefined ? 'missing' : check(inCache, md5, legacy, buffers);
  if (typeof kept !== 'string') return { path: inCache, fetched: false, ...kept };
  if (remote === undefined) return { reason: kept };
  const inRemote = pathIn(remote);
  const there = check(inRemote, md5, legacy, buffers);
  if (typeof there === 'string') return { reason: `${kept} in the cache, ${there} in the remote` };
  // What DVC before 3 kept is read where it lies; the cache gets objects of today's layout alone.
  if (legacy) return { path: inRemote, fetched: true, ...there };
  if (there.bytes !== undefined) return { path: inCache, fetched: writer.put(md5, there.bytes, kept === 'damaged'), ...there };
  writer.putLarge(inRemote, buffers.chunk(), md5);
  return { path: inCache, fetched: true, ...there };
}

/** Reads an object and hashes it. @returns what is wrong with it, as a text */
function check(path: string, md5: string, legacy: boolean, buffers: Buffers): { size: number; bytes?: Buffer } | 'missing' | 'damaged' {
  const bytes = readObject(path, buffers);
  if (bytes === 'missing') return 'missing';
  if (bytes !== 'large') {
    const isRight = hash('md5', bytes, 'hex') === md5 || (legacy && legacyMd5Of(bytes).toString('hex') === md5);
    return isRight ? { size: bytes.length, bytes } : 'damaged';
  }
  const digest = createHash('md5');
  readLarge(path, buffers.chunk(), (part) => digest.update(part));
  if (digest.digest('hex') === md5 || (legacy && legacyMd5Of(readFileSync(path)).toString('hex') === md5))
    return { size: statSync(path).size };
  return 'damaged';
}

/** @returns the bytes of a small object, a view that the next call overwrites */
export function readObject(path: string, { small }: Buffers): Buffer | 'missing' | 'large' {
  try {
    return readSmall(path, small) ?? 'large';
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return 'missing';
    throw error;
  }
}
