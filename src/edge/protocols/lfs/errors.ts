import { isGyreError } from '#core';
import type { ErrorCode } from '#core';
import type { LfsAnswer } from './port.ts';

/** What the protocol speaks (git-lfs docs/api). */
export const lfsMediaType = 'application/vnd.git-lfs+json';

/** The one place that knows which status the protocol gives to an error of ours. */
export const toStatus = {
  INVALID_ARGUMENT: 422,
  OUT_OF_RANGE: 413,
  FAILED_PRECONDITION: 409,
  ALREADY_EXISTS: 409,
  UNAUTHENTICATED: 401,
  PERMISSION_DENIED: 403,
  NOT_FOUND: 404,
  // Only storing exhausts anything here: the disk.
  RESOURCE_EXHAUSTED: 507,
  UNIMPLEMENTED: 501,
  CANCELLED: 499,
  INTERNAL: 500,
  DATA_LOSS: 500,
  ABORTED: 503,
  UNAVAILABLE: 503,
  DEADLINE_EXCEEDED: 504,
} as const satisfies Record<ErrorCode, number>;

/**
 * Says an error as the protocol does. What is not ours stays inside: its message may hold anything.
 * @param request.id names the request in the server's log
 * @param request.address the server's base URL
 */
export function describeError(error: unknown, request: { readonly id: string; readonly address: string }): LfsAnswer {
  const isKnown = isGyreError(error) && error.code !== 'INTERNAL';
  const { status: given, contentRange } = isKnown ? error.details : {};
  const status = isKnown ? (typeof given === 'number' ? given : toStatus[error.code]) : 500;
  const message = isKnown ? error.message : `the server failed; its log says why, at request ${request.id}`;
  return {
    status,
    headers: {
      'content-type': lfsMediaType,
      'cache-control': 'no-store',
      ...(typeof contentRange === 'string' ? { 'content-range': contentRange } : {}),
      // Says that a user name and password are wanted, without the box that browsers show for WWW-Authenticate.
      ...(status === 401 ? { 'lfs-authenticate': 'Basic realm="Gyre"' } : {}),
    },
    body: JSON.stringify({ message, documentation_url: `${request.address}/lfs`, request_id: request.id }),
  };
}
