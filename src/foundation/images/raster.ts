/** Pixels in memory: rows from top to bottom, channels side by side, 8 bits each. Three channels are sRGB red, green, blue; one is luma. */
export interface Raster {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  /** Length width x height x channels. */
  readonly data: Uint8Array;
}

/**
 * Luma of each pixel by ITU-R BT.601, in the 16-bit integers that Pillow's `convert('L')` uses: 0.299 R + 0.587 G + 0.114 B, rounded.
 * @returns one channel of the same size; a raster that has one already as it is
 */
export function toLuma(raster: Raster): Raster {
  if (raster.channels === 1) return raster;
  const { width, height, data } = raster;
  const luma = new Uint8Array(width * height);
  for (let pixel = 0, at = 0; pixel < luma.length; pixel++, at += 3) {
    luma[pixel] = (data[at] * 19_595 + data[at + 1] * 38_470 + data[at + 2] * 7_471 + 0x8000) >> 16;
  }
  return { width, height, channels: 1, data: luma };
}
