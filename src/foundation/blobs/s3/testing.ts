import { randomFillSync } from 'node:crypto';
import { seeded, systemClock, uuidV7 } from '#core';
import { S3Client } from './client.ts';
import type { S3Connection, S3World } from './connection.ts';
import { openS3Objects } from './objects.ts';

/** The S3 server of the tests: `GYRE_TEST_S3=http://ACCESS-KEY:SECRET-KEY@host:port`, as tools/s3-server.sh prints it. */
export function testConnection(): S3Connection | undefined {
  const url = URL.parse(process.env['GYRE_TEST_S3'] ?? '');
  if (url === null) return undefined;
  return {
    endpoint: `${url.protocol}//${url.host}`,
    credentials: { accessKeyId: decodeURIComponent(url.username), secretAccessKey: decodeURIComponent(url.password) },
  };
}

/** Why there is no S3 server here; undefined when there is one. With GYRE_REQUIRE_ALL=1 nothing is skipped. */
export const s3Missing: string | undefined =
  testConnection() !== undefined || process.env['GYRE_REQUIRE_ALL'] === '1'
    ? undefined
    : 'no S3 server: GYRE_TEST_S3 names one (tools/s3-server.sh starts one)';

/** The world of tests: nobody waits. */
export const testWorld: S3World = { clock: systemClock, random: seeded(7), sleep: () => Promise.resolve() };

const newId = uuidV7(systemClock, (length) => randomFillSync(new Uint8Array(length)));

/** A bucket of its own, emptied and deleted afterwards. */
export async function testBucket(): Promise<
  { readonly bucket: string; readonly connection: S3Connection; readonly client: S3Client } & AsyncDisposable
> {
  const connection = testConnection();
  if (connection === undefined) throw new Error('GYRE_TEST_S3 names no S3 server');
  const bucket = `gyre-test-${newId()}`;
  const client = new S3Client(bucket, connection, testWorld);
  await client.text({ method: 'PUT' });
  return {
    bucket,
    connection,
    client,
    [Symbol.asyncDispose]: async () => {
      await using objects = openS3Objects(`s3://${bucket}`, { connection, world: testWorld });
      const keys = (await Array.fromAsync(objects.list())).map(({ key }) => key);
      await Promise.all(keys.map((key) => objects.delete(key)));
      await client.text({ method: 'DELETE', accept: [409] });
      client.close();
    },
  };
}
