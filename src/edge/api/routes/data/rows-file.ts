import { byteRangeOf } from '#contract';
import type { RowsBlob, RowsFormat } from '#data';
import { fileRoute, type FileAnswer, type RequestFacts, type Route } from '../../route.ts';
import { masksFor } from './masks.ts';
import { ByVersion } from './shapes.ts';

const types = { parquet: 'application/vnd.apache.parquet', csv: 'text/csv; charset=utf-8', jsonl: 'application/x-ndjson' } as const;

const parquet =
  'Answers HEAD, ranges of bytes, and If-None-Match, so that pandas, polars, pyarrow, DuckDB and R read it by its address. The token may also be the password of Basic authentication.';
const text =
  'Missing values are blank (CSV) or null (JSON Lines), instants ISO 8601 in UTC. Written at the first request; for large tables take rows.parquet.';

export const rowsFileRoutes: readonly Route[] = [
  rowsFileRoute('parquet', 'The rows of a version as one Parquet file, personal columns masked for whoever may not see them', parquet),
  rowsFileRoute('csv', 'The rows of a version as CSV, masked like rows.parquet', text),
  rowsFileRoute('jsonl', 'The rows of a version as JSON Lines, masked like rows.parquet', text),
];

function rowsFileRoute(format: RowsFormat, summary: string, description: string): Route {
  const type = types[format];
  return fileRoute({
    method: 'GET',
    path: `/api/v1/datasets/:digest/rows.${format}`,
    head: true,
    permission: 'read',
    tag: 'data',
    summary,
    description,
    params: ByVersion,
    types: [type],
    answers: 'the file, or the part that Range asks for (206)',
    handle: async (rooms, call) => {
      const version = await rooms.data.named(call.params.digest);
      const file = await rooms.data.rowsFile(version, await masksFor(rooms, call, version, 'file'), format);
      return partOfFile(call.request, file, { type, name: `${version.dataset}-${version.digest.slice(0, 12)}.${format}` });
    },
  });
}

/** What a request for a file is answered with: all of it, a part, or that the caller has it already. @param file its media type, and the name to keep it under */
async function partOfFile(
  { headers, isHead }: RequestFacts,
  { digest, size, open }: RowsBlob,
  { type, name }: { readonly type: string; readonly name: string },
): Promise<FileAnswer> {
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
