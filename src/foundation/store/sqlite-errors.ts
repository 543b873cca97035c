import { GyreError, isGyreError, messageOf } from '#core';
import type { ErrorCode } from '#core';

const constraintPrimaryKey = 1555;
const constraintUnique = 2067;
const constraintRowId = 2579;
const constraintForeignKey = 787;

/** SQLite's primary result codes (https://www.sqlite.org/rescode.html), the low byte of an extended one. */
const codes: Readonly<Record<number, ErrorCode>> = {
  5: 'UNAVAILABLE', // BUSY
  6: 'UNAVAILABLE', // LOCKED
  7: 'RESOURCE_EXHAUSTED', // NOMEM
  8: 'PERMISSION_DENIED', // READONLY
  10: 'UNAVAILABLE', // IOERR
  11: 'DATA_LOSS', // CORRUPT
  13: 'RESOURCE_EXHAUSTED', // FULL
  14: 'UNAVAILABLE', // CANTOPEN
  18: 'RESOURCE_EXHAUSTED', // TOOBIG
  19: 'INVALID_ARGUMENT', // CONSTRAINT: not null, check
  26: 'DATA_LOSS', // NOTADB
};

/** The extended result code, when SQLite said it. */
export function sqliteCode(error: unknown): number | undefined {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode : undefined;
}

export const isBusy = (error: unknown): boolean => ((sqliteCode(error) ?? 0) & 0xff) === 5;

/** What SQLite threw, in our words; anything else as it is. */
export function fromSqlite(error: unknown): unknown {
  const code = sqliteCode(error);
  if (code === undefined || isGyreError(error)) return error;
  const sqlite = { sqlite: code };
  const cause = { cause: error };
  if (code === constraintPrimaryKey || code === constraintUnique || code === constraintRowId) {
    return new GyreError('ALREADY_EXISTS', `a row with this key exists already: ${messageOf(error)}`, sqlite, cause);
  }
  if (code === constraintForeignKey) {
    return new GyreError(
      'FAILED_PRECONDITION',
      `a row that this one refers to does not exist, or is still referred to: ${messageOf(error)}`,
      sqlite,
      cause,
    );
  }
  const kind = codes[code & 0xff] ?? 'INTERNAL';
  const message =
    (code & 0xff) === 13
      ? 'the disk (or the size allowed for the store) is full; what is stored stays readable'
      : `the database refused: ${messageOf(error)}`;
  return new GyreError(kind, message, sqlite, cause);
}
