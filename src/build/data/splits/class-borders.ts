import { cellOf, isMissing } from '#tables';
import type { Frame } from '#tables';
import { placeOf } from './hash-split.ts';

/** Rows without a value are one class. */
const noValue = '';

/** Each row's class as text. */
export function rowClasses(frame: Frame, name: string): readonly string[] {
  const column = frame.column(name);
  const type = frame.typeOf(name);
  return Array.from({ length: frame.rows }, (_, row) => (isMissing(column, row) ? noValue : String(cellOf(column, type, row))));
}

/**
 * Draws for each class the border below which its keys are taken, so that of these very rows the share of each class is exact (rounded
 * to whole rows). A later row is taken by the same border, so that it moves no other; of many the share then holds in expectation.
 * @param among positions of the rows that may be taken
 * @returns class → border in [0, 1]
 */
export function classBorders(
  { classes, keys, among }: { readonly classes: readonly string[]; readonly keys: readonly string[]; readonly among: Int32Array },
  share: number,
  salt: string,
): Record<string, number> {
  const places = new Map<string, number[]>();
  for (const row of among) {
    const list = places.get(classes[row]) ?? [];
    if (list.length === 0) places.set(classes[row], list);
    list.push(placeOf(keys[row], salt));
  }
  const sorted = [...places].sort(([left], [right]) => (left < right ? -1 : 1));
  return Object.fromEntries(sorted.map(([name, list]) => [name, borderBetween(list, share)]));
}

/** As near to the share as a border can be that has the right number of places below it. */
function borderBetween(places: readonly number[], share: number): number {
  const ordered = places.toSorted((left, right) => left - right);
  const taken = Math.round(share * ordered.length);
  const last = taken === 0 ? 0 : ordered[taken - 1];
  const next = taken === ordered.length ? 1 : ordered[taken];
  return share > last && share <= next ? share : share <= last ? (last + next) / 2 : next;
}
