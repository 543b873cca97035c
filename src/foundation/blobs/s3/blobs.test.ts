import { randomFillSync } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { systemClock } from '#core';
import { blobStoreContract } from '../contract.ts';
import type { BlobFixture } from '../contract.ts';
import { openObjectBlobs } from '../object-blobs.ts';
import type { CacheOptions } from '../local-cache.ts';
import { openObjectStore } from '../objects/open.ts';
import type { ObjectStore } from '../objects/port.ts';
import type { BlobStore } from '../port.ts';
import { ClearCopies } from '../sealed/clear-copies.ts';
import { sealingKey } from '../sealed/keys.ts';
import { openSealedBlobs } from '../sealed/open-sealed.ts';
import { s3Missing, testBucket, testWorld } from './testing.ts';

/** @param folder of the objects below the prefix @param open over the bucket's objects, with a cache of its own */
async function inBucket(folder: string, open: (objects: ObjectStore, cache: CacheOptions) => Promise<BlobStore>): Promise<BlobFixture> {
  const { bucket, client, connection, ...disposable } = await testBucket();
  const root = await mkdtemp(join(tmpdir(), 'gyre-s3-blobs-'));
  const objects = openObjectStore(`s3://${bucket}/blobs`, { s3: { connection, world: testWorld } });
  let caches = 0;
  return {
    open: () => open(objects, { dir: join(root, `cache-${++caches}`), maxBytes: 1e9, clock: systemClock }),
    corrupt: async (digest) => {
      const key = `blobs/${folder}/${digest.slice(0, 2)}/${digest.slice(2)}`;
      const { body } = await client.send({ method: 'GET', key });
      const bytes = Buffer.concat(await Array.fromAsync<Buffer>(body));
      bytes[0] ^= 1;
      await client.text({ method: 'PUT', key, body: bytes });
    },
    later: async () => {
      // S3 tells whole seconds, and a blob counts as stored at the end of its second.
      await setTimeout(1100);
      const instant = Date.now();
      await setTimeout(5);
      return instant;
    },
    [Symbol.asyncDispose]: async () => {
      await objects[Symbol.asyncDispose]();
      await rm(root, { recursive: true });
      await disposable[Symbol.asyncDispose]();
    },
  };
}

blobStoreContract('Blobs in a bucket of S3', () => inBucket('sha256', (objects, cache) => openObjectBlobs({ objects, cache })), s3Missing);

blobStoreContract(
  'Sealed blobs in a bucket of S3',
  () =>
    inBucket('sealed', async (objects, cache) => {
      const key = sealingKey(new Uint8Array(32).fill(1));
      return openSealedBlobs({
        keys: { current: key, all: [key] },
        randomBytes: (length) => randomFillSync(new Uint8Array(length)),
        objects,
        clear: await openObjectBlobs({ objects, cache }),
        copies: await ClearCopies.open({ ...cache, dir: join(cache.dir, 'clear') }),
        incoming: join(cache.dir, 'incoming'),
      });
    }),
  s3Missing,
);
