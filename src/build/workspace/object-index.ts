import { closeSync, fstatSync, ftruncateSync, mkdirSync, openSync, writeSync } from 'node:fs';
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
