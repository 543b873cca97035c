import { GyreError } from '#core';
import { parseInstant } from '#tables';

/** A day or an instant as a schema writes it, in UTC milliseconds. @throws GyreError INVALID_ARGUMENT */
export function instantOfMoment(text: string): number {
  const instant = parseInstant(text);
  if (instant !== undefined) return instant;
  throw new GyreError('INVALID_ARGUMENT', `"${text}" is no day and no instant: YYYY-MM-DD or an instant with its offset is needed`, {
    text,
  });
}
