import { setImmediate } from 'node:timers/promises';
import type { Db } from '#store';
import type { Series } from '../history-store.ts';
import type { MetricNames } from '../metric-names-store.ts';
import { seriesOf } from './histories.ts';
import { endsOf, pointsBetween, stretchBetween } from './series-store.ts';
import type { SeriesEnds, Stretch } from './series-store.ts';
import type { SeriesAnswer, SeriesQuery } from './table-port.ts';

/** A series with more points is summed up by the database, stretch by stretch. */
const mostPoints = 50_000;
const mostStretches = 2000;

type Known = Series & { readonly id: string; readonly ends: SeriesEnds };

/** Reads a metric of many runs and brings it onto one axis. */
export async function readSeries(db: Db, names: MetricNames, query: SeriesQuery): Promise<SeriesAnswer> {
  const known: Known[] = [];
  for (const series of await seriesOf(db, names, query.runs, query.key)) {
    const ends = await endsOf(db, series);
    if (ends !== undefined) known.push({ ...series, ends });
  }
  const axis = axisOf(known, query);
  if (axis === undefined) return { x: [], series: [] };
  const grid = new Grid(axis);
  for (const series of known) {
    const place = placeOf(query, series.ends);
    grid.begin(series.id);
    for (const stretch of await stretchesOf(db, series, query)) grid.add(place(stretch), stretch);
    // A hundred runs take some hundred milliseconds: others are answered between them.
    await setImmediate();
  }
  return grid.answer();
}

/** Where a stretch stands on the axis. */
function placeOf({ axis }: SeriesQuery, { firstTime }: SeriesEnds): (stretch: Stretch) => number {
  if (axis === 'step') return ({ step }) => step;
  return axis === 'time' ? ({ time }) => time : ({ time }) => time - firstTime;
}

interface Axis {
  readonly from: number;
  readonly to: number;
  readonly buckets: number;
}

function axisOf(known: readonly Known[], { axis, from, to, buckets }: SeriesQuery): Axis | undefined {
  if (known.length === 0) return undefined;
  const low = known.map(({ ends }) => (axis === 'step' ? ends.firstStep : axis === 'time' ? ends.firstTime : 0));
  const high = known.map(({ ends }) =>
    axis === 'step' ? ends.lastStep : axis === 'time' ? ends.lastTime : ends.lastTime - ends.firstTime,
  );
  const start = Math.max(from ?? -Infinity, Math.min(...low));
  const end = Math.min(to ?? Infinity, Math.max(...high));
  return start <= end ? { from: start, to: end, buckets } : undefined;
}

async function stretchesOf(db: Db, series: Known, query: SeriesQuery): Promise<readonly Stretch[]> {
  const { firstStep, lastStep } = series.ends;
  const byStep = query.axis === 'step';
  const from = byStep ? Math.max(firstStep, Math.ceil(query.from ?? firstStep)) : firstStep;
  const to = byStep ? Math.min(lastStep, Math.floor(query.to ?? lastStep)) : lastStep;
  if (from > to) return [];
  const points = await pointsBetween(db, series, { from, to, most: mostPoints });
  if (points !== undefined) return points;
  const width = Math.max(1, Math.ceil((to - from + 1) / mostStretches));
  const stretches: Stretch[] = [];
  for (let start = from; start <= to; start += width) {
    const stretch = await stretchBetween(db, series, start, Math.min(to, start + width - 1));
    if (stretch !== undefined) stretches.push(stretch);
  }
  return stretches;
}

interface Filled {
  readonly run: string;
  readonly count: Uint32Array;
  readonly sum: Float64Array;
  readonly min: Float64Array;
  readonly max: Float64Array;
}

/** Places of an axis that all runs share. */
class Grid {
  readonly #axis: Axis;
  readonly #width: number;
  readonly #x: Float64Array;
  readonly #filled: Filled[] = [];

  constructor(axis: Axis) {
    this.#axis = axis;
    // Steps and milliseconds are whole: a place is never narrower than one.
    this.#width = Math.max(1, (axis.to - axis.from + 1) / axis.buckets);
    this.#x = new Float64Array(axis.buckets).fill(Infinity);
  }

  begin(run: string): void {
    const { buckets } = this.#axis;
    this.#filled.push({
      run,
      count: new Uint32Array(buckets),
      sum: new Float64Array(buckets),
      min: new Float64Array(buckets).fill(Infinity),
      max: new Float64Array(buckets).fill(-Infinity),
    });
  }

  add(x: number, stretch: Stretch): void {
    const { from, to, buckets } = this.#axis;
    const filled = this.#filled.at(-1);
    if (x < from || x > to || filled === undefined) return;
    const at = Math.min(buckets - 1, Math.floor((x - from) / this.#width));
    if (x < this.#x[at]) this.#x[at] = x;
    filled.count[at] += stretch.count;
    filled.sum[at] += stretch.sum;
    if (stretch.min < filled.min[at]) filled.min[at] = stretch.min;
    if (stretch.max > filled.max[at]) filled.max[at] = stretch.max;
  }

  answer(): SeriesAnswer {
    const used = [...this.#x.keys()].filter((at) => Number.isFinite(this.#x[at]));
    return {
      x: used.map((at) => this.#x[at]),
      series: this.#filled.map(({ run, count, sum, min, max }) => {
        const places = used.map((place, at) => ({ place, at })).filter(({ place }) => count[place] > 0);
        const isExact = places.every(({ place }) => count[place] === 1);
        return {
          run,
          at: places.map(({ at }) => at),
          mean: places.map(({ place }) => shortened(sum[place] / count[place])),
          ...(isExact
            ? {}
            : { min: places.map(({ place }) => shortened(min[place])), max: places.map(({ place }) => shortened(max[place])) }),
        };
      }),
    };
  }
}

/** More digits than a figure shows, fewer than a double has: half as many bytes. */
const shortened = (value: number): number => Number(value.toPrecision(9));
