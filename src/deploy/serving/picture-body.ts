import type { ManifestModel } from '#contract';
import { GyreError, messageOf } from '#core';
import { sniffImage } from '#images';
import { requestFault } from './http-exchange.ts';
import type { Exchange } from './http-exchange.ts';
import { imageColumns } from './image-inputs.ts';
import type { AskedRows } from './image-inputs.ts';

const pictureType = /^(?:image\/|application\/x-image\s*(?:;|$))/i;
const formType = /^multipart\/form-data\s*(?:;|$)/i;
const bytesType = /^application\/octet-stream\s*(?:;|$)/i;

/** Whether a body of this content type is a picture, or a form of them. */
export function isPictureBody(type: string): boolean {
  return pictureType.test(type) || formType.test(type) || bytesType.test(type);
}

/**
 * Pictures that were sent as they are: the body is one, or a form with a part for each.
 * @returns undefined for a body of another content type, which then was not read
 * @throws GyreError as `Exchange.any`; INVALID_ARGUMENT when it is no form
 */
export async function picturesOfBody(exchange: Exchange): Promise<readonly Uint8Array[] | undefined> {
  if (!isPictureBody(exchange.headers['content-type'] ?? '')) return undefined;
  const { bytes, type } = await exchange.any();
  return picturesOf(bytes, type);
}

/**
 * The pictures of a body that was read already.
 * @returns undefined when it is none: by its content type, and without one by its first bytes
 */
export async function picturesOf(bytes: Uint8Array, type: string): Promise<readonly Uint8Array[] | undefined> {
  if (formType.test(type)) return partsOf(bytes, type);
  if (pictureType.test(type) || bytesType.test(type)) return [bytes];
  return type === '' && sniffImage(bytes) !== undefined ? [bytes] : undefined;
}

async function partsOf(bytes: Uint8Array, type: string): Promise<readonly Uint8Array[]> {
  let form: FormData;
  try {
    form = await new Response(new Uint8Array(bytes), { headers: { 'content-type': type } }).formData();
  } catch (error) {
    throw new GyreError('INVALID_ARGUMENT', `the body is no form: ${messageOf(error).slice(0, 200)}`);
  }
  const parts: Uint8Array[] = [];
  for (const [name, value] of form) {
    if (typeof value === 'string')
      throw new GyreError(
        'INVALID_ARGUMENT',
        `the part "${name.slice(0, 60)}" of the form is a text; each part must be a file with a picture`,
      );
    parts.push(new Uint8Array(await value.arrayBuffer()));
  }
  if (parts.length === 0) throw new GyreError('INVALID_ARGUMENT', 'the form has no parts; each must be a file with a picture');
  return parts;
}

/**
 * What pictures alone ask of a model.
 * @throws GyreError with status 415 when it takes something else, or more than a picture
 */
export function askedOfPictures({ name, signature }: ManifestModel, pictures: readonly Uint8Array[]): Pick<AskedRows, 'feeds' | 'images'> {
  const [only, ...more] = imageColumns(signature);
  if (only === undefined || more.length > 0 || signature.inputs.length > 1)
    throw requestFault(415, 'INVALID_ARGUMENT', `${name} does not take a picture alone; send application/json with its columns by name`);
  return { feeds: {}, images: { [only.name]: pictures } };
}
