import { loadSharp } from './decode.ts';
import type { Raster } from './raster.ts';

/** Pixels as a JPEG, for people to look at: never what a model is given. */
export async function toJpeg({ width, height, channels, data }: Raster): Promise<Uint8Array> {
  const sharp = await loadSharp();
  return sharp(data, { raw: { width, height, channels } }).jpeg({ quality: 80 }).toBuffer();
}
