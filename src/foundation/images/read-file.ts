import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { BigIntStats } from 'node:fs';
import { GyreError, messageOf } from '#core';
import type { FileRead, FileStamp } from './thread-messages.ts';

export function stampOf({ size, ino, mtimeNs, ctimeNs }: BigIntStats): FileStamp {
  return { size: Number(size), stamp: `${ino}:${mtimeNs}:${ctimeNs}` };
}

/**
 * Reads a file whole, with its digests. A file that is written to meanwhile is read once more.
 * @throws GyreError NOT_FOUND, PERMISSION_DENIED, RESOURCE_EXHAUSTED (beyond `maxBytes`), FAILED_PRECONDITION (no plain file, or it keeps changing)
 */
export async function readWhole(path: string, maxBytes: number): Promise<FileRead> {
  try {
    return (await readOnce(path, maxBytes)) ?? (await readOnce(path, maxBytes)) ?? refuse(path);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT') throw new GyreError('NOT_FOUND', `there is no file ${path}`, { path }, { cause: error });
    if (code === 'EACCES')
      throw new GyreError('PERMISSION_DENIED', `${path} cannot be read: ${messageOf(error)}`, { path }, { cause: error });
    throw error;
  }
}

async function readOnce(path: string, maxBytes: number): Promise<FileRead | undefined> {
  await using file = await open(path, 'r');
  const before = await file.stat({ bigint: true });
  if (!before.isFile()) throw new GyreError('FAILED_PRECONDITION', `${path} is no plain file`, { path });
  if (before.size > maxBytes) {
    throw new GyreError('RESOURCE_EXHAUSTED', `${path} has ${before.size} bytes; images up to ${maxBytes} bytes are read`, { path });
  }
  const content = await file.readFile();
  const stamp = stampOf(before);
  if (stampOf(await file.stat({ bigint: true })).stamp !== stamp.stamp || content.byteLength !== stamp.size) return undefined;
  // small files come in slices of a shared buffer, which cannot be handed to another thread
  const bytes = new Uint8Array(content);
  const md5 = createHash('md5').update(bytes).digest('hex');
  return { ...stamp, bytes, sha256: createHash('sha256').update(bytes).digest('hex'), md5 };
}

function refuse(path: string): never {
  throw new GyreError('FAILED_PRECONDITION', `${path} changed while it was read; add it again when nothing writes to it`, { path });
}
