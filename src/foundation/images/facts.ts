import { examineImage } from './decode.ts';
import type { ImageLimits } from './decode.ts';
import { measureRaster } from './measures.ts';
import type { ImageFacts } from './thread-messages.ts';

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
