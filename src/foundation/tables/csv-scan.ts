import { GyreError } from '#core';

const QUOTE = 0x22;
const LF = 0x0a;
const CR = 0x0d;

/** The fields of one record, as byte ranges (quotes excluded). Reused from record to record: read it inside the callback. */
export interface RecordFields {
  count: number;
  starts: Uint32Array;
  ends: Uint32Array;
  /** 1 where quotes are doubled inside a quoted field. */
  escaped: Uint8Array;
  /** Whether the record is a line without any byte. */
  blank: boolean;
}

/** Where in a longer text these bytes are. */
export interface ScanPart {
  /** The line (from 1) of the first byte. */
  readonly line: number;
  /** Whether the text ends where the bytes end; else a record that they cut off is left for the next part. */
  readonly isEnd: boolean;
}

const wholeText: ScanPart = { line: 1, isEnd: true };

/**
 * Walks over the records of a CSV text (RFC 4180: quoted fields may hold delimiters, newlines and doubled quotes; LF, CRLF or CR end a record).
 * @param from the offset of the first byte, @param delimiter one ASCII byte
 * @param onRecord gets the fields and the line (from 1) on which the record begins; returning false stops
 * @returns the offset and the line behind the last record
 * @throws GyreError INVALID_ARGUMENT with the line for an unclosed quote or text behind a closing quote
 */
export function scanRecords(
  bytes: Uint8Array,
  from: number,
  delimiter: number,
  what: string,
  onRecord: (fields: RecordFields, line: number) => boolean | void,
  { line: firstLine, isEnd }: ScanPart = wholeText,
): { readonly end: number; readonly line: number } {
  const length = bytes.length;
  const fields: RecordFields = {
    count: 0,
    starts: new Uint32Array(64),
    ends: new Uint32Array(64),
    escaped: new Uint8Array(64),
    blank: false,
  };
  let line = firstLine;
  let i = from;
  while (i < length) {
    const recordLine = line;
    const recordStart = i;
    let count = 0;
    for (;;) {
      if (count === fields.starts.length) grow(fields);
      if (bytes[i] === QUOTE) {
        const openLine = line;
        const start = ++i;
        let doubled = 0;
        for (; ; i++) {
          const byte = bytes[i];
          if (byte === QUOTE) {
            if (bytes[i + 1] !== QUOTE) break;
            doubled = 1;
            i++;
          } else if (byte === LF || (byte === CR && bytes[i + 1] !== LF)) {
            line++;
          } else if (i >= length) {
            if (!isEnd) return { end: recordStart, line: recordLine };
            throw new GyreError('INVALID_ARGUMENT', `${what}, line ${openLine}: a quote is opened and never closed`, { line: openLine });
          }
        }
        fields.starts[count] = start;
        fields.ends[count] = i;
        fields.escaped[count] = doubled;
        i++;
        if (i < length && bytes[i] !== delimiter && bytes[i] !== LF && bytes[i] !== CR) {
          const message = `${what}, line ${line}, field ${count + 1}: text follows the closing quote; a quote inside a quoted field is written twice`;
          throw new GyreError('INVALID_ARGUMENT', message, { line, field: count + 1 });
        }
      } else {
        fields.starts[count] = i;
        while (i < length) {
          const byte = bytes[i];
          if (byte === delimiter || byte === LF || byte === CR) break;
          i++;
        }
        fields.ends[count] = i;
        fields.escaped[count] = 0;
      }
      count++;
      if (i < length && bytes[i] === delimiter) i++;
      else break;
    }
    if (!isEnd && (i >= length || (bytes[i] === CR && i + 1 >= length))) return { end: recordStart, line: recordLine };
    fields.count = count;
    fields.blank = i === recordStart;
    if (bytes[i] === CR) i++;
    if (bytes[i] === LF) i++;
    line++;
    if (onRecord(fields, recordLine) === false) break;
  }
  return { end: i, line };
}

function grow(fields: RecordFields): void {
  const wider = (array: Uint32Array): Uint32Array => {
    const next = new Uint32Array(array.length * 2);
    next.set(array);
    return next;
  };
  fields.starts = wider(fields.starts);
  fields.ends = wider(fields.ends);
  const escaped = new Uint8Array(fields.starts.length);
  escaped.set(fields.escaped);
  fields.escaped = escaped;
}

/** The text of one field of the record at hand. */
export function fieldText(bytes: Buffer, fields: RecordFields, field: number): string {
  const text = bytes.toString('utf8', fields.starts[field], fields.ends[field]);
  return fields.escaped[field] ? text.replaceAll('""', '"') : text;
}

/** A record as any strict reader takes it: quoted fields stay as they are, a quote in an unquoted one is put in quotes, LF ends it. */
export function plainRecord(bytes: Buffer, fields: RecordFields, delimiter: string): Buffer {
  const pieces: Buffer[] = [];
  for (let i = 0; i < fields.count; i++) {
    const [start, end] = [fields.starts[i], fields.ends[i]];
    const isQuoted = bytes[end] === QUOTE && start > 0 && bytes[start - 1] === QUOTE;
    const field = bytes.subarray(isQuoted ? start - 1 : start, isQuoted ? end + 1 : end);
    pieces.push(isQuoted || !field.includes(QUOTE) ? field : Buffer.from(`"${field.toString('utf8').replaceAll('"', '""')}"`));
    pieces.push(Buffer.from(i + 1 < fields.count ? delimiter : '\n'));
  }
  return Buffer.concat(pieces);
}

export const delimiters = [',', ';', '\t', '|'] as const;
export type Delimiter = (typeof delimiters)[number];

/**
 * Finds the delimiter: the candidate that cuts the first records into the same number of fields, the larger number winning.
 * @returns `,` when no candidate cuts at all (a table of one column)
 */
export function sniffDelimiter(bytes: Uint8Array, from: number, what: string, part?: ScanPart): Delimiter {
  let best: Delimiter = ',';
  let bestScore = 1;
  for (const candidate of delimiters) {
    const widths: number[] = [];
    try {
      scanRecords(
        bytes,
        from,
        candidate.charCodeAt(0),
        what,
        (fields) => {
          if (!fields.blank) widths.push(fields.count);
          return widths.length < 50;
        },
        part,
      );
    } catch {
      continue; // quotes do not fit this candidate; the real scan reports what is wrong
    }
    const agreeing = widths.filter((width) => width === widths[0]).length / widths.length;
    const score = widths[0] > 1 ? widths[0] * agreeing ** 2 : 1;
    if (score > bestScore) [best, bestScore] = [candidate, score];
  }
  return best;
}
