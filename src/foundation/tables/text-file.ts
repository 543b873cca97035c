import { isUtf8 } from 'node:buffer';
import { open } from 'node:fs/promises';
import { GyreError } from '#core';
import { scanRecords } from './csv-scan.ts';
import type { RecordFields } from './csv-scan.ts';
import { firstBadByte, textStart } from './encoding.ts';

const chunkBytes = 4 * 2 ** 20;
/** A record (a line, with its quoted fields) may be so long. */
export const maxRecordBytes = 32 * 2 ** 20;

export type LineEnds = 'lf' | 'crlf' | 'cr' | 'mixed';

/** What a text file looks like as a whole. */
export interface TextFacts {
  /** Offset of the first byte of text, behind a byte order mark. */
  readonly start: number;
  readonly lineEnds: LineEnds;
  /** Whether an empty line stands somewhere before the end: inside quotes it is part of a field. */
  readonly mayHaveBlankLines: boolean;
}

/**
 * Looks through a text file of any length: encoding, zero bytes, line ends.
 * @throws GyreError INVALID_ARGUMENT with offset and line for what is no UTF-8, and for what `textStart` refuses
 */
export async function lookThrough(path: string, what: string): Promise<TextFacts> {
  const seen = { lf: false, crlf: false, cr: false, blank: false };
  let [start, offset, before] = [0, 0, 0];
  let cut: Buffer = Buffer.alloc(0);
  let wrong: { readonly at: number; readonly byte: number } | undefined;
  await eachChunk(path, (chunk, isEnd) => {
    if (wrong !== undefined) return;
    const bytes = cut.length === 0 ? chunk : Buffer.concat([cut, chunk]);
    const text = bytes.subarray(0, isEnd ? bytes.length : sequenceEnd(bytes));
    if (offset === 0) start = textStart(text, what);
    else if (!isUtf8(text)) {
      const at = firstBadByte(text);
      wrong = { at: offset + at, byte: text[at] };
    } else if (text.includes(0)) wrong = { at: offset + text.indexOf(0), byte: 0 };
    before = lineEndsOf(text, before, seen, isEnd);
    offset += text.length;
    cut = Buffer.from(bytes.subarray(text.length));
  });
  if (offset === 0) textStart(Buffer.alloc(0), what);
  if (wrong !== undefined) throw badByte(wrong, what, await lineOf(path, wrong.at));
  return { start, lineEnds: lineEndsFrom(seen), mayHaveBlankLines: seen.blank };
}

const lineEndsFrom = (seen: Readonly<Record<'lf' | 'crlf' | 'cr', boolean>>): LineEnds => {
  const kinds = (['lf', 'crlf', 'cr'] as const).filter((kind) => seen[kind]);
  return kinds.length > 1 ? 'mixed' : (kinds[0] ?? 'lf');
};

/** The facts of a text that is in memory. */
export function lineEndsIn(bytes: Buffer): LineEnds {
  const seen = { lf: false, crlf: false, cr: false, blank: false };
  lineEndsOf(bytes, 0, seen, true);
  return lineEndsFrom(seen);
}

const LF = 0x0a;
const CR = 0x0d;

/** @param before the byte before these @returns the last byte */
function lineEndsOf(
  text: Buffer,
  before: number,
  seen: { lf: boolean; crlf: boolean; cr: boolean; blank: boolean },
  isEnd: boolean,
): number {
  if (text.length === 0) return before;
  if (!seen.blank) {
    const blank = ['\n\n', '\r\n\r\n', '\r\r'].map((pair) => text.indexOf(pair)).filter((at) => at >= 0);
    // blank lines at the end of the text are nothing
    seen.blank =
      blank.some((at) => !isEnd || text.subarray(at).toString('latin1').trim() !== '') ||
      ((before === LF || before === CR) && text[0] === LF);
  }
  const isMixed = (): boolean => Number(seen.lf) + Number(seen.crlf) + Number(seen.cr) > 1;
  if (before === CR && text[0] !== LF) seen.cr = true;
  if (!text.includes(CR)) {
    const at = text.indexOf(LF);
    if (before === CR && at === 0) {
      seen.crlf = true;
      seen.lf ||= text.indexOf(LF, 1) >= 0;
    } else seen.lf ||= at >= 0;
    return text[text.length - 1];
  }
  for (let at = text.indexOf(LF); at >= 0 && !isMixed(); at = text.indexOf(LF, at + 1)) {
    if ((at > 0 ? text[at - 1] : before) === CR) seen.crlf = true;
    else seen.lf = true;
  }
  for (let at = text.indexOf(CR); at >= 0 && at + 1 < text.length && !isMixed(); at = text.indexOf(CR, at + 1)) {
    if (text[at + 1] !== LF) seen.cr = true;
  }
  return text[text.length - 1];
}

async function lineOf(path: string, offset: number): Promise<number> {
  let [line, done] = [1, 0];
  await eachChunk(path, (chunk) => {
    for (let at = chunk.indexOf(LF); at >= 0 && done + at < offset; at = chunk.indexOf(LF, at + 1)) line++;
    done += chunk.length;
  });
  return line;
}

function badByte({ at, byte }: { readonly at: number; readonly byte: number }, what: string, line: number): GyreError {
  const message =
    byte === 0
      ? `${what} has a zero byte at offset ${at}, line ${line}: this is no text file`
      : `${what} is not UTF-8: byte 0x${byte.toString(16).padStart(2, '0')} at offset ${at}, line ${line}; save it as UTF-8 (it may be Latin-1 or Windows-1252)`;
  return new GyreError('INVALID_ARGUMENT', message, { offset: at, line });
}

/** Where the last whole character ends. */
function sequenceEnd(bytes: Buffer): number {
  for (let back = 1; back <= 4 && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back];
    if (byte < 0x80) return bytes.length - back + 1;
    if (byte >= 0xc0) return bytes.length - back;
  }
  return bytes.length;
}

async function eachChunk(path: string, take: (chunk: Buffer, isEnd: boolean) => void | Promise<void>): Promise<void> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const buffer = Buffer.alloc(Math.min(chunkBytes, Math.max(size, 1)));
    for (let done = 0; done < size;) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length, done);
      if (bytesRead === 0) throw new GyreError('ABORTED', `${path} became shorter while it was read`, { path });
      done += bytesRead;
      await take(buffer.subarray(0, bytesRead), done >= size);
    }
  } finally {
    await file.close();
  }
}

/** The first bytes of a file. */
export async function headOf(path: string, bytes: number): Promise<{ readonly head: Buffer; readonly isWhole: boolean }> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const head = Buffer.alloc(Math.min(bytes, size));
    let filled = 0;
    while (filled < head.length) {
      const { bytesRead } = await file.read(head, filled, head.length - filled, filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return { head: head.subarray(0, filled), isWhole: filled >= size };
  } finally {
    await file.close();
  }
}

/**
 * Walks over the records of a CSV file of any length: see `scanRecords`.
 * @param start the offset of the first byte of text; @param afterChunk may make the scan wait, for whoever writes what it found
 * @throws GyreError RESOURCE_EXHAUSTED for a record of more than 32 MiB, naming its line
 */

export async function scanCsvFile(
  path: string,
  { start, delimiter, what }: { readonly start: number; readonly delimiter: string; readonly what: string },
  onRecord: (bytes: Buffer, fields: RecordFields, line: number) => void,
  afterChunk: () => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  let kept: Buffer = Buffer.alloc(0);
  let line = 1;
  let from = start;
  await eachChunk(path, async (chunk, isEnd) => {
    if (isEnd && kept.length + chunk.length > maxRecordBytes + chunkBytes) throw tooLong(what, line);
    const bytes = kept.length === 0 ? chunk : Buffer.concat([kept, chunk]);
    const done = scanRecords(bytes, from, delimiter.charCodeAt(0), what, (fields, at) => onRecord(bytes, fields, at), { line, isEnd });
    line = done.line;
    from = 0;
    kept = Buffer.from(bytes.subarray(done.end));
    if (kept.length > maxRecordBytes) throw tooLong(what, line);
    await afterChunk();
  });
}

export function tooLong(what: string, line: number): GyreError {
  return new GyreError(
    'RESOURCE_EXHAUSTED',
    `${what}, line ${line}: a record of more than ${maxRecordBytes / 2 ** 20} MiB; is a quote never closed?`,
    {
      line,
    },
  );
}

/** The lines of a text file of any length, without their ends (LF or CRLF). */
export async function eachLine(
  path: string,
  start: number,
  what: string,
  take: (text: string, line: number) => void | Promise<void>,
): Promise<void> {
  const file = await open(path);
  try {
    let kept: Buffer = Buffer.alloc(0);
    let line = 0;
    const buffer = Buffer.alloc(chunkBytes);
    for (let done = start; ;) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length, done);
      done += bytesRead;
      const bytes = Buffer.concat([kept, buffer.subarray(0, bytesRead)]);
      let from = 0;
      for (let at = bytes.indexOf(LF); at >= 0; at = bytes.indexOf(LF, from)) {
        await take(bytes.toString('utf8', from, at > from && bytes[at - 1] === CR ? at - 1 : at), ++line);
        from = at + 1;
      }
      kept = Buffer.from(bytes.subarray(from));
      if (kept.length > maxRecordBytes) throw tooLong(what, line + 1);
      if (bytesRead === 0) break;
    }
    if (kept.length > 0) await take(kept.toString('utf8'), line + 1);
  } finally {
    await file.close();
  }
}
