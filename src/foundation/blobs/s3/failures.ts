import type { IncomingHttpHeaders } from 'node:http';
import { GyreError, isGyreError, isoInstant, messageOf } from '#core';
import type { ErrorCode } from '#core';
import { systemCode } from '../incoming.ts';
import { textOf } from './xml.ts';

/** What an answer that is no success says. */
export interface Refusal {
  readonly status: number;
  /** S3's own word, such as `NoSuchKey`; empty when the answer has no body. */
  readonly word: string;
  readonly message: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export function readRefusal(status: number, headers: IncomingHttpHeaders, body: string): Refusal {
  return { status, word: textOf(body, 'Code') ?? '', message: textOf(body, 'Message') ?? '', headers, body };
}

/** Trouble that passes. Among the 4xx only those that say "not now": too many requests, and a request that the network held up. */
export function isPassing({ status, word }: Refusal): boolean {
  return status >= 500 ? status !== 501 : status === 408 || status === 429 || word === 'RequestTimeout';
}

/** Errors of sockets and names that another attempt may not meet. */
const passingCodes = new Set([
  'ECONNRESET',
  'ECONNREFUSED',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETDOWN',
  'EAI_AGAIN',
  'ENOTFOUND',
  'HPE_INVALID_CONSTANT',
  'ERR_STREAM_PREMATURE_CLOSE',
]);

/** Whether a connection failed in a way that passes. */
export function isBroken(error: unknown): boolean {
  return passingCodes.has(systemCode(error) ?? '');
}

const words: Readonly<Record<string, ErrorCode>> = {
  NoSuchBucket: 'NOT_FOUND',
  NoSuchKey: 'NOT_FOUND',
  NoSuchUpload: 'NOT_FOUND',
  AccessDenied: 'PERMISSION_DENIED',
  AllAccessDisabled: 'PERMISSION_DENIED',
  InvalidAccessKeyId: 'UNAUTHENTICATED',
  SignatureDoesNotMatch: 'UNAUTHENTICATED',
  ExpiredToken: 'UNAUTHENTICATED',
  InvalidToken: 'UNAUTHENTICATED',
  TokenRefreshRequired: 'UNAUTHENTICATED',
  QuotaExceeded: 'RESOURCE_EXHAUSTED',
  EntityTooLarge: 'RESOURCE_EXHAUSTED',
  InvalidRange: 'OUT_OF_RANGE',
  PreconditionFailed: 'ABORTED',
  BadDigest: 'DATA_LOSS',
  XAmzContentSHA256Mismatch: 'DATA_LOSS',
};

const statuses: Readonly<Record<number, ErrorCode>> = {
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  408: 'UNAVAILABLE',
  412: 'ABORTED',
  416: 'OUT_OF_RANGE',
  429: 'UNAVAILABLE',
  507: 'RESOURCE_EXHAUSTED',
};

export interface Asked {
  /** What was asked for, without secrets: `s3://bucket/key`. */
  readonly what: string;
  readonly bucket: string;
  readonly region: string;
  readonly signed: boolean;
}

/** What a refusal means for whoever asked, in our words. */
export function refused(refusal: Refusal, asked: Asked, nowMs: number): GyreError {
  const { status, word } = refusal;
  const code = words[word] ?? statuses[status] ?? (status >= 500 ? 'UNAVAILABLE' : 'FAILED_PRECONDITION');
  return new GyreError(explainsItself.has(word) ? 'FAILED_PRECONDITION' : code, `${asked.what}: ${explain(refusal, asked, nowMs)}`, {
    status,
    ...(word === '' ? {} : { s3: word }),
  });
}

/** Words whose cause lies in a setting of ours. */
const explainsItself = new Set([
  'RequestTimeTooSkewed',
  'PermanentRedirect',
  'TemporaryRedirect',
  'AuthorizationHeaderMalformed',
  'IllegalLocationConstraintException',
]);

function explain({ status, word, message, headers, body }: Refusal, { bucket, region, signed }: Asked, nowMs: number): string {
  const elsewhere = textOf(body, 'Region') ?? headers['x-amz-bucket-region'];
  if (typeof elsewhere === 'string' && elsewhere !== region && (status === 301 || status === 307 || status === 400)) {
    return `the bucket is in the region ${elsewhere}, not in ${region}: set the region (AWS_REGION=${elsewhere})`;
  }
  switch (word) {
    case 'NoSuchBucket':
      return `there is no bucket "${bucket}" here: check its name and the endpoint`;
    case 'NoSuchKey':
      return 'there is no such object';
    case 'InvalidAccessKeyId':
      return 'the service does not know the access key: check AWS_ACCESS_KEY_ID (or the profile) and the endpoint';
    case 'SignatureDoesNotMatch':
      return 'the secret key does not fit the access key: check AWS_SECRET_ACCESS_KEY (or the profile)';
    case 'ExpiredToken':
    case 'InvalidToken':
    case 'TokenRefreshRequired':
      return 'the session token is no longer good: get new credentials';
    case 'RequestTimeTooSkewed': {
      const theirs = Date.parse(headers.date ?? '');
      const ours = `this machine's clock says ${isoInstant(nowMs)}`;
      return Number.isNaN(theirs)
        ? `${ours}, which is too far from the service's clock: set it right`
        : `${ours}, the service's ${isoInstant(theirs)}, too far apart: set the clock right`;
    }
    case 'AccessDenied':
      return signed
        ? 'the service refuses access with these credentials'
        : 'the service refuses access without credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile';
    case 'PreconditionFailed':
      return 'the object changed meanwhile';
    case 'PermanentRedirect':
    case 'TemporaryRedirect': {
      const endpoint = textOf(body, 'Endpoint');
      return `the bucket is served elsewhere${endpoint === undefined ? '' : `, at ${endpoint}`}: set endpoint and region`;
    }
    default:
      if (status === 404) return 'it is not there';
      if (status === 301 || status === 307) return 'the bucket is served elsewhere: set endpoint and region';
      return `the service answered ${status}${word === '' ? '' : ` ${word}`}${message === '' ? '' : ` (${message})`}`;
  }
}

/** What a broken connection means for whoever asked. Errors of ours stay as they are. */
export function unreachable(error: unknown, { what }: Asked, host: string): GyreError {
  if (isGyreError(error)) return error;
  if (error instanceof Error && error.name === 'AbortError') {
    return new GyreError('CANCELLED', `${what}: the transfer was cancelled`, {}, { cause: error });
  }
  const code = systemCode(error);
  const because = code === 'ENOTFOUND' ? 'there is no such host' : code === 'ECONNREFUSED' ? 'nobody answers there' : messageOf(error);
  return new GyreError(
    'UNAVAILABLE',
    `${what}: ${host} cannot be reached: ${because}`,
    { host, ...(code === undefined ? {} : { code }) },
    { cause: error },
  );
}
