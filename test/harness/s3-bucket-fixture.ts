/** A bucket on the S3 server of the tests (`GYRE_TEST_S3=http://ACCESS-KEY:SECRET-KEY@host:port`, as tools/s3-server.sh prints it). */
import { createHash, createHmac, randomUUID } from 'node:crypto';

const given = URL.parse(process.env.GYRE_TEST_S3 ?? '');

/** Why there is no S3 server here, or false: for the `skip` of a test. With GYRE_REQUIRE_ALL=1 nothing is skipped. */
export const s3Missing: string | false =
  given !== null || process.env.GYRE_REQUIRE_ALL === '1' ? false : 'no S3 server: GYRE_TEST_S3 names one (tools/s3-server.sh starts one)';

export interface TestBucket {
  readonly bucket: string;
  readonly endpoint: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** One request about the bucket, or an object in it; the answer's text. */
  ask(method: 'GET' | 'PUT' | 'DELETE', key?: string, query?: string, body?: string): Promise<string>;
  /** The bytes of an object. */
  bytes(key: string): Promise<Uint8Array>;
  /** All keys, in their order. */
  keys(): Promise<string[]>;
}

/** A new bucket. It stays when the test is over, as the server itself goes. */
export async function testBucket(): Promise<TestBucket> {
  if (given === null) throw new Error('GYRE_TEST_S3 names no S3 server');
  const [accessKeyId, secretAccessKey] = [given.username, given.password].map(decodeURIComponent);
  const bucket = `gyre-remote-${randomUUID()}`;
  const answer = async (method: 'GET' | 'PUT' | 'DELETE', key?: string, query = '', body = ''): Promise<Response> => {
    const path = `/${bucket}${key === undefined ? '' : `/${key}`}`;
    const answered = await fetch(`${given.protocol}//${given.host}${path}${query === '' ? '' : `?${query}`}`, {
      method,
      headers: signed({ method, path, query, body, host: given.host, accessKeyId, secretAccessKey }),
      ...(method === 'PUT' ? { body } : {}),
    });
    if (!answered.ok) throw new Error(`${method} ${path}: ${answered.status} ${await answered.text()}`);
    return answered;
  };
  const ask: TestBucket['ask'] = async (...asked) => (await answer(...asked)).text();
  const bytes = async (key: string): Promise<Uint8Array> => new Uint8Array(await (await answer('GET', key)).arrayBuffer());
  await ask('PUT');
  const keys = async (): Promise<string[]> =>
    [...(await ask('GET', undefined, 'list-type=2')).matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, key]) => key).sort();
  return { bucket, endpoint: `${given.protocol}//${given.host}`, accessKeyId, secretAccessKey, ask, bytes, keys };
}

interface Signing {
  readonly method: string;
  readonly path: string;
  /** Sorted, encoded. */
  readonly query: string;
  readonly body: string;
  readonly host: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** The headers of AWS Signature Version 4, as its specification has it. */
function signed({ method, path, query, body, host, accessKeyId, secretAccessKey }: Signing): Record<string, string> {
  const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
  const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();
  const at = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '');
  const day = at.slice(0, 8);
  const names = 'host;x-amz-content-sha256;x-amz-date';
  const plain = query === 'list-type=2' || query.includes('=') || query === '' ? query : `${query}=`;
  const canonical = [
    method,
    path,
    plain,
    `host:${host}`,
    `x-amz-content-sha256:${sha256(body)}`,
    `x-amz-date:${at}`,
    '',
    names,
    sha256(body),
  ];
  const scope = `${day}/us-east-1/s3/aws4_request`;
  const toSign = ['AWS4-HMAC-SHA256', at, scope, sha256(canonical.join('\n'))].join('\n');
  const key = ['us-east-1', 's3', 'aws4_request'].reduce<Buffer>(hmac, hmac(`AWS4${secretAccessKey}`, day));
  const signature = hmac(key, toSign).toString('hex');
  return {
    'x-amz-date': at,
    'x-amz-content-sha256': sha256(body),
    authorization: `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`,
  };
}
