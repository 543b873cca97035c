import { GyreError } from '#core';

/** The longest key that S3 takes, in bytes of UTF-8. */
const longestKey = 1024;

/** Whether this is a key as our object stores use them: what lists gives back and what may become a path. */
export function isObjectKey(key: string): boolean {
  return (
    key.split('/').every((part) => part !== '' && part !== '.' && part !== '..') &&
    !key.includes('\0') &&
    Buffer.byteLength(key) <= longestKey
  );
}

/** @throws GyreError INVALID_ARGUMENT saying what a key looks like */
export function requireKey(key: string): void {
  if (isObjectKey(key)) return;
  throw new GyreError(
    'INVALID_ARGUMENT',
    `${JSON.stringify(key)} is no key of an object: parts with "/" between them are needed, none empty, "." or "..", at most ${longestKey} bytes`,
    { key },
  );
}

/** By the bytes of UTF-8, as S3 lists keys; JavaScript's own order differs beyond U+FFFF. */
export function compareKeys(left: string, right: string): number {
  return left === right ? 0 : Buffer.compare(Buffer.from(left), Buffer.from(right));
}

export function noObject(address: string, key: string): GyreError {
  return new GyreError('NOT_FOUND', `there is no object ${key} in ${address}`, { address, key });
}
