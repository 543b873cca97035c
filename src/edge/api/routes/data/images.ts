import { Type } from 'typebox';
import { DatasetImages, Digest, strict, thumbnailSizes } from '#contract';
import { GyreError } from '#core';
import type { StoredImage } from '#data';
import { mediaTypes } from '#images';
import { pageHeaders } from '../../files.ts';
import type { ApiDeps } from '../../port.ts';
import { fileRoute, route, type FileAnswer, type RequestFacts, type Route } from '../../route.ts';
import { paging } from '../../shapes.ts';
import { masksFor } from './masks.ts';
import { ByDigest, DigestOrPrefix } from './shapes.ts';

const ByImage = strict({ digest: DigestOrPrefix, sha256: Digest });
const shown = Object.values(mediaTypes).filter((type) => type !== mediaTypes.svg);
const [, usual, , largest] = thumbnailSizes;
const Size = Type.Integer({
  minimum: 1,
  maximum: largest,
  default: usual,
  description: `the longer side in pixels, rounded up to ${thumbnailSizes.join(', ')}`,
});

export const imageRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/datasets/:digest/images',
    permission: 'read',
    tag: 'data',
    summary: 'The images of a version, by label and by check, for a contact sheet',
    params: ByDigest,
    query: strict({
      ...paging,
      label: Type.Optional(Type.String({ maxLength: 1000 })),
      check: Type.Optional(
        Type.String({ maxLength: 500, description: 'only the images to look at for this check, such as "exact duplicates"' }),
      ),
    }),
    answer: DatasetImages,
    handle: async (rooms, call) => {
      const version = await rooms.data.get(call.params.digest);
      return rooms.data.images.list(version.digest, {
        ...call.query,
        masked: await masksFor(rooms, call, version, 'images', ['path', 'label']),
      });
    },
  }),
  fileRoute({
    method: 'GET',
    path: '/api/v1/datasets/:digest/images/:sha256',
    permission: 'read',
    tag: 'data',
    summary: 'An image of a version, as it came',
    params: ByImage,
    types: [...shown, 'application/octet-stream'],
    answers: 'the bytes, under the type of their content; what is no image that browsers show safely is sent to be kept',
    handle: async (rooms, call) => {
      const version = await picturesOf(rooms, call);
      return imageAnswer(await rooms.data.images.image(version, call.params.sha256), call.request);
    },
  }),
  fileRoute({
    method: 'GET',
    path: '/api/v1/datasets/:digest/images/:sha256/thumbnail',
    permission: 'read',
    tag: 'data',
    summary: 'An image of a version, made small',
    params: ByImage,
    query: strict({ size: Size }),
    types: ['image/jpeg'],
    answers: 'a JPEG, turned the right way',
    handle: async (rooms, call) => {
      const version = await picturesOf(rooms, call);
      return imageAnswer(await rooms.data.images.thumbnail(version, call.params.sha256, sizeFrom(call.query.size)), call.request);
    },
  }),
];

/** The version whose pictures are asked for; a schema that tags `pixels` as personal keeps them from who may not see personal data. */
async function picturesOf(
  rooms: Pick<ApiDeps, 'data' | 'project'>,
  call: Parameters<typeof masksFor>[1] & { readonly params: { readonly digest: string } },
): Promise<string> {
  const version = await rooms.data.get(call.params.digest);
  if (!(await masksFor(rooms, call, version, 'images', ['pixels'])).has('pixels')) return version.digest;
  const message = 'the pictures are personal data (column "pixels"), which a data steward may see; the rows without them are for you';
  throw new GyreError('PERMISSION_DENIED', message, { version: version.digest });
}

/** Few sizes are made, so that few are kept. */
function sizeFrom(asked: number): (typeof thumbnailSizes)[number] {
  return thumbnailSizes.find((size) => size >= asked) ?? largest;
}

/** Bytes that never change under their address, only for who may read them. An SVG is a program and is never shown. */
function imageAnswer({ digest, format, bytes, size }: StoredImage, { headers }: RequestFacts): FileAnswer {
  const isShown = format !== null && format !== 'svg';
  const etag = `"${digest}"`;
  const always = {
    ...pageHeaders,
    etag,
    'cache-control': 'private, max-age=31536000, immutable',
    'cross-origin-resource-policy': 'same-origin',
    ...(isShown ? {} : { 'content-disposition': `attachment; filename="${digest}"` }),
  };
  const type = isShown ? mediaTypes[format] : 'application/octet-stream';
  if (headers['if-none-match'] === etag) return { status: 304, type, body: '', headers: always };
  return { type, body: bytes, headers: { ...always, ...(size === undefined ? {} : { 'content-length': String(size) }) } };
}
