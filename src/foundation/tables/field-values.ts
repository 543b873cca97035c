import { parseDated, parseInstant } from './instants.ts';
import type { DatedInstant } from './instants.ts';

/**
 * What a field's text can be read as. `digits` are whole numbers that a float64 or a rewrite would change: `007`, 20-digit keys;
 * `dated` are days whose order of day and month has to be settled: `03/04/2025`.
 */
export type ValueClass = 'missing' | 'integer' | 'number' | 'boolean' | 'instant' | 'nonFinite' | 'digits' | 'text' | 'dated';

export const valueClasses: readonly ValueClass[] = [
  'missing',
  'integer',
  'number',
  'boolean',
  'instant',
  'nonFinite',
  'digits',
  'text',
  'dated',
];

/** Class indices, for counting in typed arrays without a lookup per field. */
export const MISSING = 0;
export const INTEGER = 1;
export const NUMBER = 2;
export const BOOLEAN = 3;
export const INSTANT = 4;
export const NON_FINITE = 5;
export const DIGITS = 6;
export const TEXT = 7;
export const DATED = 8;

const powersOfTen = Float64Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`));
const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39;
const isDateSign = (byte: number): boolean => byte === 0x2d || byte === POINT || byte === 0x2f;
const isBlank = (byte: number): boolean => byte === 0x20 || byte === 0x09;

/** Holds the numeric value that `classify` read, so that no object is made per field. */
export interface ScannedValue {
  value: number;
  /** Of a `dated` value: what it says in either order. */
  dated: DatedInstant;
  /** The byte between a number's whole part and its decimals. */
  readonly decimal: number;
  /** Instants that were read before: a table has few different days. */
  readonly instants: Map<string, number | DatedInstant | undefined>;
}

const instantsKept = 4096;
const POINT = 0x2e;

/** @param decimal the sign before decimals; a point without it */
export function newScannedValue(decimal: '.' | ',' = '.'): ScannedValue {
  return { value: 0, dated: { dayFirst: Number.NaN, monthFirst: Number.NaN }, decimal: decimal.charCodeAt(0), instants: new Map() };
}

function instantOf(text: string, { instants }: ScannedValue): number | DatedInstant | undefined {
  if (instants.has(text)) return instants.get(text);
  const instant = parseInstant(text) ?? parseDated(text);
  if (instants.size < instantsKept) instants.set(text, instant);
  return instant;
}

/**
 * Classifies a field without its surrounding blanks and reads its value.
 * @param out gets the number, 0/1 of a boolean, or the UTC milliseconds of an instant
 * @param missing texts that stand for a missing value, beside the blank field
 * @returns one of the class indices above
 */
export function classify(bytes: Buffer, from: number, to: number, out: ScannedValue, missing: ReadonlySet<string> | undefined): number {
  let start = from;
  let end = to;
  while (start < end && isBlank(bytes[start])) start++;
  while (end > start && isBlank(bytes[end - 1])) end--;
  if (start === end) return MISSING;
  if (missing !== undefined && end - start <= 32 && missing.has(bytes.toString('utf8', start, end))) return MISSING;
  const first = bytes[start];
  if (isDigit(first) || first === 0x2d || first === out.decimal) {
    const found = scanNumber(bytes, start, end, out);
    if (found !== TEXT) return found;
    if (
      end - start >= 8 &&
      end - start <= 40 &&
      (bytes[start + 4] === 0x2d || isDateSign(bytes[start + 1]) || isDateSign(bytes[start + 2]))
    ) {
      const instant = instantOf(bytes.toString('latin1', start, end), out);
      if (typeof instant === 'number') {
        out.value = instant;
        return INSTANT;
      }
      if (instant !== undefined) {
        out.dated = instant;
        return DATED;
      }
    }
  }
  return end - start <= 9 ? word(bytes, start, end, out) : TEXT;
}

function word(bytes: Buffer, start: number, end: number, out: ScannedValue): number {
  const lead = bytes[start] | 0x20;
  // t(rue), f(alse), n(an), i(nf): everything else is text without decoding it
  if (lead !== 0x74 && lead !== 0x66 && lead !== 0x6e && lead !== 0x69 && bytes[start] !== 0x2d && bytes[start] !== 0x2b) return TEXT;
  switch (bytes.toString('latin1', start, end).toLowerCase()) {
    case 'true':
      out.value = 1;
      return BOOLEAN;
    case 'false':
      out.value = 0;
      return BOOLEAN;
    case 'nan':
    case '-nan':
    case '+nan':
    case 'inf':
    case '-inf':
    case '+inf':
    case 'infinity':
    case '-infinity':
    case '+infinity':
      out.value = Number.NaN;
      return NON_FINITE;
    default:
      return TEXT;
  }
}

/**
 * Reads a decimal number. Up to 15 digits and a scale within 10^22 the quotient of two exact float64 is correctly rounded
 * (Clinger 1990, the fast path); other numbers go through the engine's own parser.
 */
function scanNumber(bytes: Buffer, start: number, end: number, out: ScannedValue): number {
  let i = start;
  const negative = bytes[i] === 0x2d;
  if (negative) i++;
  let mantissa = 0;
  let significant = 0;
  const firstDigit = i;
  for (; i < end && isDigit(bytes[i]); i++) {
    if (mantissa > 0 || bytes[i] !== 0x30) significant++;
    if (significant <= 15) mantissa = mantissa * 10 + (bytes[i] - 0x30);
  }
  const wholeDigits = i - firstDigit;
  let decimals = 0;
  const dotted = i < end && bytes[i] === out.decimal;
  if (dotted) {
    const firstDecimal = ++i;
    for (; i < end && isDigit(bytes[i]); i++) {
      if (mantissa > 0 || bytes[i] !== 0x30) significant++;
      if (significant <= 15) mantissa = mantissa * 10 + (bytes[i] - 0x30);
    }
    decimals = i - firstDecimal;
  }
  if (wholeDigits + decimals === 0) return TEXT;
  const powered = i < end && (bytes[i] | 0x20) === 0x65;
  if (powered) {
    i++;
    if (bytes[i] === 0x2d || bytes[i] === 0x2b) i++;
    const firstPower = i;
    while (i < end && isDigit(bytes[i])) i++;
    if (i === firstPower) return TEXT;
  }
  if (i !== end) return TEXT;
  if (significant <= 15 && !powered && decimals <= 22) {
    const value = mantissa / powersOfTen[decimals];
    out.value = negative ? -value : value;
  } else {
    const text = bytes.toString('latin1', start, end);
    out.value = Number(out.decimal === POINT ? text : text.replace(',', '.'));
  }
  if (!Number.isFinite(out.value)) return NON_FINITE;
  if (dotted || powered) return NUMBER;
  const rewritten = (wholeDigits > 1 && bytes[firstDigit] === 0x30) || !Number.isSafeInteger(out.value);
  return rewritten ? DIGITS : INTEGER;
}
