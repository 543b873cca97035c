import { isUtf8 } from 'node:buffer';
import { GyreError } from '#core';

const LF = 0x0a;

/**
 * Checks that bytes are text in UTF-8 and finds where it begins, behind a byte order mark.
 * @param what the name of the input for messages, such as `customers.csv`
 * @returns the offset of the first byte of text
 * @throws GyreError INVALID_ARGUMENT for an empty input, another encoding (with the first wrong byte's offset and line) or no text at all
 */
export function textStart(bytes: Uint8Array, what: string): number {
  if (bytes.length === 0) throw new GyreError('INVALID_ARGUMENT', `${what} is empty`);
  const [a, b, c] = bytes;
  if ((a === 0xff && b === 0xfe) || (a === 0xfe && b === 0xff)) {
    throw new GyreError('INVALID_ARGUMENT', `${what} is UTF-16 (its byte order mark says so); save it as UTF-8`, { offset: 0 });
  }
  if (a === 0x1f && b === 0x8b) throw new GyreError('INVALID_ARGUMENT', `${what} is compressed with gzip; unpack it first`);
  if (a === 0x50 && b === 0x4b && c === 0x03) throw new GyreError('INVALID_ARGUMENT', `${what} is a ZIP or Excel file; export it as CSV`);
  if (!isUtf8(bytes)) {
    const offset = firstBadByte(bytes);
    const line = lineAt(bytes, offset);
    const byte = `0x${bytes[offset].toString(16).padStart(2, '0')}`;
    const message = `${what} is not UTF-8: byte ${byte} at offset ${offset}, line ${line}; save it as UTF-8 (it may be Latin-1 or Windows-1252)`;
    throw new GyreError('INVALID_ARGUMENT', message, { offset, line });
  }
  const zero = bytes.indexOf(0);
  if (zero >= 0) {
    const line = lineAt(bytes, zero);
    throw new GyreError('INVALID_ARGUMENT', `${what} has a zero byte at offset ${zero}, line ${line}: this is no text file`, {
      offset: zero,
      line,
    });
  }
  const start = a === 0xef && b === 0xbb && c === 0xbf ? 3 : 0;
  if (bytes.length === start) throw new GyreError('INVALID_ARGUMENT', `${what} is empty`);
  return start;
}

/** The line (from 1) on which a byte stands. */
export function lineAt(bytes: Uint8Array, offset: number): number {
  let line = 1;
  for (let i = bytes.indexOf(LF); i >= 0 && i < offset; i = bytes.indexOf(LF, i + 1)) line++;
  return line;
}

export function firstBadByte(bytes: Uint8Array): number {
  let good = 0;
  let bad = bytes.length;
  // the longest valid prefix, by bisection over sequence starts; isUtf8 is a native scan
  while (bad - good > 64) {
    const middle = sequenceStart(bytes, (good + bad) >>> 1);
    if (middle <= good) break;
    if (isUtf8(bytes.subarray(good, middle))) good = middle;
    else bad = middle;
  }
  for (let i = good; i < bytes.length;) {
    const length = sequenceLength(bytes[i]);
    if (length === 0 || i + length > bytes.length || !isUtf8(bytes.subarray(i, i + length))) return i;
    i += length;
  }
  return good;
}

const isContinuation = (byte: number): boolean => (byte & 0xc0) === 0x80;

function sequenceStart(bytes: Uint8Array, at: number): number {
  let i = at;
  for (let back = 0; back < 3 && i > 0 && isContinuation(bytes[i]); back++) i--;
  return i;
}

function sequenceLength(lead: number): number {
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead < 0xe0) return 2;
  if (lead >= 0xe0 && lead < 0xf0) return 3;
  return lead >= 0xf0 && lead < 0xf5 ? 4 : 0;
}
