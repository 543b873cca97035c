import { GyreError, messageOf } from '#core';
import { instantColumn, numberColumn, textColumn } from './column.ts';
import type { Column, ColumnType } from './column.ts';
import { refuseAbsent } from './csv.ts';
import type { ReadOptions, TableRead } from './csv.ts';
import { textStart } from './encoding.ts';
import { BOOLEAN, DATED, INSTANT, INTEGER, MISSING, NUMBER, TEXT } from './field-values.ts';
import { createFrame } from './frame.ts';
import { decide, newTally, refuseProblems, tallyDated, wantsExample } from './inference.ts';
import type { ClassTally } from './inference.ts';
import { parseDated, parseInstant } from './instants.ts';
import type { DateOrder } from './instants.ts';

export type Scalar = string | number | boolean;
interface SurveyedColumn {
  readonly values: (Scalar | null)[];
  readonly tally: ClassTally;
}

/**
 * Reads JSON Lines: one object of plain values per line. A member that is absent or null is missing; a column is named where it first appears.
 * Texts stay texts (no number is read out of one), unless all of a column's texts are instants.
 * @throws GyreError INVALID_ARGUMENT with the line for bad JSON, a line that is no object, a nested value, mixed types
 */
export function readJsonLines(input: Uint8Array, options: ReadOptions = {}): TableRead {
  const what = options.name ?? 'the file';
  const bytes = Buffer.from(input.buffer, input.byteOffset, input.byteLength);
  const text = bytes.toString('utf8', textStart(bytes, what), bytes.length);
  const missing = new Set(options.missing?.map((each) => each.trim()));
  const surveyed = new Map<string, SurveyedColumn>();
  const lines: number[] = [];
  text.split(/\r?\n/).forEach((source, index) => {
    if (source.trim() === '') return;
    const line = index + 1;
    const row = lines.push(line) - 1;
    for (const [name, member] of Object.entries(parseLine(source, line, what))) {
      let column = surveyed.get(name);
      if (!column) surveyed.set(name, (column = { values: [], tally: newTally() }));
      const value = scalarOf(member, name, line, what);
      const absent = value === null || (typeof value === 'string' && (value.trim() === '' || missing.has(value.trim())));
      while (column.values.length < row) column.values.push(null);
      column.values.push(absent ? null : value);
      if (value !== null && !absent) count(column.tally, value, line);
    }
  });
  if (surveyed.size === 0) throw new GyreError('INVALID_ARGUMENT', `${what} has no record: one JSON object per line is needed`);
  refuseAbsent(what, [...surveyed.keys()], options);
  const entries = [...surveyed].map(([name, { values, tally }]) => {
    while (values.length < lines.length) values.push(null);
    tally.counts[MISSING] = values.filter((value) => value === null).length;
    return { values, tally, evidence: decide(name, tally, options.types?.[name], options.timestamps) };
  });
  refuseProblems(
    what,
    entries.map(({ evidence }) => evidence),
    entries.map(({ tally }) => tally),
    options,
  );
  const columns = entries.map(({ values, evidence: { name, type, order } }) => ({ name, type, column: columnOf(values, type, order) }));
  return { frame: createFrame(columns, lines.length), columns: entries.map(({ evidence }) => evidence), lines: Uint32Array.from(lines) };
}

export function parseLine(source: string, line: number, what: string): Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(source);
  } catch (cause) {
    throw new GyreError('INVALID_ARGUMENT', `${what}, line ${line}: no valid JSON: ${messageOf(cause)}`, { line }, { cause });
  }
  if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return { ...parsed };
  const found = parsed === null ? 'null' : Array.isArray(parsed) ? 'a list' : `a ${typeof parsed}`;
  throw new GyreError('INVALID_ARGUMENT', `${what}, line ${line}: ${found}, where one JSON object per line is needed`, { line });
}

export function scalarOf(member: unknown, name: string, line: number, what: string): Scalar | null {
  if (member === null || typeof member === 'string' || typeof member === 'boolean') return member;
  if (typeof member === 'number') {
    if (Number.isFinite(member) && (!Number.isInteger(member) || Number.isSafeInteger(member) || Math.abs(member) >= 1e21)) return member;
    const message = `${what}, line ${line}, column "${name}": ${member} has more digits than a number keeps; write it as a text`;
    throw new GyreError('INVALID_ARGUMENT', message, { line, column: name });
  }
  const message = `${what}, line ${line}, column "${name}": a nested value; a table needs texts, numbers, true, false or null`;
  throw new GyreError('INVALID_ARGUMENT', message, { line, column: name });
}

export function count(tally: ClassTally, value: Scalar, line: number): void {
  const valueClass =
    typeof value === 'number' ? (Number.isInteger(value) ? INTEGER : NUMBER) : typeof value === 'boolean' ? BOOLEAN : textClass(value);
  if (valueClass === DATED) tallyDated(tally, parseDated(String(value)) ?? neither, () => ({ line, value: String(value) }));
  tally.counts[valueClass]++;
  if (wantsExample(tally, valueClass)) tally.examples[valueClass].push({ line, value: String(value) });
}

const neither = { dayFirst: Number.NaN, monthFirst: Number.NaN };

function textClass(value: string): number {
  if (parseInstant(value) !== undefined) return INSTANT;
  return parseDated(value) === undefined ? TEXT : DATED;
}

/** UTC milliseconds of a text in a column of instants. */
function instantOf(text: string, order: DateOrder | undefined): number {
  const dated = parseDated(text) ?? neither;
  return parseInstant(text) ?? (order === 'month-first' ? dated.monthFirst : dated.dayFirst);
}

export function columnOf(values: readonly (Scalar | null)[], type: ColumnType, order: DateOrder | undefined): Column {
  if (type === 'string') return textColumn(values.map((value) => (value === null ? null : String(value))));
  const numbers = Float64Array.from(values, (value) =>
    value === null ? Number.NaN : typeof value === 'string' ? instantOf(value, order) : Number(value),
  );
  return type === 'instant' ? instantColumn(numbers) : numberColumn(numbers);
}
