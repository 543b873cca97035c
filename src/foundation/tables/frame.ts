import { GyreError } from '#core';
import { cellOf, isMissing, kindOf, lengthOf, takeColumn, textColumn } from './column.ts';
import type { Cell, Column, ColumnType, InstantColumn, NumberColumn, TextColumn } from './column.ts';

/** A column's name and the meaning of its values. */
export interface ColumnSpec {
  readonly name: string;
  readonly type: ColumnType;
}

/** A table's columns in order. */
export type TableSchema = readonly ColumnSpec[];

/** A column on its way into a frame; without a type it is what its layout suggests (`number`, `string`, `instant`). */
export interface NamedColumn {
  readonly name: string;
  readonly column: Column;
  readonly type?: ColumnType;
}

/** One row as plain data, by column name. */
export type TableRecord = Readonly<Record<string, Cell>>;

/** A table in memory: columns of equal length with unique names. Immutable; cheap to select from and to extend. */
export interface Frame {
  readonly rows: number;
  readonly names: readonly string[];
  readonly schema: TableSchema;
  has(name: string): boolean;
  /** @throws GyreError INVALID_ARGUMENT naming the columns that exist */
  column(name: string): Column;
  /** @throws GyreError INVALID_ARGUMENT naming the columns that exist */
  typeOf(name: string): ColumnType;
  /** @throws GyreError INVALID_ARGUMENT when the column is missing or no number (integer, boolean) column */
  numbers(name: string): Float64Array;
  /** @throws GyreError INVALID_ARGUMENT when the column is missing or no string column */
  texts(name: string): TextColumn;
}

const defaultType = { number: 'number', text: 'string', instant: 'instant' } as const;

/**
 * Makes a frame.
 * @param rows needed only for a frame without columns
 * @throws GyreError INVALID_ARGUMENT for a duplicate name, unequal lengths, or a type that does not fit the layout
 */
export function createFrame(columns: readonly NamedColumn[], rows = columns.length === 0 ? 0 : lengthOf(columns[0].column)): Frame {
  const byName = new Map<string, { column: Column; type: ColumnType }>();
  for (const { name, column, type = defaultType[column.kind] } of columns) {
    if (byName.has(name)) throw new GyreError('INVALID_ARGUMENT', `column "${name}" appears twice`, { column: name });
    if (lengthOf(column) !== rows) {
      throw new GyreError('INVALID_ARGUMENT', `column "${name}" has ${lengthOf(column)} rows, the table has ${rows}`, { column: name });
    }
    if (kindOf(type) !== column.kind) {
      throw new GyreError('INVALID_ARGUMENT', `column "${name}" of type ${type} cannot hold ${column.kind} values`, { column: name });
    }
    byName.set(name, { column, type });
  }
  const names = [...byName.keys()];
  const schema = [...byName].map(([name, { type }]) => ({ name, type }));
  const entry = (name: string): { column: Column; type: ColumnType } => {
    const found = byName.get(name);
    if (found) return found;
    throw new GyreError('INVALID_ARGUMENT', `no column "${name}"; the columns are ${listed(names)}`, { column: name, columns: names });
  };
  const ofKind = (name: string, wanted: string): { column: Column; type: ColumnType } => {
    const found = entry(name);
    if (found.column.kind === wanted) return found;
    throw new GyreError('INVALID_ARGUMENT', `column "${name}" is of type ${found.type}; a ${wanted} column is needed here`, {
      column: name,
      type: found.type,
    });
  };
  return {
    rows,
    names,
    schema,
    has: (name) => byName.has(name),
    column: (name) => entry(name).column,
    typeOf: (name) => entry(name).type,
    numbers: (name) => {
      const { column } = ofKind(name, 'number');
      return column.kind === 'text' ? new Float64Array() : column.values;
    },
    texts: (name) => {
      const { column } = ofKind(name, 'text');
      return column.kind === 'text' ? column : textColumn([]);
    },
  };
}

/** Names in quotes for a message, at most twenty of them. */
export function listed(names: readonly string[]): string {
  const shown = names.slice(0, 20).map((name) => `"${name}"`);
  return names.length > 20 ? `${shown.join(', ')} and ${names.length - 20} more` : shown.join(', ');
}

const namedColumns = (frame: Frame): NamedColumn[] => frame.schema.map(({ name, type }) => ({ name, type, column: frame.column(name) }));

/** The rows at these positions (0-based), in this order; a position may repeat. */
export function takeRows(frame: Frame, positions: Int32Array): Frame {
  const taken = namedColumns(frame).map((named) => ({ ...named, column: takeColumn(named.column, positions) }));
  return createFrame(taken, positions.length);
}

/** The rows from `start` up to but without `end`. */
export function sliceRows(frame: Frame, start: number, end: number): Frame {
  const from = Math.max(0, Math.min(start, frame.rows));
  const to = Math.max(from, Math.min(end, frame.rows));
  return takeRows(
    frame,
    Int32Array.from({ length: to - from }, (_, i) => from + i),
  );
}

/** The rows for which a test on the row's position holds. */
export function filterRows(frame: Frame, keep: (row: number) => boolean): Frame {
  const positions: number[] = [];
  for (let row = 0; row < frame.rows; row++) if (keep(row)) positions.push(row);
  return takeRows(frame, Int32Array.from(positions));
}

/** @throws GyreError INVALID_ARGUMENT naming the columns that exist when one is missing */
export function selectColumns(frame: Frame, names: readonly string[]): Frame {
  return createFrame(
    names.map((name) => ({ name, type: frame.typeOf(name), column: frame.column(name) })),
    frame.rows,
  );
}

/** The frame without these columns; names that it does not have are ignored. */
export function dropColumns(frame: Frame, names: readonly string[]): Frame {
  return selectColumns(
    frame,
    frame.names.filter((name) => !names.includes(name)),
  );
}

/** The frame with one more column at its end. @throws GyreError INVALID_ARGUMENT when the name is taken or the length differs */
export function appendColumn(frame: Frame, name: string, column: Column, type?: ColumnType): Frame {
  return createFrame([...namedColumns(frame), { name, column, type }], frame.rows);
}

/**
 * The rows of several frames one after the other. Columns are matched by name; their order is the first frame's.
 * An integer column met by a number column becomes a number column.
 * @throws GyreError INVALID_ARGUMENT when a frame lacks or adds a column, or types differ
 */
export function concatRows(frames: readonly Frame[]): Frame {
  const [first, ...others] = frames;
  if (!first) throw new GyreError('INVALID_ARGUMENT', 'at least one table is needed');
  for (const other of others) {
    const lacking = first.names.filter((name) => !other.has(name));
    const added = other.names.filter((name) => !first.has(name));
    if (lacking.length + added.length > 0) {
      const parts = [lacking.length ? `lacks ${listed(lacking)}` : '', added.length ? `adds ${listed(added)}` : ''];
      throw new GyreError('INVALID_ARGUMENT', `tables with different columns cannot be joined: one ${parts.filter(Boolean).join(' and ')}`);
    }
  }
  const rows = frames.reduce((sum, frame) => sum + frame.rows, 0);
  return createFrame(
    first.names.map((name) => ({ name, ...concatColumn(frames, name, rows) })),
    rows,
  );
}

function concatColumn(frames: readonly Frame[], name: string, rows: number): { type: ColumnType; column: Column } {
  const types = new Set(frames.filter((frame, i) => i === 0 || frame.rows > 0).map((frame) => frame.typeOf(name)));
  const [type] = types;
  if (types.size > 1 && !(types.size === 2 && types.has('integer') && types.has('number'))) {
    throw new GyreError('INVALID_ARGUMENT', `column "${name}" has different types: ${[...types].join(', ')}`, { column: name });
  }
  const joined = types.size > 1 ? 'number' : type;
  if (kindOf(joined) === 'text') {
    const dictionary: string[] = [];
    const codeOf = new Map<string, number>();
    const codes = new Int32Array(rows);
    let at = 0;
    for (const frame of frames.filter(({ rows: some }) => some > 0)) {
      const part = frame.texts(name);
      const recode = part.dictionary.map((text) => {
        const known = codeOf.get(text);
        if (known !== undefined) return known;
        const code = dictionary.push(text) - 1;
        codeOf.set(text, code);
        return code;
      });
      for (const code of part.codes) codes[at++] = code < 0 ? -1 : recode[code];
    }
    return { type: joined, column: { kind: 'text', codes, dictionary } };
  }
  const values = new Float64Array(rows);
  let at = 0;
  for (const frame of frames.filter(({ rows: some }) => some > 0)) {
    const part = frame.column(name);
    if (part.kind !== 'text') values.set(part.values, at);
    at += frame.rows;
  }
  const column: NumberColumn | InstantColumn = { kind: joined === 'instant' ? 'instant' : 'number', values };
  return { type: joined, column };
}

/** Rows as plain records. @param range rows from `start` up to but without `end`; all without it */
export function toRecords(frame: Frame, range: { readonly start?: number; readonly end?: number } = {}): TableRecord[] {
  const start = Math.max(0, range.start ?? 0);
  const end = Math.min(frame.rows, range.end ?? frame.rows);
  const columns = namedColumns(frame);
  const records: TableRecord[] = [];
  for (let row = start; row < end; row++) {
    records.push(
      Object.fromEntries(columns.map(({ name, column, type }) => [name, cellOf(column, type ?? defaultType[column.kind], row)])),
    );
  }
  return records;
}

/** How many rows of a column are missing. */
export function missingCount(column: Column): number {
  let missing = 0;
  for (let row = 0; row < lengthOf(column); row++) if (isMissing(column, row)) missing++;
  return missing;
}
