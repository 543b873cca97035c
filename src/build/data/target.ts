import { GyreError } from '#core';
import { isMissing } from '#tables';
import type { Frame } from '#tables';
import { rowNumber } from './masking.ts';

/**
 * Checks that a column can be learned: it is there, complete and finite, and it varies.
 * @throws GyreError INVALID_ARGUMENT when there is no such column; FAILED_PRECONDITION naming the rows (the header is row 1) that miss a value
 * or hold an infinite one, when it has one class only, or when there is no row
 */
export function checkTarget(frame: Frame, target: string): void {
  const check = targetCheck(target);
  check.add(frame, 0);
  check.end();
}

/** `checkTarget` for rows that come batch by batch. */
export function targetCheck(target: string): { add(batch: Frame, firstRow: number): void; end(): void } {
  const missing: Found = { first: [], count: 0 };
  const infinite: Found = { first: [], count: 0 };
  let rows = 0;
  let only: string | number | undefined;
  let varies = false;
  return {
    add: (batch, firstRow) => {
      const column = batch.column(target);
      rows += batch.rows;
      for (let row = 0; row < batch.rows; row++) {
        if (isMissing(column, row)) note(missing, firstRow + row);
        else if (column.kind !== 'text' && !Number.isFinite(column.values[row])) note(infinite, firstRow + row);
        else if (!varies) {
          const value = column.kind === 'text' ? column.dictionary[column.codes[row]] : column.values[row];
          only ??= value;
          varies = value !== only;
        }
      }
    },
    end: () => {
      if (rows === 0) throw new GyreError('FAILED_PRECONDITION', `there is no row to learn target "${target}" from`, { target });
      refuse(target, missing, 'is missing', rows);
      refuse(target, infinite, 'is not finite', rows);
      if (varies) return;
      throw new GyreError(
        'FAILED_PRECONDITION',
        `target "${target}" has one class only (${only}) in ${rows} rows; at least two are needed`,
        {
          target,
          rows,
        },
      );
    },
  };
}

interface Found {
  readonly first: number[];
  count: number;
}

function note(found: Found, row: number): void {
  if (found.count++ < 5) found.first.push(rowNumber(row));
}

function refuse(target: string, { first, count }: Found, what: string, rows: number): void {
  if (count === 0) return;
  const message = `target "${target}" ${what} in ${count} of ${rows} rows (row ${first.join(', ')}${count > 5 ? ', …' : ''}); label or leave out these rows`;
  throw new GyreError('FAILED_PRECONDITION', message, { target, rows: first, count });
}
