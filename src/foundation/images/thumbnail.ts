import { GyreError, messageOf } from '#core';
import { loadSharp, usualLimits } from './decode.ts';
import { decodableFormats, sniffImage } from './sniff.ts';

/** The name of how thumbnails are made; a kept one is known by it. */
export const thumbnailFunction = 'thumbnail/1';

/**
 * A small JPEG of an image for people to look at, the longer side at most `size` pixels, never enlarged. A damaged or cut off image shows
 * what there is of it. Not for models: these take `resizeRaster`.
 * @throws GyreError INVALID_ARGUMENT when there is nothing to show
 */
export async function thumbnail(bytes: Uint8Array, size: number): Promise<Uint8Array> {
  const format = sniffImage(bytes);
  if (format === undefined || !decodableFormats.includes(format))
    throw new GyreError('INVALID_ARGUMENT', `${format ?? 'unknown content'} cannot be shown as an image`);
  const sharp = await loadSharp();
  try {
    return await sharp(bytes, { failOn: 'none', limitInputPixels: usualLimits.pixels, pages: 1, autoOrient: true })
      .resize({ width: size, height: size, fit: 'inside', withoutEnlargement: true })
      .flatten({ background: '#ffffff' })
      .toColourspace('srgb')
      .timeout({ seconds: Math.ceil(usualLimits.timeMs / 1000) })
      .jpeg({ quality: 82 })
      .toBuffer();
  } catch (cause) {
    throw new GyreError('INVALID_ARGUMENT', `the image cannot be shown: ${messageOf(cause)}`, {}, { cause });
  }
}
