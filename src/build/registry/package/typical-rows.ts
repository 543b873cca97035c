import type { InputColumn, NamedRow, PackageBackground } from '#contract';
import { isoInstant, seeded } from '#core';
import { kMeans } from '#learners';
import { isMissing, takeRows } from '#tables';
import type { Column, Frame } from '#tables';

/** Rows that are looked at: more would move no centre, only take time. */
const mostRows = 10_000;
const clusters = 30;
/** What fewer rows share may say something of one of them. */
export const fewestRows = 5;
/** Texts of a column that clusters are told apart by. */
const mostTexts = 20;

/**
 * Typical rows of a table: the middles of clusters, each with the number of rows that it stands for. They are nobody's rows: numbers are means, and texts
 * are those that the most rows of a cluster have.
 * @returns undefined for a table of too few rows
 */
export function typicalRows(
  inputs: readonly InputColumn[],
  rows: Frame,
  of: Readonly<{ dataset?: string }>,
  seed: number,
): PackageBackground | undefined {
  const frame = sampleOf(rows, seed, mostRows);
  if (frame.rows < fewestRows) return undefined;
  const parts = inputs.map(({ name }) => coordinatesOf(frame.column(name), frame.rows));
  const columns = parts.reduce((sum, part) => sum + part.length, 0);
  const values = new Float64Array(frame.rows * columns);
  parts.flat().forEach((part, c) => part.forEach((value, row) => (values[row * columns + c] = value)));
  const clusterOf = kMeans(values, frame.rows, columns, clusters, seeded(seed));
  const members = new Map<number, number[]>();
  clusterOf.forEach((cluster, row) => members.getOrInsertComputed(cluster, () => []).push(row));
  const large = [...members].toSorted(([left], [right]) => left - right).filter(([, some]) => some.length >= fewestRows);
  const chosen = large.length > 0 ? large.map(([, some]) => some) : [Array.from({ length: frame.rows }, (_, row) => row)];
  return {
    format: 'gyre.background.v1',
    columns: inputs.map(({ name }) => name),
    rows: chosen.map((some) => inputs.map((input) => middleOf(input, frame.column(input.name), some))),
    weights: chosen.map((some) => some.length),
    of: { rows: rows.rows, ...of },
  };
}

/** Some rows, drawn by seed, in the table's order. */
export function sampleOf(frame: Frame, seed: number, most: number): Frame {
  if (frame.rows <= most) return frame;
  const positions = Int32Array.from({ length: frame.rows }, (_, row) => row);
  seeded(seed).shuffle(positions);
  return takeRows(frame, positions.slice(0, most).sort());
}

/** A column as coordinates of equal spread: numbers in standard deviations, the commonest texts as 0 or 1. */
function coordinatesOf(column: Column, rows: number): Float64Array[] {
  if (column.kind === 'text') {
    const counts = countsOf(column.codes);
    const kept = [...counts].toSorted(([a, left], [b, right]) => right - left || a - b).slice(0, mostTexts);
    return kept.map(([code]) => Float64Array.from(column.codes, (each) => (each === code ? 1 : 0)));
  }
  const present = column.values.filter((value) => Number.isFinite(value));
  const mean = present.reduce((sum, value) => sum + value / present.length, 0);
  const spread = Math.sqrt(present.reduce((sum, value) => sum + (value - mean) ** 2 / present.length, 0));
  if (!(spread > 0)) return [];
  return [
    Float64Array.from({ length: rows }, (_, row) => (Number.isFinite(column.values[row]) ? (column.values[row] - mean) / spread : 0)),
  ];
}

function middleOf({ type }: InputColumn, column: Column, rows: readonly number[]): NamedRow[string] {
  const present = rows.filter((row) => !isMissing(column, row));
  if (present.length * 2 < rows.length) return null;
  if (column.kind === 'text') {
    const [commonest] = [...countsOf(present.map((row) => column.codes[row]))].toSorted(([a, left], [b, right]) => right - left || a - b);
    return commonest[1] >= fewestRows ? column.dictionary[commonest[0]] : null;
  }
  const mean = present.reduce((sum, row) => sum + column.values[row] / present.length, 0);
  if (type === 'boolean') return mean >= 0.5;
  if (type === 'instant') return isoInstant(Math.round(mean));
  return type === 'integer' ? Math.round(mean) : Number(mean.toPrecision(9));
}

function countsOf(codes: Iterable<number>): Map<number, number> {
  const counts = new Map<number, number>();
  for (const code of codes) if (code >= 0) counts.set(code, (counts.get(code) ?? 0) + 1);
  return counts;
}
