import type { ImageInput } from '#contract';
import { GyreError } from '#core';
import type { TensorOf } from '#onnx';
import { imageFunction } from './decode.ts';
import type { Raster } from './raster.ts';

/**
 * A model knows the pixels that it was trained on. Where decoding and resizing are not those any more, it must not be asked.
 * @throws GyreError FAILED_PRECONDITION when the input was made by another version of the function
 */
export function requireImageFunction({ function: name }: Pick<ImageInput, 'function'>, input: string): void {
  if (name === imageFunction) return;
  throw new GyreError(
    'FAILED_PRECONDITION',
    `the input "${input}" takes pixels that were made by ${name}; this Gyre makes them by ${imageFunction}, which gives others: train the model again`,
    { input, function: name },
  );
}

/**
 * Decoded and resized pictures as one tensor: [rows, height, width, 3] or [rows, 3, height, width].
 * @param rasters of the input's width and height, three channels
 */
export function pixelTensor(rasters: readonly Raster[], image: Omit<ImageInput, 'function'>): TensorOf<'UINT8'> | TensorOf<'FLOAT'> {
  const { width, height, layout, datatype } = image;
  const size = width * height * 3;
  const shape = layout === 'NHWC' ? [rasters.length, height, width, 3] : [rasters.length, 3, height, width];
  const place = placing(image);
  if (datatype === 'UINT8') {
    const data = new Uint8Array(rasters.length * size);
    for (const [row, raster] of rasters.entries()) place(raster.data, data, row * size);
    return { type: 'UINT8', shape, data };
  }
  const data = new Float32Array(rasters.length * size);
  for (const [row, raster] of rasters.entries()) place(raster.data, data, row * size);
  return { type: 'FLOAT', shape, data };
}

type Place = (from: Uint8Array, to: Uint8Array | Float32Array, start: number) => void;

function placing({ width, height, layout, channels, datatype, mean = [0, 0, 0], std = [1, 1, 1] }: Omit<ImageInput, 'function'>): Place {
  const isPlain = datatype === 'UINT8' || [...mean, ...std.map((value) => value - 1)].every((value) => value === 0);
  if (isPlain && layout === 'NHWC' && channels === 'RGB') return (from, to, start) => to.set(from, start);
  const pixels = width * height;
  const [step, apart] = layout === 'NHWC' ? [3, 1] : [1, pixels];
  return (from, to, start) => {
    for (let channel = 0; channel < 3; channel++) {
      const source = channels === 'RGB' ? channel : 2 - channel;
      for (let pixel = 0, at = start + channel * apart; pixel < pixels; pixel++, at += step) {
        const value = from[pixel * 3 + source];
        to[at] = isPlain ? value : (value - mean[channel]) / std[channel];
      }
    }
  };
}
