import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadSharp } from './decode.ts';
import type { Raster } from './raster.ts';

/** The bytes of a photo in `fixtures/`. */
export function photo(name: 'hat' | 'shirt' | 'shoes'): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(join(import.meta.dirname, 'fixtures', `${name}.jpg`)));
}

/** A picture without any symmetry: each side, colour and corner can be told. */
export function gradient(width: number, height: number): Raster {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      data.set([Math.round((255 * x) / width), Math.round((255 * y) / height), (x * 7 + y * 13) % 256], (y * width + x) * 3);
  return { width, height, channels: 3, data };
}

export interface EncodeOptions {
  /** The turn that the file asks for, EXIF 1 … 8. */
  readonly orientation?: number;
  /** Adds an opaque half and a transparent half. */
  readonly transparentLeft?: boolean;
  readonly quality?: number;
  readonly tint?: 'cmyk' | 'b-w';
  readonly deep?: boolean;
}

/** Encodes a raster as a file of some format. */
export async function encoded(
  raster: Raster,
  format: 'jpeg' | 'png' | 'webp' | 'gif' | 'tiff' | 'avif',
  options: EncodeOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const { orientation, transparentLeft = false, quality = 90, tint, deep = false } = options;
  const sharp = await loadSharp();
  const { width, height, channels } = raster;
  let image = sharp(raster.data, { raw: { width, height, channels } });
  if (transparentLeft) {
    const alpha = new Uint8Array(width * height).map((_, at) => (at % width < width / 2 ? 0 : 255));
    image = image.joinChannel(Buffer.from(alpha), { raw: { width, height, channels: 1 } });
  }
  if (tint !== undefined) image = image.toColourspace(tint);
  if (deep) image = image.toColourspace('rgb16');
  if (orientation !== undefined) image = image.withMetadata({ orientation });
  // `quality` would make a PNG a palette's
  const lossy = format === 'png' ? {} : format === 'webp' ? { lossless: true } : format === 'tiff' ? { compression: 'lzw' } : { quality };
  const bytes = await image.toFormat(format, lossy).toBuffer();
  return new Uint8Array(bytes);
}
