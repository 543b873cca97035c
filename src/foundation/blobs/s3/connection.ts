import { GyreError } from '#core';
import type { Clock, Random } from '#core';

export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** How an S3 service is reached. `s3ConnectionFrom` reads it from an environment. */
export interface S3Connection {
  /** Default `https://s3.<region>.amazonaws.com`. */
  readonly endpoint?: string;
  /** Default `us-east-1`. */
  readonly region?: string;
  /** The bucket as the path's first part, not as a host name. Default: with an endpoint of one's own, or a bucket name with dots. */
  readonly pathStyle?: boolean;
  /** Left out: requests are not signed, as for public buckets. */
  readonly credentials?: S3Credentials;
  /** Connections at once, default 32; more requests wait. */
  readonly maxConnections?: number;
  /** How long the other side may be silent, default 60,000. */
  readonly timeoutMs?: number;
  /** How often a request is tried that fails for a passing reason, default 6. */
  readonly attempts?: number;
}

/** The world outside, handed in. */
export interface S3World {
  readonly clock: Clock;
  /** Spreads the waits between attempts. */
  readonly random: Random;
  /** Default: the machine's timer. */
  readonly sleep?: (ms: number, signal?: AbortSignal) => Promise<void>;
}

/** A bucket, and the beginning of the keys within it: empty, or ending in "/". */
export interface S3Place {
  readonly bucket: string;
  readonly prefix: string;
}

/** Bucket names as AWS and Ceph allow them; underscores and capitals are those of old buckets. */
const bucketName = /^[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]$/;

/** @throws GyreError INVALID_ARGUMENT when it is no `s3://bucket[/prefix]` */
export function parseS3Address(address: string): S3Place {
  const [, bucket = '', path = ''] = /^s3:\/\/([^/]*)\/?(.*)$/s.exec(address) ?? [];
  // Whoever writes a secret into an address must not find it in a log.
  if (!bucketName.test(bucket))
    throw new GyreError('INVALID_ARGUMENT', 'the address names no bucket: s3://bucket or s3://bucket/prefix is needed');
  const prefix = path.replace(/\/+$/, '');
  return { bucket, prefix: prefix === '' ? '' : `${prefix}/` };
}

/** Where the requests about a bucket go. */
export interface BucketUrl {
  readonly protocol: 'http:' | 'https:';
  readonly hostname: string;
  readonly port: string;
  /** As the header says it. */
  readonly host: string;
  /** What stands before "/key": empty, or "/bucket". */
  readonly path: string;
}

/** @throws GyreError INVALID_ARGUMENT when the endpoint is no http or https address */
export function bucketUrl(bucket: string, { endpoint, region = defaultRegion, pathStyle }: S3Connection): BucketUrl {
  const base = endpoint ?? `https://s3.${region}.amazonaws.com`;
  const url = URL.parse(base);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:') || url.username !== '' || url.search !== '') {
    throw new GyreError('INVALID_ARGUMENT', 'the S3 endpoint must be an address such as https://s3.example.org, without user or query');
  }
  const inPath = pathStyle ?? (endpoint !== undefined || bucket.includes('.'));
  const before = url.pathname.replace(/\/$/, '');
  return {
    protocol: url.protocol,
    hostname: inPath ? url.hostname : `${bucket}.${url.hostname}`,
    port: url.port,
    host: inPath ? url.host : `${bucket}.${url.host}`,
    path: inPath ? `${before}/${bucket}` : before,
  };
}

export const defaultRegion = 'us-east-1';

const firstWaitMs = 100;
const longestWaitMs = 20_000;

/**
 * How long to wait after the nth failure: anything up to a bound that doubles ("full jitter": Brooker, Exponential Backoff And Jitter,
 * AWS Architecture Blog 2015).
 */
export function backoffMs(attempt: number, random: Random): number {
  return random.next() * Math.min(longestWaitMs, firstWaitMs * 2 ** (attempt - 1));
}
