import { createHash, hash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { GyreError } from '#core';
import { openMd5Lane } from './md5-lane.ts';
import type { Md5Lane } from './md5-lane.ts';

/** Files up to this size are read in one go. */
export const smallBytes = 1024 * 1024;
const chunkBytes = 4 * 1024 * 1024;

/** From this size on a file is hashed beside what else is done with it: less, and the thread for it begins too late. */
const laneBytes = 32 * 1024 * 1024;

/** What a thread uses again for each file. */
export interface Buffers {
  readonly small: Buffer;
  readonly chunk: () => Buffer;
  readonly lane: () => Md5Lane;
}

export function makeBuffers(): Buffers {
  let chunk: Buffer | undefined;
  let lane: Md5Lane | undefined;
  return {
    small: Buffer.allocUnsafeSlow(smallBytes + 1),
    chunk: () => (chunk ??= Buffer.allocUnsafeSlow(chunkBytes)),
    lane: () => (lane ??= openMd5Lane()),
  };
}

/** Whether two looks at a file saw the same: nobody wrote to it in between. */
export function isSameStat(before: Stats, after: Stats): boolean {
  return before.ino === after.ino && before.size === after.size && before.mtimeMs === after.mtimeMs && before.ctimeMs === after.ctimeMs;
}

/**
 * @param atOnce takes what one call gives for all of it: so it is on nearly every file system, and whoever knows the digest sees whether it was
 * @returns a file's bytes, a view that the next call overwrites; undefined when it has grown beyond the buffer
 */
export function readSmall(path: string, buffer: Buffer, atOnce: boolean): Buffer | undefined {
  const file = openSync(path, constants.O_RDONLY);
  try {
    let length = 0;
    for (;;) {
      const read = readSync(file, buffer, length, buffer.length - length, null);
      length += read;
      if (length === buffer.length) return undefined;
      if (read === 0 || atOnce) return buffer.subarray(0, length);
    }
  } finally {
    closeSync(file);
  }
}

/**
 * Reads a file that was looked at before.
 * @returns its bytes, a view that the next call overwrites; undefined when they are not those of the file that was seen
 */
export function readSeen(path: string, seen: Stats, buffer: Buffer): Buffer | undefined {
  const file = openSync(path, constants.O_RDONLY);
  try {
    let length = 0;
    while (length <= seen.size) {
      const read = readSync(file, buffer, length, buffer.length - length, null);
      if (read === 0) break;
      length += read;
      // What was read to its known end needs no further call to hear so: the size is compared below.
      if (length === seen.size) break;
    }
    return length === seen.size && isSameStat(seen, fstatSync(file)) ? buffer.subarray(0, length) : undefined;
  } finally {
    closeSync(file);
  }
}

/** Reads a file piece by piece. @param each told each piece, a view that the next one overwrites */
export function readLarge(path: string, chunk: Buffer, each: (bytes: Buffer) => void): void {
  const file = openSync(path, constants.O_RDONLY);
  try {
    for (;;) {
      const read = readSync(file, chunk, 0, chunk.length, null);
      if (read === 0) return;
      each(chunk.subarray(0, read));
    }
  } finally {
    closeSync(file);
  }
}

/**
 * Reads a file piece by piece and takes its MD5 meanwhile.
 * @param use told each piece, a view that a later one overwrites
 * @returns the digest in hex
 */
export function md5Beside(path: string, buffers: Buffers, use: (bytes: Buffer) => void = () => undefined): string {
  const file = openSync(path, constants.O_RDONLY);
  try {
    const read = (into: Buffer): number => readSync(file, into, 0, into.length, null);
    if (fstatSync(file).size >= laneBytes) return buffers.lane().hash(read, use);
    const digest = createHash('md5');
    const chunk = buffers.chunk();
    for (let length = read(chunk); length > 0; length = read(chunk)) {
      digest.update(chunk.subarray(0, length));
      use(chunk.subarray(0, length));
    }
    return digest.digest('hex');
  } finally {
    closeSync(file);
  }
}

/** Writes all of it: a write may take less than it was given. */
export function writeAll(file: number, bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length;) written += writeSync(file, bytes, written, bytes.length - written);
}

export function md5Of(bytes: Uint8Array): Buffer {
  return hash('md5', bytes, 'buffer');
}

/** The MD5 that DVC before 3 gave a file: of a text, with its line ends turned into `\n`. */
export function legacyMd5Of(bytes: Buffer): Buffer {
  if (!isText(bytes)) return md5Of(bytes);
  const digest = createHash('md5');
  let from = 0;
  for (let at = bytes.indexOf('\r\n'); at >= 0; at = bytes.indexOf('\r\n', at + 2)) {
    digest.update(bytes.subarray(from, at));
    from = at + 1;
  }
  return digest.update(bytes.subarray(from)).digest();
}

/** As those versions told texts: no NUL and at most three unusual bytes of ten among the first 512. */
function isText(bytes: Buffer): boolean {
  const head = bytes.subarray(0, 512);
  if (head.includes(0)) return false;
  const unusual = head.filter((byte) => !((byte >= 32 && byte < 127) || [8, 9, 10, 12, 13].includes(byte))).length;
  return unusual <= head.length * 0.3;
}

/** @throws GyreError ABORTED: what was read is no state that the file ever had */
export function changedWhileRead(path: string): GyreError {
  return new GyreError('ABORTED', `${path} changed while it was read; nothing was recorded: add it again when nobody writes to it`, {
    path,
  });
}
