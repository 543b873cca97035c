import { bytes } from './format.ts';

/** What a data plane decodes. */
export const pictureTypes = ['image/jpeg', 'image/png', 'image/webp', 'image/gif', 'image/tiff', 'image/avif'] as const;
const namesOfTypes = 'JPEG, PNG, WebP, GIF, TIFF or AVIF';

/** Of a request beside its picture: the names of its columns and their values. */
const besideBytes = 1024;

/**
 * Why a file is not sent as a picture.
 * @param maxBodyBytes what the endpoint takes in one request; undefined: not known
 * @returns undefined when nothing speaks against it
 */
export function pictureRefusal(
  { name, type, size }: { readonly name: string; readonly type: string; readonly size: number },
  maxBodyBytes: number | undefined,
): string | undefined {
  if (!pictureTypes.some((known) => known === type))
    return `${name} is ${type.startsWith('image/') ? `a picture of the type ${type}` : 'no picture'}: ${namesOfTypes} is wanted.`;
  if (size === 0) return `${name} is empty.`;
  // Base64 makes four characters of three bytes.
  const sent = Math.ceil(size / 3) * 4 + besideBytes;
  if (maxBodyBytes !== undefined && sent > maxBodyBytes)
    return `${name} has ${bytes(size)}, which makes a request of ${bytes(sent)}; this endpoint takes ${bytes(maxBodyBytes)} (maxBodyBytes under serve). Make it smaller: the model sees only a few pixels of it.`;
  return undefined;
}
