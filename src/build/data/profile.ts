import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ColumnProfile, DatasetProfile } from '#contract';
import { isoInstant } from '#core';
import { momentsOf, quantilesOfSorted, uniformBinEdges } from '#stats';
import { readParquet } from '#tables';
import type { Frame } from '#tables';
import { associationOf } from './association.ts';
import { frameBatches, openBatches, requireColumn, wholeTable } from './quality/batches.ts';
import type { Batches } from './quality/batches.ts';
import { sqlNumeric } from './quality/row-sql.ts';
import { sortNumbers } from './sort-numbers.ts';
import { askTextProfile, textProfile } from './text-profile.ts';
import type { TextFigures } from './text-profile.ts';

const levels = [0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1];
const histogramBins = 20;

/** Columns of numbers are read together as long as they take no more than this. */
const bytesTogether = 256 * 2 ** 20;

/**
 * Profiles each column: how many values, how many are missing or distinct, moments, quantiles and a histogram for numbers,
 * the most frequent values and lengths for texts, the span of instants; and, when a target is named, the association with it.
 * All figures are exact, whatever the number of rows; it takes the memory of one column of numbers, or of 256 MiB, and the engine's for texts.
 * Associations are measured on `sample`.
 * @param version the digest of the dataset version
 */
export async function profileRows(
  batches: Batches,
  sample: () => Promise<Frame>,
  version: string,
  target?: string,
): Promise<DatasetProfile> {
  const profiles = new Map<string, ColumnProfile>();
  const ends = await Promise.allSettled([profileNumbers(batches, profiles), profileTexts(batches, profiles)]);
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
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

async function profileNumbers(batches: Batches, profiles: Map<string, ColumnProfile>): Promise<void> {
  const numbers = batches.schema.filter(({ type }) => type !== 'string');
  const together = Math.max(1, Math.floor(bytesTogether / (8 * Math.max(1, batches.rows))));
  for (let start = 0; start < numbers.length; start += together) {
    const group = numbers.slice(start, start + together);
    const gathered = await gather(
      batches,
      group.map(({ name }) => name),
    );
    for (const { name, type } of group) {
      const rising = sortNumbers(gathered.get(name) ?? new Float64Array());
      profiles.set(name, numberProfile({ name, type }, rising, batches.rows));
      gathered.delete(name);
      // the texts' answers come in between
      await nextTurn();
    }
  }
}

/** By the engine that holds the table, meanwhile; or from the frame. */
async function profileTexts(batches: Batches, profiles: Map<string, ColumnProfile>): Promise<void> {
  const texts = batches.schema.filter(({ type }) => type === 'string');
  const add = ({ name, type }: (typeof texts)[number], { count, distinct, ...text }: TextFigures): void => {
    const base = { name, type, count, missing: batches.rows - count, distinct };
    profiles.set(name, count > 0 ? { ...base, text: shown(text) } : base);
  };
  if (texts.length === 0) return;
  if (!batches.ask)
    return batches.each(
      texts.map(({ name }) => name),
      (frame) => texts.forEach((each) => add(each, textProfile(frame, each.name))),
    );
  await batches.ask(async (tables) => {
    for (const each of texts) add(each, await askTextProfile(tables, each.name));
  });
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

/** Columns of so many rows at most come from the engine in one piece. */
const rowsOfPiece = 8_000_000;

/** The numbers of some columns, each without the missing ones. */
async function gather(batches: Batches, names: readonly string[]): Promise<Map<string, Float64Array>> {
  if (batches.ask && batches.rows <= rowsOfPiece) {
    const typeOf = new Map(batches.schema.map(({ name, type }) => [name, type]));
    const lists = await batches.ask((tables) =>
      tables.numbersOf(
        names.map((name) => sqlNumeric(name, typeOf.get(name))),
        wholeTable,
      ),
    );
    return new Map(names.map((name, i) => [name, lists[i]]));
  }
  const whole = new Map(names.map((name) => [name, { values: new Float64Array(batches.rows), count: 0 }]));
  await batches.each(names, (batch) => {
    for (const name of names) {
      const column = batch.column(name);
      const into = whole.get(name);
      if (column.kind === 'text' || into === undefined) continue;
      const { values } = column;
      for (let row = 0; row < batch.rows; row++) if (values[row] === values[row]) into.values[into.count++] = values[row];
    }
  });
  return new Map([...whole].map(([name, { values, count }]) => [name, values.subarray(0, count)]));
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
  const bounds = [low, ...edges, high];
  const { count, mean, squares } = momentsOf(rising);
  // what lies up to each edge, from the order of the values
  const upTo = [...edges.map((edge) => positionAfter(rising, edge)), rising.length];
  const negatives = positionBefore(rising, 0);
  return {
    min: finite(low),
    max: finite(high),
    mean: finite(mean),
    std: finite(Math.sqrt(squares / (count - 1))),
    quantiles: quantilesOfSorted(rising, levels).map((value, i) => ({ q: levels[i], value })),
    zeros: positionAfter(rising, 0) - negatives,
    negatives,
    histogram: upTo.map((reached, i) => ({ low: bounds[i], high: bounds[i + 1], count: reached - (i === 0 ? 0 : upTo[i - 1]) })),
  };
}

/** How many values are at most `limit`. @param rising in rising order */
const positionAfter = (rising: Float64Array, limit: number): number => position(rising, (value) => value <= limit);
/** How many values are less than `limit`. @param rising in rising order */
const positionBefore = (rising: Float64Array, limit: number): number => position(rising, (value) => value < limit);

function position(rising: Float64Array, isBefore: (value: number) => boolean): number {
  let [low, high] = [0, rising.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isBefore(rising[middle])) low = middle + 1;
    else high = middle;
  }
  return low;
}
