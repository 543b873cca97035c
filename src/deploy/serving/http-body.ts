import { isUtf8 } from 'node:buffer';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { gzip, inflate, unzip } from 'node:zlib';
import type { GyreError } from '#core';
import { requestFault } from './http-exchange.ts';

const jsonType = /^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i;
const binaryType = /^application\/octet-stream\s*(?:;|$)/i;

const unpackers = { gzip: promisify(unzip), deflate: promisify(inflate) } as const;
const pack = promisify(gzip);

/** A smaller answer is sent sooner than packed. */
const leastPacked = 16 * 1024;
/** The fastest: what is packed is mostly numbers, which the slower ones hardly make smaller. */
const packing = { level: 1 };

/** What a body's content type may be: JSON's, also `application/octet-stream`, or any. */
export type BodyTaken = 'json' | 'binary' | 'any';

/**
 * Reads a body, at most `limit` bytes of it, packed or unpacked.
 * @param limit bytes
 * @throws GyreError as `Exchange.bytes`
 */
export async function readBody(request: IncomingMessage, limit: number, takes: BodyTaken): Promise<Buffer> {
  const encoding = encodingOf(request.headers, takes);
  if (Number(request.headers['content-length']) > limit) throw tooLarge(limit);
  const bytes = await received(request, limit);
  return encoding === 'identity' ? bytes : unpacked(bytes, unpackers[encoding], limit);
}

/**
 * A body that was read already, unpacked, as `readBody` would give it.
 * @param limit bytes that it may unpack to
 * @throws GyreError as `Exchange.bytes`
 */
export function wholeBody(bytes: Buffer, headers: IncomingHttpHeaders, limit: number, takes: BodyTaken): Buffer | Promise<Buffer> {
  const encoding = encodingOf(headers, takes);
  return encoding === 'identity' ? bytes : unpacked(bytes, unpackers[encoding], limit);
}

/** @throws GyreError with status 415 when the type or the encoding is not taken */
function encodingOf(headers: IncomingHttpHeaders, takes: BodyTaken): 'identity' | keyof typeof unpackers {
  const type = headers['content-type'];
  // Clients of the protocol send no content type at all; what names another one is not for us.
  if (takes !== 'any' && type !== undefined && !jsonType.test(type) && !(takes === 'binary' && binaryType.test(type))) {
    const right = takes === 'binary' ? 'application/json or application/octet-stream' : 'application/json';
    throw requestFault(415, 'INVALID_ARGUMENT', `the content type "${type.slice(0, 100)}" is not taken here; send ${right}`);
  }
  const encoding = headers['content-encoding']?.toLowerCase() ?? 'identity';
  if (encoding === 'identity' || encoding === 'gzip' || encoding === 'deflate') return encoding;
  throw requestFault(
    415,
    'INVALID_ARGUMENT',
    `the content encoding "${encoding.slice(0, 100)}" is not taken here; send gzip, deflate, or the body as it is`,
  );
}

/** @throws GyreError with status 400 when these bytes are no text in UTF-8 */
export function utf8Text(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString('utf8');
  throw requestFault(400, 'INVALID_ARGUMENT', 'the body is not UTF-8, which JSON is written in');
}

/**
 * The text of a body that was read whatever its content type.
 * @throws GyreError with status 415 when that is not JSON's, 400 when it is no UTF-8
 */
export function jsonText(bytes: Buffer, type: string): string {
  if (type === '' || jsonType.test(type)) return utf8Text(bytes);
  throw requestFault(415, 'INVALID_ARGUMENT', `the content type "${type.slice(0, 100)}" is not taken here; send application/json`);
}

/** Whether a client's Accept-Encoding asks for a body of so many bytes to be packed. */
export function isPacked(size: number, accepted: string | undefined): boolean {
  return size >= leastPacked && accepted !== undefined && /\bgzip\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))/i.test(accepted);
}

/** A body packed with gzip, by another thread. */
export function packedBody(body: string | readonly Uint8Array[]): Promise<Buffer> {
  return pack(typeof body === 'string' ? body : Buffer.concat(body), packing);
}

/** In bytes. */
export function sizeOfBody(body: string | readonly Uint8Array[]): number {
  return typeof body === 'string' ? Buffer.byteLength(body) : body.reduce((sum, part) => sum + part.byteLength, 0);
}

const tooLarge = (limit: number): GyreError =>
  requestFault(413, 'OUT_OF_RANGE', `the body is larger than ${limit} bytes, which is the limit of this endpoint; send fewer rows at once`);

/** A body that its caller did not send to the end. */
export const brokenOff = (): GyreError => requestFault(400, 'INVALID_ARGUMENT', 'the body ended before it was complete');

function received(request: IncomingMessage, limit: number): Promise<Buffer> {
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
    request.on('end', () => resolve(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks, size)));
    request.on('error', () => reject(brokenOff()));
    request.on('close', () => {
      if (!request.complete) reject(brokenOff());
    });
  });
}

/** A small body may unpack to more than there is memory: it is stopped at the limit. */
async function unpacked(bytes: Buffer, unpack: (typeof unpackers)[keyof typeof unpackers], limit: number): Promise<Buffer> {
  try {
    return await unpack(bytes, { maxOutputLength: limit });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(limit);
    throw requestFault(400, 'INVALID_ARGUMENT', 'the body cannot be unpacked: it is not what its content encoding says, or it is cut off');
  }
}
