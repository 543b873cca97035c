import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { deflate, gunzip, gzip, inflate } from 'node:zlib';
import { GyreError } from '#core';

/** How messages may be packed (`grpc-encoding`). */
export const packings = ['identity', 'gzip', 'deflate'] as const;
export type Packing = (typeof packings)[number];

const packers = {
  gzip: { pack: promisify(gzip), unpack: promisify(gunzip) },
  deflate: { pack: promisify(deflate), unpack: promisify(inflate) },
} as const;

/** A flag whether the message is packed, and its length in four bytes. */
const prefixBytes = 5;

/** A message with its prefix. */
export async function framed(message: Uint8Array, packing: Packing): Promise<Buffer> {
  const body = packing === 'identity' ? message : await packers[packing].pack(message, { level: 1 });
  const frame = Buffer.allocUnsafe(prefixBytes + body.byteLength);
  frame[0] = packing === 'identity' ? 0 : 1;
  frame.writeUInt32BE(body.byteLength, 1);
  frame.set(body, prefixBytes);
  return frame;
}

/** Takes the length-prefixed messages of a call from its stream, one after the other. */
export class MessageReader implements AsyncIterable<Uint8Array> {
  readonly #stream: Readable;
  readonly #packing: Packing;
  readonly #limit: number;

  /** @param limit bytes of a message, packed or unpacked */
  constructor(stream: Readable, packing: Packing, limit: number) {
    this.#stream = stream;
    this.#packing = packing;
    this.#limit = limit;
  }

  /** The message of a call that has one. @throws GyreError INVALID_ARGUMENT when there is none or more; what iterating throws */
  async only(): Promise<Uint8Array> {
    let found: Uint8Array | undefined;
    for await (const message of this) {
      if (found !== undefined) throw new GyreError('INVALID_ARGUMENT', 'this method takes one message, and there are more');
      found = message;
    }
    if (found === undefined) throw new GyreError('INVALID_ARGUMENT', 'this method takes a message, and there is none');
    return found;
  }

  /** @throws GyreError OUT_OF_RANGE for a message beyond the limit, INVALID_ARGUMENT for one that is cut off or cannot be unpacked */
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    const chunks: Buffer[] = [];
    let size = 0;
    // What has come so far, as one piece; mostly it is.
    const gathered = (): Buffer => {
      const whole = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks, size);
      chunks.splice(0, chunks.length, whole);
      return whole;
    };
    let wanted = prefixBytes;
    // Who stops reading still answers.
    for await (const chunk of this.#stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      size += chunk.length;
      while (size >= wanted) {
        const whole = gathered();
        const length = whole.readUInt32BE(1);
        if (length > this.#limit) throw this.#tooLarge(length);
        wanted = prefixBytes + length;
        if (size < wanted) break;
        chunks[0] = whole.subarray(wanted);
        size -= wanted;
        yield await this.#unpacked(whole.subarray(prefixBytes, wanted), whole[0]);
        wanted = prefixBytes;
      }
    }
    if (size > 0) throw new GyreError('INVALID_ARGUMENT', 'the call ended in the middle of a message');
  }

  async #unpacked(message: Buffer, flag: number): Promise<Uint8Array> {
    if (flag === 0) return message;
    if (flag !== 1 || this.#packing === 'identity')
      throw new GyreError('INVALID_ARGUMENT', 'a message says that it is packed, and no "grpc-encoding" says how');
    try {
      return await packers[this.#packing].unpack(message, { maxOutputLength: this.#limit });
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE') throw this.#tooLarge(this.#limit + 1);
      throw new GyreError('INVALID_ARGUMENT', `a message cannot be unpacked with ${this.#packing}`);
    }
  }

  #tooLarge(size: number): GyreError {
    return new GyreError('OUT_OF_RANGE', `a message of ${size} bytes is larger than ${this.#limit}, which is the limit of this endpoint`);
  }
}
