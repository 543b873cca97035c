import { isAbsolute } from 'node:path';
import { fileURLToPath } from 'node:url';
import { GyreError } from '#core';
import type { S3Connection, S3World } from '../s3/connection.ts';
import { openS3Objects } from '../s3/objects.ts';
import { openFolderObjects } from './folder.ts';
import type { ObjectStore } from './port.ts';

export interface OpenObjectsOptions {
  /** Default true. For folders: false leaves flushing to the file system, as DVC does. What S3 acknowledges is durable anyway. */
  readonly durable?: boolean;
  /** What `s3://` addresses need: the connection comes from `s3ConnectionFrom`. */
  readonly s3?: { readonly connection: S3Connection; readonly world: S3World };
}

/**
 * Opens the objects at an address: a folder (`/path`, `file:///path`), or a bucket (`s3://bucket/prefix`).
 * Nothing is asked or made yet: what is wrong with the place is said by the first call that needs it.
 * @throws GyreError INVALID_ARGUMENT when it is no such address, or the endpoint is none
 */
export function openObjectStore(address: string, { durable = true, s3 }: OpenObjectsOptions = {}): ObjectStore {
  if (isAbsolute(address)) return openFolderObjects({ dir: address, durable });
  if (address.startsWith('file://')) return openFolderObjects({ dir: folderOf(address), durable });
  if (address.startsWith('s3://')) {
    if (s3 === undefined) throw new GyreError('FAILED_PRECONDITION', 'objects of S3 cannot be opened here: nothing says how S3 is reached');
    return openS3Objects(address, { ...s3, durable });
  }
  throw new GyreError(
    'INVALID_ARGUMENT',
    `${JSON.stringify(address)} is no address of objects: /path, file:///path or s3://bucket/prefix is needed`,
  );
}

function folderOf(address: string): string {
  try {
    return fileURLToPath(address);
  } catch (error) {
    throw new GyreError('INVALID_ARGUMENT', `${address} names no folder of this machine: file:///path is needed`, {}, { cause: error });
  }
}
