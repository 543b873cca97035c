import { readFile, stat } from 'node:fs/promises';
import { GyreError } from '#core';
import { fileError } from './sources/file-standing.ts';

/** The bytes of a small source file. @throws GyreError NOT_FOUND, INVALID_ARGUMENT (a folder), RESOURCE_EXHAUSTED (beyond 2 GiB), PERMISSION_DENIED */
export async function sourceBytes(path: string): Promise<Uint8Array> {
  try {
    const found = await stat(path);
    if (found.isDirectory()) throw new GyreError('INVALID_ARGUMENT', `${path} is a folder; a file is needed`, { path });
    if (found.size >= 2 ** 31)
      throw new GyreError('RESOURCE_EXHAUSTED', `${path} has ${found.size} bytes; sources up to 2 GiB are read`, { path });
    return await readFile(path);
  } catch (error) {
    throw fileError(path, error);
  }
}
