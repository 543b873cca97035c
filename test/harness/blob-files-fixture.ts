/** Blobs as files in a data folder that no process holds. */
import { createHash } from 'node:crypto';
import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Digests, sorted. */
export async function blobsOf(data: string): Promise<readonly string[]> {
  const folder = join(data, 'blobs/sha256');
  const found: string[] = [];
  for (const prefix of await readdir(folder)) for (const rest of await readdir(join(folder, prefix))) found.push(prefix + rest);
  return found.sort();
}

/** A blob that nothing refers to. */
export async function addOrphan(data: string, words: string): Promise<void> {
  const digest = createHash('sha256').update(words).digest('hex');
  const folder = join(data, 'blobs/sha256', digest.slice(0, 2));
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, digest.slice(2)), words, { mode: 0o444 });
}

/** Every blob was stored three days ago. */
export async function ageAll(data: string): Promise<void> {
  const then = Date.now() / 1000 - 3 * 86_400;
  for (const digest of await blobsOf(data)) await utimes(join(data, 'blobs/sha256', digest.slice(0, 2), digest.slice(2)), then, then);
}
