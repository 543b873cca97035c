import { createHash } from 'node:crypto';
import { GyreError } from '#core';
import { cellOf, isMissing } from '#tables';
import type { Frame } from '#tables';
import { rowNumber } from '../masking.ts';

/** One part of a split: the keys whose place lies in [low, high). */
export interface PartRange {
  readonly part: string;
  readonly fraction: number;
  readonly low: number;
  readonly high: number;
}

/**
 * A key's place in [0, 1): the first 53 bits of SHA-256(salt, NUL, key), over 2^53. It depends on key and salt alone, so that rows
 * which come later move nobody.
 */
export function placeOf(key: string, salt: string): number {
  const digest = createHash('sha256').update(`${salt}\u0000${key}`, 'utf8').digest();
  return (digest.readUInt32BE(0) * 2 ** 21 + (digest.readUInt32BE(4) >>> 11)) / 2 ** 53;
}

/**
 * Lays the parts one after the other on [0, 1), in the order given.
 * @throws GyreError INVALID_ARGUMENT when a fraction is not positive or they do not sum to 1 (within 1e-9)
 */
export function partRanges(parts: Readonly<Record<string, number>>): PartRange[] {
  const entries = Object.entries(parts);
  const sum = entries.reduce((total, [, fraction]) => total + fraction, 0);
  const wrong = entries.find(([, fraction]) => !(fraction > 0 && fraction <= 1));
  if (wrong) throw new GyreError('INVALID_ARGUMENT', `part "${wrong[0]}" has fraction ${wrong[1]}; more than 0 and at most 1 is needed`);
  if (Math.abs(sum - 1) > 1e-9)
    throw new GyreError('INVALID_ARGUMENT', `the parts' fractions sum to ${Number(sum.toFixed(9))}; 1 is needed`, { parts });
  let low = 0;
  return entries.map(([part, fraction], i) => {
    // rounded, so that 0.1 + 0.2 is the bound that a person would write; the last part ends at 1 exactly
    const high = i === entries.length - 1 ? 1 : Number((low + fraction).toFixed(12));
    const range = { part, fraction, low, high };
    low = high;
    return range;
  });
}

/**
 * Each row's key as text; without a key column, all values of the row.
 * @throws GyreError FAILED_PRECONDITION naming rows whose key is missing or repeats an earlier one
 */
export function keysOf(frame: Frame, key: string | undefined): string[] {
  return key === undefined ? contentsOf(frame) : uniqueKeys(frame, key);
}

/** All values of each row as one text: names with values, in the order of the names, so that moved columns move no row. */
function contentsOf(frame: Frame): string[] {
  const columns = frame.schema
    .map(({ name, type }) => ({ name, type, column: frame.column(name) }))
    .toSorted((left, right) => (left.name < right.name ? -1 : 1));
  return Array.from({ length: frame.rows }, (_, row) =>
    JSON.stringify(columns.map(({ name, type, column }) => [name, isMissing(column, row) ? null : String(cellOf(column, type, row))])),
  );
}

function uniqueKeys(frame: Frame, key: string): string[] {
  const column = frame.column(key);
  const type = frame.typeOf(key);
  const missing: number[] = [];
  const repeated: { row: number; first: number }[] = [];
  const firstRow = new Map<string, number>();
  const keys = Array.from({ length: frame.rows }, (_, row) => {
    if (isMissing(column, row)) {
      missing.push(rowNumber(row));
      return '';
    }
    const text = String(cellOf(column, type, row));
    const first = firstRow.get(text);
    if (first === undefined) firstRow.set(text, row);
    else repeated.push({ row: rowNumber(row), first: rowNumber(first) });
    return text;
  });
  if (missing.length > 0) {
    const message = `key "${key}" is missing in ${missing.length} rows (row ${missing.slice(0, 5).join(', ')}); each row needs a key`;
    throw new GyreError('FAILED_PRECONDITION', message, { key, rows: missing.slice(0, 5) });
  }
  if (repeated.length > 0) {
    const shown = repeated.slice(0, 3).map(({ row, first }) => `row ${row} repeats that of row ${first}`);
    const message = `key "${key}" is not unique: ${shown.join(', ')}${repeated.length > 3 ? ` and ${repeated.length - 3} more` : ''}; remove the duplicates or name another key`;
    throw new GyreError('FAILED_PRECONDITION', message, { key, rows: repeated.slice(0, 5).map(({ row }) => row) });
  }
  return keys;
}
