import { Worker } from 'node:worker_threads';
import { GyreError } from '#core';
import { fields, marks, slotBytes, slots } from './md5-pieces.ts';
import type { Md5Pieces } from './md5-pieces.ts';

/** A piece takes milliseconds; a thread that took none for so long has died. */
const mostWaitMs = 120_000;

/**
 * A thread that takes the MD5 of a file while its owner reads and writes on: MD5 is slower than either, and nothing of it can be done
 * side by side.
 */
export interface Md5Lane {
  /**
   * @param read fills a buffer and tells with how many bytes; none: the file has ended
   * @param use told each piece, while it is hashed
   * @returns the digest in hex
   */
  hash(read: (into: Buffer) => number, use: (bytes: Buffer) => void): string;
}

export function openMd5Lane(): Md5Lane {
  const pieces: Md5Pieces = {
    control: new Int32Array(new SharedArrayBuffer((fields.lengths + slots) * 4)),
    bytes: new Uint8Array(new SharedArrayBuffer(slots * slotBytes)),
    digest: new Uint8Array(new SharedArrayBuffer(16)),
  };
  const { control, bytes, digest } = pieces;
  const all = Buffer.from(bytes.buffer);
  const worker = new Worker(new URL('md5-thread.ts', import.meta.url), { workerData: pieces, execArgv: [] });
  worker.unref();
  let given = 0;
  /** Until at most so many pieces are under way. */
  const waitFor = (most: number): void => {
    for (let taken = Atomics.load(control, fields.taken); given - taken > most; taken = Atomics.load(control, fields.taken)) {
      if (Atomics.wait(control, fields.taken, taken, mostWaitMs) === 'timed-out' && Atomics.load(control, fields.taken) === taken)
        throw new GyreError('INTERNAL', 'the thread that hashes does not answer');
    }
  };
  const give = (length: number): void => {
    Atomics.store(control, fields.lengths + (given % slots), length);
    given += 1;
    Atomics.store(control, fields.given, given);
    Atomics.notify(control, fields.given);
  };
  return {
    hash: (read, use) => {
      let isWhole = false;
      try {
        for (;;) {
          waitFor(slots - 1);
          const slot = all.subarray((given % slots) * slotBytes, ((given % slots) + 1) * slotBytes);
          const length = read(slot);
          if (length === 0) break;
          give(length);
          use(slot.subarray(0, length));
        }
        isWhole = true;
      } finally {
        waitFor(slots - 1);
        give(isWhole ? marks.end : marks.drop);
        waitFor(0);
      }
      return Buffer.from(digest).toString('hex');
    },
  };
}
