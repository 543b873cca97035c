import { GyreError } from '#core';
import { pictureOf } from '#serving';
import { elementsOf } from './binary.ts';
import type { Members } from './decode.ts';
import { flatten } from './values.ts';

/** Encoded pictures of one input, one for each row. */
export interface Pictures {
  readonly pictures: readonly Uint8Array[];
}

/**
 * The pictures of a BYTES input: as bytes behind the JSON, raw or typed contents over gRPC, or base64 in the JSON (MLServer's content type
 * `base64`, which may be left out: a picture can come as nothing else there).
 * @param axes [rows] or [rows, 1]
 * @throws GyreError INVALID_ARGUMENT naming input and row
 */
export function decodePictures(
  { data, parameters }: Members,
  axes: readonly number[],
  bytes: Uint8Array | undefined,
  input: string,
): Pictures {
  if (axes.length === 0 || axes.length > 2 || (axes.length === 2 && axes[1] !== 1)) {
    throw new GyreError('INVALID_ARGUMENT', `the input "${input}" has the shape [${axes.join(', ')}]; pictures are [rows]`, { input });
  }
  if (bytes !== undefined) return { pictures: elementsOf(bytes, axes[0], input) };
  const type = typeof parameters === 'object' && parameters !== null && 'content_type' in parameters ? parameters.content_type : undefined;
  if (type !== undefined && type !== 'base64')
    throw new GyreError(
      'INVALID_ARGUMENT',
      `the content type of the input "${input}" is ${JSON.stringify(type).slice(0, 60)}; pictures come as base64`,
      {
        input,
      },
    );
  if (!Array.isArray(data)) throw new GyreError('INVALID_ARGUMENT', `the data of the input "${input}" must be an array`, { input });
  const values = flatten(data, axes, input);
  return { pictures: values.map((value, row) => (value instanceof Uint8Array ? value : pictureOf(value, row, input))) };
}
