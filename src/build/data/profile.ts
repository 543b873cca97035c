import type { ColumnProfile, DatasetProfile } from '#contract';
import { isoInstant } from '#core';
import { histogramOf, mean, quantilesOfSorted, standardDeviation, uniformBinEdges } from '#stats';
import { readParquet } from '#tables';
import type { Frame } from '#tables';
import { associationOf } from './association.ts';
import { frameBatches, openBatches, requireColumn } from './quality/batches.ts';
import type { Batches } from './quality/batches.ts';
import { textProfile } from './text-profile.ts';
import type { TextFigures } from './text-profile.ts';

const levels = [0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1];
const histogramBins = 20;

/** Columns of numbers are read together as long as they take no more than this. */
const bytesTogether = 256 * 2 ** 20;

/**
 * Profiles each column: how many values, how many are missing or distinct, moments, quantiles and a histogram for numbers,
 * the most frequent values and lengths for texts, the span of instants; and, when a target is named, the association with it.
 * All figures are exact, whatever the number of rows; it takes the memory of one column, or of 256 MiB. Associations are measured on `sample`.
 * @param version the digest of the dataset version
 */
export async function profileRows(
  batches: Batches,
  sample: () => Promise<Frame>,
  version: string,
  target?: string,
): Promise<DatasetProfile> {
  const profiles = new Map<string, ColumnProfile>();
  const numbers = batches.schema.filter(({ type }) => type !== 'string');
  const together = Math.max(1, Math.floor(bytesTogether / (8 * Math.max(1, batches.rows))));
  for (let start = 0; start < numbers.length; start += together) {
    const group = numbers.slice(start, start + together);
    const gathered = await gather(
      batches,
      group.map(({ name }) => name),
    );
    for (const { name, type } of group) {
      const rising = gathered.get(name) ?? new Float64Array();
      profiles.set(name, numberProfile({ name, type }, rising, batches.rows));
      gathered.delete(name);
    }
  }
  for (const { name, type } of batches.schema) {
    if (type !== 'string') continue;
    const { count, distinct, ...text } = await textProfile(batches, name);
    const base = { name, type, count, missing: batches.rows - count, distinct };
    profiles.set(name, count > 0 ? { ...base, text: shown(text) } : base);
  }
  const rows = target === undefined ? undefined : await sample();
  const columns = batches.schema.flatMap(({ name }): ColumnProfile[] => {
    const profile = profiles.get(name);
    if (profile === undefined) return [];
    const association = rows === undefined || target === undefined || name === target ? undefined : associationOf(rows, name, target);
    return [association === undefined ? profile : { ...profile, association }];
  });
  const sampled = rows === undefined || rows.rows === batches.rows ? {} : { sampled: rows.rows };
  return { dataset: version, rows: batches.rows, columns, ...sampled };
}

const shown = ({ top, minLength, maxLength }: Omit<TextFigures, 'count' | 'distinct'>): NonNullable<ColumnProfile['text']> => ({
  top: [...top],
  minLength,
  maxLength,
});

/** Profiles the rows of a Parquet file; see `profileRows`. @param path absolute */
export async function profileParquet(path: string, version: string, target?: string): Promise<DatasetProfile> {
  const { batches, sample } = await openBatches(path, () => readParquet(path));
  if (target !== undefined) requireColumn(batches.schema, target);
  return profileRows(batches, sample, version, target);
}

/** Profiles a table in memory; see `profileRows`. */
export function profileFrame(frame: Frame, version: string, target?: string): Promise<DatasetProfile> {
  return profileRows(frameBatches(frame), () => Promise.resolve(frame), version, target);
}

/** The numbers of some columns, each in rising order without the missing ones. */
async function gather(batches: Batches, names: readonly string[]): Promise<Map<string, Float64Array>> {
  const whole = new Map(names.map((name) => [name, { values: new Float64Array(batches.rows), count: 0 }]));
  await batches.each(names, (batch) => {
    for (const name of names) {
      const column = batch.column(name);
      const into = whole.get(name);
      if (column.kind === 'text' || into === undefined) continue;
      for (const value of column.values) if (value === value) into.values[into.count++] = value;
    }
  });
  return new Map([...whole].map(([name, { values, count }]) => [name, values.subarray(0, count).sort()]));
}

function numberProfile({ name, type }: Pick<ColumnProfile, 'name' | 'type'>, rising: Float64Array, rows: number): ColumnProfile {
  let distinct = 0;
  for (let i = 0; i < rising.length; i++) if (i === 0 || rising[i] !== rising[i - 1]) distinct++;
  const base = { name, type, count: rising.length, missing: rows - rising.length, distinct };
  if (rising.length === 0) return base;
  if (type === 'instant') return { ...base, instants: { first: isoInstant(rising[0]), last: isoInstant(rising[rising.length - 1]) } };
  return { ...base, numeric: numericFigures(rising) };
}

function numericFigures(rising: Float64Array): NonNullable<ColumnProfile['numeric']> {
  const [low, high] = [rising[0], rising[rising.length - 1]];
  const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);
  const isOne = low === high;
  const edges = isOne ? [] : uniformBinEdges(low, high, histogramBins);
  const counts = histogramOf(rising, edges);
  const bounds = [low, ...edges, high];
  let [zeros, negatives] = [0, 0];
  for (const value of rising) {
    if (value === 0) zeros++;
    else if (value < 0) negatives++;
  }
  return {
    min: finite(low),
    max: finite(high),
    mean: finite(mean(rising)),
    std: finite(standardDeviation(rising)),
    quantiles: quantilesOfSorted(rising, levels).map((value, i) => ({ q: levels[i], value })),
    zeros,
    negatives,
    histogram: [...counts].map((count, i) => ({ low: bounds[i], high: bounds[i + 1], count })),
  };
}
