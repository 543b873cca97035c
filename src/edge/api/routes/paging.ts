import { GyreError } from '#core';

/** A page of records that their room hands over as a whole, newest first. @throws GyreError INVALID_ARGUMENT for an `after` that is none of theirs */
export function pageOf<T>(
  records: readonly T[],
  { limit, after }: { readonly limit: number; readonly after?: string },
  idOf: (record: T) => string,
): { readonly items: readonly T[]; readonly next?: string } {
  const start = after === undefined ? 0 : records.findIndex((record) => idOf(record) === after) + 1;
  if (after !== undefined && start === 0) throw new GyreError('INVALID_ARGUMENT', `query.after: "${after}" is no \`next\` of this list`);
  const items = records.slice(start, start + limit);
  const last = items.at(-1);
  return start + limit < records.length && last !== undefined ? { items, next: idOf(last) } : { items };
}

/** A position of a stream out of a query. @throws GyreError INVALID_ARGUMENT */
export function positionOf(after: string | undefined): number | undefined {
  if (after === undefined) return undefined;
  if (!/^\d{1,15}$/.test(after)) throw new GyreError('INVALID_ARGUMENT', `query.after: "${after}" is no position: a whole number is`);
  return Number(after);
}
