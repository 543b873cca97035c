import { createReadStream, createWriteStream } from 'node:fs';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { GyreError, isGyreError, messageOf } from '#core';

/** What a compressed text may unfold to, so that a small file does not fill the disk. */
const maxUnpackedBytes = 64 * 2 ** 30;

/** Unpacks a gzip file into another. @throws GyreError INVALID_ARGUMENT when it is no gzip, cut off or corrupt; RESOURCE_EXHAUSTED */
export async function gunzipFile(path: string, target: string, name: string): Promise<void> {
  let bytes = 0;
  const counted = new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      bytes += chunk.length;
      if (bytes <= maxUnpackedBytes) return done(null, chunk);
      done(new GyreError('RESOURCE_EXHAUSTED', `${name} unfolds to more than ${maxUnpackedBytes / 2 ** 30} GiB`));
    },
  });
  try {
    await pipeline(createReadStream(path), createGunzip(), counted, createWriteStream(target));
  } catch (error) {
    if (isGyreError(error)) throw error;
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'Z_BUF_ERROR')
      throw new GyreError('INVALID_ARGUMENT', `${name} ends in the middle: it is a part of a gzip file`, {}, { cause: error });
    if (code === 'Z_DATA_ERROR')
      throw new GyreError('INVALID_ARGUMENT', `${name} is no whole gzip file: ${messageOf(error)}`, {}, { cause: error });
    throw error;
  }
}
