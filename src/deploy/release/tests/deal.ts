import type { Random } from '#core';

/**
 * Draws rows from groups in turn, so that rare groups are among them: one of each, then a second of each, until there are enough.
 * @param groups the group of each row
 * @param most so many rows at most
 * @returns their places, in order
 */
export function dealFromGroups(groups: readonly string[], most: number, random: Random): readonly number[] {
  const rows = new Map<string, number[]>();
  groups.forEach((group, row) => {
    const known = rows.get(group);
    if (known === undefined) rows.set(group, [row]);
    else known.push(row);
  });
  const shuffled = [...rows].toSorted(([left], [right]) => (left < right ? -1 : 1)).map(([, places]) => places);
  for (const places of shuffled) random.shuffle(places);
  // Where there are more groups than rows, those that come first by name are not all that is asked.
  random.shuffle(shuffled);
  const dealt: number[] = [];
  const longest = shuffled.reduce((length, places) => Math.max(length, places.length), 0);
  for (let turn = 0; turn < longest && dealt.length < most; turn++) {
    for (const places of shuffled) if (turn < places.length && dealt.length < most) dealt.push(places[turn]);
  }
  return dealt.toSorted((left, right) => left - right);
}

/** The fifth of all values that each is in, from 0; -1 for what is no number. */
export function fifths(values: readonly (number | null)[]): readonly number[] {
  const sorted = values
    .filter((value): value is number => value !== null && Number.isFinite(value))
    .toSorted((left, right) => left - right);
  const bounds = [1, 2, 3, 4].map((fifth) => sorted[Math.floor((fifth * sorted.length) / 5)]);
  return values.map((value) => (value === null || !Number.isFinite(value) ? -1 : bounds.filter((bound) => value >= bound).length));
}
