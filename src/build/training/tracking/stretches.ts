/*
 * Points of a metric in the order of steps, alone or summed up by neighbours, as columns. Pure.
 */

/** Neighbouring points of a series, each stretch as one; a point alone is its own mean. All columns are of one length. */
export interface Stretches {
  readonly length: number;
  /** The first step and the least time (UTC milliseconds) of each. */
  readonly step: Float64Array;
  readonly time: Float64Array;
  /** How many points, all finite. */
  readonly count: Float64Array;
  readonly sum: Float64Array;
  readonly min: Float64Array;
  readonly max: Float64Array;
}

/** Stretches that are each `width` steps wide, from a multiple of it on. */
export interface Outline {
  /** A power of two. */
  readonly width: number;
  /** All points of lower steps are in it. */
  readonly until: number;
  readonly stretches: Stretches;
}

const columnCount = 6;

function emptyStretches(length: number): Stretches {
  const column = (): Float64Array => new Float64Array(length);
  return { length, step: column(), time: column(), count: column(), sum: column(), min: column(), max: column() };
}

/** @param rows step, time and value of each point */
export function stretchesOfPoints(rows: readonly (readonly unknown[])[]): Stretches {
  const { step, time, count } = emptyStretches(rows.length);
  const value = new Float64Array(rows.length);
  count.fill(1);
  rows.forEach((row, at) => {
    step[at] = Number(row[0]);
    time[at] = Number(row[1]);
    value[at] = Number(row[2]);
  });
  return { length: rows.length, step, time, count, sum: value, min: value, max: value };
}

/** @param rows first step, least time, count, sum, least and greatest value of each stretch */
export function stretchesOfRows(rows: readonly (readonly unknown[])[]): Stretches {
  const stretches = emptyStretches(rows.length);
  const { step, time, count, sum, min, max } = stretches;
  rows.forEach((row, at) => {
    [step[at], time[at], count[at], sum[at], min[at], max[at]] = row.map(Number);
  });
  return stretches;
}

/** Sums up what lies in one place of `width` steps. @param parts in the order of steps */
function summedUp(parts: readonly Stretches[], width: number): Stretches {
  const length = placesIn(parts, width);
  const into = emptyStretches(length);
  let at = -1;
  let place = Number.NaN;
  for (const part of parts) {
    for (let from = 0; from < part.length; from++) {
      const own = Math.floor(part.step[from] / width);
      if (own !== place) {
        place = own;
        at += 1;
        into.step[at] = part.step[from];
        into.time[at] = part.time[from];
        into.min[at] = Infinity;
        into.max[at] = -Infinity;
      }
      into.count[at] += part.count[from];
      into.sum[at] += part.sum[from];
      into.time[at] = Math.min(into.time[at], part.time[from]);
      into.min[at] = Math.min(into.min[at], part.min[from]);
      into.max[at] = Math.max(into.max[at], part.max[from]);
    }
  }
  return into;
}

function placesIn(parts: readonly Stretches[], width: number): number {
  let places = 0;
  let place = Number.NaN;
  for (const { length, step } of parts) {
    for (let at = 0; at < length; at++) {
      const own = Math.floor(step[at] / width);
      if (own === place) continue;
      place = own;
      places += 1;
    }
  }
  return places;
}

/**
 * An outline of what lies below a step, as fine as at most `most` stretches allow.
 * @param parts in the order of steps; none wider than `width`
 * @param width the width to begin with, a power of two
 */
export function outlineOf(parts: readonly Stretches[], until: number, width: number, most: number): Outline {
  let wide = width;
  while (placesIn(parts, wide) > most) wide *= 2;
  return { width: wide, until, stretches: summedUp(parts, wide) };
}

/** As bytes: one column after the other, little-endian doubles. */
export function encodeStretches({ length, step, time, count, sum, min, max }: Stretches): Uint8Array {
  const all = new Float64Array(length * columnCount);
  [step, time, count, sum, min, max].forEach((column, at) => all.set(column, at * length));
  return new Uint8Array(all.buffer);
}

/** What `encodeStretches` made. */
export function decodeStretches(bytes: Uint8Array): Stretches {
  // A copy: doubles lie on multiples of eight bytes.
  const all = new Float64Array(bytes.slice().buffer);
  const length = all.length / columnCount;
  const [step, time, count, sum, min, max] = Array.from({ length: columnCount }, (_, at) => all.subarray(at * length, (at + 1) * length));
  return { length, step, time, count, sum, min, max };
}
