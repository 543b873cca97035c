import { GyreError } from '#core';
import { isMissing, positionColumn, sqlName } from '#tables';
import type { Frame, OpenTables } from '#tables';
import { rowNumber } from '../masking.ts';
import { askRows } from '../quality/ask-rows.ts';
import { wholeTable } from '../quality/batches.ts';
import type { Batches } from '../quality/batches.ts';
import { valueReader } from './hash-split.ts';

/** Rows are named in messages up to so many. */
const shownRows = 5;

interface BadKeys {
  /** How many rows have no key, and the positions of the first of them. */
  readonly missing: { readonly count: number; readonly first: readonly number[] };
  /** How many rows repeat the key of an earlier one, and the first of them with the row that they repeat. */
  readonly repeated: { readonly count: number; readonly first: readonly { readonly row: number; readonly of: number }[] };
}

/** @throws GyreError FAILED_PRECONDITION naming rows whose key is missing or repeats an earlier one */
export async function refuseBadKeys(batches: Batches, key: string): Promise<void> {
  const { missing, repeated } = await badKeysOf(batches, key);
  if (missing.count > 0) {
    const rows = missing.first.map(rowNumber);
    const message = `key "${key}" is missing in ${missing.count} rows (row ${rows.join(', ')}); each row needs a key`;
    throw new GyreError('FAILED_PRECONDITION', message, { key, rows });
  }
  if (repeated.count > 0) {
    const shown = repeated.first.slice(0, 3).map(({ row, of }) => `row ${rowNumber(row)} repeats that of row ${rowNumber(of)}`);
    const more = repeated.count > 3 ? ` and ${repeated.count - 3} more` : '';
    const message = `key "${key}" is not unique: ${shown.join(', ')}${more}; remove the duplicates or name another key`;
    throw new GyreError('FAILED_PRECONDITION', message, { key, rows: repeated.first.map(({ row }) => rowNumber(row)) });
  }
}

async function badKeysOf(batches: Batches, key: string): Promise<BadKeys> {
  if (batches.ask) return batches.ask((tables) => askBadKeys(tables, key));
  let found: BadKeys = { missing: { count: 0, first: [] }, repeated: { count: 0, first: [] } };
  // a table that no engine holds is one frame
  await batches.each([key], (frame) => {
    found = badKeysIn(frame, key);
  });
  return found;
}

function badKeysIn(frame: Frame, key: string): BadKeys {
  const [column, keyAt] = [frame.column(key), valueReader(frame, key)];
  const missing: number[] = [];
  const repeated: { row: number; of: number }[] = [];
  const firstRow = new Map<string, number>();
  for (let row = 0; row < frame.rows; row++) {
    if (isMissing(column, row)) {
      missing.push(row);
      continue;
    }
    const first = firstRow.get(keyAt(row));
    if (first === undefined) firstRow.set(keyAt(row), row);
    else repeated.push({ row, of: first });
  }
  return {
    missing: { count: missing.length, first: missing.slice(0, shownRows) },
    repeated: { count: repeated.length, first: repeated.slice(0, shownRows) },
  };
}

async function askBadKeys(tables: OpenTables, key: string): Promise<BadKeys> {
  const question = { columns: [], examples: shownRows };
  const [missing, repeated] = await Promise.all([
    askRows(tables, { ...question, sql: { misses: key } }),
    askRows(tables, { ...question, sql: { repeats: [key], missing: 'left_out' } }),
  ]);
  const positions = [missing, repeated].map(({ examples }) => Array.from(examples?.numbers(positionColumn) ?? []));
  const first = positions[1].length === 0 ? [] : await firstOf(tables, key, positions[1]);
  return {
    missing: { count: missing.count, first: positions[0] },
    // rows are found by their hash: where the values differ after all, nothing repeats
    repeated: { count: first.length === 0 ? 0 : repeated.count, first },
  };
}

/** The first row with the key of each of these rows, where that is another one. */
async function firstOf(tables: OpenTables, key: string, rows: readonly number[]): Promise<{ row: number; of: number }[]> {
  const [name, position] = [sqlName(key), sqlName(positionColumn)];
  const some = `(SELECT ${name} AS key, ${position} AS here FROM ${wholeTable} WHERE ${position} IN (${rows.join(', ')}))`;
  const found = await tables.frame(
    `SELECT here, min(${position}) AS there FROM ${wholeTable} JOIN ${some} ON ${name} = key GROUP BY here HAVING there < here ORDER BY here`,
  );
  const there = found.numbers('there');
  return Array.from(found.numbers('here'), (row, i) => ({ row, of: there[i] }));
}
