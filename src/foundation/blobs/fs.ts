import { GyreError } from '#core';
import type { Faults } from '#core';
import type { BlobStore } from './port.ts';

export interface FsBlobsOptions {
  /** Made when missing; owned by one process at a time. */
  readonly dir: string;
  readonly faults?: Faults;
}

/**
 * Blobs as read-only files `sha256/ab/cdef…` in a folder. Leftovers of killed writes are swept away.
 * @throws GyreError PERMISSION_DENIED when the folder cannot be written
 */
export async function openFsBlobs(options: FsBlobsOptions): Promise<BlobStore> {
  throw new GyreError('UNIMPLEMENTED', `no blobs in ${options.dir} yet`);
}
