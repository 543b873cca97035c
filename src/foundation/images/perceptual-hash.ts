import type { Raster } from './raster.ts';
import { toLuma } from './raster.ts';
import { resizeRaster } from './resize.ts';

/** Side of the luma picture that is transformed, and of the block of low frequencies that is kept. */
const side = 32;
const kept = 8;

/** Rows of the unnormalised DCT-II: 2 cos(pi k (2 n + 1) / 2 N), for the frequencies that are kept. */
const cosines = Float64Array.from(
  { length: kept * side },
  (_, at) => 2 * Math.cos((Math.PI * Math.floor(at / side) * (2 * (at % side) + 1)) / (2 * side)),
);

/**
 * Perceptual hash (pHash) of 64 bits: the picture's luma at 32 x 32, its two-dimensional DCT, and for each of the 8 x 8 lowest frequencies
 * whether it lies above their median (Zauner 2010, "Implementation and Benchmarking of Perceptual Image Hash Functions", section 3.2).
 * Pictures that look alike differ in few bits. The same bits as `imagehash.phash` of Python (compared in `test/interop/images.test.ts`),
 * but for pictures of one colour, whose frequencies are all noise: here these are rounded to zero.
 * @returns 16 hex digits
 */
export function perceptualHash(raster: Raster): string {
  const { data } = resizeRaster(toLuma(raster), { width: side, height: side, fit: 'stretch', kernel: 'lanczos' });
  // first down the columns, for the lowest frequencies only; then along the rows
  const columns = new Float64Array(kept * side);
  for (let k = 0; k < kept; k++)
    for (let x = 0; x < side; x++) {
      let sum = 0;
      for (let y = 0; y < side; y++) sum += data[y * side + x] * cosines[k * side + y];
      columns[k * side + x] = sum;
    }
  const block = new Float64Array(kept * kept);
  for (let k = 0; k < kept; k++)
    for (let l = 0; l < kept; l++) {
      let sum = 0;
      for (let x = 0; x < side; x++) sum += columns[k * side + x] * cosines[l * side + x];
      block[k * kept + l] = Math.round(sum * 1e6) / 1e6;
    }
  const rising = block.toSorted();
  const median = (rising[31] + rising[32]) / 2;
  let hash = '';
  for (let at = 0; at < block.length; at += 4) {
    let digit = 0;
    for (let bit = 0; bit < 4; bit++) digit = digit * 2 + (block[at + bit] > median ? 1 : 0);
    hash += digit.toString(16);
  }
  return hash;
}
