import { GyreError } from '#core';
import { parseInstant } from '#tables';

/** @param text ISO 8601 @returns UTC milliseconds @throws GyreError INVALID_ARGUMENT naming the argument */
export function instantOf(text: string, name: string): number {
  const instant = parseInstant(text);
  if (instant !== undefined && Number.isFinite(instant)) return instant;
  throw new GyreError('INVALID_ARGUMENT', `"${text}" is no instant for ${name}: ISO 8601 is right, such as 2026-03-05T00:00:00Z`, {
    [name]: text,
  });
}

/** As `instantOf`, where there is a text at all. */
export function optionalInstant(text: string | undefined, name: string): number | undefined {
  return text === undefined ? undefined : instantOf(text, name);
}
