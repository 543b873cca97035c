import { fromPortable, isGyreError, toPortable } from '#core';
import type { ErrorCode, PortableError } from '#core';

const ofSystem: Readonly<Record<string, ErrorCode>> = {
  ENOENT: 'NOT_FOUND',
  ENOTDIR: 'NOT_FOUND',
  EACCES: 'PERMISSION_DENIED',
  EPERM: 'PERMISSION_DENIED',
  EROFS: 'PERMISSION_DENIED',
  ENOSPC: 'RESOURCE_EXHAUSTED',
  EDQUOT: 'RESOURCE_EXHAUSTED',
  EMFILE: 'RESOURCE_EXHAUSTED',
  EIO: 'DATA_LOSS',
};

/** What the file system said, under a canonical code; the message names the path already. */
export function portableFileError(error: unknown): PortableError {
  const system = error instanceof Error && 'code' in error && typeof error.code === 'string' ? ofSystem[error.code] : undefined;
  return toPortable(error, system);
}

/** What work on files threw, under canonical codes where the file system threw it. */
export async function withCanonicalErrors<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isGyreError(error)) throw error;
    throw fromPortable(portableFileError(error));
  }
}
