import type { IncomingHttpHeaders } from 'node:http';
import { GyreError } from '#core';
import type { ErrorCode } from '#core';
import type { Inferred } from './plane-port.ts';
import type { Caller } from './route.ts';
import type { RequestNote } from './request-note.ts';

/** A request as a route sees it. */
export interface Exchange {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  /** The values of the pattern's `:names`, decoded. */
  readonly params: Readonly<Record<string, string>>;
  /** When its header was read, on the plane's clock of elapsed time. */
  readonly receivedMs: number;
  /** Goes along to the plane. */
  readonly note: RequestNote;
  /**
   * The body, which must be JSON by its content type; unpacked, when it came packed with gzip or deflate.
   * @throws GyreError with `details.status` 413 when it is larger than the manifest allows (packed or unpacked, also when it only claims to
   *   be), 415 for another content type or encoding, 400 when it ends early, cannot be unpacked or is no UTF-8
   */
  text(): Promise<string>;
  /** As `text`, for a body that may also be `application/octet-stream`; nothing is asked of its bytes. */
  bytes(): Promise<Buffer>;
  /**
   * As `bytes`, where all of it is there already and not packed; undefined: nothing was read, and `bytes` or `text` is to be asked.
   * @param takes what its content type may be
   */
  bytesNow(takes: 'json' | 'binary'): Buffer | undefined;
  /** As `bytes`, whatever the content type says; it comes along, empty when there is none. */
  any(): Promise<{ readonly bytes: Buffer; readonly type: string }>;
  /** The body is read no more, nor anything that shows part of it: its memory is given back at once, where that is worth it. */
  release(): void;
}

export interface Answer {
  readonly status: number;
  /** Text, or parts that follow each other. */
  readonly body: string | readonly Uint8Array[];
  /** Default `application/json`. */
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Where the answer may not be given yet: calls back once, when it may be, or with what went wrong instead. */
  readonly settle?: (done: (fault?: GyreError) => void) => void;
}

export interface Route {
  /** What metrics call it. */
  readonly name: string;
  readonly method: 'GET' | 'POST' | 'PUT';
  /** `/v2/models/:name/infer`: segments that begin with a colon take any text. */
  readonly path: string;
  /** True for probes: no token is asked for. */
  readonly open?: boolean;
  /** True where predictions are asked for. */
  readonly infers?: boolean;
  readonly handle: (exchange: Exchange) => Answer | Promise<Answer>;
}

/** The headers of an answer with predictions: the first one's id, the generation that gave it, and why it is the fallback's. */
export function predictionHeaders(
  generation: number,
  { ids, fallback }: Pick<Inferred, 'ids' | 'fallback'>,
): Readonly<Record<string, string>> {
  return {
    'gyre-prediction-id': ids[0],
    'gyre-generation': String(generation),
    ...(fallback === undefined ? {} : { 'gyre-fallback': fallback }),
  };
}

/** What routes go by of a request over HTTP. @param key the first row's, where the request names keys */
export function callerOf(headers: IncomingHttpHeaders, key?: string): Caller {
  return {
    header: (name) => {
      const value = headers[name];
      return typeof value === 'string' ? value : value?.[0];
    },
    ...(key === undefined ? {} : { key }),
  };
}

/** An error about HTTP itself: a protocol answers it with this very status. */
export function requestFault(status: number, code: ErrorCode, message: string, headers: Readonly<Record<string, string>> = {}): GyreError {
  return new GyreError(code, message, { status, headers });
}

/**
 * How long a caller waits at most, by the header `x-request-timeout-ms`.
 * @throws GyreError INVALID_ARGUMENT when it is no number of milliseconds
 */
export function timeoutOfHeader({ 'x-request-timeout-ms': header }: IncomingHttpHeaders): number | undefined {
  if (header === undefined) return undefined;
  const timeoutMs = Number(header);
  if (header !== '' && timeoutMs > 0) return timeoutMs;
  throw new GyreError('INVALID_ARGUMENT', `x-request-timeout-ms is "${String(header).slice(0, 40)}"; a number of milliseconds is right`);
}

/** @throws GyreError with status 400 saying where the JSON is broken */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // V8 quotes the text around the fault; the caller sent it and may see it, cut to a line.
    const reason = error instanceof Error ? error.message.slice(0, 200) : 'unreadable';
    throw requestFault(
      400,
      'INVALID_ARGUMENT',
      text === '' ? 'the body is empty; a JSON object is wanted' : `the body is no JSON: ${reason}`,
    );
  }
}
