import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readList } from './blob-list.ts';
import { blobsIn, partsOf, recordsIn } from './layout.ts';

/**
 * Takes a backup away, and the blobs that no other one lists. The caller holds the folder. Killed in between, the next removal completes it.
 */
export async function removeBackup(folder: string, id: string): Promise<void> {
  const { own, record } = partsOf(folder, id);
  await rm(record, { force: true });
  await rm(own, { recursive: true, force: true });
  const needed = new Set<string>();
  for (const other of await recordsIn(folder)) {
    for await (const { copy } of readList(partsOf(folder, other.id).list)) needed.add(copy);
  }
  const blobs = blobsIn(folder);
  for (const entry of await readdir(blobs, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    if (!needed.has(path.slice(blobs.length + 1))) await rm(path, { force: true });
  }
}
