import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';
import { GyreError } from '#core';
import type { ByteRange } from '../port.ts';
import type { SealingKey, SealingKeys } from './keys.ts';

/*
 * How a sealed blob is written: 16 bytes that name format and key, then what Tink calls AES256_GCM_HKDF_1MB streaming encryption
 * (https://developers.google.com/tink/streaming-aead/aes_gcm_hkdf_streaming), with those 16 bytes as its associated data. Each blob has a key
 * of its own, derived with HKDF-SHA256 from a random salt; each segment is authenticated, with its number and whether it is the last one.
 */

const magic = Buffer.from('GYSEAL01', 'latin1');
const markBytes = 16;
const saltBytes = 32;
const prefixBytes = 7;
const tagBytes = 16;
const headerBytes = 1 + saltBytes + prefixBytes;
/** Sealed bytes of a segment; the header counts as a part of the first one. */
const segmentBytes = 1024 * 1024;
const clearSegmentBytes = segmentBytes - tagBytes;

/** What stands before the first segment. */
export const prefaceBytes = markBytes + headerBytes;

export type RandomBytes = (length: number) => Uint8Array;

/** How many bytes so many become when they are sealed. */
export function sealedSize(clear: number): number {
  return markBytes + headerBytes + clear + tagBytes * segmentsOf(clear);
}

/** How many bytes a sealed blob of so many holds; of one that was cut off something, which shows when it is opened. */
export function clearSize(sealed: number): number {
  const stream = sealed - markBytes;
  const segments = Math.max(1, Math.ceil(stream / segmentBytes));
  return Math.max(0, stream - headerBytes - tagBytes * segments);
}

function segmentsOf(clear: number): number {
  return Math.max(1, Math.ceil((clear + headerBytes) / clearSegmentBytes));
}

/** Seals bytes as they come. @param randomBytes of a source fit for keys */
export async function* sealed(
  bytes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  key: SealingKey,
  randomBytes: RandomBytes,
): AsyncGenerator<Uint8Array> {
  const mark = Buffer.concat([magic, Buffer.from(key.id, 'hex')]);
  const salt = randomBytes(saltBytes);
  const prefix = randomBytes(prefixBytes);
  yield Buffer.concat([mark, Buffer.from([headerBytes]), salt, prefix]);
  const secret = derived(key, salt, mark);
  const pending = Buffer.allocUnsafe(clearSegmentBytes);
  let filled = 0;
  let number = 0;
  for await (const chunk of bytes) {
    for (let taken = 0; taken < chunk.byteLength;) {
      const room = clearBytesOf(number);
      // A full segment goes only when more is there: the last one says that it is the last.
      if (filled === room) {
        yield sealSegment(secret, nonceOf(prefix, number++, false), pending.subarray(0, filled));
        filled = 0;
        continue;
      }
      const part = chunk.subarray(taken, taken + room - filled);
      pending.set(part, filled);
      filled += part.byteLength;
      taken += part.byteLength;
    }
  }
  yield sealSegment(secret, nonceOf(prefix, number, true), pending.subarray(0, filled));
}

/** The key that a sealed blob names by its first bytes. @throws GyreError DATA_LOSS, FAILED_PRECONDITION when it is none of ours */
export function keyOf(preface: Uint8Array, keys: SealingKeys): SealingKey {
  const id = keyIdOf(preface);
  const key = keys.all.find((one) => one.id === id);
  if (key === undefined) throw foreignKey(id, keys);
  return key;
}

/** @throws GyreError DATA_LOSS when these are not the first bytes of a sealed blob */
export function keyIdOf(preface: Uint8Array): string {
  if (preface.byteLength < markBytes || !magic.equals(preface.subarray(0, magic.byteLength))) {
    throw new GyreError('DATA_LOSS', 'these are not the bytes of a sealed blob');
  }
  return Buffer.from(preface.subarray(magic.byteLength, markBytes)).toString('hex');
}

export function foreignKey(id: string, keys: SealingKeys, what = 'it'): GyreError {
  return new GyreError(
    'FAILED_PRECONDITION',
    `${what} is sealed with the key ${id}, and given ${keys.all.length === 1 ? 'is' : 'are'} ${keys.all.map((one) => one.id).join(', ')}: in GYRE_BLOBS_KEY that key is missing behind a comma`,
    { key: id },
  );
}

/** The sealed bytes that hold a part of the clear ones, and which segments they are. */
export interface SealedPart {
  readonly range: Required<ByteRange>;
  readonly firstSegment: number;
  /** Clear bytes of the first segment before the part. */
  readonly skip: number;
  /** Clear bytes of the part. */
  readonly length: number;
  /** The number of the blob's last segment. */
  readonly lastSegment: number;
}

/** @param size of the clear blob in bytes @param range within it */
export function sealedPartOf(size: number, { start, end }: Required<ByteRange>): SealedPart {
  const segmentAt = (position: number): number => Math.floor((position + headerBytes) / clearSegmentBytes);
  const firstSegment = segmentAt(start);
  const last = segmentsOf(size) - 1;
  const endSegment = Math.min(last, segmentAt(Math.max(start, end - 1)));
  return {
    range: {
      start: firstSegment === 0 ? prefaceBytes : markBytes + firstSegment * segmentBytes,
      end: Math.min(sealedSize(size), markBytes + (endSegment + 1) * segmentBytes),
    },
    firstSegment,
    skip: start - clearStartOf(firstSegment),
    length: end - start,
    lastSegment: last,
  };
}

/**
 * Opens segments as they come.
 * @param preface the blob's first `prefaceBytes`
 * @param bytes the part's sealed bytes
 * @throws GyreError (from the stream) DATA_LOSS when a segment is not what was sealed, FAILED_PRECONDITION when its key is not given
 */
export async function* opened(
  preface: Uint8Array,
  bytes: AsyncIterable<Uint8Array>,
  part: SealedPart,
  keys: SealingKeys,
): AsyncGenerator<Uint8Array> {
  const key = keyOf(preface, keys);
  if (preface.byteLength < prefaceBytes || preface[markBytes] !== headerBytes) throw cutOff();
  const mark = preface.subarray(0, markBytes);
  const salt = preface.subarray(markBytes + 1, markBytes + 1 + saltBytes);
  const prefix = preface.subarray(markBytes + 1 + saltBytes, prefaceBytes);
  const secret = derived(key, salt, mark);
  const pending = Buffer.allocUnsafe(segmentBytes);
  let filled = 0;
  let number = part.firstSegment;
  let skip = part.skip;
  let left = part.length;
  const open = (): Uint8Array => {
    const clear = openSegment(secret, nonceOf(prefix, number, number === part.lastSegment), pending.subarray(0, filled));
    const wanted = clear.subarray(skip, skip + left);
    skip = 0;
    left -= wanted.byteLength;
    filled = 0;
    number++;
    return wanted;
  };
  for await (const chunk of bytes) {
    for (let taken = 0; taken < chunk.byteLength;) {
      const room = number === 0 ? segmentBytes - headerBytes : segmentBytes;
      const piece = chunk.subarray(taken, taken + room - filled);
      pending.set(piece, filled);
      filled += piece.byteLength;
      taken += piece.byteLength;
      if (filled === room) yield open();
    }
  }
  if (filled > 0) yield open();
  if (left > 0) throw cutOff();
}

const clearBytesOf = (segment: number): number => (segment === 0 ? clearSegmentBytes - headerBytes : clearSegmentBytes);

const clearStartOf = (segment: number): number => (segment === 0 ? 0 : segment * clearSegmentBytes - headerBytes);

function derived(key: SealingKey, salt: Uint8Array, mark: Uint8Array): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', key.secret, salt, mark, 32));
}

function nonceOf(prefix: Uint8Array, segment: number, last: boolean): Uint8Array {
  const nonce = Buffer.alloc(12);
  nonce.set(prefix);
  nonce.writeUInt32BE(segment, prefixBytes);
  nonce[11] = last ? 1 : 0;
  return nonce;
}

function sealSegment(secret: Uint8Array, nonce: Uint8Array, clear: Uint8Array): Uint8Array {
  const cipher = createCipheriv('aes-256-gcm', secret, nonce);
  return Buffer.concat([cipher.update(clear), cipher.final(), cipher.getAuthTag()]);
}

function openSegment(secret: Uint8Array, nonce: Uint8Array, segment: Uint8Array): Uint8Array {
  if (segment.byteLength < tagBytes) throw cutOff();
  const tagAt = segment.byteLength - tagBytes;
  const decipher = createDecipheriv('aes-256-gcm', secret, nonce, { authTagLength: tagBytes });
  decipher.setAuthTag(segment.subarray(tagAt));
  const clear = decipher.update(segment.subarray(0, tagAt));
  try {
    decipher.final();
  } catch (error) {
    throw new GyreError('DATA_LOSS', 'its sealed bytes were changed or mixed up', {}, { cause: error });
  }
  return clear;
}

function cutOff(): GyreError {
  return new GyreError('DATA_LOSS', 'its sealed bytes are cut off');
}
