import type { IncomingHttpHeaders } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import { GyreError } from '#core';
import type { ErrorCode } from '#core';
import { receive } from '../objects/receive.ts';
import type { Download, Place } from '../objects/receive.ts';
import { requireGoing } from '../objects/transfer.ts';
import { backoffMs } from '../s3/connection.ts';
import type { S3World } from '../s3/connection.ts';
import { isBroken } from '../s3/failures.ts';
import { ask, brokenHttp, publicAddress } from './http.ts';
import type { HttpAnswer, HttpQuestion } from './http.ts';

/** What names one version of a source: any of them may be missing. */
export interface SourceVersion {
  /** Without quotation marks; a weak one keeps its `W/`. */
  readonly etag?: string;
  /** As the server writes it. */
  readonly lastModified?: string;
  /** Bytes. */
  readonly size?: number;
}

export interface HttpSource extends Omit<HttpQuestion, 'headers'> {
  readonly known: SourceVersion | undefined;
  readonly world: S3World;
  readonly attempts: number;
}

/**
 * Fetches what an http or https address names into a file.
 * @returns the version that was fetched; undefined when it is the known one still, and nothing was fetched
 * @throws GyreError in our words; ABORTED when it changed while it was fetched
 */
export async function fetchHttp(source: HttpSource, place: Place): Promise<SourceVersion | undefined> {
  const { known } = source;
  const answer = await askAgain(source, {
    ...(known?.etag === undefined ? {} : { 'if-none-match': quoted(known.etag) }),
    ...(known?.lastModified === undefined ? {} : { 'if-modified-since': known.lastModified }),
  });
  try {
    if (answer.status === 304 && known !== undefined) return undefined;
    requireSuccess(answer, source.url);
    const version = versionOf(answer.headers);
    if (known !== undefined && isSame(version, known)) return undefined;
    await receive(downloadOf(source, version, answer), place, { signal: source.signal });
    return version;
  } finally {
    answer.body.destroy();
  }
}

function isSame(version: SourceVersion, known: SourceVersion): boolean {
  if (version.etag !== undefined || known.etag !== undefined) return version.etag === known.etag;
  return version.lastModified !== undefined && version.lastModified === known.lastModified && version.size === known.size;
}

function downloadOf(source: HttpSource, version: SourceVersion, answer: HttpAnswer): Download {
  let first: HttpAnswer | undefined = answer;
  // A weak ETag says that two answers mean the same, not that they have the same bytes (RFC 9110, 8.8.1).
  const strong = version.etag?.startsWith('W/') === false ? version.etag : version.lastModified;
  const canResume = strong !== undefined && version.size !== undefined && answer.headers['accept-ranges'] !== 'none';
  return {
    name: publicAddress(source.url),
    size: version.size,
    version: canResume ? `${strong} ${version.size}` : undefined,
    bytes: (start) => {
      const begun = start === 0 ? first : undefined;
      first = undefined;
      if (begun === undefined) answer.body.destroy();
      return bytesOf(source, version, start, canResume, begun);
    },
  };
}

/** The bytes from an offset on; when the connection breaks it goes on there, where server and version allow it. */
async function* bytesOf(
  source: HttpSource,
  version: SourceVersion,
  start: number,
  canResume: boolean,
  first: HttpAnswer | undefined,
): AsyncGenerator<Uint8Array> {
  const { size } = version;
  let at = start;
  let failures = 0;
  let answer = first;
  while (size === undefined || at < size || answer !== undefined) {
    const before = at;
    try {
      answer ??= await rangeFrom(source, version, at);
      for await (const chunk of answer.body) {
        if (!(chunk instanceof Uint8Array)) continue;
        at += chunk.byteLength;
        if (size !== undefined && at > size) throw changed(source, `it has more than the ${size} bytes that it should`);
        yield chunk;
      }
      if (size === undefined) return;
      if (at < size) throw Object.assign(new Error('the answer ended early'), { code: 'ECONNRESET' });
    } catch (error) {
      failures = at > before ? 1 : failures + 1;
      requireGoing(source.signal);
      if (!canResume || failures >= source.attempts || !isBroken(error)) throw brokenHttp(error, source.url);
      await pause(source, failures);
    } finally {
      answer?.body.destroy();
      answer = undefined;
    }
  }
}

/** Insists on the same version in both ways that servers know: an old server that ignores the condition is found out by its headers. */
async function rangeFrom(source: HttpSource, version: SourceVersion, start: number): Promise<HttpAnswer> {
  const { etag, lastModified } = version;
  const condition: Record<string, string> =
    etag !== undefined && !etag.startsWith('W/')
      ? { 'if-match': quoted(etag) }
      : lastModified === undefined
        ? {}
        : { 'if-unmodified-since': lastModified };
  const answer = await askAgain(source, { ...condition, ...(start === 0 ? {} : { range: `bytes=${start}-` }) });
  try {
    if (answer.status === 412) throw changed(source, 'its version is another now');
    requireSuccess(answer, source.url);
    const found = versionOf(answer.headers);
    if (found.etag !== etag || found.lastModified !== lastModified || found.size !== version.size) {
      throw changed(source, 'its version is another now');
    }
    const begins = /^bytes (\d+)-/.exec(answer.headers['content-range'] ?? '')?.[1] ?? '0';
    if (Number(begins) !== start) {
      throw new GyreError('ABORTED', `${publicAddress(source.url)}: the server does not go on where it broke off: fetch it again`);
    }
    return answer;
  } catch (error) {
    answer.body.destroy();
    throw error;
  }
}

const changed = ({ url }: HttpSource, how: string): GyreError =>
  new GyreError('ABORTED', `${publicAddress(url)} changed while it was fetched: ${how}`);

/** Asks, and again after trouble that passes. */
async function askAgain(source: HttpSource, headers: Readonly<Record<string, string>>): Promise<HttpAnswer> {
  for (let attempt = 1; ; attempt++) {
    try {
      const answer = await ask({ ...source, headers });
      const isPassing = answer.status === 429 || answer.status === 408 || (answer.status >= 500 && answer.status !== 501);
      if (!isPassing || attempt >= source.attempts) return answer;
      answer.body.destroy();
    } catch (error) {
      requireGoing(source.signal);
      if (attempt >= source.attempts || !isBroken(error)) throw brokenHttp(error, source.url);
    }
    await pause(source, attempt);
  }
}

async function pause({ world, signal }: HttpSource, attempt: number): Promise<void> {
  const ms = backoffMs(attempt, world.random);
  await (world.sleep === undefined ? setTimeout(ms, undefined, { signal }) : world.sleep(ms, signal)).catch(() => requireGoing(signal));
}

function versionOf(headers: IncomingHttpHeaders): SourceVersion {
  const { etag, 'last-modified': lastModified, 'content-length': length, 'content-range': range } = headers;
  const size = range === undefined ? length : /\/(\d+)$/.exec(range)?.[1];
  return {
    ...(etag === undefined ? {} : { etag: etag.replace(/^(W\/)?"(.*)"$/, '$1$2') }),
    ...(lastModified === undefined ? {} : { lastModified }),
    ...(size === undefined ? {} : { size: Number(size) }),
  };
}

function quoted(etag: string): string {
  return etag.startsWith('W/') ? `W/"${etag.slice(2)}"` : `"${etag}"`;
}

const codes: Readonly<Record<number, readonly [ErrorCode, string]>> = {
  401: ['UNAUTHENTICATED', 'the server wants credentials, or takes none of these'],
  403: ['PERMISSION_DENIED', 'the server refuses access'],
  404: ['NOT_FOUND', 'there is nothing'],
  410: ['NOT_FOUND', 'it is gone'],
};

/** @throws GyreError saying what the server answered instead of the source */
function requireSuccess({ status, headers }: HttpAnswer, url: URL): void {
  const what = publicAddress(url);
  const encoding = headers['content-encoding'];
  if (status === 200 || status === 206) {
    if (encoding === undefined || encoding === 'identity') return;
    throw new GyreError('FAILED_PRECONDITION', `${what}: the server compresses its answer (${encoding}) although it was asked not to`);
  }
  const [code, words] = codes[status] ?? [
    status >= 500 || status === 429 ? 'UNAVAILABLE' : 'FAILED_PRECONDITION',
    `the server answered ${status}`,
  ];
  throw new GyreError(code, `${what}: ${words}${codes[status] === undefined ? '' : ` (${status})`}`, { status });
}
