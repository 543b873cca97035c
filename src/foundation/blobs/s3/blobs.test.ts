import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { systemClock } from '#core';
import { blobStoreContract } from '../contract.ts';
import { openObjectBlobs } from '../object-blobs.ts';
import { openObjectStore } from '../objects/open.ts';
import { s3Missing, testBucket, testWorld } from './testing.ts';

blobStoreContract(
  'Blobs in a bucket of S3',
  async () => {
    const { bucket, client, connection, ...disposable } = await testBucket();
    const root = await mkdtemp(join(tmpdir(), 'gyre-s3-blobs-'));
    const objects = openObjectStore(`s3://${bucket}/blobs`, { s3: { connection, world: testWorld } });
    let caches = 0;
    return {
      open: () => openObjectBlobs({ objects, cache: { dir: join(root, `cache-${++caches}`), maxBytes: 1e9, clock: systemClock } }),
      corrupt: async (digest) => {
        const key = `blobs/sha256/${digest.slice(0, 2)}/${digest.slice(2)}`;
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
  },
  s3Missing,
);
