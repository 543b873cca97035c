import type { SplitStrategy } from '#contract';
import { GyreError } from '#core';
import { cellOf, isMissing } from '#tables';
import type { Frame } from '#tables';

/**
 * What is dealt as one, by row: its group or place, or its key where rows are dealt one by one.
 * A row without a group is a group of its own; rows without a place are one place together.
 * @param keyAt each row's key as text
 * @throws GyreError INVALID_ARGUMENT when a column is not there, or a cell is asked for of columns that are no degrees
 */
export function unitReader(
  frame: Frame,
  { strategy, columns, cell }: SplitStrategy,
  keyAt: (row: number) => string,
): (row: number) => string {
  switch (strategy) {
    case 'group': {
      const groupAt = joinedValues(frame, columns);
      return (row) => groupAt(row) ?? `\u0000${keyAt(row)}`;
    }
    case 'location': {
      const placeAt = cell === undefined ? joinedValues(frame, columns) : cellsOf(frame, columns, cell);
      return (row) => placeAt(row) ?? '\u0000';
    }
    case 'random':
    case 'stratified':
    case 'time':
      return keyAt;
  }
}

/** The values of some columns as one text a row; undefined where any is missing. One column's value stands as it is. */
function joinedValues(frame: Frame, columns: readonly string[]): (row: number) => string | undefined {
  const parts = columns.map((name) => ({ column: frame.column(name), type: frame.typeOf(name) }));
  return (row) => {
    if (parts.some(({ column }) => isMissing(column, row))) return undefined;
    const values = parts.map(({ column, type }) => String(cellOf(column, type, row)));
    return values.length === 1 ? values[0] : JSON.stringify(values);
  };
}

/** The square of so many degrees that latitude and longitude lie in. */
function cellsOf(frame: Frame, columns: readonly string[], degrees: number): (row: number) => string | undefined {
  if (columns.length !== 2) {
    const message = `a cell is of two columns, latitude and longitude; ${columns.length} are named (${columns.join(', ')})`;
    throw new GyreError('INVALID_ARGUMENT', message, { columns });
  }
  const [latitudes, longitudes] = columns.map((name) => frame.numbers(name));
  return (row) => {
    const [latitude, longitude] = [latitudes[row], longitudes[row]];
    if (Number.isNaN(latitude) || Number.isNaN(longitude)) return undefined;
    return `${Math.floor(latitude / degrees)}:${Math.floor(longitude / degrees)}`;
  };
}
