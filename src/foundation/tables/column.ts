/** What a column's values mean. `integer`, `number` and `boolean` (0 and 1) share one memory layout. */
export type ColumnType = 'integer' | 'number' | 'boolean' | 'string' | 'instant';

/** A column in memory, shared by all rooms. Its arrays are never changed after it was made. */
export type Column =
  | { readonly kind: 'number'; readonly values: Float64Array } // NaN = missing; integers and booleans (0/1) as well
  | { readonly kind: 'text'; readonly codes: Int32Array; readonly dictionary: readonly string[] } // -1 = missing
  | { readonly kind: 'instant'; readonly values: Float64Array }; // UTC ms, NaN = missing

export type NumberColumn = Extract<Column, { kind: 'number' }>;
export type TextColumn = Extract<Column, { kind: 'text' }>;
export type InstantColumn = Extract<Column, { kind: 'instant' }>;

/** One cell as plain data: null is missing, an instant is ISO 8601 in UTC. */
export type Cell = string | number | boolean | null;

/** The memory layout that a column type has. */
export function kindOf(type: ColumnType): Column['kind'] {
  return type === 'string' ? 'text' : type === 'instant' ? 'instant' : 'number';
}

/** The number of rows of a column. */
export function lengthOf(column: Column): number {
  return column.kind === 'text' ? column.codes.length : column.values.length;
}

/** @param values numbers, NaN = missing; kept, not copied */
export function numberColumn(values: Float64Array): NumberColumn {
  return { kind: 'number', values };
}

/** @param values UTC milliseconds, NaN = missing; kept, not copied */
export function instantColumn(values: Float64Array): InstantColumn {
  return { kind: 'instant', values };
}

/** Codes texts in the order of their first appearance; null is missing. */
export function textColumn(values: Iterable<string | null>): TextColumn {
  const dictionary: string[] = [];
  const codeOf = new Map<string, number>();
  const codes: number[] = [];
  for (const value of values) {
    if (value === null) {
      codes.push(-1);
      continue;
    }
    let code = codeOf.get(value);
    if (code === undefined) {
      code = dictionary.push(value) - 1;
      codeOf.set(value, code);
    }
    codes.push(code);
  }
  return { kind: 'text', codes: Int32Array.from(codes), dictionary };
}

/** Whether a row's value is missing. */
export function isMissing(column: Column, row: number): boolean {
  return column.kind === 'text' ? column.codes[row] < 0 : Number.isNaN(column.values[row]);
}

/** A row's value as plain data. */
export function cellOf(column: Column, type: ColumnType, row: number): Cell {
  if (column.kind === 'text') {
    const code = column.codes[row];
    return code < 0 ? null : column.dictionary[code];
  }
  const value = column.values[row];
  if (Number.isNaN(value)) return null;
  if (column.kind === 'instant') return new Date(value).toISOString();
  return type === 'boolean' ? value !== 0 : value;
}

/** The rows at these positions, in this order; a text column keeps its dictionary. */
export function takeColumn(column: Column, positions: Int32Array): Column {
  if (column.kind === 'text') {
    return { ...column, codes: positions.map((position) => column.codes[position]) };
  }
  const values = new Float64Array(positions.length);
  for (let i = 0; i < positions.length; i++) values[i] = column.values[positions[i]];
  return { kind: column.kind, values };
}

/** A text column without the dictionary entries that no row uses; the others keep their order of first appearance by row. */
export function compactText(column: TextColumn): TextColumn {
  const newCode = new Int32Array(column.dictionary.length).fill(-1);
  const dictionary: string[] = [];
  const codes = column.codes.map((code) => {
    if (code < 0) return -1;
    if (newCode[code] < 0) newCode[code] = dictionary.push(column.dictionary[code]) - 1;
    return newCode[code];
  });
  return { kind: 'text', codes, dictionary };
}
