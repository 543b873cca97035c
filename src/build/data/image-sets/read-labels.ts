import { basename } from 'node:path';
import { imageColumns } from '#contract';
import { GyreError } from '#core';
import { cellOf, readCsv } from '#tables';
import type { Frame } from '#tables';
import { sourceBytes } from '../source.ts';
import { rowNumber } from '../masking.ts';

export interface LabelsSource {
  /** Absolute. */
  readonly file: string;
  /** The column that names the image file, relative to the folder of images. */
  readonly path: string;
  /** The column that holds the label. */
  readonly label: string;
}

/** A CSV of labels: each image's line, and the columns that it says more in. */
export interface Labels {
  readonly bytes: Uint8Array;
  readonly frame: Frame;
  /** Path → row of the frame. */
  readonly rowOf: ReadonlyMap<string, number>;
  readonly labelOf: (row: number) => string | null;
  /** The columns beside path and label. */
  readonly extra: readonly string[];
}

/**
 * Reads a CSV of labels.
 * @throws GyreError as `readCsv`; INVALID_ARGUMENT for a column that is not there or has the name of one of ours, a path that is missing,
 * leads out of the folder, or is named twice (with the row; the header is row 1)
 */
export async function readLabels({ file, path, label }: LabelsSource): Promise<Labels> {
  const name = basename(file);
  const bytes = await sourceBytes(file);
  const { frame } = readCsv(bytes, { name, types: { [path]: 'string', [label]: 'string' }, absent: 'ignore' });
  for (const column of [path, label])
    if (!frame.has(column))
      throw new GyreError('INVALID_ARGUMENT', `${name} has no column "${column}"; it has ${frame.names.join(', ')}`, { column });
  const extra = frame.names.filter((column) => column !== path && column !== label);
  const taken = extra.find((column) => imageColumns.includes(column));
  if (taken !== undefined) {
    const message = `${name}: column "${taken}" has the name of a column that is measured on the images; give it another name`;
    throw new GyreError('INVALID_ARGUMENT', message, { column: taken });
  }
  const rowOf = new Map<string, number>();
  const paths = frame.texts(path);
  for (let row = 0; row < frame.rows; row++) {
    const given = cellOf(paths, 'string', row);
    const at = `${name}, row ${rowNumber(row)}`;
    if (given === null || given === '') throw new GyreError('INVALID_ARGUMENT', `${at}: no ${path}`, { row: rowNumber(row) });
    const clean = insidePath(String(given));
    if (clean === undefined)
      throw new GyreError('INVALID_ARGUMENT', `${at}: "${String(given)}" leads out of the folder of images`, { row: rowNumber(row) });
    const first = rowOf.get(clean);
    if (first !== undefined) {
      const message = `${at} names ${clean} again, after row ${rowNumber(first)}; each image has one line`;
      throw new GyreError('INVALID_ARGUMENT', message, { row: rowNumber(row), first: rowNumber(first) });
    }
    rowOf.set(clean, row);
  }
  const labels = frame.texts(label);
  return { bytes, frame, rowOf, extra, labelOf: (row) => (labels.codes[row] < 0 ? null : labels.dictionary[labels.codes[row]]) };
}

/** A path with `/` and without `.`; undefined when it leads out. */
function insidePath(given: string): string | undefined {
  const steps = given
    .replaceAll('\\', '/')
    .split('/')
    .filter((step) => step !== '' && step !== '.');
  const isAbsolute = /^(?:[\\/]|[A-Za-z]:)/.test(given);
  return isAbsolute || steps.length === 0 || steps.includes('..') || given.includes('\u0000') ? undefined : steps.join('/');
}
