import { GyreError } from '#core';
import { parseInstant } from '#tables';
import type { Frame } from '#tables';
import { rowNumber } from '../masking.ts';

/**
 * When each row happened: UTC milliseconds, or the number itself where time is counted in numbers.
 * @throws GyreError INVALID_ARGUMENT when the column is of texts; FAILED_PRECONDITION naming rows without a value
 */
export function timesOf(frame: Frame, name: string): Float64Array {
  const column = frame.column(name);
  if (column.kind === 'text') {
    const message = `column "${name}" is of texts, not of instants: declare it "type: instant" in the reviewed schema`;
    throw new GyreError('INVALID_ARGUMENT', message, { column: name });
  }
  const missing: number[] = [];
  column.values.forEach((value, row) => {
    if (Number.isNaN(value)) missing.push(rowNumber(row));
  });
  if (missing.length > 0) {
    const message = `"${name}" is missing in ${missing.length} rows (row ${missing.slice(0, 5).join(', ')}): whether they are later than others cannot be said`;
    throw new GyreError('FAILED_PRECONDITION', message, { column: name, rows: missing.slice(0, 5) });
  }
  return column.values;
}

/** A written beginning on the column's own scale. @throws GyreError INVALID_ARGUMENT when it does not fit the column */
export function readTime(frame: Frame, name: string, text: string | number): number {
  if (frame.typeOf(name) !== 'instant') {
    if (typeof text === 'number') return text;
    throw new GyreError('INVALID_ARGUMENT', `"${text}" is no number, but column "${name}" is of numbers`, { column: name });
  }
  const value = typeof text === 'string' ? parseInstant(text) : undefined;
  if (value !== undefined) return value;
  throw new GyreError('INVALID_ARGUMENT', `"${text}" is no day and no instant: write 2026-01-31 or 2026-01-31T12:00:00Z`, { column: name });
}

/** A border on the column's scale as records and people read it. */
export function timeText(frame: Frame, name: string, value: number): string | number {
  return frame.typeOf(name) === 'instant' ? new Date(value).toISOString() : value;
}

/**
 * Where the later rows begin, so that they are about a share of all: rows of the same instant stay together.
 * @param times not empty, without NaN
 * @returns the instant of the first of them; rows at it or after it are the later ones
 */
export function borderOf(times: Float64Array, share: number): number {
  const ordered = times.toSorted();
  const first = Math.min(ordered.length - 1, Math.max(0, ordered.length - Math.round(share * ordered.length)));
  return ordered[first];
}
