import type { ImageFacts } from '#images';
import { createFrame, numberColumn, textColumn } from '#tables';
import type { Column, Frame, NamedColumn } from '#tables';
import type { Labels } from './read-labels.ts';

/** One image of a dataset: where it is, what it is called, and what was found. */
export interface ImageRow {
  readonly path: string;
  readonly label: string | null;
  readonly folder: string | null;
  /** Its row in the CSV of labels. */
  readonly labelsRow?: number;
  /** Absent where the labels name a file that is not there. */
  readonly file?: { readonly size: number; readonly sha256: string; readonly md5: string; readonly facts: ImageFacts };
}

/** What stands in `problem` where all is well: a word, so that the column misses no value. */
export const noProblem = 'none';
/** What stands in `problem` where the labels name a file that is not there. */
export const missingFile = 'missing';

/** The rows of an image dataset: one image each, what the labels say more of it, and what was measured. */
export function imageFrame(rows: readonly ImageRow[], labels?: Labels): Frame {
  const texts = (name: string, of: (row: ImageRow) => string | null | undefined): NamedColumn => ({
    name,
    type: 'string',
    column: textColumn(rows.map((row) => of(row) ?? null)),
  });
  const numbers = (name: string, type: 'integer' | 'number' | 'boolean', of: (row: ImageRow) => number | undefined): NamedColumn => ({
    name,
    type,
    column: numberColumn(Float64Array.from(rows, (row) => of(row) ?? Number.NaN)),
  });
  return createFrame([
    texts('path', ({ path }) => path),
    texts('label', ({ label }) => label),
    ...(rows.some(({ folder }) => folder !== null) ? [texts('folder', ({ folder }) => folder)] : []),
    ...(labels?.extra.map((name) => said(name, labels, rows)) ?? []),
    numbers('size', 'integer', ({ file }) => file?.size),
    texts('sha256', ({ file }) => file?.sha256),
    texts('md5', ({ file }) => file?.md5),
    texts('format', ({ file }) => file?.facts.format),
    numbers('width', 'integer', ({ file }) => file?.facts.width),
    numbers('height', 'integer', ({ file }) => file?.facts.height),
    numbers('channels', 'integer', ({ file }) => file?.facts.channels),
    numbers('brightness', 'number', ({ file }) => file?.facts.measures?.brightness),
    numbers('contrast', 'number', ({ file }) => file?.facts.measures?.contrast),
    numbers('sharpness', 'number', ({ file }) => file?.facts.measures?.sharpness),
    texts('phash', ({ file }) => file?.facts.measures?.phash),
    texts('pixels', ({ file }) => file?.facts.measures?.pixels),
    numbers('readable', 'boolean', ({ file }) => (file?.facts.measures === undefined ? 0 : 1)),
    texts('problem', problemOf),
  ]);
}

function problemOf({ file }: ImageRow): string {
  if (file === undefined) return missingFile;
  const { problem, error } = file.facts;
  return problem === undefined ? noProblem : `${problem}: ${error ?? 'no reason is known'}`;
}

/** A column of the labels, laid out by the images' rows. */
function said(name: string, { frame }: Labels, rows: readonly ImageRow[]): NamedColumn {
  const column = frame.column(name);
  const type = frame.typeOf(name);
  const laid: Column =
    column.kind === 'text'
      ? { ...column, codes: Int32Array.from(rows, ({ labelsRow }) => (labelsRow === undefined ? -1 : column.codes[labelsRow])) }
      : {
          kind: column.kind,
          values: Float64Array.from(rows, ({ labelsRow }) => (labelsRow === undefined ? Number.NaN : column.values[labelsRow])),
        };
  return { name, type, column: laid };
}
