import { isGyreError } from '#core';
import type { ErrorCode } from '#core';

/** What the shell is told. Documented in `gyre --help`. */
export const exitCodes = {
  ok: 0,
  /** A gate, test or check said no. */
  failed: 1,
  /** Wrong usage or bad input. */
  usage: 2,
  /** A precondition or permission is missing. */
  refused: 3,
  notFound: 4,
  /** The server, or something it needs, cannot be reached. */
  unavailable: 5,
  /** A fault of Gyre's own (EX_SOFTWARE). */
  internal: 70,
  /** Stopped by Ctrl-C (128 + SIGINT). */
  interrupted: 130,
} as const;

const ofErrorCode: Readonly<Record<ErrorCode, number>> = {
  INVALID_ARGUMENT: exitCodes.usage,
  OUT_OF_RANGE: exitCodes.usage,
  NOT_FOUND: exitCodes.notFound,
  ALREADY_EXISTS: exitCodes.refused,
  FAILED_PRECONDITION: exitCodes.refused,
  PERMISSION_DENIED: exitCodes.refused,
  UNAUTHENTICATED: exitCodes.refused,
  ABORTED: exitCodes.refused,
  RESOURCE_EXHAUSTED: exitCodes.unavailable,
  UNAVAILABLE: exitCodes.unavailable,
  DEADLINE_EXCEEDED: exitCodes.unavailable,
  CANCELLED: exitCodes.interrupted,
  UNIMPLEMENTED: exitCodes.internal,
  INTERNAL: exitCodes.internal,
  DATA_LOSS: exitCodes.internal,
};

/** The exit code for whatever was thrown. */
export function exitCodeOf(error: unknown): number {
  return isGyreError(error) ? ofErrorCode[error.code] : exitCodes.internal;
}

export const exitCodeHelp = `Exit codes:
  0  done                              4  not found
  1  a gate, test or check said no     5  server or disk not available
  2  wrong usage or bad input          70 a fault of Gyre's own
  3  precondition or permission missing`;
