import { GyreError } from '#core';
import type { Raster } from './raster.ts';

/** The kernels that `resizeRaster` knows; Pillow calls them BILINEAR and LANCZOS. */
export type ResizeKernel = 'bilinear' | 'lanczos';

export interface ResizeTarget {
  /** Pixels. */
  readonly width: number;
  /** Pixels. */
  readonly height: number;
  /**
   * `cover` cuts the middle out of the larger side first, so that nothing is distorted (the default); `stretch` takes the whole picture
   * and changes its proportions.
   */
  readonly fit?: 'cover' | 'stretch';
  /** `bilinear` without it. */
  readonly kernel?: ResizeKernel;
}

interface Kernel {
  /** Half of its width, in pixels of the target. */
  readonly support: number;
  readonly weight: (x: number) => number;
}

const kernels: Readonly<Record<ResizeKernel, Kernel>> = {
  bilinear: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  lanczos: { support: 3, weight: (x) => (Math.abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0) },
};

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

/** Weights are whole numbers of 2^-22, so that sums are exact and the same on every machine: 32 bits less 8 of the value and 2 of headroom. */
const precision = 22;

/** For one side: which source pixels each target pixel is made of, and how much of each. */
interface Taps {
  readonly first: Int32Array;
  readonly count: Int32Array;
  /** `width` weights for each target pixel; those beyond its count are unused. */
  readonly weights: Int32Array;
  readonly width: number;
}

function tapsOf(from: number, start: number, length: number, to: number, kernel: Kernel): Taps {
  const scale = length / to;
  const stretch = Math.max(scale, 1);
  const support = kernel.support * stretch;
  // multiplied by, not divided: the last bit of a weight decides its rounding
  const shrink = 1 / stretch;
  const width = Math.ceil(support) * 2 + 1;
  const first = new Int32Array(to);
  const count = new Int32Array(to);
  const weights = new Int32Array(to * width);
  const exact = new Float64Array(width);
  for (let target = 0; target < to; target++) {
    const centre = start + (target + 0.5) * scale;
    const low = Math.max(0, Math.trunc(centre - support + 0.5));
    const high = Math.min(from, Math.trunc(centre + support + 0.5));
    let sum = 0;
    for (let tap = 0; tap < high - low; tap++) {
      exact[tap] = kernel.weight((tap + low - centre + 0.5) * shrink);
      sum += exact[tap];
    }
    for (let tap = 0; tap < high - low; tap++) {
      const share = (sum === 0 ? exact[tap] : exact[tap] / sum) * (1 << precision);
      weights[target * width + tap] = Math.trunc(share < 0 ? share - 0.5 : share + 0.5);
    }
    first[target] = low;
    count[target] = high - low;
  }
  return { first, count, weights, width };
}

const half = 1 << (precision - 1);
const clipped = (sum: number): number => {
  const value = sum >> precision;
  return value < 0 ? 0 : value > 255 ? 255 : value;
};

/**
 * Resizes by convolution, a kernel that widens as the picture shrinks (no aliasing), horizontally and then vertically, in whole numbers:
 * the same bytes on every machine and in every release. It is the arithmetic of Pillow's `Image.resize` for 8-bit pictures up to its release
 * 12 (`test/interop/images.test.ts` compares byte for byte), so that a model trained on what Pillow made sees the same pixels here. Later
 * ones go vertically first where that is cheaper, which rounds some values the other way, by one of 255.
 * @throws GyreError INVALID_ARGUMENT when a side of the target is no whole number from 1 on
 */
export function resizeRaster(raster: Raster, target: ResizeTarget): Raster {
  const { width, height, fit = 'cover', kernel = 'bilinear' } = target;
  if (!Number.isInteger(width) || !Number.isInteger(height) || width < 1 || height < 1) {
    throw new GyreError('INVALID_ARGUMENT', `an image cannot be resized to ${width} x ${height}: whole numbers from 1 on are needed`);
  }
  const box = fit === 'cover' ? middleOf(raster, width / height) : { left: 0, top: 0, width: raster.width, height: raster.height };
  // sides that stay as they are need no pass: a kernel of one pixel would only copy
  const across =
    width === box.width && box.width === raster.width
      ? raster
      : acrossOf(raster, tapsOf(raster.width, box.left, box.width, width, kernels[kernel]), width);
  return height === box.height && box.height === raster.height
    ? across
    : downOf(across, tapsOf(raster.height, box.top, box.height, height, kernels[kernel]), height);
}

/** The largest box of these proportions in the middle of a raster, in whole pixels. */
function middleOf(raster: Raster, aspect: number): { left: number; top: number; width: number; height: number } {
  const width = Math.max(1, Math.min(raster.width, Math.round(raster.height * aspect)));
  const height = Math.max(1, Math.min(raster.height, Math.round(raster.width / aspect)));
  return { left: (raster.width - width) >> 1, top: (raster.height - height) >> 1, width, height };
}

function acrossOf({ width: from, height, channels, data }: Raster, taps: Taps, width: number): Raster {
  const out = new Uint8Array(width * height * channels);
  for (let y = 0; y < height; y++) {
    const line = y * from * channels;
    for (let x = 0; x < width; x++) {
      const weightsAt = x * taps.width;
      for (let channel = 0; channel < channels; channel++) {
        let sum = half;
        let at = line + taps.first[x] * channels + channel;
        for (let tap = 0; tap < taps.count[x]; tap++, at += channels) sum += data[at] * taps.weights[weightsAt + tap];
        out[(y * width + x) * channels + channel] = clipped(sum);
      }
    }
  }
  return { width, height, channels, data: out };
}

function downOf({ width, channels, data }: Raster, taps: Taps, height: number): Raster {
  const line = width * channels;
  const out = new Uint8Array(line * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < line; x++) {
      let sum = half;
      let at = taps.first[y] * line + x;
      for (let tap = 0; tap < taps.count[y]; tap++, at += line) sum += data[at] * taps.weights[y * taps.width + tap];
      out[y * line + x] = clipped(sum);
    }
  }
  return { width, height, channels, data: out };
}
