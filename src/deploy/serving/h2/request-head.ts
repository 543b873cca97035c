import type { IncomingHttpHeaders } from 'node:http2';
import { HeaderDecoder } from './hpack.ts';

/** The headers of a request. Calls whose header blocks say the same share one: what was found out about it holds for all of them. */
export interface RequestHead {
  /** Names in lower case, those of the request's line as `:path` and so on. */
  readonly headers: IncomingHttpHeaders;
  /** Bytes that its DATA is to have, where it says so. */
  readonly contentLength: number | undefined;
}

/** What a header block may be; only the first of them is a request that can be answered as any other. */
export type ReadHead = { readonly head: RequestHead } | 'malformed' | 'too large';

/** Of a list of headers, and of the block that says it; announced, and what Node allows as well. */
export const mostHeaderBytes = 65_535;
/** Blocks of a connection that are known by their bytes: a client mostly has one for each method. */
const knownBlocks = 4;
/** A longer one is not kept with each connection. */
const longestKnown = 2048;

interface Known {
  readonly block: Buffer;
  readonly changes: number;
  readonly read: ReadHead;
}

/** Reads the header blocks of one connection. */
export class HeadReader {
  readonly #decoder = new HeaderDecoder();
  readonly #known: Known[] = [];
  #next = 0;

  /**
   * Reads the block of a request.
   * @param block valid during the call
   * @throws ConnectionFault COMPRESSION_ERROR
   */
  request(block: Buffer): ReadHead {
    const before = this.#decoder.changes;
    // The same bytes say the same as long as the table is the same; and say nothing to the table, or else it would have changed.
    for (const known of this.#known)
      if (known.changes === before && known.block.length === block.length && known.block.equals(block)) return known.read;
    const { fields, isTooLarge } = this.#decoder.read(block, mostHeaderBytes);
    const read = isTooLarge ? 'too large' : headOf(fields);
    if (this.#decoder.changes === before && block.length <= longestKnown) {
      this.#known[this.#next] = { block: Buffer.from(block), changes: before, read };
      this.#next = (this.#next + 1) % knownBlocks;
    }
    return read;
  }

  /**
   * Reads what stands behind the DATA of a request, which says nothing to us but to the table.
   * @throws ConnectionFault COMPRESSION_ERROR
   * @returns whether it is well formed
   */
  trailers(block: Buffer): boolean {
    const { fields, isTooLarge } = this.#decoder.read(block, mostHeaderBytes);
    return isTooLarge || fields.every((text, at) => at % 2 === 1 || (isName.test(text) && isValue.test(fields[at + 1])));
  }
}

/** RFC 9110, 5.6.2, in lower case as RFC 9113, 8.2.1 wants it. */
const isName = /^[!#$%&'*+\-.^_`|~\da-z]+$/;
/** Without what could end a line elsewhere (RFC 9113, 8.2.1). */
// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const isValue = /^[^\0\r\n]*$/;
/** What speaks of a connection, which HTTP/2 says otherwise (RFC 9113, 8.2.2). */
const ofConnections: ReadonlySet<string> = new Set(['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade']);
const ofRequests: ReadonlySet<string> = new Set([':method', ':scheme', ':path', ':authority']);
/** What a request says once. */
const single: ReadonlySet<string> = new Set(['authorization', 'content-length', 'content-type', 'host', 'origin', 'te']);

/** Brings a list of headers into the form in which Node has them (RFC 9113, 8.2 and 8.3). */
function headOf(fields: readonly string[]): ReadHead {
  const headers: IncomingHttpHeaders = Object.create(null) as IncomingHttpHeaders;
  let isRegular = false;
  for (let k = 0; k < fields.length; k += 2) {
    const name = fields[k];
    const value = trimmed(fields[k + 1]);
    if (!isValue.test(value)) return 'malformed';
    const before = headers[name];
    if (name.startsWith(':')) {
      if (isRegular || !ofRequests.has(name) || before !== undefined) return 'malformed';
      headers[name] = value;
      continue;
    }
    isRegular = true;
    if (!isName.test(name) || ofConnections.has(name) || (name === 'te' && value.toLowerCase() !== 'trailers')) return 'malformed';
    if (before === undefined) headers[name] = name === 'set-cookie' ? [value] : value;
    else if (Array.isArray(before)) before.push(value);
    // Of two that contradict each other none is believed.
    else if (single.has(name)) {
      if (before !== value) return 'malformed';
    } else headers[name] = `${before}${name === 'cookie' ? '; ' : ', '}${value}`;
  }
  const { ':method': method, ':scheme': scheme, ':path': path, 'content-length': length } = headers;
  if (!method || !scheme || !path) return 'malformed';
  if (length === undefined) return { head: { headers, contentLength: undefined } };
  return /^\d{1,15}$/.test(length) ? { head: { headers, contentLength: Number(length) } } : 'malformed';
}

/** Blanks around a value are no part of it: gRPC lets clients send them. By hand: an expression for it takes long for many blanks inside. */
function trimmed(value: string): string {
  let from = 0;
  let to = value.length;
  while (from < to && isBlank(value, from)) from += 1;
  while (to > from && isBlank(value, to - 1)) to -= 1;
  return to - from === value.length ? value : value.slice(from, to);
}

function isBlank(value: string, at: number): boolean {
  const code = value.charCodeAt(at);
  return code === 0x20 || code === 0x09;
}
