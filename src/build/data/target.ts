import { GyreError } from '#core';
import { isMissing } from '#tables';
import type { Frame } from '#tables';
import { rowNumber } from './quality/masking.ts';

/**
 * Checks that a column can be learned: it is there, complete and finite, and it varies.
 * @throws GyreError INVALID_ARGUMENT when there is no such column; FAILED_PRECONDITION naming the rows (the header is row 1) that miss a value
 * or hold an infinite one, when it has one class only, or when there is no row
 */
export function checkTarget(frame: Frame, target: string): void {
  const column = frame.column(target);
  if (frame.rows === 0) throw new GyreError('FAILED_PRECONDITION', `there is no row to learn target "${target}" from`, { target });
  const values = column.kind === 'text' ? column.codes : column.values;
  const missing: number[] = [];
  const infinite: number[] = [];
  let varies = false;
  for (let row = 0; row < frame.rows; row++) {
    if (isMissing(column, row)) missing.push(rowNumber(row));
    else if (column.kind !== 'text' && !Number.isFinite(column.values[row])) infinite.push(rowNumber(row));
    if (values[row] !== values[0]) varies = true;
  }
  const refuse = (rows: readonly number[], what: string): void => {
    if (rows.length === 0) return;
    const shown = rows.slice(0, 5).join(', ');
    const message = `target "${target}" ${what} in ${rows.length} of ${frame.rows} rows (row ${shown}${rows.length > 5 ? ', …' : ''}); label or leave out these rows`;
    throw new GyreError('FAILED_PRECONDITION', message, { target, rows: rows.slice(0, 5), count: rows.length });
  };
  refuse(missing, 'is missing');
  refuse(infinite, 'is not finite');
  if (varies) return;
  const only = column.kind === 'text' ? column.dictionary[column.codes[0]] : column.values[0];
  throw new GyreError(
    'FAILED_PRECONDITION',
    `target "${target}" has one class only (${only}) in ${frame.rows} rows; at least two are needed`,
    {
      target,
      rows: frame.rows,
    },
  );
}
