import { promisify } from 'node:util';
import { deflate, gunzip, gzip, inflate } from 'node:zlib';
import { giveBack, GyreError, unfilledBuffer } from '#core';

/** How messages may be packed (`grpc-encoding`). */
export const packings = ['identity', 'gzip', 'deflate'] as const;
export type Packing = (typeof packings)[number];

const packers = {
  gzip: { pack: promisify(gzip), unpack: promisify(gunzip) },
  deflate: { pack: promisify(deflate), unpack: promisify(inflate) },
} as const;

/** A flag whether the message is packed, and its length in four bytes. */
const prefixBytes = 5;
/**
 * Room for a message whose rest is still to come: so many times what has come, and no less than a little. A frame of the usual size makes
 * room for 256 KiB at once, which most messages fit in; the length that is said, in four bytes, makes room for nothing.
 */
const growth = 16;
const leastBytes = 4096;
/** The widest number's bytes. */
const widest = 8;

/** What stands before a message. @param flag 1 for one that is packed */
export function prefixOf(message: Uint8Array, flag: 0 | 1): Buffer {
  const prefix = Buffer.allocUnsafe(prefixBytes);
  const size = message.length;
  prefix[0] = flag;
  prefix[1] = size >>> 24;
  prefix[2] = size >>> 16;
  prefix[3] = size >>> 8;
  prefix[4] = size;
  return prefix;
}

/** A message as it was sent. */
export interface SentMessage {
  readonly bytes: Buffer;
  /** 1 for one that is packed. */
  readonly flag: number;
  /** Whether its memory is nobody else's: it was put together from parts. */
  readonly isOwn: boolean;
}

/** Takes the length-prefixed messages of a call from the pieces in which they come. One that lies in one piece is not copied. */
export class MessageReader {
  readonly #limit: number;
  /** Bytes of the prefix that have come, and what it says. */
  #prefix = 0;
  #flag = 0;
  #length = 0;
  /** What has come of a message that is not whole. */
  #part: Buffer | undefined;
  #filled = 0;
  #message: SentMessage | undefined;

  /** @param limit bytes of a message as it is sent */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Whether a message has come in part. */
  get isOpen(): boolean {
    return this.#prefix > 0;
  }

  /**
   * Reads up to the end of a message, or of the bytes.
   * @returns where it stopped; then `take` has the message, if one is whole
   * @throws GyreError OUT_OF_RANGE for a message beyond the limit
   */
  read(bytes: Buffer, from: number, to = bytes.length): number {
    let at = from;
    if (this.#prefix < prefixBytes) {
      while (at < to && this.#prefix < prefixBytes) {
        if (this.#prefix === 0) this.#flag = bytes[at];
        else this.#length = this.#length * 256 + bytes[at];
        this.#prefix += 1;
        at += 1;
      }
      if (this.#prefix < prefixBytes) return at;
      if (this.#length > this.#limit) throw tooLarge(this.#length, this.#limit);
      if (to - at >= this.#length) {
        const end = at + this.#length;
        this.#hold(bytes.subarray(at, end), false);
        return end;
      }
    }
    const count = Math.min(to - at, this.#length - this.#filled);
    const part = this.#room(this.#filled + count);
    bytes.copy(part, this.#filled, at, at + count);
    this.#filled += count;
    if (this.#filled === this.#length) this.#hold(part.subarray(0, this.#length), true);
    return at + count;
  }

  take(): SentMessage | undefined {
    const message = this.#message;
    this.#message = undefined;
    return message;
  }

  /** The message's bytes, with room for so many. */
  #room(size: number): Buffer {
    const part = this.#part;
    if (part !== undefined && part.length >= size) return part;
    const room = Math.min(this.#length, Math.max(leastBytes, size * growth));
    // Raw contents end a message: it is put so that a number of any type may begin where those of its last input do.
    const ahead = (widest - (this.#length % widest)) % widest;
    const grown = Buffer.from(unfilledBuffer(ahead + room), ahead, room);
    if (part !== undefined) {
      part.copy(grown, 0, 0, this.#filled);
      giveBack(part);
    }
    this.#part = grown;
    return grown;
  }

  #hold(bytes: Buffer, isOwn: boolean): void {
    this.#message = { bytes, flag: this.#flag, isOwn };
    this.#prefix = 0;
    this.#length = 0;
    this.#part = undefined;
    this.#filled = 0;
  }
}

/**
 * What a message says.
 * @param limit bytes of it when it is unpacked
 * @throws GyreError INVALID_ARGUMENT when it cannot be unpacked, OUT_OF_RANGE when it is larger than the limit
 */
export async function unpacked({ bytes, flag }: SentMessage, packing: Packing, limit: number): Promise<Uint8Array> {
  if (flag !== 1 || packing === 'identity')
    throw new GyreError('INVALID_ARGUMENT', 'a message says that it is packed, and no "grpc-encoding" says how');
  try {
    return await packers[packing].unpack(bytes, { maxOutputLength: limit });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(limit + 1, limit);
    throw new GyreError('INVALID_ARGUMENT', `a message cannot be unpacked with ${packing}`);
  }
}

/** A message as it is to be sent. @param packing is not `identity` */
export function packed(message: Uint8Array, packing: Exclude<Packing, 'identity'>): Promise<Buffer> {
  return packers[packing].pack(message, { level: 1 });
}

function tooLarge(size: number, limit: number): GyreError {
  return new GyreError('OUT_OF_RANGE', `a message of ${size} bytes is larger than ${limit}, which is the limit of this endpoint`);
}
