/** Canonical error codes: the names that gRPC gives them (google.rpc.Code). Each protocol maps them in one table of its own. */
export const errorCodes = [
  'INVALID_ARGUMENT',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'FAILED_PRECONDITION',
  'PERMISSION_DENIED',
  'UNAUTHENTICATED',
  'RESOURCE_EXHAUSTED',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'DEADLINE_EXCEEDED',
  'CANCELLED',
] as const;

export type ErrorCode = (typeof errorCodes)[number];

/** Facts about an error that a caller can act on: names, digests, positions. Plain JSON, never row values. */
export type ErrorDetails = Readonly<Record<string, unknown>>;

/**
 * What Gyre throws when something failed. Compare `code`, not `instanceof`: errors cross threads and processes.
 * The message says what was wrong, where, and what would be right.
 */
export class GyreError extends Error {
  override readonly name = 'GyreError';
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.details = details;
  }
}

/** Whether a caught value is an error of ours, also after it crossed a thread or process (by its code). */
export function isGyreError(error: unknown): error is GyreError {
  return (
    error instanceof Error && 'code' in error && typeof error.code === 'string' && (errorCodes as readonly string[]).includes(error.code)
  );
}

/** Whether a caught value is an error of ours with this code. */
export function hasCode(error: unknown, code: ErrorCode): error is GyreError {
  return isGyreError(error) && error.code === code;
}

/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
