import { isUtf8 } from 'node:buffer';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { GyreError } from '#core';
import type { ErrorCode } from '#core';

/** A request as a route sees it. */
export interface Exchange {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  /** The values of the pattern's `:names`, decoded. */
  readonly params: Readonly<Record<string, string>>;
  /** When its header was read, on the plane's clock of elapsed time. */
  readonly receivedMs: number;
  /**
   * The body, which must be JSON by its content type.
   * @throws GyreError with `details.status` 413 when it is larger than the manifest allows (also when it only claims to be), 415 for another
   *   content type or an encoding, 400 when it ends early or is no UTF-8
   */
  text(): Promise<string>;
}

export interface Answer {
  readonly status: number;
  readonly body: string;
  /** Default `application/json`. */
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Route {
  /** What metrics call it. */
  readonly name: string;
  readonly method: 'GET' | 'POST';
  /** `/v2/models/:name/infer`: segments that begin with a colon take any text. */
  readonly path: string;
  /** True for probes: no token is asked for. */
  readonly open?: boolean;
  readonly handle: (exchange: Exchange) => Answer | Promise<Answer>;
}

/** An error about HTTP itself: a protocol answers it with this very status. */
export function requestFault(status: number, code: ErrorCode, message: string, headers: Readonly<Record<string, string>> = {}): GyreError {
  return new GyreError(code, message, { status, headers });
}

const tooLarge = (limit: number): GyreError =>
  requestFault(413, 'OUT_OF_RANGE', `the body is larger than ${limit} bytes, which is the limit of this endpoint; send fewer rows at once`);

/**
 * Reads a JSON body as text, at most `limit` bytes of it.
 * @param limit bytes
 * @throws GyreError as `Exchange.text`
 */
export function readBody(request: IncomingMessage, limit: number): Promise<string> {
  const { headers } = request;
  const type = headers['content-type'];
  // Clients of the protocol send no content type at all; what names another one is not JSON.
  if (type !== undefined && !/^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i.test(type)) {
    return Promise.reject(
      requestFault(415, 'INVALID_ARGUMENT', `the content type "${type.slice(0, 100)}" is not taken here; send application/json`),
    );
  }
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') {
    return Promise.reject(
      requestFault(415, 'INVALID_ARGUMENT', `the content encoding "${encoding.slice(0, 100)}" is not taken here; send the JSON as it is`),
    );
  }
  if (Number(headers['content-length']) > limit) return Promise.reject(tooLarge(limit));
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const stop = (error: GyreError): void => {
      request.removeAllListeners('data');
      reject(error);
    };
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > limit) stop(tooLarge(limit));
      else chunks.push(chunk);
    });
    request.on('end', () => {
      const bytes = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks, size);
      if (isUtf8(bytes)) resolve(bytes.toString('utf8'));
      else reject(requestFault(400, 'INVALID_ARGUMENT', 'the body is not UTF-8, which JSON is written in'));
    });
    request.on('error', () => reject(requestFault(400, 'INVALID_ARGUMENT', 'the body ended before it was complete')));
    request.on('close', () => {
      if (!request.complete) reject(requestFault(400, 'INVALID_ARGUMENT', 'the body ended before it was complete'));
    });
  });
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
