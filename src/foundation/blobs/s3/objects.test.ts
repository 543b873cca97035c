import { objectStoreContract } from '../objects/contract.ts';
import { openObjectStore } from '../objects/open.ts';
import { s3Missing, testBucket, testWorld } from './testing.ts';

objectStoreContract(
  'A bucket of S3',
  async () => {
    const { bucket, client, connection, ...disposable } = await testBucket();
    return {
      open: async () => openObjectStore(`s3://${bucket}/some/prefix/`, { s3: { connection, world: testWorld } }),
      corrupt: async (key) => {
        const { body } = await client.send({ method: 'GET', key: `some/prefix/${key}` });
        const bytes = Buffer.concat(await Array.fromAsync<Buffer>(body));
        bytes[0] ^= 1;
        await client.text({ method: 'PUT', key: `some/prefix/${key}`, body: bytes });
      },
      largeBytes: 17 * 1024 * 1024 + 5,
      ...disposable,
    };
  },
  s3Missing,
);
