import { closeSync, existsSync, fstatSync, ftruncateSync, mkdirSync, openSync, readSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * The SHA-256 of each object of a cache, beside the cache. MD5 names objects because DVC does so; records name bytes by SHA-256, and this
 * file joins the two. It only grows: entries of 48 bytes (MD5, SHA-256), a torn last one is cut off. Nobody trusts it: whoever reads an
 * object by its SHA-256 hashes it.
 */
const entryBytes = 48;

function fileOf(cache: string): string {
  return join(cache, 'gyre', 'sha256.index');
}

/** Adds entries. The caller holds the workspace's lock. */
export function appendObjects(cache: string, entries: readonly Buffer[]): void {
  const bytes = Buffer.concat(entries);
  if (bytes.length === 0) return;
  const path = fileOf(cache);
  mkdirSync(dirname(path), { recursive: true });
  const file = openSync(path, 'a');
  try {
    const torn = fstatSync(file).size % entryBytes;
    if (torn > 0) ftruncateSync(file, fstatSync(file).size - torn);
    for (let written = 0; written < bytes.length;) written += writeSync(file, bytes, written);
  } finally {
    closeSync(file);
  }
}

/** Read so much at once: a large cache has millions of entries. */
const entriesAtOnce = 65_536;

/**
 * What the index says of objects.
 * @param md5s 16 bytes each
 * @returns MD5 → SHA-256, both in hex; without those that the index does not have
 */
export function digestsOfObjects(cache: string, md5s: Buffer): Map<string, string> {
  const wanted = new Set<string>();
  for (let at = 0; at < md5s.length; at += 16) wanted.add(md5s.toString('latin1', at, at + 16));
  const found = new Map<string, string>();
  const path = fileOf(cache);
  if (!existsSync(path)) return found;
  const file = openSync(path, 'r');
  try {
    const buffer = Buffer.allocUnsafe(entriesAtOnce * entryBytes);
    for (let start = 0; ;) {
      const read = readSync(file, buffer, 0, buffer.length, start);
      const whole = read - (read % entryBytes);
      for (let at = 0; at < whole; at += entryBytes) {
        if (!wanted.has(buffer.toString('latin1', at, at + 16))) continue;
        found.set(buffer.toString('hex', at, at + 16), buffer.toString('hex', at + 16, at + entryBytes));
      }
      start += whole;
      if (whole === 0) return found;
    }
  } finally {
    closeSync(file);
  }
}
