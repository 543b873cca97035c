import { isGyreError } from '#core';
import type { ErrorCode } from '#core';
import type { Answer } from '#serving';

/** The one place that knows which status the protocol gives to an error of ours. */
export const toStatus = {
  INVALID_ARGUMENT: 400,
  FAILED_PRECONDITION: 400,
  UNIMPLEMENTED: 400,
  ALREADY_EXISTS: 400,
  UNAUTHENTICATED: 401,
  PERMISSION_DENIED: 403,
  NOT_FOUND: 404,
  OUT_OF_RANGE: 413,
  RESOURCE_EXHAUSTED: 429,
  CANCELLED: 499,
  INTERNAL: 500,
  DATA_LOSS: 500,
  ABORTED: 503,
  UNAVAILABLE: 503,
  DEADLINE_EXCEEDED: 504,
} as const satisfies Record<ErrorCode, number>;

/** Says an error as the protocol does: `{"error": "…"}`. What is not ours stays inside: its message may hold anything. */
export function describeError(error: unknown): Answer {
  if (!isGyreError(error) || error.code === 'INTERNAL') return answer(500, 'the server failed; its log says why', {});
  const { status, headers, retryAfterMs } = error.details;
  const code = typeof status === 'number' ? status : toStatus[error.code];
  const later: Record<string, string> =
    typeof retryAfterMs === 'number' ? { 'retry-after': String(Math.max(1, Math.ceil(retryAfterMs / 1000))) } : {};
  return answer(code, error.message, { ...later, ...textMembers(headers) });
}

function answer(status: number, error: string, headers: Record<string, string>): Answer {
  return { status, body: JSON.stringify({ error }), headers };
}

function textMembers(value: unknown): Record<string, string> {
  if (typeof value !== 'object' || value === null) return {};
  return Object.fromEntries(Object.entries(value).filter((member): member is [string, string] => typeof member[1] === 'string'));
}
