import { basename } from 'node:path';
import { parseLfsPointer } from '#blobs';
import type { BlobStore } from '#blobs';
import { GyreError } from '#core';
import type { Store } from '#store';
import { isObject } from './lfs/lfs-store.ts';

/**
 * The bytes that a Git LFS pointer stands for, where a push has brought them here; whatever is no pointer as it is.
 * @param path of the file, for the message
 * @throws GyreError FAILED_PRECONDITION for a pointer whose bytes are not here, naming how to fetch them
 */
export async function throughPointer(
  { store, blobs }: { readonly store: Store; readonly blobs: BlobStore },
  path: string,
  bytes: Uint8Array,
): Promise<Uint8Array> {
  const pointer = parseLfsPointer(bytes);
  if (pointer === undefined) return bytes;
  const { oid, size, extensions } = pointer;
  // Only what was pushed as an object of Git LFS: any other blob is nobody's to be had by writing its digest into a file.
  const isHere = extensions.length === 0 && (await store.read((db) => isObject(db, oid))) && (await blobs.has(oid));
  if (isHere) return blobs.read(oid);
  throw pointerError(path, { oid, size });
}

/** @returns the error that says what lies there in place of data, and how to have it */
export function pointerError(path: string, { oid, size }: { readonly oid: string; readonly size: number }): GyreError {
  return new GyreError(
    'FAILED_PRECONDITION',
    `${basename(path)} is a pointer of Git LFS and not the data: it stands for ${size} bytes with the SHA-256 ${oid.slice(0, 12)}…, which are not here; ` +
      '"git lfs pull" in its repository fetches them',
    { path, oid, size },
  );
}
