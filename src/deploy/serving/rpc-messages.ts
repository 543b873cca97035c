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
export function framed(message: Uint8Array, packing: Packing): Buffer | Promise<Buffer> {
  return packing === 'identity' ? prefixed(message, 0) : packers[packing].pack(message, { level: 1 }).then((body) => prefixed(body, 1));
}

function prefixed(body: Uint8Array, flag: 0 | 1): Buffer {
  const frame = Buffer.allocUnsafe(prefixBytes + body.byteLength);
  frame[0] = flag;
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

  /**
   * The message of a call that has one. By events rather than by iterating, which costs a seventh of such a call.
   * @throws GyreError INVALID_ARGUMENT when there is none or more, CANCELLED when the caller went away; what iterating throws
   */
  only(): Promise<Uint8Array> {
    const stream = this.#stream;
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
    let chunks: Buffer[] = [];
    let size = 0;
    /** Bytes of the message with its prefix, once that has come. */
    let wanted: number | undefined;
    const gathered = (): Buffer => {
      const whole = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks, size);
      chunks = [whole];
      return whole;
    };
    const stop = (): void => {
      stream.off('data', onData).off('end', onEnd).off('error', onError).off('close', onClose);
    };
    const refuse = (error: Error): void => {
      stop();
      reject(error);
    };
    const onData = (chunk: Buffer): void => {
      chunks.push(chunk);
      size += chunk.length;
      if (wanted === undefined && size >= prefixBytes) {
        const length = gathered().readUInt32BE(1);
        if (length > this.#limit) {
          refuse(this.#tooLarge(length));
          return;
        }
        wanted = prefixBytes + length;
      }
      if (wanted !== undefined && size > wanted)
        refuse(new GyreError('INVALID_ARGUMENT', 'this method takes one message, and there are more'));
    };
    const onEnd = (): void => {
      stop();
      if (size === 0) reject(new GyreError('INVALID_ARGUMENT', 'this method takes a message, and there is none'));
      else if (size !== wanted) reject(new GyreError('INVALID_ARGUMENT', 'the call ended in the middle of a message'));
      else {
        const whole = gathered();
        const message = whole.subarray(prefixBytes);
        resolve(whole[0] === 0 ? message : this.#unpacked(message, whole[0]));
      }
    };
    const onError = (error: Error): void => refuse(error);
    const onClose = (): void => refuse(new GyreError('CANCELLED', 'the caller went away'));
    stream.on('data', onData).on('end', onEnd).on('error', onError).on('close', onClose);
    return promise;
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
