import { isAbsolute } from 'node:path';
import { fileURLToPath } from 'node:url';
import { GyreError } from '#core';
import { openFolderObjects } from './folder.ts';
import type { ObjectStore } from './port.ts';

export interface OpenObjectsOptions {
  /** Default true. For folders: false leaves flushing to the file system, as DVC does. What S3 acknowledges is durable anyway. */
  readonly durable?: boolean;
}

/**
 * Opens the objects at an address: a folder (`/path`, `file:///path`).
 * Nothing is asked or made yet: what is wrong with the place is said by the first call that needs it.
 * @throws GyreError INVALID_ARGUMENT when it is no such address
 */
export function openObjectStore(address: string, options: OpenObjectsOptions = {}): ObjectStore {
  if (isAbsolute(address)) return openFolderObjects({ dir: address, ...options });
  if (address.startsWith('file://')) return openFolderObjects({ dir: folderOf(address), ...options });
  throw new GyreError('INVALID_ARGUMENT', `${JSON.stringify(address)} is no address of objects: /path or file:///path is needed`);
}

function folderOf(address: string): string {
  try {
    return fileURLToPath(address);
  } catch (error) {
    throw new GyreError('INVALID_ARGUMENT', `${address} names no folder of this machine: file:///path is needed`, {}, { cause: error });
  }
}
