import { GyreError } from '#core';

/** How many items a page has: what was asked for, within 1 and the most allowed. */
export function pageSize(limit: number | undefined, usual: number, most: number): number {
  return limit === undefined ? usual : Math.min(Math.max(1, Math.trunc(limit)), most);
}

/** @throws GyreError INVALID_ARGUMENT when the token is not one of ours */
export function positionOf(after: string | undefined): number | undefined {
  if (after === undefined) return undefined;
  const position = Number(after);
  if (Number.isSafeInteger(position) && position > 0) return position;
  throw new GyreError('INVALID_ARGUMENT', `"${after}" is no page token: use the "next" of the page before`);
}
