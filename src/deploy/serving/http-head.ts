import type { IncomingHttpHeaders } from 'node:http';

/** The first line and the headers of a request, as clients of a data plane mostly write them. */
export interface PlainHead {
  readonly method: 'GET' | 'POST';
  /** The target as it was sent: a path, perhaps with a query. */
  readonly url: string;
  /** Names in lower case. */
  readonly headers: IncomingHttpHeaders;
  /** Bytes of the body. */
  readonly bodyBytes: number;
  /** The head's own bytes, with the empty line behind it. */
  readonly bytes: Buffer;
}

/** A head that grows beyond this is not ours. */
const longestHead = 8 * 1024;
const endOfHead = Buffer.from('\r\n\r\n');
/** Printable ASCII in lines that end with CR LF and nothing else: no line is empty, none goes on in the next (RFC 9112, 2.2 and 5.2). */
const cleanLines = /^[\x21-\x7e][\x20-\x7e]*(?:\r\n[\x21-\x7e][\x20-\x7e]*)*$/;
const requestLine = /^(GET|POST) (\/[\x21-\x7e]*) HTTP\/1\.1$/;
const fieldName = /^[!#$%&'*+.^_`|~\dA-Za-z-]+$/;
/** What changes how the message or the connection is to be read. */
const notPlain: ReadonlySet<string> = new Set(['transfer-encoding', 'trailer', 'upgrade', 'expect', 'te', 'http2-settings', '__proto__']);

/**
 * Reads the head of a request where it is plain: GET without a body or POST with a `content-length`, HTTP/1.1 on a connection that is kept,
 * no header twice. Nothing is guessed: whatever else there is, a full parser is to read (RFC 9112).
 * @param from where in `bytes` it begins
 * @returns undefined when it is another kind of request, or has not come whole
 */
export function readPlainHead(bytes: Buffer, from: number): PlainHead | undefined {
  const end = bytes.indexOf(endOfHead, from);
  if (end < 0 || end - from > longestHead) return undefined;
  const text = bytes.toString('latin1', from, end);
  if (!cleanLines.test(text)) return undefined;
  const [first, ...lines] = text.split('\r\n');
  const [, method, url] = requestLine.exec(first) ?? [];
  if (method !== 'GET' && method !== 'POST') return undefined;
  const headers: IncomingHttpHeaders = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon < 1) return undefined;
    const name = line.slice(0, colon).toLowerCase();
    if (!fieldName.test(name) || notPlain.has(name) || headers[name] !== undefined) return undefined;
    headers[name] = line.slice(colon + 1).trim();
  }
  const { host, connection, 'content-length': length } = headers;
  if (host === undefined || (connection !== undefined && connection.toLowerCase() !== 'keep-alive')) return undefined;
  const isLength = length !== undefined && /^\d{1,15}$/.test(length);
  if (method === 'POST' ? !isLength : length !== undefined) return undefined;
  // A copy: the chunk that it came in is not to be kept for it.
  return { method, url, headers, bodyBytes: Number(length ?? 0), bytes: Buffer.from(bytes.subarray(from, end + endOfHead.length)) };
}

/** Whether the same head stands there again: most clients of a kept connection say the same each time. */
export function beginsWith(bytes: Buffer, from: number, head: PlainHead): boolean {
  const { bytes: known } = head;
  return bytes.length - from >= known.length && bytes.compare(known, 0, known.length, from, from + known.length) === 0;
}
