import type { OutputInfo } from 'sharp';
import { GyreError, messageOf } from '#core';
import type { Raster } from './raster.ts';
import { endsEarly } from './ends-early.ts';
import { decodableFormats, sniffImage } from './sniff.ts';
import type { ImageFormat } from './sniff.ts';

/**
 * The name of what `decodeImage` and `resizeRaster` do. Records that rest on pixels keep it: when the pixels for the same bytes change,
 * the name does, and `decode.test.ts` holds their digests.
 */
export const imageFunction = 'image/1';

export interface ImageLimits {
  /** 64 MiB without it. */
  readonly bytes?: number;
  /** Width x height; 2^26 (a picture of 8,192 x 8,192) without it. A small file can claim any size: this is asked before anything is decoded. */
  readonly pixels?: number;
  /** What decoding may take; 20 s without it. */
  readonly timeMs?: number;
}

export const usualLimits: Required<ImageLimits> = { bytes: 64 * 2 ** 20, pixels: 2 ** 26, timeMs: 20_000 };

/**
 * What is wrong with an image. `damaged`: the decoder complained and gave pixels, of which some may be wrong; in all other cases there are none.
 */
export const imageProblems = ['empty', 'unsupported', 'too_large', 'unreadable', 'truncated', 'slow', 'damaged'] as const;
export type ImageProblem = (typeof imageProblems)[number];

/** What is known of an image's header: sides as the picture is seen, channels as they are stored. */
export interface ImageHeader {
  readonly format?: ImageFormat;
  readonly width?: number;
  readonly height?: number;
  readonly channels?: number;
}

/** An image as it was found: readable or not is an outcome, nothing is thrown for it. */
export type Examined = { readonly header: ImageHeader } & (
  | { readonly raster: Raster; readonly problem?: 'damaged'; readonly error?: string }
  | { readonly raster?: undefined; readonly problem: Exclude<ImageProblem, 'damaged'>; readonly error: string }
);

type Sharp = typeof import('sharp').default;
let loaded: Promise<Sharp> | undefined;

/** 60 ms to import and 20 MB to keep: only where images are really touched. */
export function loadSharp(): Promise<Sharp> {
  loaded ??= import('sharp').then(({ default: sharp }) => {
    // each picture in one thread: several are decoded at a time, and what was decoded is not asked for again
    sharp.concurrency(1);
    sharp.cache(false);
    return sharp;
  });
  return loaded;
}

/**
 * Decodes an image to 8-bit sRGB, the way it is meant to be seen: turned as EXIF says, by its colour profile, transparent pixels laid over
 * white, grey repeated in the three channels, 16 bits rounded to 8, the first frame of several. Runs outside of the calling thread.
 * @throws GyreError INVALID_ARGUMENT naming what is wrong with it; RESOURCE_EXHAUSTED when it is beyond a limit
 */
export async function decodeImage(bytes: Uint8Array, limits: ImageLimits = {}): Promise<Raster> {
  const { raster, problem, error } = await examineImage(bytes, limits);
  if (raster !== undefined) return raster;
  const code = problem === 'too_large' || problem === 'slow' ? 'RESOURCE_EXHAUSTED' : 'INVALID_ARGUMENT';
  throw new GyreError(code, `the image cannot be decoded: ${error}`, { problem });
}

/** Like `decodeImage`, with what is wrong as a value. A JPEG that ends too early is `truncated`, although decoders can fill it up with grey. */
export async function examineImage(bytes: Uint8Array, limits: ImageLimits = {}): Promise<Examined> {
  const most = { ...usualLimits, ...limits };
  const format = sniffImage(bytes);
  if (bytes.byteLength === 0) return { header: {}, problem: 'empty', error: 'the file has 0 bytes' };
  if (format === undefined) return { header: {}, problem: 'unsupported', error: 'the content is no image that is known' };
  const header: ImageHeader = { format };
  if (!decodableFormats.includes(format)) {
    return { header, problem: 'unsupported', error: `${format} is not decoded; ${decodableFormats.join(', ')} are` };
  }
  if (bytes.byteLength > most.bytes) {
    return { header, problem: 'too_large', error: `the file has ${bytes.byteLength} bytes; ${most.bytes} are decoded at most` };
  }
  const sharp = await loadSharp();
  let whole: ImageHeader;
  try {
    const { width, height, channels, autoOrient } = await sharp(bytes, { limitInputPixels: false, failOn: 'none' }).metadata();
    whole = { format, width: autoOrient.width, height: autoOrient.height, channels };
    if (width * height > most.pixels) {
      return { header: whole, problem: 'too_large', error: `${width} x ${height} pixels; ${most.pixels} are decoded at most` };
    }
  } catch {
    return { header, problem: 'unreadable', error: `the ${format} header cannot be read` };
  }
  return { ...(await pixelsOf(sharp, bytes, format, most)), header: whole };
}

type Outcome = Examined extends infer E ? (E extends unknown ? Omit<E, 'header'> : never) : never;

/**
 * Strictly first; what fails is tried again with less demands, to tell what kind of failure it is. What is said of it depends on the bytes
 * alone: the decoder keeps its complaints in one place for all images that it works on, so that they may come from another one.
 */
async function pixelsOf(sharp: Sharp, bytes: Uint8Array, format: ImageFormat, limits: Required<ImageLimits>): Promise<Outcome> {
  const strict = await attempt(sharp, bytes, 'warning', limits);
  if ('raster' in strict) return strict;
  if (strict.isLate) return { problem: 'slow', error: `decoding took longer than ${limits.timeMs} ms` };
  const whole = await attempt(sharp, bytes, 'truncated', limits);
  if ('raster' in whole) return { raster: whole.raster, problem: 'damaged', error: `the decoder complains of the ${format} data` };
  const filled = await attempt(sharp, bytes, 'none', limits);
  // what decodes only when missing bytes are allowed has lost some
  if ('raster' in filled || endsEarly(bytes, format)) return { problem: 'truncated', error: `the ${format} data end too early` };
  return { problem: 'unreadable', error: `the ${format} data cannot be decoded` };
}

async function attempt(
  sharp: Sharp,
  bytes: Uint8Array,
  failOn: 'none' | 'truncated' | 'warning',
  limits: Required<ImageLimits>,
): Promise<{ readonly raster: Raster } | { readonly isLate: boolean }> {
  try {
    const { data, info } = await sharp(bytes, { failOn, limitInputPixels: limits.pixels, pages: 1, autoOrient: true })
      .flatten({ background: '#ffffff' })
      .toColourspace('srgb')
      .timeout({ seconds: Math.max(1, Math.ceil(limits.timeMs / 1000)) })
      .raw()
      .toBuffer({ resolveWithObject: true });
    return { raster: rasterOf(data, info) };
  } catch (error) {
    return { isLate: messageOf(error).includes('timeout') };
  }
}

/** Grey pictures come with one channel; here every picture has three. */
function rasterOf(data: Uint8Array, { width, height, channels }: OutputInfo): Raster {
  if (channels === 3) return { width, height, channels, data };
  const out = new Uint8Array(width * height * 3);
  for (let pixel = 0; pixel < width * height; pixel++) out.fill(data[pixel * channels], pixel * 3, pixel * 3 + 3);
  return { width, height, channels: 3, data: out };
}
