import type { SplitBorders, SplitStrategy } from '#contract';
import { GyreError } from '#core';
import type { Frame } from '#tables';
import type { SplitRequest, ValidationSetRequest } from '../port.ts';
import { requireColumn } from '../quality/batches.ts';
import type { Batches } from '../quality/batches.ts';
import { classBorders } from './class-borders.ts';
import { keyColumns, keyReader, placeOf, valueReader } from './hash-split.ts';
import type { PartRange } from './hash-split.ts';
import { refuseBadKeys } from './key-check.ts';
import { bordersOfTimes, readTime, refuseMissingTimes, timesOf, timeText } from './times.ts';
import { unitReader } from './units.ts';

/** Borders that an earlier version was cut by: for the parts, and for each validation set by its name. */
export interface KeptBorders {
  readonly parts?: SplitBorders;
  readonly sets: ReadonlyMap<string, SplitBorders>;
}

/** What is dealt, and how. */
export type Deal = Pick<SplitRequest, 'key' | 'salt' | 'strategy' | 'begins' | 'sets'>;

/** On which sides the rows of a batch come. */
export interface DealtBatch {
  /** The part of each row, by its place in the list of parts; -1 for what a set takes. */
  readonly parts: Int16Array;
  /** For each set: 1 for the rows that it takes. */
  readonly sets: readonly Uint8Array[];
}

/** Deals rows by their own values, whatever batch they come in. */
export interface Dealer {
  /** The columns that it looks at, at least one. */
  readonly reads: readonly string[];
  deal(batch: Frame): DealtBatch;
  readonly borders?: SplitBorders;
  /** By the name of the set. */
  readonly setBorders: ReadonlyMap<string, SplitBorders>;
}

export const byChance: SplitStrategy = { strategy: 'random', columns: [] };

/** Which rows of a batch a set takes, or which part a row comes to. */
type Taking = (batch: Frame, keyAt: (row: number) => string) => (row: number) => boolean;
type Parting = (batch: Frame, keyAt: (row: number) => string) => (row: number) => number;

/**
 * Prepares to deal the rows to validation sets and parts: checks keys and instants, and draws the borders that are not kept. What a set
 * takes is in no part; a row may be in several sets of the same kind (by chance, or not). On which side a row comes depends on its own
 * values, the salt and the borders alone, so that rows which come later move nobody. Takes the memory of a batch, and of 4 million numbers.
 * @throws GyreError FAILED_PRECONDITION (keys or instants missing), INVALID_ARGUMENT (columns, borders)
 */
export async function openDealer(
  batches: Batches,
  request: Deal,
  ranges: readonly PartRange[],
  kept: KeptBorders,
  { checksKeys = true }: { readonly checksKeys?: boolean } = {},
): Promise<Dealer> {
  const { key, salt, strategy = byChance, sets = [] } = request;
  const strategies = [strategy, ...sets.map((set) => set.strategy)];
  for (const name of [...(key === undefined ? [] : [key]), ...strategies.flatMap(({ columns }) => columns)])
    requireColumn(batches.schema, name);
  if (key !== undefined && checksKeys) await refuseBadKeys(batches, key);
  const timed = new Set(strategies.filter((each) => each.strategy === 'time').map(({ columns: [column] }) => column));
  for (const column of timed) await refuseMissingTimes(batches, column);
  const names = batches.schema.map(({ name }) => name);
  const reads = [...new Set([...keyColumns(names, key), ...strategies.flatMap(({ columns }) => columns)])];
  const takings = new Map<ValidationSetRequest, Taking>();
  const setBorders = new Map<string, SplitBorders>();
  const source: Source = { batches, key, reads };
  // what is taken by chance is like the parts: it is chosen among the rows that no other strategy takes
  for (const some of [sets.filter((set) => !isByChance(set)), sets.filter(isByChance)]) {
    const before = [...takings.values()];
    for (const set of some) {
      const how = { salt: `${salt}:${set.set}`, units: strategy, kept: kept.sets.get(set.set) };
      const { takes, borders } = await takenBy({ ...source, without: before }, set, how);
      takings.set(set, takes);
      if (borders !== undefined) setBorders.set(set.set, borders);
    }
  }
  const { partAt, borders } = await partsBy({ ...source, without: [...takings.values()] }, request, ranges, kept.parts);
  const ordered = sets.map((set) => ({ set, takes: takings.get(set) }));
  return {
    reads,
    setBorders,
    ...(borders === undefined ? {} : { borders }),
    deal: (batch) => {
      const keyAt = keyReader(batch, key);
      const taken = new Uint8Array(batch.rows);
      const mark = (set: ValidationSetRequest, takes: Taking | undefined): Uint8Array => {
        const marks = new Uint8Array(batch.rows);
        const isTaken = takes?.(batch, keyAt) ?? (() => false);
        for (let row = 0; row < batch.rows; row++) if (!(isByChance(set) && taken[row] === 1) && isTaken(row)) marks[row] = 1;
        return marks;
      };
      const marksOf = new Map<ValidationSetRequest, Uint8Array>();
      for (const chance of [false, true]) {
        const some = ordered.filter(({ set }) => isByChance(set) === chance);
        for (const { set, takes } of some) marksOf.set(set, mark(set, takes));
        for (const { set } of some) marksOf.get(set)?.forEach((marked, row) => (taken[row] |= marked));
      }
      const partOf = partAt(batch, keyAt);
      const parts = new Int16Array(batch.rows);
      for (let row = 0; row < batch.rows; row++) parts[row] = taken[row] === 1 ? -1 : partOf(row);
      return { parts, sets: sets.map((set) => marksOf.get(set) ?? new Uint8Array(batch.rows)) };
    },
  };
}

const isByChance = ({ strategy: { strategy } }: ValidationSetRequest): boolean => strategy === 'random' || strategy === 'stratified';

/** The rows that may be taken: those that no earlier set takes. */
interface Source {
  readonly batches: Batches;
  readonly key: string | undefined;
  readonly reads: readonly string[];
  readonly without?: readonly Taking[];
}

/** Shows what is left of each batch, row by row. */
async function eachLeft(
  { batches, key, reads, without = [] }: Source,
  take: (batch: Frame, keyAt: (row: number) => string, row: number) => void,
): Promise<void> {
  await batches.each(reads, (batch) => {
    const keyAt = keyReader(batch, key);
    const taken = without.map((takes) => takes(batch, keyAt));
    for (let row = 0; row < batch.rows; row++) if (!taken.some((takes) => takes(row))) take(batch, keyAt, row);
  });
}

async function takenBy(
  source: Source,
  { strategy, share = 0 }: ValidationSetRequest,
  { salt, units, kept }: { readonly salt: string; readonly units: SplitStrategy; readonly kept: SplitBorders | undefined },
): Promise<{ readonly takes: Taking; readonly borders?: SplitBorders }> {
  const { batches } = source;
  const [column] = strategy.columns;
  const byPlace =
    (unit: SplitStrategy): Taking =>
    (batch, keyAt) => {
      const unitAt = unitReader(batch, unit, keyAt);
      return (row) => placeOf(unitAt(row), salt) < share;
    };
  switch (strategy.strategy) {
    case 'random':
      // where the parts hold whole groups or places, so does what is taken by chance
      return { takes: byPlace(units) };
    case 'stratified': {
      const borders = kept?.classes ?? (await bordersOfClasses(source, column, share, salt));
      const takes: Taking = (batch, keyAt) => {
        const classAt = valueReader(batch, column);
        return (row) => placeOf(keyAt(row), salt) < (Object.hasOwn(borders, classAt(row)) ? borders[classAt(row)] : share);
      };
      return { takes, borders: { ...kept, classes: borders } };
    }
    case 'group':
    case 'location': {
      if (strategy.places === undefined) return { takes: byPlace(strategy) };
      const places = new Set(strategy.places);
      return {
        takes: (batch, keyAt) => {
          const unitAt = unitReader(batch, strategy, keyAt);
          return (row) => places.has(unitAt(row));
        },
      };
    }
    case 'time': {
      const from = kept?.times?.[0] ?? strategy.from;
      const border = from === undefined ? (await bordersOfColumn(batches, column, [share]))[0] : readTime(batches, column, from);
      const takes: Taking = (batch) => {
        const times = timesOf(batch, column);
        return (row) => times[row] >= border;
      };
      return { takes, borders: { ...kept, times: [timeText(batches, column, border)] } };
    }
  }
}

function bordersOfClasses(source: Source, column: string, share: number, salt: string): Promise<Record<string, number>> {
  return classBorders(
    async (take) => {
      let [last, classAt]: [Frame | undefined, (row: number) => string] = [undefined, () => ''];
      await eachLeft(source, (batch, keyAt, row) => {
        if (batch !== last) [last, classAt] = [batch, valueReader(batch, column)];
        take(classAt(row), keyAt(row));
      });
    },
    share,
    salt,
  );
}

const bordersOfColumn = (batches: Batches, column: string, shares: readonly number[]): Promise<readonly number[]> =>
  bordersOfTimes((take) => batches.each([column], (batch) => take(timesOf(batch, column))), shares);

async function partsBy(
  source: Source,
  { salt, strategy = byChance, begins }: Deal,
  ranges: readonly PartRange[],
  kept: SplitBorders | undefined,
): Promise<{ readonly partAt: Parting; readonly borders?: SplitBorders }> {
  const { batches, without = [] } = source;
  if (strategy.strategy !== 'time') {
    return {
      partAt: (batch, keyAt) => {
        const unitAt = unitReader(batch, strategy, keyAt);
        return (row) => {
          const place = placeOf(unitAt(row), salt);
          return ranges.findIndex(({ high }) => place < high);
        };
      },
    };
  }
  const [column] = strategy.columns;
  const given = kept?.times ?? begins;
  const shares = ranges.slice(1).map(({ low }) => 1 - low);
  const drawn = async (): Promise<readonly number[]> =>
    without.length === 0 ? bordersOfColumn(batches, column, shares) : bordersOfTimes((take) => timesLeft(source, column, take), shares);
  const borders = given === undefined ? await drawn() : given.map((text) => readTime(batches, column, text));
  const falling = borders.findIndex((border, i) => i > 0 && !(border > borders[i - 1]));
  if (falling > 0) {
    const [before, after] = [ranges[falling].part, ranges[falling + 1].part];
    const message = `part "${after}" would begin no later than part "${before}": too many rows have the same "${column}", or "from" is in another order than the parts`;
    throw new GyreError('FAILED_PRECONDITION', message, { column });
  }
  return {
    borders: { ...kept, times: borders.map((border) => timeText(batches, column, border)) },
    partAt: (batch) => {
      const times = timesOf(batch, column);
      return (row) => borders.findLastIndex((border) => times[row] >= border) + 1;
    },
  };
}

async function timesLeft(source: Source, column: string, take: (times: Float64Array) => void): Promise<void> {
  const { batches, key, reads, without = [] } = source;
  await batches.each(reads, (batch) => {
    const keyAt = keyReader(batch, key);
    const taken = without.map((takes) => takes(batch, keyAt));
    take(timesOf(batch, column).filter((_, row) => !taken.some((takes) => takes(row))));
  });
}
