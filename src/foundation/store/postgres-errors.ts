import { GyreError, isGyreError, messageOf } from '#core';
import type { ErrorCode } from '#core';

/** SQLSTATE codes and classes (PostgreSQL documentation, appendix A). */
const codes: Readonly<Record<string, ErrorCode>> = {
  '23505': 'ALREADY_EXISTS',
  '23503': 'FAILED_PRECONDITION',
  '23001': 'FAILED_PRECONDITION',
  '40001': 'ABORTED',
  '40P01': 'ABORTED',
  '42501': 'PERMISSION_DENIED',
  '22003': 'OUT_OF_RANGE',
  '57014': 'CANCELLED',
  '3D000': 'UNAVAILABLE',
};
const classes: Readonly<Record<string, ErrorCode>> = {
  '08': 'UNAVAILABLE',
  '22': 'INVALID_ARGUMENT',
  '23': 'INVALID_ARGUMENT',
  '25': 'FAILED_PRECONDITION',
  '28': 'UNAVAILABLE',
  '53': 'RESOURCE_EXHAUSTED',
  '54': 'RESOURCE_EXHAUSTED',
  '57': 'UNAVAILABLE',
  '58': 'UNAVAILABLE',
  XX: 'INTERNAL',
};

function isOfSystem(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error;
}

function sqlState(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** A conflict with another transaction that goes away when this one runs again. */
export function isConflict(error: unknown): boolean {
  const state = sqlState(error instanceof GyreError ? error.cause : error);
  return state === '40001' || state === '40P01';
}

/** A connection has planned a statement for tables that were changed since; another one plans it anew. */
export function isStalePlan(error: unknown): boolean {
  const cause = error instanceof GyreError ? error.cause : error;
  return sqlState(cause) === '0A000' && /cached plan/.test(messageOf(cause));
}

/** A query was refused since one before it in its transaction had failed. */
export function isAborted(error: unknown): boolean {
  return sqlState(error instanceof GyreError ? error.cause : error) === '25P02';
}

/** What PostgreSQL or its driver threw, in our words; anything else as it is. */
export function fromPostgres(error: unknown): unknown {
  if (isGyreError(error)) return error;
  const state = sqlState(error);
  if (state === undefined) {
    const lost = error instanceof Error && /connection|terminated|ended|timeout/i.test(error.message);
    return lost ? new GyreError('UNAVAILABLE', `the database went away: ${messageOf(error)}`, {}, { cause: error }) : error;
  }
  // EPIPE has five letters too.
  if (isOfSystem(error) || !/^[0-9A-Z]{5}$/.test(state)) {
    return new GyreError(
      'UNAVAILABLE',
      `the database cannot be reached: ${messageOf(error) || state}`,
      { system: state },
      { cause: error },
    );
  }
  const code = codes[state] ?? classes[state.slice(0, 2)] ?? 'INTERNAL';
  const words: Partial<Record<ErrorCode, string>> = {
    ALREADY_EXISTS: 'a row with this key exists already',
    FAILED_PRECONDITION: 'a row that this one refers to does not exist, or is still referred to',
    RESOURCE_EXHAUSTED: 'the database has no room or no connections left; what is stored stays readable',
  };
  return new GyreError(code, `${words[code] ?? 'the database refused'}: ${messageOf(error)}`, { sqlState: state }, { cause: error });
}
