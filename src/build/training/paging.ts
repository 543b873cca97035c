import { GyreError } from '#core';
import type { StoredPoint } from './history-store.ts';

/** How many items a page has: what was asked for, within 1 and the most allowed. */
export function pageSize(limit: number | undefined, usual: number, most: number): number {
  return limit === undefined ? usual : Math.min(Math.max(1, Math.trunc(limit)), most);
}

/** @throws GyreError INVALID_ARGUMENT when the token is not one of ours */
export function positionOf(after: string | undefined): number | undefined {
  if (after === undefined) return undefined;
  const position = Number(after);
  if (Number.isSafeInteger(position) && position > 0) return position;
  throw noToken(after);
}

/** A page's end as a token: what the last item is ordered by. Infinite numbers survive. */
export function tokenOf(place: readonly unknown[]): string {
  const json = JSON.stringify(place, (_, value: unknown) =>
    typeof value === 'number' && !Number.isFinite(value) ? { infinite: Math.sign(value) } : value,
  );
  return Buffer.from(json).toString('base64url');
}

/** @throws GyreError INVALID_ARGUMENT when the token is not one that `tokenOf` made for as many values */
export function placeOfToken(token: string, length: number): readonly unknown[] {
  try {
    const place: unknown = JSON.parse(Buffer.from(token, 'base64url').toString('utf8'), (_, value: unknown) =>
      typeof value === 'object' && value !== null && 'infinite' in value ? Number(value.infinite) * Number.POSITIVE_INFINITY : value,
    );
    if (Array.isArray(place) && place.length === length) return place;
  } catch {
    // What cannot be read is no token of ours.
  }
  throw noToken(token);
}

/** The end of a page of a metric's history. */
export function pointToken({ step, timestamp, value, isNan }: StoredPoint): string {
  return tokenOf([step, timestamp, value, isNan]);
}

/** @throws GyreError INVALID_ARGUMENT when the token is not one of `pointToken` */
export function pointOfToken(token: string): StoredPoint {
  const [step, timestamp, value, isNan] = placeOfToken(token, 4);
  return { step: Number(step), timestamp: Number(timestamp), value: Number(value), isNan: isNan === true };
}

function noToken(token: string): GyreError {
  return new GyreError('INVALID_ARGUMENT', `"${token.slice(0, 100)}" is no page token: use the "next" of the page before`);
}
