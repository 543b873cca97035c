import { GyreError } from '#core';
import { instantColumn, numberColumn, textColumn } from './column.ts';
import type { Column, ColumnType } from './column.ts';
import { createFrame } from './frame.ts';
import type { Frame, TableSchema } from './frame.ts';
import { parseInstant } from './instants.ts';

/** Rows as they come from JSON or from a person's code: absent, undefined and null are missing. */
export type LooseRecord = Readonly<Record<string, unknown>>;

/**
 * Makes a frame from records by a schema. Members that the schema does not name are ignored.
 * A number column takes numbers (missing: null, absent or NaN), a boolean column true, false, 0 and 1, a string column strings,
 * an instant column ISO 8601 texts or UTC milliseconds.
 * @throws GyreError INVALID_ARGUMENT with the record's position (0-based), the column, and what would be right
 */
export function frameFromRecords(records: readonly LooseRecord[], schema: TableSchema): Frame {
  const columns = schema.map(({ name, type }) => ({ name, type, column: columnFrom(records, name, type) }));
  return createFrame(columns, records.length);
}

function columnFrom(records: readonly LooseRecord[], name: string, type: ColumnType): Column {
  if (type === 'string') {
    return textColumn(
      records.map((record, row) => {
        const value = record[name] ?? null;
        if (value === null || typeof value === 'string') return value;
        throw wrong(row, name, type, value);
      }),
    );
  }
  const values = new Float64Array(records.length);
  const convert = converters[type];
  records.forEach((record, row) => {
    const value = record[name] ?? Number.NaN;
    const converted = convert(value);
    if (converted === undefined) throw wrong(row, name, type, value);
    values[row] = converted;
  });
  return type === 'instant' ? instantColumn(values) : numberColumn(values);
}

const converters: Record<Exclude<ColumnType, 'string'>, (value: unknown) => number | undefined> = {
  number: (value) => (typeof value === 'number' && !isInfinite(value) ? value : undefined),
  integer: (value) => (typeof value === 'number' && (Number.isSafeInteger(value) || Number.isNaN(value)) ? value : undefined),
  boolean: (value) =>
    typeof value === 'boolean' ? Number(value) : value === 0 || value === 1 || Number.isNaN(value) ? Number(value) : undefined,
  instant: (value) =>
    typeof value === 'number' && !isInfinite(value) ? value : typeof value === 'string' ? parseInstant(value) : undefined,
};

const isInfinite = (value: number): boolean => value === Infinity || value === -Infinity;

const needed: Record<ColumnType, string> = {
  number: 'a finite number or null',
  integer: 'a whole number or null',
  boolean: 'true, false or null',
  string: 'a string or null',
  instant: 'an ISO 8601 instant, UTC milliseconds or null',
};

function wrong(row: number, column: string, type: ColumnType, value: unknown): GyreError {
  const shown = typeof value === 'string' ? JSON.stringify(value.slice(0, 60)) : String(value);
  const message = `record ${row}, column "${column}": ${shown} is a ${typeof value}, the column needs ${needed[type]}`;
  return new GyreError('INVALID_ARGUMENT', message, { record: row, column, type });
}
