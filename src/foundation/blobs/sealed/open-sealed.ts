import { GyreError, hasCode } from '#core';
import type { ObjectStore } from '../objects/port.ts';
import { sealingVariable } from './keys.ts';
import type { SealedBlobsOptions } from './sealed-blobs.ts';
import { SealedBlobs } from './sealed-blobs.ts';
import { foreignKey, keyIdOf, prefaceBytes } from './stream.ts';

/**
 * Opens blobs that are encrypted where they are stored. Whether the keys fit is found out here, by one blob.
 * @throws GyreError FAILED_PRECONDITION when what is sealed there names a key that is not given
 */
export async function openSealedBlobs(options: SealedBlobsOptions): Promise<SealedBlobs> {
  const { objects, keys } = options;
  for await (const { key } of objects.list('sealed/')) {
    const preface = Buffer.concat(await Array.fromAsync(await objects.open(key, { start: 0, end: prefaceBytes })));
    const id = keyIdOf(preface);
    if (keys.all.every((one) => one.id !== id)) throw foreignKey(id, keys, `blobs in ${objects.address} cannot be opened: one`);
    break;
  }
  return new SealedBlobs(options);
}

/** @throws GyreError FAILED_PRECONDITION when blobs are sealed there, which whoever has no key cannot open */
export async function requireNothingSealed(objects: ObjectStore): Promise<void> {
  try {
    for await (const { key } of objects.list('sealed/')) {
      throw new GyreError('FAILED_PRECONDITION', `blobs in ${objects.address} are sealed (${key}): give their key in ${sealingVariable}`);
    }
  } catch (error) {
    // Who may only get and put objects finds out at the first one.
    if (!hasCode(error, 'PERMISSION_DENIED')) throw error;
  }
}
