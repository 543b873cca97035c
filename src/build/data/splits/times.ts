import { GyreError } from '#core';
import { parseInstant } from '#tables';
import type { ColumnType, Frame } from '#tables';
import { rowNumber } from '../masking.ts';
import { requireColumn } from '../quality/batches.ts';
import type { Batches } from '../quality/batches.ts';
import { valuesAtRanks } from './ranks.ts';

/** When each row happened: UTC milliseconds, or the number itself where time is counted in numbers. */
export function timesOf(frame: Frame, name: string): Float64Array {
  const column = frame.column(name);
  if (column.kind !== 'text') return column.values;
  const message = `column "${name}" is of texts, not of instants: declare it "type: instant" in the reviewed schema`;
  throw new GyreError('INVALID_ARGUMENT', message, { column: name });
}

/** @throws GyreError INVALID_ARGUMENT when the column is of texts; FAILED_PRECONDITION naming rows without a value */
export async function refuseMissingTimes(batches: Batches, name: string): Promise<void> {
  const missing: number[] = [];
  let count = 0;
  await batches.each([name], (frame, firstRow) => {
    timesOf(frame, name).forEach((value, row) => {
      if (Number.isNaN(value) && count++ < 5) missing.push(rowNumber(firstRow + row));
    });
  });
  if (count === 0) return;
  const message = `"${name}" is missing in ${count} rows (row ${missing.join(', ')}): whether they are later than others cannot be said`;
  throw new GyreError('FAILED_PRECONDITION', message, { column: name, rows: missing });
}

/** @throws GyreError INVALID_ARGUMENT naming the columns that exist */
function typeOf({ schema }: Batches, name: string): ColumnType | undefined {
  requireColumn(schema, name);
  return schema.find((column) => column.name === name)?.type;
}

/** A written beginning on the column's own scale. @throws GyreError INVALID_ARGUMENT when it does not fit the column */
export function readTime(batches: Batches, name: string, text: string | number): number {
  if (typeOf(batches, name) !== 'instant') {
    if (typeof text === 'number') return text;
    throw new GyreError('INVALID_ARGUMENT', `"${text}" is no number, but column "${name}" is of numbers`, { column: name });
  }
  const value = typeof text === 'string' ? parseInstant(text) : undefined;
  if (value !== undefined) return value;
  throw new GyreError('INVALID_ARGUMENT', `"${text}" is no day and no instant: write 2026-01-31 or 2026-01-31T12:00:00Z`, { column: name });
}

/** A border on the column's scale as records and people read it. */
export function timeText(batches: Batches, name: string, value: number): string | number {
  return typeOf(batches, name) === 'instant' ? new Date(value).toISOString() : value;
}

/**
 * Where the later rows begin, for each share of all that they are to be about: rows of the same instant stay together.
 * @param stream shows times, without NaN, again each time that it is called
 * @returns the instants of the first of them, rows at it or after it are the later ones; empty when there is no time
 */
export function bordersOfTimes(
  stream: (take: (times: Float64Array) => void) => Promise<void>,
  shares: readonly number[],
): Promise<readonly number[]> {
  return valuesAtRanks(stream, (count) => shares.map((share) => Math.min(count - 1, Math.max(0, count - Math.round(share * count)))));
}
