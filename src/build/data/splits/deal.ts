import type { SplitBorders, SplitStrategy } from '#contract';
import { GyreError } from '#core';
import type { Frame } from '#tables';
import type { SplitRequest, ValidationSetRequest } from '../port.ts';
import { classBorders, rowClasses } from './class-borders.ts';
import { keysOf, placeOf } from './hash-split.ts';
import type { PartRange } from './hash-split.ts';
import { borderOf, readTime, timesOf, timeText } from './times.ts';
import { unitsOf } from './units.ts';

/** Borders that an earlier version was cut by: for the parts, and for each validation set by its name. */
export interface KeptBorders {
  readonly parts?: SplitBorders;
  readonly sets: ReadonlyMap<string, SplitBorders>;
}

export interface DealtRows {
  /** Positions in the frame, rising. */
  readonly rows: Int32Array;
  readonly borders?: SplitBorders;
}

export interface Dealt {
  readonly parts: readonly Int32Array[];
  readonly borders?: SplitBorders;
  readonly sets: readonly DealtRows[];
}

export const byChance: SplitStrategy = { strategy: 'random', columns: [] };

/**
 * Deals the rows to validation sets and parts. What a set takes is in no part; a row may be in several sets of the same kind (by chance,
 * or not). On which side a row comes
 * depends on its own values, the salt and the borders alone, so that rows which come later move nobody.
 * @throws GyreError FAILED_PRECONDITION (keys or instants missing, a part or set without rows), INVALID_ARGUMENT (columns, borders)
 */
export function dealRows(frame: Frame, request: SplitRequest, ranges: readonly PartRange[], kept: KeptBorders): Dealt {
  const { key, salt, strategy = byChance, sets = [] } = request;
  const keys = keysOf(frame, key);
  const isTaken = new Uint8Array(frame.rows);
  const dealt = new Map<string, DealtRows>();
  // what is taken by chance is like the parts: it is chosen among the rows that no other strategy takes
  for (const some of [sets.filter((set) => !isByChance(set)), sets.filter(isByChance)]) {
    const among = positionsWhere(frame.rows, (row) => isTaken[row] === 0);
    for (const set of some) {
      const deal = { keys, among, salt: `${salt}:${set.set}`, units: strategy, kept: kept.sets.get(set.set) };
      const { takes, borders } = takenBy(frame, set, deal);
      const rows = among.filter(takes);
      if (rows.length === 0) throw new GyreError('FAILED_PRECONDITION', emptySet(set), { set: set.set, rows: frame.rows });
      dealt.set(set.set, { rows, ...(borders === undefined ? {} : { borders }) });
    }
    for (const { set } of some) for (const row of dealt.get(set)?.rows ?? []) isTaken[row] = 1;
  }
  const left = positionsWhere(frame.rows, (row) => isTaken[row] === 0);
  const { partAt, borders } = partsBy(frame, request, ranges, { keys, left, kept: kept.parts });
  const parts = ranges.map(() => new Array<number>());
  for (const row of left) parts[partAt(row)].push(row);
  const empty = ranges.filter((_, i) => parts[i].length === 0).map(({ part }) => part);
  if (empty.length > 0) {
    const names = empty.map((part) => `"${part}"`).join(', ');
    const held = sets.length === 0 ? '' : ` of which ${frame.rows - left.length} are in validation sets,`;
    const message = `${frame.rows} rows${held} leave part ${names} empty; give more rows or a larger fraction`;
    throw new GyreError('FAILED_PRECONDITION', message, { parts: empty, rows: frame.rows });
  }
  const ofSets = sets.map(({ set }) => dealt.get(set) ?? { rows: new Int32Array() });
  return { parts: parts.map((rows) => Int32Array.from(rows)), sets: ofSets, ...(borders === undefined ? {} : { borders }) };
}

const isByChance = ({ strategy: { strategy } }: ValidationSetRequest): boolean => strategy === 'random' || strategy === 'stratified';

function positionsWhere(rows: number, holds: (row: number) => boolean): Int32Array {
  return Int32Array.from({ length: rows }, (_, row) => row).filter(holds);
}

interface Taking {
  readonly takes: (row: number) => boolean;
  readonly borders?: SplitBorders;
}

function takenBy(
  frame: Frame,
  { strategy, share = 0 }: ValidationSetRequest,
  deal: {
    readonly keys: readonly string[];
    /** The rows that may be taken. */
    readonly among: Int32Array;
    readonly salt: string;
    readonly units: SplitStrategy;
    readonly kept: SplitBorders | undefined;
  },
): Taking {
  const { keys, among, salt, kept } = deal;
  const [column] = strategy.columns;
  switch (strategy.strategy) {
    case 'random': {
      // where the parts hold whole groups or places, so does what is taken by chance
      const units = unitsOf(frame, deal.units, keys);
      return { takes: (row) => placeOf(units[row], salt) < share };
    }
    case 'stratified': {
      const classes = rowClasses(frame, column);
      const borders = kept?.classes ?? classBorders({ classes, keys, among }, share, salt);
      return { takes: (row) => placeOf(keys[row], salt) < (borders[classes[row]] ?? share), borders: { ...kept, classes: borders } };
    }
    case 'group':
    case 'location': {
      const units = unitsOf(frame, strategy, keys);
      if (strategy.places === undefined) return { takes: (row) => placeOf(units[row], salt) < share };
      const places = new Set(strategy.places);
      return { takes: (row) => places.has(units[row]) };
    }
    case 'time': {
      const times = timesOf(frame, column);
      const from = kept?.times?.[0] ?? strategy.from;
      const border = from === undefined ? borderOf(times, share) : readTime(frame, column, from);
      return { takes: (row) => times[row] >= border, borders: { ...kept, times: [timeText(frame, column, border)] } };
    }
  }
}

interface Parting {
  readonly partAt: (row: number) => number;
  readonly borders?: SplitBorders;
}

function partsBy(
  frame: Frame,
  { salt, strategy = byChance, begins }: SplitRequest,
  ranges: readonly PartRange[],
  { keys, left, kept }: { readonly keys: readonly string[]; readonly left: Int32Array; readonly kept: SplitBorders | undefined },
): Parting {
  if (strategy.strategy !== 'time') {
    const units = unitsOf(frame, strategy, keys);
    return {
      partAt: (row) => {
        const place = placeOf(units[row], salt);
        return ranges.findIndex(({ high }) => place < high);
      },
    };
  }
  const [column] = strategy.columns;
  const times = timesOf(frame, column);
  if (left.length === 0) return { partAt: () => 0 };
  const remaining = Float64Array.from(left, (row) => times[row]);
  const given = kept?.times ?? begins;
  const borders =
    given === undefined
      ? ranges.slice(1).map(({ low }) => borderOf(remaining, 1 - low))
      : given.map((text) => readTime(frame, column, text));
  const falling = borders.findIndex((border, i) => i > 0 && !(border > borders[i - 1]));
  if (falling > 0) {
    const [before, after] = [ranges[falling].part, ranges[falling + 1].part];
    const message = `part "${after}" would begin no later than part "${before}": too many rows have the same "${column}", or "from" is in another order than the parts`;
    throw new GyreError('FAILED_PRECONDITION', message, { column });
  }
  return {
    partAt: (row) => borders.findLastIndex((border) => times[row] >= border) + 1,
    borders: { ...kept, times: borders.map((border) => timeText(frame, column, border)) },
  };
}

function emptySet({ set, strategy, share }: ValidationSetRequest): string {
  const columns = strategy.columns.join(', ');
  if (strategy.places !== undefined) return `validation set "${set}" is empty: no row has a "${columns}" among the places that it names`;
  if (strategy.from !== undefined) return `validation set "${set}" is empty: no row is as late as ${strategy.from}`;
  const what = strategy.strategy === 'group' ? 'groups' : strategy.strategy === 'location' ? 'places' : 'rows';
  return `validation set "${set}" is empty: by chance none of the ${what} fell into its share of ${share}; give a larger one${what === 'places' ? ', or name the places' : ''}`;
}
