import { GyreError } from '#core';
import { instantColumn, kindOf, numberColumn } from './column.ts';
import type { Column, ColumnType } from './column.ts';
import { fieldText, scanRecords, sniffDelimiter } from './csv-scan.ts';
import type { Delimiter, RecordFields } from './csv-scan.ts';
import { textStart } from './encoding.ts';
import { BOOLEAN, INSTANT, INTEGER, MISSING, NUMBER, classify, newScannedValue } from './field-values.ts';
import { createFrame, listed } from './frame.ts';
import type { Frame } from './frame.ts';
import { decide, newTally, refuseProblems, wantsExample } from './inference.ts';
import type { ClassTally, ColumnEvidence, StrictnessOptions } from './inference.ts';
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
}

export interface CsvOptions extends ReadOptions {
  /** Sniffed without it. */
  readonly delimiter?: Delimiter;
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

interface CsvLayout {
  readonly bytes: Buffer;
  readonly what: string;
  readonly from: number;
  readonly delimiter: Delimiter;
  readonly missing: ReadonlySet<string> | undefined;
}

/**
 * Reads a CSV table strictly, in two passes over the bytes: the first settles types, the second converts. Blank fields are missing.
 * @throws GyreError INVALID_ARGUMENT with line, column and what would be right: no UTF-8, empty, no header, a nameless or duplicate column,
 * a record with more or fewer fields than the header, an unclosed quote, mixed types, NaN or inf
 */
export function readCsv(input: Uint8Array, options: CsvOptions = {}): CsvRead {
  const what = options.name ?? 'the file';
  const bytes = Buffer.from(input.buffer, input.byteOffset, input.byteLength);
  const from = textStart(bytes, what);
  const delimiter = options.delimiter ?? sniffDelimiter(bytes, from, what);
  const missing = options.missing?.length ? new Set(options.missing.map((text) => text.trim())) : undefined;
  const layout = { bytes, what, from, delimiter, missing };
  const { names, rows, tallies } = survey(layout);
  refuseAbsent(what, names, options);
  const columns = names.map((name, i) => decide(name, tallies[i], options.types?.[name]));
  refuseProblems(what, columns, tallies, options);
  return { ...convert(layout, columns, rows), columns, delimiter };
}

/** @throws GyreError INVALID_ARGUMENT when `types` names what is no column and that is to be refused */
export function refuseAbsent(what: string, names: readonly string[], { types = {}, absent = 'refuse' }: ReadOptions): void {
  const missing = Object.keys(types).filter((name) => !names.includes(name));
  if (missing.length === 0 || absent === 'ignore') return;
  throw new GyreError('INVALID_ARGUMENT', `${what} has no column ${listed(missing)}; its columns are ${listed(names)}`, { columns: names });
}

/** The first pass: the header, the shape of every record, and how each column's values read. */
function survey(layout: CsvLayout): { names: string[]; rows: number; tallies: ClassTally[] } {
  const { bytes, missing } = layout;
  const out = newScannedValue();
  let names: string[] = [];
  let tallies: ClassTally[] = [];
  let rows = 0;
  scanTable(layout, (fields, line) => {
    if (names.length === 0) {
      names = headerOf(layout, fields, line);
      tallies = names.map(newTally);
      return;
    }
    rows++;
    for (let i = 0; i < fields.count; i++) {
      const valueClass = classify(bytes, fields.starts[i], fields.ends[i], out, missing);
      const tally = tallies[i];
      tally.counts[valueClass]++;
      if (valueClass !== MISSING && wantsExample(tally, valueClass)) {
        tally.examples[valueClass].push({ line, value: fieldText(bytes, fields, i) });
      }
    }
  });
  return { names, rows, tallies };
}

/** Walks over header and records; each record has as many fields as the header. */
function scanTable(layout: CsvLayout, onRecord: (fields: RecordFields, line: number) => void): void {
  const { bytes, what, from, delimiter } = layout;
  let width = 0;
  let blankLine = 0;
  scanRecords(bytes, from, delimiter.charCodeAt(0), what, (fields, line) => {
    if (fields.blank) {
      blankLine ||= line;
      return;
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
    onRecord(fields, line);
  });
  if (width === 0) throw new GyreError('INVALID_ARGUMENT', `${what} is empty: a header with column names is needed`);
}

const quoteHint = (more: boolean, delimiter: Delimiter): string =>
  more ? `; a field that contains ${JSON.stringify(delimiter)} must be quoted` : '';

function headerOf({ bytes, what }: CsvLayout, fields: RecordFields, line: number): string[] {
  const names = Array.from({ length: fields.count }, (_, i) => fieldText(bytes, fields, i).trim());
  names.forEach((name, i) => {
    if (name === '')
      throw new GyreError('INVALID_ARGUMENT', `${what}, line ${line}: column ${i + 1} of the header has no name`, { line, field: i + 1 });
    const before = names.indexOf(name);
    if (before < i) {
      const message = `${what}, line ${line}: the header names "${name}" twice, as columns ${before + 1} and ${i + 1}`;
      throw new GyreError('INVALID_ARGUMENT', message, { line, column: name });
    }
  });
  return names;
}

/** The second pass: values into typed arrays. */
function convert(layout: CsvLayout, columns: readonly ColumnEvidence[], rows: number): { frame: Frame; lines: Uint32Array } {
  const { bytes, missing } = layout;
  const out = newScannedValue();
  const lines = new Uint32Array(rows);
  const texts = columns.map(({ type }) => (type === 'string' ? textBuilder(bytes, rows) : undefined));
  const values = columns.map(({ type }) => new Float64Array(type === 'string' ? 0 : rows));
  let row = -1;
  scanTable(layout, (fields, line) => {
    if (row >= 0) {
      lines[row] = line;
      for (let i = 0; i < fields.count; i++) {
        const text = texts[i];
        if (text === undefined) {
          const valueClass = classify(bytes, fields.starts[i], fields.ends[i], out, missing);
          const valued = valueClass === INTEGER || valueClass === NUMBER || valueClass === BOOLEAN || valueClass === INSTANT;
          values[i][row] = valued ? out.value : Number.NaN;
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
