import { stat } from 'node:fs/promises';
import { GyreError, isoInstant, messageOf } from '#core';
import type { SourceLook } from './source.ts';

/** How a file stands. @throws GyreError NOT_FOUND, INVALID_ARGUMENT (a folder), PERMISSION_DENIED */
export async function standingOf(path: string): Promise<SourceLook & { readonly size: number }> {
  try {
    const found = await stat(path, { bigint: true });
    if (found.isDirectory()) throw new GyreError('INVALID_ARGUMENT', `${path} is a folder; a file is needed`, { path });
    const size = Number(found.size);
    const modified = Number(found.mtimeMs);
    return {
      size,
      found: { size, modifiedAt: isoInstant(modified) },
      // the time of change of the inode cannot be set back, as that of the bytes can
      stamp: `${found.size} ${found.mtimeNs} ${found.ctimeNs} ${found.ino}`,
      changedAt: Math.max(modified, Number(found.ctimeMs)),
    };
  } catch (error) {
    throw fileError(path, error);
  }
}

/** What a file system says, in our words. */
export function fileError(path: string, error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT') return new GyreError('NOT_FOUND', `there is no file ${path}`, { path }, { cause: error });
  if (code === 'EACCES')
    return new GyreError('PERMISSION_DENIED', `${path} cannot be read: ${messageOf(error)}`, { path }, { cause: error });
  return error;
}

export function changedError(name: string): GyreError {
  return new GyreError('ABORTED', `${name} changed while it was read, so that nothing was made of it: ingest it when it stands still`, {
    name,
  });
}
