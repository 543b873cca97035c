import { isGyreError } from '#core';
import type { ErrorCode } from '#core';
import type { MlflowAnswer } from './port.ts';

/** MLflow's own words for errors (mlflow/protos/databricks.proto), as far as this server says them, with their HTTP status. */
export const statusOfError = {
  INVALID_PARAMETER_VALUE: 400,
  BAD_REQUEST: 400,
  RESOURCE_ALREADY_EXISTS: 400,
  UNAUTHENTICATED: 401,
  PERMISSION_DENIED: 403,
  RESOURCE_DOES_NOT_EXIST: 404,
  ENDPOINT_NOT_FOUND: 404,
  ABORTED: 409,
  RESOURCE_EXHAUSTED: 429,
  CANCELLED: 499,
  INTERNAL_ERROR: 500,
  DATA_LOSS: 500,
  NOT_IMPLEMENTED: 501,
  TEMPORARILY_UNAVAILABLE: 503,
  DEADLINE_EXCEEDED: 504,
} as const;
export type MlflowErrorCode = keyof typeof statusOfError;

/** The one place that knows what the protocol calls an error of ours. */
export const toMlflow = {
  INVALID_ARGUMENT: 'INVALID_PARAMETER_VALUE',
  OUT_OF_RANGE: 'BAD_REQUEST',
  FAILED_PRECONDITION: 'INVALID_PARAMETER_VALUE',
  ALREADY_EXISTS: 'RESOURCE_ALREADY_EXISTS',
  UNAUTHENTICATED: 'UNAUTHENTICATED',
  PERMISSION_DENIED: 'PERMISSION_DENIED',
  NOT_FOUND: 'RESOURCE_DOES_NOT_EXIST',
  RESOURCE_EXHAUSTED: 'RESOURCE_EXHAUSTED',
  UNIMPLEMENTED: 'NOT_IMPLEMENTED',
  CANCELLED: 'CANCELLED',
  INTERNAL: 'INTERNAL_ERROR',
  DATA_LOSS: 'DATA_LOSS',
  ABORTED: 'ABORTED',
  UNAVAILABLE: 'TEMPORARILY_UNAVAILABLE',
  DEADLINE_EXCEEDED: 'DEADLINE_EXCEEDED',
} as const satisfies Record<ErrorCode, MlflowErrorCode>;

/**
 * Says an error as the protocol does. What is not ours stays inside: its message may hold anything.
 * `details.status` overrides the status, such as 413 for a body or 507 for a full disk.
 * @param requestId names the request in the server's log
 */
export function describeError(error: unknown, requestId: string): MlflowAnswer {
  const isKnown = isGyreError(error) && error.code !== 'INTERNAL';
  const isRoute = isKnown && error.code === 'NOT_FOUND' && error.details.endpoint !== undefined;
  const code: MlflowErrorCode = isRoute ? 'ENDPOINT_NOT_FOUND' : isKnown ? toMlflow[error.code] : 'INTERNAL_ERROR';
  const { status: given, contentRange } = isKnown ? error.details : {};
  const usual = isKnown && error.code === 'RESOURCE_EXHAUSTED' && error.details.retryAfterMs === undefined ? 507 : statusOfError[code];
  const status = typeof given === 'number' ? given : usual;
  const message = isKnown ? error.message : `the server failed; its log says why, at request ${requestId}`;
  return {
    status,
    headers: {
      'content-type': 'application/json',
      'cache-control': 'no-store',
      ...(typeof contentRange === 'string' ? { 'content-range': contentRange } : {}),
      ...(status === 401 ? { 'www-authenticate': 'Basic realm="mlflow"' } : {}),
    },
    body: JSON.stringify({ error_code: code, message }),
  };
}
