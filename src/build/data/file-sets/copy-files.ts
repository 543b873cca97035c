import { join } from 'node:path';
import type { BlobStore } from '#blobs';
import type { DatasetFile } from '#contract';
import { GyreError, asSha256 } from '#core';
import type { Clock } from '#core';
import type { Store } from '#store';
import { forgetFiles, rememberFiles, rememberedFiles } from '../image-sets/image-files-store.ts';
import type { RememberedFile } from '../image-sets/image-files-store.ts';
import { eachOf, isSettled, standing } from '../image-sets/image-files.ts';
import type { IngestionWork } from '../ingestions/running.ts';
import type { ListedFiles } from './list-files.ts';

/** Names how these files are remembered: nothing but their digests was found out. */
const factsBy = 'files/1';
/** Reading and storing is mostly waiting. */
const filesAtOnce = 8;
/** Files are remembered in pieces, so that an ingestion that is cut off has not worked for nothing. */
const rememberEvery = 500;

/**
 * Stores files among the blobs. Those that stand as they stood are not read again.
 * @returns the files in the order of their paths, and how many were read
 * @throws GyreError FAILED_PRECONDITION (a file that changes while it is read), RESOURCE_EXHAUSTED, PERMISSION_DENIED, CANCELLED
 */
export async function copyFiles(
  { store, blobs, clock }: { readonly store: Store; readonly blobs: BlobStore; readonly clock: Clock },
  { folder, paths }: ListedFiles,
  { going, onDone }: { readonly going: Pick<IngestionWork, 'requireGoing'>; readonly onDone: (done: number, read: number) => void },
): Promise<{ readonly files: readonly DatasetFile[]; readonly read: number }> {
  const remembered = new Map((await store.read((db) => rememberedFiles(db, folder, factsBy))).map((file) => [file.path, file]));
  const found = new Map<string, DatasetFile>();
  let fresh: RememberedFile[] = [];
  let read = 0;
  const remember = async (): Promise<void> => {
    const files = fresh;
    fresh = [];
    if (files.length > 0) await store.write(rememberFiles, { folder, factsBy, files });
  };
  const take = async (path: string): Promise<void> => {
    going.requireGoing();
    const before = await standing(join(folder, path));
    // gone since it was listed
    if (before === undefined) return;
    const known = remembered.get(path);
    if (known !== undefined && known.stamp === before.stamp && (await blobs.renew(asSha256(known.sha256)))) {
      const { size, sha256, md5 } = known;
      found.set(path, { path, size, sha256, md5 });
    } else {
      const { digest: sha256, size, md5 = '' } = await blobs.putFile(join(folder, path), { md5: true });
      const after = await standing(join(folder, path));
      if (after?.stamp !== before.stamp || size !== before.size)
        throw new GyreError('FAILED_PRECONDITION', `${path} changed while it was read; add it again when nothing writes to it`, { path });
      read += 1;
      found.set(path, { path, size, sha256, md5 });
      const file = { path, size, stamp: before.stamp, sha256, md5, facts: {} };
      if (isSettled(file, clock.now())) fresh.push(file);
      if (fresh.length >= rememberEvery) await remember();
    }
    onDone(found.size, read);
  };
  try {
    await eachOf(paths, filesAtOnce, take);
  } finally {
    await remember();
  }
  const gone = [...remembered.keys()].filter((path) => !found.has(path));
  if (gone.length > 0) await store.write(forgetFiles, { folder, paths: gone });
  return {
    files: paths.flatMap((path) => {
      const file = found.get(path);
      return file === undefined ? [] : [file];
    }),
    read,
  };
}
