import { GyreError } from '#core';
import { instantColumn, kindOf, numberColumn } from './column.ts';
import type { Column, ColumnType } from './column.ts';
import { fieldText, scanRecords, sniffDelimiter } from './csv-scan.ts';
import type { Delimiter, RecordFields } from './csv-scan.ts';
import { textStart } from './encoding.ts';
import { BOOLEAN, DATED, INSTANT, INTEGER, MISSING, NUMBER, classify, newScannedValue } from './field-values.ts';
import { createFrame, listed } from './frame.ts';
import type { Frame } from './frame.ts';
import { decide, newTally, refuseProblems, tallyDated, wantsExample } from './inference.ts';
import type { ClassTally, ColumnEvidence, LineExample, StrictnessOptions, Timestamps } from './inference.ts';
import { textBuilder } from './text-builder.ts';

export interface ReadOptions extends StrictnessOptions {
  /** The input's name in messages; `the file` without it. */
  readonly name?: string;
  /** Types that the caller knows; the other columns are inferred. */
  readonly types?: Readonly<Record<string, ColumnType>>;
  /** A name in `types` that is no column: refused (default), or left out. */
  readonly absent?: 'refuse' | 'ignore';
  /** Texts that stand for a missing value, beside the blank field: `NA`, `null`, … Compared without surrounding blanks. */
  readonly missing?: readonly string[];
  /** How dates with the year last are read. Without it their order must follow from the values; else they are refused. */
  readonly timestamps?: Timestamps;
}

export interface CsvOptions extends ReadOptions {
  /** Sniffed without it. */
  readonly delimiter?: Delimiter;
  /** The sign before decimals; a point without it. */
  readonly decimal?: '.' | ',';
}

/** A table that was read, with the evidence for its types and the line of each row. */
export interface TableRead {
  readonly frame: Frame;
  readonly columns: readonly ColumnEvidence[];
  /** The line of the file (from 1) on which each row begins. */
  readonly lines: Uint32Array;
}

export interface CsvRead extends TableRead {
  readonly delimiter: Delimiter;
}

/** How a CSV table is written. */
export interface CsvLayout {
  readonly what: string;
  readonly delimiter: Delimiter;
  readonly decimal: '.' | ',';
  readonly missing: ReadonlySet<string> | undefined;
}

export function layoutOf(what: string, delimiter: Delimiter, { decimal = '.', missing }: CsvOptions): CsvLayout {
  return { what, delimiter, decimal, missing: missing?.length ? new Set(missing.map((text) => text.trim())) : undefined };
}

/**
 * Reads a CSV table strictly, in two passes over the bytes: the first settles types, the second converts. Blank fields are missing.
 * @throws GyreError INVALID_ARGUMENT with line, column and what would be right: no UTF-8, empty, no header, a nameless or duplicate column,
 * a record with more or fewer fields than the header, an unclosed quote, mixed types, NaN or inf, dates that do not tell day from month
 */
export function readCsv(input: Uint8Array, options: CsvOptions = {}): CsvRead {
  const what = options.name ?? 'the file';
  const bytes = Buffer.from(input.buffer, input.byteOffset, input.byteLength);
  const from = textStart(bytes, what);
  const delimiter = options.delimiter ?? sniffDelimiter(bytes, from, what);
  const layout = layoutOf(what, delimiter, options);
  const survey = csvSurvey(layout);
  const scan = (onRecord: OnRecord): void => {
    scanRecords(bytes, from, delimiter.charCodeAt(0), what, (fields, line) => onRecord(bytes, fields, line));
  };
  scan(survey.record);
  const found = survey.end();
  const columns = settled(what, found, options);
  return { ...convert(layout, columns, bytes, found.rows, scan), columns, delimiter };
}

/** @throws GyreError INVALID_ARGUMENT when `types` names what is no column and that is to be refused */
export function refuseAbsent(what: string, names: readonly string[], { types = {}, absent = 'refuse' }: ReadOptions): void {
  const missing = Object.keys(types).filter((name) => !names.includes(name));
  if (missing.length === 0 || absent === 'ignore') return;
  throw new GyreError('INVALID_ARGUMENT', `${what} has no column ${listed(missing)}; its columns are ${listed(names)}`, { columns: names });
}

/** Beyond so many columns a table would be none that anything here can show, profile or learn from. */
const maxColumns = 10_000;

/** @throws GyreError RESOURCE_EXHAUSTED for a table of more than 10,000 columns */
export function refuseTooWide(what: string, columns: number): void {
  if (columns <= maxColumns) return;
  const message = `${what} has ${columns} columns; tables of up to ${maxColumns} are read: turn it into rows of (row, name, value)`;
  throw new GyreError('RESOURCE_EXHAUSTED', message, { columns });
}

/** Gets one record of a CSV text; its fields are ranges of these bytes. */
export type OnRecord = (bytes: Buffer, fields: RecordFields, line: number) => void;

/** What a first look at all records found. */
export interface Surveyed {
  readonly names: readonly string[];
  readonly rows: number;
  readonly tallies: readonly ClassTally[];
}

/** The types of the columns that were looked at. @throws GyreError INVALID_ARGUMENT naming all that cannot be read, with lines */
export function settled(what: string, { names, tallies }: Surveyed, options: ReadOptions): ColumnEvidence[] {
  refuseAbsent(what, names, options);
  const columns = names.map((name, i) => decide(name, tallies[i], options.types?.[name], options.timestamps));
  refuseProblems(what, columns, tallies, options);
  return columns;
}

/** The first look: the header, the shape of every record, and how each column's values read. */
export function csvSurvey(layout: CsvLayout): { readonly record: OnRecord; end(): Surveyed } {
  const { missing } = layout;
  const out = newScannedValue(layout.decimal);
  let names: string[] = [];
  let tallies: ClassTally[] = [];
  let rows = 0;
  const shape = tableShape(layout);
  return {
    record: (bytes, fields, line) => {
      if (!shape.admits(fields, line)) return;
      if (names.length === 0) {
        names = headerOf(layout, bytes, fields, line);
        tallies = names.map(newTally);
        return;
      }
      rows++;
      for (let i = 0; i < fields.count; i++) {
        const valueClass = classify(bytes, fields.starts[i], fields.ends[i], out, missing);
        const tally = tallies[i];
        tally.counts[valueClass]++;
        if (valueClass === MISSING) continue;
        const example = (): LineExample => ({ line, value: fieldText(bytes, fields, i) });
        if (valueClass === DATED) tallyDated(tally, out.dated, example);
        if (wantsExample(tally, valueClass)) tally.examples[valueClass].push(example());
      }
    },
    end: () => {
      shape.end();
      return { names, rows, tallies };
    },
  };
}

/** Sees that each record has as many fields as the header, and that blank lines stand at the end only. */
function tableShape({ what, delimiter }: CsvLayout): { admits(fields: RecordFields, line: number): boolean; end(): void } {
  let width = 0;
  let blankLine = 0;
  return {
    admits: (fields, line) => {
      if (fields.blank) {
        blankLine ||= line;
        return false;
      }
      if (blankLine > 0) {
        throw new GyreError('INVALID_ARGUMENT', `${what}, line ${blankLine}: a blank line before the end of the table; remove it`, {
          line: blankLine,
        });
      }
      if (width === 0) width = fields.count;
      else if (fields.count !== width) {
        const message = `${what}, line ${line}: ${fields.count} fields, where the header has ${width}${quoteHint(fields.count > width, delimiter)}`;
        throw new GyreError('INVALID_ARGUMENT', message, { line, expected: width, found: fields.count });
      }
      return true;
    },
    end: () => {
      if (width === 0) throw new GyreError('INVALID_ARGUMENT', `${what} is empty: a header with column names is needed`);
    },
  };
}

const quoteHint = (more: boolean, delimiter: Delimiter): string =>
  more ? `; a field that contains ${JSON.stringify(delimiter)} must be quoted` : '';

function headerOf({ what }: CsvLayout, bytes: Buffer, fields: RecordFields, line: number): string[] {
  refuseTooWide(what, fields.count);
  const names = Array.from({ length: fields.count }, (_, i) => fieldText(bytes, fields, i).trim());
  const firstAt = new Map<string, number>();
  names.forEach((name, i) => {
    if (name === '')
      throw new GyreError('INVALID_ARGUMENT', `${what}, line ${line}: column ${i + 1} of the header has no name`, { line, field: i + 1 });
    const before = firstAt.get(name);
    if (before === undefined) firstAt.set(name, i);
    else {
      const message = `${what}, line ${line}: the header names "${name}" twice, as columns ${before + 1} and ${i + 1}`;
      throw new GyreError('INVALID_ARGUMENT', message, { line, column: name });
    }
  });
  return names;
}

/** The second pass: values into typed arrays. */
function convert(
  layout: CsvLayout,
  columns: readonly ColumnEvidence[],
  bytes: Buffer,
  rows: number,
  scan: (onRecord: OnRecord) => void,
): { frame: Frame; lines: Uint32Array } {
  const { missing } = layout;
  const out = newScannedValue(layout.decimal);
  const lines = new Uint32Array(rows);
  const texts = columns.map(({ type }) => (type === 'string' ? textBuilder(bytes, rows) : undefined));
  const values = columns.map(({ type }) => new Float64Array(type === 'string' ? 0 : rows));
  let row = -1;
  scan((_, fields, line) => {
    if (fields.blank) return;
    if (row >= 0) {
      lines[row] = line;
      for (let i = 0; i < fields.count; i++) {
        const text = texts[i];
        if (text === undefined) {
          const valueClass = classify(bytes, fields.starts[i], fields.ends[i], out, missing);
          if (valueClass === DATED) values[i][row] = columns[i].order === 'month-first' ? out.dated.monthFirst : out.dated.dayFirst;
          else {
            const valued = valueClass === INTEGER || valueClass === NUMBER || valueClass === BOOLEAN || valueClass === INSTANT;
            values[i][row] = valued ? out.value : Number.NaN;
          }
        } else if (isMissingText(bytes, fields, i, missing)) text.setMissing(row);
        else if (fields.escaped[i]) text.setText(row, fieldText(bytes, fields, i));
        else text.setBytes(row, fields.starts[i], fields.ends[i]);
      }
    }
    row++;
  });
  const built = columns.map(({ name, type }, i): { name: string; type: ColumnType; column: Column } => {
    const text = texts[i];
    if (text) return { name, type, column: text.column() };
    return { name, type, column: kindOf(type) === 'instant' ? instantColumn(values[i]) : numberColumn(values[i]) };
  });
  return { frame: createFrame(built, rows), lines };
}

function isMissingText(bytes: Buffer, fields: RecordFields, field: number, missing: ReadonlySet<string> | undefined): boolean {
  const end = fields.ends[field];
  let i = fields.starts[field];
  while (i < end && (bytes[i] === 0x20 || bytes[i] === 0x09)) i++;
  return i === end || (missing !== undefined && end - i <= 64 && missing.has(bytes.toString('utf8', i, end).trim()));
}
