import { createHash } from 'node:crypto';
import type { Raster } from './raster.ts';
import { toLuma } from './raster.ts';
import { perceptualHash } from './perceptual-hash.ts';
import { resizeRaster } from './resize.ts';

/** What is measured on an image's pixels. */
export interface ImageMeasures {
  /** Mean luma, 0 (black) … 1 (white). */
  readonly brightness: number;
  /** Standard deviation of luma, 0 (one grey) … 0.5. */
  readonly contrast: number;
  /**
   * Variance of the Laplacian of luma (0..1 units) with the longer side at most 256 pixels: low values are blurred or empty pictures
   * (Pech-Pacheco et al. 2000, "Diatom autofocusing in brightfield microscopy").
   */
  readonly sharpness: number;
  /** 16 hex digits, see `perceptualHash`. */
  readonly phash: string;
  /** SHA-256 of size and pixels: the same for files that differ in how they are stored only. */
  readonly pixels: string;
}

/** Longer side at which sharpness is measured, so that large and small files of one picture compare. */
const sharpnessSide = 256;

/** Measures a decoded image. Figures are rounded to six digits, far below what one grey value changes. */
export function measureRaster(raster: Raster): ImageMeasures {
  const luma = toLuma(raster);
  let sum = 0;
  let squares = 0;
  for (const value of luma.data) {
    sum += value;
    squares += value * value;
  }
  const count = luma.data.length;
  const mean = sum / count;
  const pixels = createHash('sha256').update(`${raster.width}x${raster.height}x${raster.channels}\n`).update(raster.data);
  return {
    brightness: rounded(mean / 255),
    contrast: rounded(Math.sqrt(Math.max(0, squares / count - mean * mean)) / 255),
    sharpness: rounded(laplacianVariance(reduced(luma))),
    phash: perceptualHash(luma),
    pixels: pixels.digest('hex'),
  };
}

const rounded = (value: number): number => Math.round(value * 1e6) / 1e6;

function reduced(luma: Raster): Raster {
  const scale = sharpnessSide / Math.max(luma.width, luma.height);
  if (scale >= 1) return luma;
  const width = Math.max(1, Math.round(luma.width * scale));
  const height = Math.max(1, Math.round(luma.height * scale));
  return resizeRaster(luma, { width, height, fit: 'stretch' });
}

/** Of the four-neighbour Laplacian, over the pixels that have four neighbours; 0 when there is none. */
function laplacianVariance({ width, height, data }: Raster): number {
  let sum = 0;
  let squares = 0;
  for (let y = 1; y < height - 1; y++)
    for (let x = 1, at = y * width + 1; x < width - 1; x++, at++) {
      const value = (data[at - 1] + data[at + 1] + data[at - width] + data[at + width] - 4 * data[at]) / 255;
      sum += value;
      squares += value * value;
    }
  const count = Math.max(0, width - 2) * Math.max(0, height - 2);
  return count === 0 ? 0 : squares / count - (sum / count) ** 2;
}
