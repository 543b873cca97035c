import type { Finding } from '../quality/limits.ts';
import { strictly, unmeasured, warning } from '../quality/limits.ts';
import { rowNumber } from '../masking.ts';
import { extensionOf, formatOfName } from '#images';
import { cellOf } from '#tables';
import type { Cell, Frame } from '#tables';
import { missingFile } from './image-rows.ts';

/** A check on images: what a report says of it, and every row that fails, so that they can be looked at side by side. */
export interface ImageCheck {
  readonly finding: Finding;
  readonly rows: Int32Array;
  /** The group of each failing row, numbered from 0, where rows belong together (duplicates); absent where each stands alone. */
  readonly groups?: Int32Array;
}

const examplesKept = 5;

/** A value of a row, as it stands in the rows. */
export function valueAt(frame: Frame, column: string, row: number): Cell {
  return cellOf(frame.column(column), frame.typeOf(column), row);
}

export interface Failing {
  readonly name: string;
  readonly limits: Finding['limits'];
  readonly weight?: number;
  /** The column whose value is shown. */
  readonly column: string;
  /** How many rows were looked at. */
  readonly applied: number;
  readonly rows: readonly number[];
  readonly groups?: readonly number[];
  readonly failed: (count: number) => string;
  readonly passed: string;
  /** What else there is to say of a row. */
  readonly note?: (row: number, index: number) => string;
}

/** Makes a check whose score is the share of rows that pass. */
export function shareCheck(frame: Frame, failing: Failing): ImageCheck {
  const { name, limits, weight = 1, column, applied, rows, groups, failed, passed, note } = failing;
  if (applied === 0) return { finding: unmeasured(name, 'there is no image to look at'), rows: new Int32Array() };
  const finding: Finding = {
    name,
    column,
    score: 1 - rows.length / applied,
    weight,
    limits,
    message: rows.length > 0 ? failed(rows.length) : passed,
    failing: rows.length,
    applied,
    examples: rows.slice(0, examplesKept).map((row, index) => {
      const value = valueAt(frame, column, row);
      const said = note ? note(row, index) : column === 'path' ? '' : String(valueAt(frame, 'path', row));
      return {
        row: rowNumber(row),
        column,
        value: typeof value === 'boolean' ? String(value) : value,
        ...(said === '' ? {} : { note: said }),
      };
    }),
  };
  return { finding, rows: Int32Array.from(rows), ...(groups === undefined ? {} : { groups: Int32Array.from(groups) }) };
}

/** The rows that have a file, by the positions. */
export function rowsWithFile(frame: Frame): number[] {
  const { codes } = frame.texts('sha256');
  return [...codes.keys()].filter((row) => codes[row] >= 0);
}

/** So many images, in words. */
export const images = (count: number): string => `${count} image${count === 1 ? '' : 's'}`;

/** Accuracy: is a file what its name says, and does it hold a picture? */
export function contentChecks(frame: Frame): ImageCheck[] {
  const present = rowsWithFile(frame);
  const kindOf = (row: number): string => String(valueAt(frame, 'problem', row)).split(':')[0];
  const unreadable = present.filter((row) => valueAt(frame, 'readable', row) === false);
  const damaged = present.filter((row) => kindOf(row) === 'damaged');
  const kinds = new Map<string, number>();
  for (const row of unreadable) kinds.set(kindOf(row), (kinds.get(kindOf(row)) ?? 0) + 1);
  const counted = [...kinds].map(([kind, count]) => `${count} ${kind}`).join(', ');
  const claims = present.filter((row) => valueAt(frame, 'format', row) !== null && claimed(frame, row) !== undefined);
  const misnamed = claims.filter((row) => claimed(frame, row) !== valueAt(frame, 'format', row));
  return [
    shareCheck(frame, {
      name: 'readable images',
      limits: strictly,
      column: 'problem',
      applied: present.length,
      rows: unreadable,
      failed: (count) => `${images(count)} cannot be decoded (${counted})`,
      passed: 'every image can be decoded to its end',
    }),
    shareCheck(frame, {
      name: 'undamaged images',
      limits: warning,
      column: 'problem',
      applied: present.length - unreadable.length,
      rows: damaged,
      failed: (count) => `of ${images(count)} the decoder complains: some pixels may be wrong`,
      passed: 'the decoder complains of no image',
    }),
    shareCheck(frame, {
      name: 'extension agrees with content',
      limits: warning,
      column: 'path',
      applied: claims.length,
      rows: misnamed,
      failed: (count) => `${images(count)} are of another format than their names say`,
      passed: 'every name says what the content is',
      note: (row) => {
        const format = valueAt(frame, 'format', row);
        const found = contentFormats.find((each) => each === format);
        return `the content is ${String(format)}${found ? `: ${extensionOf(found)}` : ''}`;
      },
    }),
  ];
}

const contentFormats = ['jpeg', 'png', 'webp', 'gif', 'tiff', 'avif', 'bmp', 'heic', 'svg', 'jxl'] as const;

function claimed(frame: Frame, row: number): string | undefined {
  return formatOfName(String(valueAt(frame, 'path', row)));
}

/** Completeness: has each image its label and each label its image, and has every class enough of them? */
export function labelChecks(frame: Frame): ImageCheck[] {
  const labels = frame.texts('label');
  const present = rowsWithFile(frame);
  const all = [...labels.codes.keys()];
  const lost = all.filter((row) => valueAt(frame, 'problem', row) === missingFile);
  const classes = classCounts(frame, present);
  const rare = [...classes].filter(([, count]) => count < fewest);
  const rareRows = present.filter((row) => rare.some(([label]) => label === valueAt(frame, 'label', row)));
  return [
    shareCheck(frame, {
      name: 'labelled images',
      limits: warning,
      column: 'path',
      applied: present.length,
      rows: present.filter((row) => labels.codes[row] < 0),
      failed: (count) => `${images(count)} have no label`,
      passed: 'every image has a label',
    }),
    shareCheck(frame, {
      name: 'images of labels',
      limits: strictly,
      column: 'path',
      applied: all.length,
      rows: lost,
      failed: (count) => `${count} label${count === 1 ? ' names an image that is' : 's name images that are'} not there`,
      passed: 'every label has its image',
    }),
    {
      finding: {
        name: 'images of each class',
        column: 'label',
        score: classes.size === 0 ? null : 1 - rare.length / classes.size,
        weight: 1,
        limits: warning,
        message: classes.size === 0 ? 'not measurable: no image has a label' : classText(classes, rare),
        failing: rare.length,
        applied: classes.size,
        examples: rare.slice(0, examplesKept).map(([label, count]) => ({ column: 'label', value: label, note: images(count) })),
      },
      rows: Int32Array.from(rareRows),
    },
  ];
}

/** A class with fewer images cannot be split into training, validation and test with anything to say about it in each. */
const fewest = 30;

function classCounts(frame: Frame, rows: readonly number[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const row of rows) {
    const label = valueAt(frame, 'label', row);
    if (label !== null) counts.set(String(label), (counts.get(String(label)) ?? 0) + 1);
  }
  return new Map([...counts].sort(([one, many], [other, few]) => few - many || (one < other ? -1 : 1)));
}

function classText(classes: ReadonlyMap<string, number>, rare: readonly (readonly [string, number])[]): string {
  const shown = [...classes].slice(0, 12).map(([label, count]) => `${label} ${count}`);
  const rest = classes.size > shown.length ? ` and ${classes.size - shown.length} more classes` : '';
  const verdict = rare.length === 0 ? '' : `; ${rare.length} of ${classes.size} classes have fewer than ${fewest} images`;
  return `${shown.join(', ')}${rest}${verdict}`;
}

/** Reliability: balance of the classes, as the entropy of their shares over that of equal ones (Pielou 1966, evenness). */
export function balanceCheck(frame: Frame): ImageCheck {
  const counts = [...classCounts(frame, rowsWithFile(frame)).values()];
  const rows = new Int32Array();
  if (counts.length < 2) return { finding: unmeasured('balanced image classes', 'there are no two classes'), rows };
  const total = counts.reduce((sum, count) => sum + count, 0);
  const entropy = -counts.reduce((sum, count) => sum + (count / total) * Math.log(count / total), 0);
  const ratio = counts[0] / counts[counts.length - 1];
  return {
    finding: {
      name: 'balanced image classes',
      column: 'label',
      score: Math.min(1, entropy / Math.log(counts.length)),
      weight: 1,
      limits: { warn: 0.8 },
      message: `the largest of ${counts.length} classes has ${ratio.toFixed(1)} times as many images as the smallest`,
      failing: 0,
      applied: counts.length,
      examples: [],
    },
    rows,
  };
}
