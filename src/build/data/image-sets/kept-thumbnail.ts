import type { ThumbnailSize } from '#contract';
import { GyreError, asSha256, hasCode } from '#core';
import { thumbnail, thumbnailFunction } from '#images';
import type { DataDeps } from '../port.ts';
import { keepThumbnail, thumbnailOf } from './thumbnails-store.ts';

/**
 * A picture as a small JPEG: made once, then kept.
 * @param read its bytes, asked for when it has to be made
 * @throws GyreError FAILED_PRECONDITION when they are no picture that can be decoded
 */
export async function keptThumbnail(
  { store, blobs }: Pick<DataDeps, 'store' | 'blobs'>,
  { sha256, size }: { readonly sha256: string; readonly size: ThumbnailSize },
  read: () => Promise<Uint8Array>,
): Promise<Uint8Array> {
  const key = { sha256, size, madeBy: thumbnailFunction };
  const kept = await store.read((db) => thumbnailOf(db, key));
  if (kept !== undefined && (await blobs.has(asSha256(kept)))) return blobs.read(asSha256(kept));
  const bytes = await small(await read(), size);
  const made = await blobs.put(bytes);
  await store.write(keepThumbnail, { ...key, thumbnail: made.digest });
  return bytes;
}

async function small(bytes: Uint8Array, size: number): Promise<Uint8Array> {
  try {
    return await thumbnail(bytes, size);
  } catch (error) {
    // whoever asks has asked rightly: it is the image that has nothing to show
    if (!hasCode(error, 'INVALID_ARGUMENT')) throw error;
    throw new GyreError('FAILED_PRECONDITION', error.message, {}, { cause: error });
  }
}
