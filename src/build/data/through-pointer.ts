import { basename } from 'node:path';
import { open } from 'node:fs/promises';
import { maxLfsPointerBytes, parseLfsPointer } from '#blobs';
import type { BlobStore } from '#blobs';
import { GyreError } from '#core';
import type { Sha256 } from '#core';
import type { Store } from '#store';
import { isObject } from './lfs/lfs-store.ts';
import { fileError } from './sources/file-standing.ts';

/**
 * The blob that a file stands for which is a Git LFS pointer, where a push has brought its bytes here; undefined for any other file.
 * @throws GyreError FAILED_PRECONDITION for a pointer whose bytes are not here, naming how to fetch them
 */
export async function throughPointer(
  { store, blobs }: { readonly store: Store; readonly blobs: BlobStore },
  path: string,
): Promise<Sha256 | undefined> {
  const pointer = parseLfsPointer(await beginningOf(path));
  if (pointer === undefined) return undefined;
  const { oid, size, extensions } = pointer;
  // Only what was pushed as an object of Git LFS: any other blob is nobody's to be had by writing its digest into a file.
  const isHere = extensions.length === 0 && (await store.read((db) => isObject(db, oid))) && (await blobs.has(oid));
  if (isHere) return oid;
  throw pointerError(path, { oid, size });
}

/** As much of a file as tells a pointer, which is short, from anything longer. */
async function beginningOf(path: string): Promise<Uint8Array> {
  const file = await open(path).catch((error: unknown) => {
    throw fileError(path, error);
  });
  try {
    const bytes = Buffer.alloc(maxLfsPointerBytes + 1);
    const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
    return bytes.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
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
