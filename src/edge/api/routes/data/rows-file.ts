import { Type } from 'typebox';
import { byteRangeOf, strict } from '#contract';
import type { RowsBlob } from '#data';
import { fileRoute, type FileAnswer, type RequestFacts, type Route } from '../../route.ts';
import { masksFor } from './masks.ts';

const type = 'application/vnd.apache.parquet';

export const rowsFileRoutes: readonly Route[] = [
  fileRoute({
    method: 'GET',
    path: '/api/v1/datasets/:digest/rows.parquet',
    head: true,
    permission: 'read',
    tag: 'data',
    summary: 'The rows of a version as one Parquet file, personal columns masked for whoever may not see them',
    description:
      'Answers HEAD, ranges of bytes, and If-None-Match, so that pandas, polars, pyarrow, DuckDB and R read it by its address. The token may also be the password of Basic authentication.',
    params: strict({
      digest: Type.String({
        minLength: 1,
        maxLength: 300,
        description: 'a digest or its beginning; `customers`: the newest version of that dataset; `customers@702a45d5`',
      }),
    }),
    types: [type],
    answers: 'the file, or the part that Range asks for (206)',
    handle: async (rooms, call) => {
      const version = await rooms.data.named(call.params.digest);
      const file = await rooms.data.rowsFile(version, await masksFor(rooms, call, version, 'file'));
      return partOfFile(call.request, file, `${version.dataset}-${version.digest.slice(0, 12)}.parquet`);
    },
  }),
];

/** What a request for a file is answered with: all of it, a part, or that the caller has it already. @param name to keep it under */
async function partOfFile({ headers, isHead }: RequestFacts, { digest, size, open }: RowsBlob, name: string): Promise<FileAnswer> {
  const etag = `"${digest}"`;
  // whoever may see more gets other bytes by the same address
  const common = { etag, 'accept-ranges': 'bytes', 'cache-control': 'private, no-cache', vary: 'authorization, cookie' };
  if (
    textOf(headers['if-none-match'])
      ?.split(/\s*,\s*/)
      .includes(etag) === true
  )
    return { status: 304, type, body: '', headers: common };
  const condition = textOf(headers['if-range']);
  const range = condition === undefined || condition === etag ? byteRangeOf(textOf(headers['range']), size) : 'whole';
  if (range === 'outside')
    return { status: 416, type, body: '', headers: { ...common, 'content-range': `bytes */${size}`, 'content-length': '0' } };
  const length = range === 'whole' ? size : range.end - range.start;
  const answer = {
    type,
    headers: {
      ...common,
      'content-length': String(length),
      'content-disposition': `attachment; filename*=UTF-8''${encodeURIComponent(name)}`,
      ...(range === 'whole' ? {} : { 'content-range': `bytes ${range.start}-${range.end - 1}/${size}` }),
    },
    ...(range === 'whole' ? {} : { status: 206 }),
  };
  return { ...answer, body: isHead ? '' : await open(range === 'whole' ? undefined : range) };
}

function textOf(header: string | readonly string[] | undefined): string | undefined {
  return typeof header === 'string' ? header : header?.join(', ');
}
