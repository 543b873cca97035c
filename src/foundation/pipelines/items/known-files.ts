import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GyreError, messageOf } from '#core';
import type { Clock } from '#core';
import { lookAtOne } from './find-items.ts';
import type { SeenFile } from './find-items.ts';
import type { KnownFile } from './items-store.ts';

/** A file that changed so shortly before could change again without its time showing it: file systems count time in ticks. */
const tickMs = 20;
const mostReadings = 3;
/** Files up to this size are read in one piece: a stream's buffers cost more than the bytes of a small file. */
export const smallBytes = 1024 * 1024;

/** The file as its bytes are. Nothing is read when it looks as it did when it was hashed before. @throws as `hashed` */
export async function knownFile(folder: string, seen: SeenFile, before: KnownFile | undefined, clock: Clock): Promise<KnownFile> {
  if (before !== undefined && before.mark === seen.mark && before.size === seen.size) return before;
  return hashed(folder, seen, clock);
}

/**
 * Reads a file's bytes for their digest.
 * @throws GyreError ABORTED when it goes on changing while it is read, FAILED_PRECONDITION when it cannot be read
 */
export async function hashed(folder: string, first: SeenFile, clock: Clock): Promise<KnownFile> {
  let seen = first;
  for (let readings = 0; readings < mostReadings; readings++) {
    const sha256 = await digestOfFile(join(folder, seen.path), seen);
    const after = await lookAtOne(folder, seen.path);
    if (after === undefined) throw new GyreError('ABORTED', `${seen.path} went away while it was read`, { path: seen.path });
    if (after.mark === seen.mark) return known(seen, sha256, clock);
    seen = after;
  }
  throw new GyreError('ABORTED', `${first.path} changes while it is read: run again when it is written to its end`, { path: first.path });
}

export function known({ path, size, mark, modifiedMs }: SeenFile, sha256: string, clock: Clock): KnownFile {
  return { path, size, sha256, ...(modifiedMs + tickMs < clock.now() ? { mark } : {}) };
}

async function digestOfFile(path: string, { path: asWritten, size }: SeenFile): Promise<string> {
  const hash = createHash('sha256');
  try {
    if (size <= smallBytes) return hash.update(await readFile(path)).digest('hex');
    for await (const chunk of createReadStream(path, { highWaterMark: 256 * 1024 })) hash.update(chunk as Buffer);
  } catch (error) {
    throw new GyreError('FAILED_PRECONDITION', `${asWritten} cannot be read: ${messageOf(error)}`, { path: asWritten }, { cause: error });
  }
  return hash.digest('hex');
}

/** Runs work over a list, so many at a time; results in the list's order. The first failure ends it. */
export async function sideBySide<T, R>(
  list: readonly T[],
  most: number,
  work: (one: T, index: number) => Promise<R>,
): Promise<readonly R[]> {
  const results: R[] = [];
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < list.length) {
      const index = next++;
      results[index] = await work(list[index], index);
    }
  };
  await Promise.all(Array.from({ length: Math.min(most, list.length) }, lane));
  return results;
}
