import { Type } from 'typebox';
import { Digest, VersionFiles, strict, thumbnailSizes } from '#contract';
import { GyreError } from '#core';
import { areFiles } from '#data';
import type { StoredFile } from '#data';
import { pageHeaders } from '../../files.ts';
import type { ApiDeps } from '../../port.ts';
import { fileRoute, route, type FileAnswer, type RequestFacts, type Route } from '../../route.ts';
import { paging } from '../../shapes.ts';
import { masksFor } from './masks.ts';

const [, usual, , largest] = thumbnailSizes;
const version = Type.String({
  minLength: 1,
  maxLength: 300,
  description: 'a digest or its beginning; `contracts`: the newest version of that dataset; `contracts@702a45d5`',
});
const ByFile = strict({ digest: version, sha256: Digest });

/** The files of versions of folders, of any kind and of images. */
export const fileSetRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/datasets/:digest/files',
    permission: 'read',
    tag: 'data',
    summary: 'The files of a version, by path, with how many there are of each extension',
    params: strict({ digest: version }),
    query: strict({
      ...paging,
      match: Type.Optional(Type.String({ minLength: 1, maxLength: 1000, description: 'only files whose path has this in it' })),
      extension: Type.Optional(
        Type.String({ minLength: 1, maxLength: 100, description: 'only files of this extension, such as .pdf; `none`: those without' }),
      ),
    }),
    answer: VersionFiles,
    handle: async (rooms, call) => {
      const { digest } = await rooms.data.named(call.params.digest);
      const masked = await masksFor(rooms, call, await rooms.data.get(digest), 'files', ['path']);
      return rooms.data.files.list(digest, { ...call.query, masked });
    },
  }),
  fileRoute({
    method: 'GET',
    path: '/api/v1/datasets/:digest/files/:sha256',
    permission: 'read',
    tag: 'data',
    summary: 'A file of a version, as it came: of a folder, or a source file of a table',
    params: ByFile,
    types: ['application/octet-stream'],
    answers: 'the bytes, to be kept rather than shown; they are checked against the digest while they are sent',
    handle: async (rooms, call) => {
      const digest = await contentOf(rooms, call);
      return fileAnswer(await rooms.data.files.file(digest, call.params.sha256), call.request);
    },
  }),
  fileRoute({
    method: 'GET',
    path: '/api/v1/datasets/:digest/files/:sha256/thumbnail',
    permission: 'read',
    tag: 'data',
    summary: 'A picture among the files of a version, made small',
    params: ByFile,
    query: strict({
      size: Type.Integer({
        minimum: 1,
        maximum: largest,
        default: usual,
        description: `the longer side in pixels, rounded up to ${thumbnailSizes.join(', ')}`,
      }),
    }),
    types: ['image/jpeg'],
    answers: 'a JPEG, turned the right way',
    handle: async (rooms, call) => {
      const digest = await contentOf(rooms, call);
      const size = thumbnailSizes.find((each) => each >= call.query.size) ?? largest;
      const { sha256 } = call.params;
      const headers = headersOf(`${sha256}-${size}`);
      if (call.request.headers['if-none-match'] === headers.etag) return { status: 304, type: 'image/jpeg', body: '', headers };
      return { type: 'image/jpeg', body: await rooms.data.files.thumbnail(digest, sha256, size), headers };
    },
  }),
];

/**
 * The version whose files are asked for; a schema or charter that tags `content` as personal keeps them from who may not see personal data, and a
 * personal column the source of a table.
 */
async function contentOf(
  rooms: Pick<ApiDeps, 'data' | 'project'>,
  call: Parameters<typeof masksFor>[1] & { readonly params: { readonly digest: string } },
): Promise<string> {
  const found = await rooms.data.named(call.params.digest);
  if (!areFiles(found)) {
    const [column] = await masksFor(rooms, call, found, 'file');
    if (column === undefined) return found.digest;
    const message = `the source of "${found.dataset}" holds personal data (column "${column}"), which a data steward may see; rows.parquet is masked`;
    throw new GyreError('PERMISSION_DENIED', message, { version: found.digest });
  }
  // of images it is the column `pixels` that says so
  const masked = await masksFor(rooms, call, found, 'files', ['content', 'pixels']);
  const tagged = ['content', 'pixels'].find((column) => masked.has(column));
  if (tagged === undefined) return found.digest;
  const message = `the files are personal data (column "${tagged}"), which a data steward may see; the rows without them are for you`;
  throw new GyreError('PERMISSION_DENIED', message, { version: found.digest });
}

/** Bytes that never change under their address, only for who may read them. */
const headersOf = (name: string) => ({
  ...pageHeaders,
  etag: `"${name}"`,
  'cache-control': 'private, max-age=31536000, immutable',
  'cross-origin-resource-policy': 'same-origin',
});

function fileAnswer({ path, sha256, size, bytes }: StoredFile, { headers }: RequestFacts): FileAnswer {
  const always = headersOf(sha256);
  const type = 'application/octet-stream';
  if (headers['if-none-match'] === always.etag) return { status: 304, type, body: '', headers: always };
  const name = encodeURIComponent(path.split('/').at(-1) ?? sha256);
  return {
    type,
    body: bytes,
    headers: { ...always, 'content-length': String(size), 'content-disposition': `attachment; filename*=UTF-8''${name}` },
  };
}
