import { STATUS_CODES } from 'node:http';
import type { Problem } from '#contract';
import { isGyreError } from '#core';
import type { ErrorCode, GyreError } from '#core';

export const problemType = 'application/problem+json';

/** Canonical code → HTTP status: the one place where our own API says it. */
export const statusOfCode: Readonly<Record<ErrorCode, number>> = {
  INVALID_ARGUMENT: 400,
  OUT_OF_RANGE: 400,
  UNAUTHENTICATED: 401,
  PERMISSION_DENIED: 403,
  NOT_FOUND: 404,
  ALREADY_EXISTS: 409,
  FAILED_PRECONDITION: 409,
  ABORTED: 409,
  RESOURCE_EXHAUSTED: 429,
  CANCELLED: 499,
  INTERNAL: 500,
  DATA_LOSS: 500,
  UNIMPLEMENTED: 501,
  UNAVAILABLE: 503,
  DEADLINE_EXCEEDED: 504,
};

/** What the HTTP server itself refuses, before a route is reached: status → our code and words. */
const refusals: Readonly<Record<number, { readonly code: ErrorCode; readonly detail?: string }>> = {
  400: { code: 'INVALID_ARGUMENT' },
  404: { code: 'NOT_FOUND' },
  405: { code: 'UNIMPLEMENTED' },
  408: { code: 'DEADLINE_EXCEEDED', detail: 'the request came too slowly' },
  413: { code: 'OUT_OF_RANGE' },
  414: { code: 'OUT_OF_RANGE', detail: 'the address is too long' },
  415: { code: 'INVALID_ARGUMENT' },
  431: { code: 'OUT_OF_RANGE', detail: 'the headers are too large' },
  503: { code: 'UNAVAILABLE', detail: 'the server is stopping: try again in a moment' },
};

export interface Refusal {
  readonly problem: Problem;
  readonly headers: Readonly<Record<string, string>>;
  /** Something that should not have happened: it belongs into the log with its stack. */
  readonly unexpected: boolean;
}

/**
 * Any error as problem details (RFC 9457). What is not an error of ours says nothing of its inside: the log has it, by the request's id.
 * @param requestId names the request in the log
 */
export function refusalOf(error: unknown, requestId: string): Refusal {
  if (isGyreError(error)) return ofGyre(error, requestId);
  const status = statusOf(error);
  if (status !== undefined && status < 500) {
    const { code, detail } = refusals[status] ?? { code: 'INVALID_ARGUMENT' as const };
    return refusal(status, code, detail ?? wordsOf(error), requestId);
  }
  if (status === 503) return refusal(503, 'UNAVAILABLE', 'the server is stopping: try again in a moment', requestId);
  const detail = `something went wrong inside; the server's log says what, at request ${requestId}`;
  return { ...refusal(500, 'INTERNAL', detail, requestId), unexpected: true };
}

function ofGyre(error: GyreError, requestId: string): Refusal {
  const status = error.code === 'RESOURCE_EXHAUSTED' && isStorage(error) ? 507 : statusOfCode[error.code];
  const retryAfterMs = error.details['retryAfterMs'];
  const headers: Record<string, string> = {};
  if (status === 401) headers['www-authenticate'] = 'Bearer realm="gyre"';
  if (typeof retryAfterMs === 'number') headers['retry-after'] = String(Math.max(1, Math.ceil(retryAfterMs / 1000)));
  const made = refusal(status, error.code, error.message, requestId, error.details);
  return { ...made, headers, unexpected: status === 500 };
}

/** A full disk, said by the room that met it or by the file system underneath. */
function isStorage({ details, cause, message }: GyreError): boolean {
  const causeCode = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  return details['resource'] === 'disk' || details['disk'] !== undefined || causeCode === 'ENOSPC' || /\bdisk\b/i.test(message);
}

function refusal(
  status: number,
  code: ErrorCode,
  detail: string,
  requestId: string,
  details: Readonly<Record<string, unknown>> = {},
): Refusal {
  return {
    problem: {
      type: 'about:blank',
      title: status === 499 ? 'Client Closed Request' : (STATUS_CODES[status] ?? 'Error'),
      status,
      detail,
      instance: requestId,
      code,
      ...(Object.keys(details).length === 0 ? {} : { details: { ...details } }),
    },
    headers: {},
    unexpected: false,
  };
}

function statusOf(error: unknown): number | undefined {
  return error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number' ? error.statusCode : undefined;
}

/** Fastify's own words are fine for callers where they name the fault; the ones below say what would be right as well. */
function wordsOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const message = error instanceof Error ? error.message : '';
  switch (code) {
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return 'the body has another media type: send JSON with "Content-Type: application/json"';
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
      return 'the body is empty: send a JSON object, {} where there is nothing to say';
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return 'the body is larger than this route takes';
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
      return 'the body is no valid JSON';
    case 'FST_ERR_BAD_URL':
      return 'the address cannot be decoded: percent signs need two hexadecimal digits behind them';
    default:
      return error instanceof SyntaxError ? `the body is no valid JSON: ${message}` : message;
  }
}
