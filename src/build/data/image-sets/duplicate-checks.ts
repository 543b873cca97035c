import { warning } from '../quality/limits.ts';
import { unmeasured } from '../quality/limits.ts';
import { bitsApart, nearGroups } from '#images';
import type { Frame } from '#tables';
import { images, shareCheck, valueAt } from './checks.ts';
import type { ImageCheck } from './checks.ts';

/** Rows that show the same picture, in groups of two and more, each in the order of the rows. */
export type Groups = readonly (readonly number[])[];

/** Rows with the same text in a column. */
export function sameText(frame: Frame, column: string): Groups {
  const { codes } = frame.texts(column);
  const groups = new Map<number, number[]>();
  for (const [row, code] of codes.entries()) {
    if (code < 0) continue;
    const group = groups.get(code);
    if (group) group.push(row);
    else groups.set(code, [row]);
  }
  return [...groups.values()].filter((group) => group.length > 1);
}

/** What the rows of a check's groups are, one after the other, and the group of each. */
function laidOut(groups: Groups): { rows: number[]; groups: number[] } {
  return { rows: groups.flat(), groups: groups.flatMap((group, index) => group.map(() => index)) };
}

interface Kinship {
  readonly name: string;
  readonly groups: Groups;
  readonly applied: number;
  readonly words: string;
  /** How a row is like the first of its group, for the reader. */
  readonly like?: (row: number, first: number) => string;
}

/** `are the same` → `is the same`. */
function singular(words: string): string {
  return words.replace(/^are /, 'is ').replace(/^(look|show) /, '$1s ');
}

/** Reliability: images that are there twice. The first of each group is no failure, but it is shown beside the others. */
export function duplicateCheck(frame: Frame, { name, groups, applied, words, like }: Kinship): ImageCheck {
  const repeats = groups.reduce((sum, group) => sum + group.length - 1, 0);
  const check = shareCheck(frame, {
    name,
    limits: warning,
    column: 'path',
    applied,
    rows: groups.flatMap((group) => group.slice(1)),
    failed: (count) =>
      `${images(count)} ${count === 1 ? singular(words) : words} another, in ${groups.length} group${groups.length === 1 ? '' : 's'}`,
    passed: `no image ${singular(words)} another`,
    note: (row) => {
      const group = groups.find((each) => each.includes(row));
      if (!group) return '';
      const said = like === undefined ? '' : `, ${like(row, group[0])}`;
      return `like ${String(valueAt(frame, 'path', group[0]))}${said}`;
    },
  });
  const { rows, groups: numbers } = laidOut(groups);
  return repeats === 0 ? check : { ...check, rows: Int32Array.from(rows), groups: Int32Array.from(numbers) };
}

/** Below this contrast a picture is of one colour, and its hash says nothing. */
const leastContrast = 0.02;

/**
 * Reliability: pictures that look alike, such as one that was scaled, compressed again, brightened or cut a little. Of those with the same
 * pixels only the first takes part: the others are duplicates already.
 */
export function nearDuplicateCheck(frame: Frame): ImageCheck {
  const { codes: pictures } = frame.texts('pixels');
  const { codes, dictionary } = frame.texts('phash');
  const contrast = frame.numbers('contrast');
  const seen = new Set<number>();
  const hashes = Array.from(pictures, (pixels, row) => {
    if (pixels < 0 || codes[row] < 0 || contrast[row] < leastContrast || seen.has(pixels)) return null;
    seen.add(pixels);
    return dictionary[codes[row]];
  });
  return duplicateCheck(frame, {
    name: 'near duplicates',
    groups: nearGroups(hashes),
    applied: seen.size,
    words: 'look much like',
    like: (row, first) => `${bitsApart(dictionary[codes[row]], dictionary[codes[first]])} of 64 bits of their hashes differ`,
  });
}

/** Reliability: the same picture under different labels: at least one of them is wrong. */
export function conflictCheck(frame: Frame, groups: Groups, applied: number): ImageCheck {
  const labelOf = (row: number): string => String(valueAt(frame, 'label', row));
  const labelled = (group: readonly number[]): readonly number[] => group.filter((row) => valueAt(frame, 'label', row) !== null);
  const torn = groups.map(labelled).filter((group) => new Set(group.map(labelOf)).size > 1);
  const { rows, groups: numbers } = laidOut(torn);
  return shareCheck(frame, {
    name: 'labels agree on the same image',
    limits: warning,
    column: 'label',
    applied,
    rows,
    groups: numbers,
    failed: (count) =>
      `${count} images show the same as others under another label, in ${torn.length} group${torn.length === 1 ? '' : 's'}`,
    passed: 'the same picture has the same label everywhere',
    note: (row, index) => {
      const others = torn[numbers[index]].filter((other) => labelOf(other) !== labelOf(row));
      return `${String(valueAt(frame, 'path', row))}, and ${String(valueAt(frame, 'path', others[0]))} is ${labelOf(others[0])}`;
    },
  });
}

/**
 * Reliability: the same picture on both sides of a division, so that a test asks what training has shown.
 * @param sideOf the side of each row; undefined where a row is on none
 */
export function leakageCheck(
  frame: Frame,
  {
    name,
    groups,
    sideOf,
    sides,
  }: { readonly name: string; readonly groups: Groups; readonly sideOf: (row: number) => string | undefined; readonly sides: string },
): ImageCheck {
  const divided = [...frame.texts('path').codes.keys()].filter((row) => sideOf(row) !== undefined);
  if (divided.length === 0) return { finding: unmeasured(name, `there are no ${sides}`), rows: new Int32Array() };
  const placed = groups.map((group) => group.filter((row) => sideOf(row) !== undefined));
  const torn = placed.filter((group) => new Set(group.map(sideOf)).size > 1);
  const { rows, groups: numbers } = laidOut(torn);
  return shareCheck(frame, {
    name,
    limits: warning,
    column: 'path',
    applied: divided.length,
    rows,
    groups: numbers,
    failed: (count) =>
      `${count} images are in more than one of the ${sides}, in ${torn.length} group${torn.length === 1 ? '' : 's'}: leakage`,
    passed: `no image is in more than one of the ${sides}`,
    note: (row, index) => {
      const other = torn[numbers[index]].find((each) => sideOf(each) !== sideOf(row));
      return other === undefined ? '' : `in ${sideOf(row)}, and as ${String(valueAt(frame, 'path', other))} in ${sideOf(other)}`;
    },
  });
}
