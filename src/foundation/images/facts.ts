import { examineImage, imageFunction } from './decode.ts';
import type { ImageLimits } from './decode.ts';
import { measureRaster } from './measures.ts';
import type { ImageFacts } from './thread-messages.ts';

/** The name of how facts are found out: what is kept under another one is looked at again. */
export const factsFunction = `${imageFunction} facts/2`;

/** Examines an image and measures its pixels. */
export async function factsOf(bytes: Uint8Array, limits: ImageLimits = {}): Promise<ImageFacts> {
  const { header, raster, problem, error } = await examineImage(bytes, limits);
  return {
    ...header,
    ...(problem === undefined ? {} : { problem }),
    ...(error === undefined ? {} : { error }),
    ...(raster === undefined ? {} : { measures: measureRaster(raster) }),
  };
}
