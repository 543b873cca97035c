import { extent } from './scale.ts';
import type { PlacedSeries, SeriesAnswer } from './tracking-shapes.ts';

/*
 * From what the server answers of a metric to the lines of a figure. Pure.
 */

/** One line on the places of its figure. */
export interface RunLine {
  /** A run's id, or a group's value. */
  readonly id: string;
  readonly values: readonly (number | null)[];
  readonly low?: readonly (number | null)[];
  readonly high?: readonly (number | null)[];
}

export interface RunLines {
  readonly x: readonly number[];
  readonly lines: readonly RunLine[];
}

/** Every run over all places; null where it has no value. */
export function linesOf({ x, series }: Pick<SeriesAnswer, 'x' | 'series'>): RunLines {
  return {
    x,
    lines: series.map(({ run, at, mean, min, max }) => ({
      id: run,
      values: spread(x.length, at, mean),
      ...(min === undefined || max === undefined ? {} : { low: spread(x.length, at, min), high: spread(x.length, at, max) }),
    })),
  };
}

function spread(length: number, at: readonly number[], values: readonly number[]): (number | null)[] {
  const all: (number | null)[] = Array.from({ length }, () => null);
  at.forEach((place, index) => {
    all[place] = values[index] ?? null;
  });
  return all;
}

/** Another metric as the axis: each place becomes that metric's value of the run there; places where a run lacks one of both fall away.
 * Where the axis comes to the same value again, the mean of what is there, with the least and the greatest. */
export function overMetric(lines: RunLines, axis: readonly PlacedSeries[]): RunLines {
  const axisOf = new Map(axis.map(({ run, at, mean }) => [run, spread(lines.x.length, at, mean)]));
  const points = lines.lines.map(({ id, values }) =>
    values.flatMap((value, at) => {
      const x = axisOf.get(id)?.[at] ?? null;
      return value === null || x === null ? [] : [{ x, value }];
    }),
  );
  const x = [...new Set(points.flatMap((own) => own.map((point) => point.x)))].sort((a, b) => a - b);
  const placeOf = new Map(x.map((value, index) => [value, index]));
  return {
    x,
    lines: lines.lines.map(({ id }, index) => {
      const members: number[][] = Array.from({ length: x.length }, () => []);
      for (const point of points[index] ?? []) members[placeOf.get(point.x) ?? 0]?.push(point.value);
      const { values, low, high } = figuresOf(members);
      return { id, values, ...(members.every((own) => own.length < 2) ? {} : { low, high }) };
    }),
  };
}

/** The part of the axis between two places, both included. */
export function cutTo({ x, lines }: RunLines, from: number | undefined, to: number | undefined): RunLines {
  const places = x.flatMap((value, at) => (value >= (from ?? -Infinity) && value <= (to ?? Infinity) ? [at] : []));
  return picked({ x, lines }, places, (value) => value);
}

/** Values that stand close together on the axis as one place, which all lines then share: the mean of each line's, with the least and the greatest. */
export function inPlaces({ x, lines }: RunLines, count: number): RunLines {
  const [low, high] = extent(x) ?? [0, 0];
  const width = (high - low) / count;
  if (width === 0) return { x, lines };
  const placeOf = x.map((value) => Math.min(count - 1, Math.floor((value - low) / width)));
  return {
    x: Array.from({ length: count }, (_, place) => low + (place + 0.5) * width),
    lines: lines.map(({ id, values }) => {
      const members: number[][] = Array.from({ length: count }, () => []);
      values.forEach((value, at) => {
        if (value !== null) members[placeOf[at] ?? 0]?.push(value);
      });
      return { id, ...figuresOf(members) };
    }),
  };
}

/** Mean, least and greatest of what stands in each place; null where nothing does. */
function figuresOf(places: readonly (readonly number[])[], bands: readonly (readonly number[])[] = places): Required<Omit<RunLine, 'id'>> {
  return {
    values: places.map((own) => (own.length === 0 ? null : own.reduce((sum, value) => sum + value, 0) / own.length)),
    low: bands.map((own) => (own.length === 0 ? null : Math.min(...own))),
    high: bands.map((own) => (own.length === 0 ? null : Math.max(...own))),
  };
}

/**
 * Exponential moving average over the values that are there, corrected for its start (as in Adam, Kingma and Ba 2015, section 3).
 * @param weight of what came before, 0 (none) to below 1
 */
export function smoothed(values: readonly (number | null)[], weight: number): readonly (number | null)[] {
  if (weight <= 0) return values;
  let sum = 0;
  let power = 1;
  return values.map((value) => {
    if (value === null) return null;
    sum = sum * weight + (1 - weight) * value;
    power *= weight;
    return sum / (1 - power);
  });
}

/** Lines of one group as one: the mean of those that have a value at a place, with the least and the greatest of all of them as a band. */
export function grouped({ x, lines }: RunLines, groupOf: (run: string) => string): RunLines {
  return {
    x,
    lines: [...Map.groupBy(lines, ({ id }) => groupOf(id))].map(([id, members]) => ({
      id,
      ...figuresOf(
        x.map((_, place) => members.flatMap(({ values }) => values[place] ?? [])),
        x.map((_, place) => members.flatMap(({ values, low = values, high = values }) => [low[place] ?? [], high[place] ?? []].flat())),
      ),
    })),
  };
}

/** What a logarithmic axis can show. */
export function positiveOnly({ x, lines }: RunLines, axes: { readonly x: boolean; readonly y: boolean }): RunLines {
  const places = x.flatMap((value, at) => (axes.x && value <= 0 ? [] : [at]));
  return picked({ x, lines }, places, (value) => (axes.y && value !== null && value <= 0 ? null : value));
}

/** Some places of an axis, with their values as `of` makes them. */
function picked({ x, lines }: RunLines, places: readonly number[], of: (value: number | null) => number | null): RunLines {
  const kept = (values: readonly (number | null)[]): readonly (number | null)[] => places.map((at) => of(values[at] ?? null));
  return {
    x: places.map((at) => x[at] ?? 0),
    lines: lines.map(({ id, values, low, high }) => ({
      id,
      values: kept(values),
      ...(low === undefined || high === undefined ? {} : { low: kept(low), high: kept(high) }),
    })),
  };
}
