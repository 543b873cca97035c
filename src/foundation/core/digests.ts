import { createHash } from 'node:crypto';
import { GyreError } from './errors.ts';

/** A SHA-256 in 64 lower-case hex digits; it names a blob, a dataset version, a package. */
export type Sha256 = string & { readonly __brand: 'Sha256' };

/** The SHA-256 of bytes or of a text's UTF-8. */
export function sha256(bytes: Uint8Array | string): Sha256 {
  return createHash('sha256').update(bytes).digest('hex') as Sha256;
}

/** Whether a text has the form of a SHA-256. */
export function isSha256(text: string): text is Sha256 {
  return /^[0-9a-f]{64}$/.test(text);
}

/** @throws GyreError INVALID_ARGUMENT when the text is not 64 lower-case hex digits */
export function asSha256(text: string): Sha256 {
  if (!isSha256(text)) throw new GyreError('INVALID_ARGUMENT', `"${text}" is not a SHA-256: 64 lower-case hex digits are needed`);
  return text;
}

/**
 * Canonical JSON (RFC 8785, JSON Canonicalization Scheme): keys sorted by UTF-16 code units, no white space,
 * numbers as ECMAScript writes them. Members whose value is undefined are left out, as `JSON.stringify` does.
 * @throws GyreError INVALID_ARGUMENT for NaN, infinities, bigints and functions, which JSON cannot say
 */
export function canonicalJson(value: unknown): string {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return JSON.stringify(value);
    case 'number':
      if (Number.isFinite(value)) return JSON.stringify(value);
      throw new GyreError('INVALID_ARGUMENT', `canonical JSON has no way to write ${value}`);
    case 'object': {
      if (value === null) return 'null';
      if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item === undefined ? null : item)).join(',')}]`;
      const members = Object.entries(value)
        .filter(([, member]) => member !== undefined)
        .sort(([left], [right]) => (left < right ? -1 : left > right ? 1 : 0));
      return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`).join(',')}}`;
    }
    default:
      throw new GyreError('INVALID_ARGUMENT', `canonical JSON has no way to write a ${typeof value}`);
  }
}

/** The SHA-256 of a value's canonical JSON: equal values have equal digests, however they were written. */
export function digestOf(value: unknown): Sha256 {
  return sha256(canonicalJson(value));
}
