import { hash } from 'node:crypto';
import { GyreError } from '#core';
import { cellOf, isMissing } from '#tables';
import type { Frame } from '#tables';

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
  const digest = hash('sha256', `${salt}\u0000${key}`, 'hex');
  return (parseInt(digest.slice(0, 8), 16) * 2 ** 21 + (parseInt(digest.slice(8, 16), 16) >>> 11)) / 2 ** 53;
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

/** Each row's key as text; without a key column, all values of the row. Whether keys are there and unique, `refuseBadKeys` says. */
export function keyReader(frame: Frame, key: string | undefined): (row: number) => string {
  return key === undefined ? contentReader(frame) : valueReader(frame, key);
}

/** The columns that `keyReader` reads. */
export const keyColumns = (names: readonly string[], key: string | undefined): readonly string[] => (key === undefined ? names : [key]);

/** A column's values as text; a missing one is empty. */
export function valueReader(frame: Frame, name: string): (row: number) => string {
  const column = frame.column(name);
  const type = frame.typeOf(name);
  return (row) => (isMissing(column, row) ? '' : String(cellOf(column, type, row)));
}

/** All values of each row as one text: names with values, in the order of the names, so that moved columns move no row. */
function contentReader(frame: Frame): (row: number) => string {
  const columns = frame.schema
    .map(({ name, type }) => ({ name, type, column: frame.column(name) }))
    .toSorted((left, right) => (left.name < right.name ? -1 : 1));
  // asked for by the parts and by each set
  const texts = new Array<string | undefined>(frame.rows);
  return (row) =>
    (texts[row] ??= JSON.stringify(
      columns.map(({ name, type, column }) => [name, isMissing(column, row) ? null : String(cellOf(column, type, row))]),
    ));
}
