import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { GyreError } from '#core';
import type { TransferOptions } from '../objects/port.ts';
import { receive } from '../objects/receive.ts';
import type { Place } from '../objects/receive.ts';
import type { S3Client } from './client.ts';

/** What an object is when a transfer begins: later requests insist on this very version of it. */
export interface ObjectVersion {
  readonly key: string;
  readonly size: number;
  readonly etag: string;
  /** UTC milliseconds; S3 tells whole seconds. */
  readonly modifiedAt: number;
}

/** @throws GyreError UNAVAILABLE when the answer is not one of S3 */
export function versionOf(key: string, headers: IncomingHttpHeaders): ObjectVersion {
  const ranged = /\/(\d+)$/.exec(headers['content-range'] ?? '')?.[1];
  const size = Number(ranged ?? headers['content-length']);
  const { etag, 'last-modified': modified = '' } = headers;
  if (!Number.isInteger(size) || etag === undefined || Number.isNaN(Date.parse(modified))) {
    throw new GyreError('UNAVAILABLE', `${key}: the answer has no size, ETag or time; does the endpoint speak S3?`);
  }
  return { key, size, etag: etag.replaceAll('"', ''), modifiedAt: Date.parse(modified) };
}

/**
 * The bytes of an object from an offset on. When the connection breaks, it goes on where it broke, as long as the object is the same.
 * @param first an answer that begins at `start`, when there is one already
 * @throws GyreError ABORTED when the object changed meanwhile, NOT_FOUND when it went away
 */
export async function* objectBytes(
  client: S3Client,
  version: ObjectVersion,
  { start, end }: { readonly start: number; readonly end: number },
  signal?: AbortSignal,
  first?: IncomingMessage,
): AsyncGenerator<Uint8Array> {
  let at = start;
  let failures = 0;
  let body = first;
  while (at < end) {
    const before = at;
    try {
      body ??= await rangeOf(client, version, at, end, signal);
      for await (const chunk of body) {
        if (!(chunk instanceof Uint8Array)) continue;
        at += chunk.byteLength;
        yield at > end ? chunk.subarray(0, chunk.byteLength - (at - end)) : chunk;
      }
      // An answer that ends early without an error is a broken one.
      if (at < end) throw Object.assign(new Error('the answer ended early'), { code: 'ECONNRESET' });
    } catch (error) {
      failures = at > before ? 1 : failures + 1;
      await client.afterBreak(error, failures, version.key, signal);
    } finally {
      body?.destroy();
      body = undefined;
    }
  }
}

async function rangeOf(
  client: S3Client,
  { key, etag }: ObjectVersion,
  start: number,
  end: number,
  signal: AbortSignal | undefined,
): Promise<IncomingMessage> {
  const answer = await client.send({
    method: 'GET',
    key,
    headers: { range: `bytes=${start}-${end - 1}`, 'if-match': `"${etag}"` },
    ...(signal === undefined ? {} : { signal }),
  });
  // A server that ignores ranges would give the beginning again.
  if (answer.status !== 206 && start > 0) {
    answer.body.destroy();
    throw new GyreError('UNIMPLEMENTED', `${key}: the server does not give parts of objects`);
  }
  if (answer.headers.etag?.replaceAll('"', '') !== etag) {
    answer.body.destroy();
    throw new GyreError('ABORTED', `${key}: the object changed meanwhile`);
  }
  return answer.body;
}

export interface Fetching {
  readonly client: S3Client;
  /** The whole key in the bucket. */
  readonly key: string;
  /** Nothing is fetched when the object still has this ETag. */
  readonly knownEtag?: string;
}

/**
 * Fetches an object into a file.
 * @returns its version, and whether it is the known one, in which case the file stays as it is
 * @throws GyreError NOT_FOUND, DATA_LOSS, RESOURCE_EXHAUSTED; ABORTED when the object changed meanwhile
 */
export async function downloadObject(
  { client, key, knownEtag }: Fetching,
  place: Place,
  options: TransferOptions,
): Promise<ObjectVersion & { readonly isKnown: boolean }> {
  const { status, headers, body } = await client.send({
    method: 'GET',
    key,
    ...(knownEtag === undefined ? {} : { headers: { 'if-none-match': `"${knownEtag}"` }, accept: [304] }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  try {
    if (status === 304 && knownEtag !== undefined) return { key, size: 0, modifiedAt: 0, etag: knownEtag, isKnown: true };
    const version = versionOf(key, headers);
    let first: IncomingMessage | undefined = body;
    const bytes = (start: number): AsyncIterable<Uint8Array> => {
      const begun = start === 0 ? first : undefined;
      first = undefined;
      if (begun === undefined) body.destroy();
      return objectBytes(client, version, { start, end: version.size }, options.signal, begun);
    };
    await receive(
      { name: `s3://${client.bucket}/${key}`, size: version.size, version: `${version.etag} ${version.size}`, bytes },
      place,
      options,
    );
    return { ...version, isKnown: false };
  } finally {
    body.destroy();
  }
}
