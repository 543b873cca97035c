import { setImmediate } from 'node:timers/promises';
import type { Db } from '#store';
import type { Series } from '../history-store.ts';
import type { MetricNames } from '../metric-names-store.ts';
import { seriesOf } from './histories.ts';
import { outlinesOf } from './outlines-store.ts';
import type { KeptOutline } from './outlines-store.ts';
import { endsOf, pointsBetween, summedBetween } from './series-store.ts';
import type { SeriesEnds } from './series-store.ts';
import { Grid } from './series-grid.ts';
import { outlineOf } from './stretches.ts';
import type { Outline, Stretches } from './stretches.ts';
import type { SeriesAnswer, SeriesQuery } from './table-port.ts';

/** More points at once are summed up by the database, stretch by stretch. */
const mostPoints = 50_000;
const mostStretches = 2560;
/** So many points beyond its outline make a series worth a new one. */
export const pointsWorthAnOutline = 2048;
/** An outline is as good as the points where a place of the axis holds so many of its stretches. */
const stretchesInPlace = 2;

type Known = Series & { readonly id: string; readonly ends: SeriesEnds; readonly outline: Outline | undefined };

/** What was read, and outlines that were made on the way and are worth keeping. */
export interface SeriesRead {
  readonly answer: SeriesAnswer;
  readonly outlines: readonly KeptOutline[];
}

/** Reads a metric of many runs and brings it onto one axis: long ones by their outlines, and point by point where these are too coarse. */
export async function readSeries(db: Db, names: MetricNames, query: SeriesQuery): Promise<SeriesRead> {
  const own = await knownSeries(db, await seriesOf(db, names, query.runs, query.key));
  const over = query.over === undefined ? [] : await knownSeries(db, await seriesOf(db, names, query.runs, query.over));
  const known = [...own, ...over];
  const axis = axisOf(own, query);
  if (axis === undefined) return { answer: { x: [], series: [] }, outlines: [] };
  const raw = Math.max(1, (axis.to - axis.from + 1) / query.buckets);
  const fine = known.map((series) => fineEnough(series, query.axis, raw));
  const byStep = query.axis === 'step';
  // Places that begin and end with stretches hold the very points that they say.
  const unit = Math.max(1, ...known.map((series, at) => fine[at]?.width ?? widthBetween(...stepsOf(series, query))));
  const grid = new Grid({ ...axis, ...(byStep ? wholePlaces(axis, unit, query.buckets) : { origin: axis.from, width: raw }) });
  const outlines: KeptOutline[] = [];
  for (const [at, series] of known.entries()) {
    const { firstTime } = series.ends;
    grid.begin(series.id);
    const { parts, fresh } = await partsOf(db, series, query, fine[at]);
    for (const part of parts) grid.add(byStep ? part.step : part.time, query.axis === 'relative' ? firstTime : 0, part);
    if (fresh !== undefined) outlines.push({ run: series.run, name: series.name, outline: fresh });
    // Reading every point of a hundred runs takes a while: others are answered between them.
    if (fine[at] === undefined || fresh !== undefined) await setImmediate();
  }
  const { x, series } = grid.answer();
  const beside = query.over === undefined ? {} : { over: series.slice(own.length) };
  return { answer: { x, series: series.slice(0, own.length), ...beside }, outlines };
}

/** The outlines of series that became long since they were outlined last, or never were. */
export async function freshOutlines(db: Db, all: readonly Series[]): Promise<readonly KeptOutline[]> {
  const found: KeptOutline[] = [];
  for (const series of await knownSeries(
    db,
    all.map((one) => ({ ...one, id: '' })),
  )) {
    const { fresh } = await partsOf(db, series, { axis: 'step' }, series.outline);
    if (fresh !== undefined) found.push({ run: series.run, name: series.name, outline: fresh });
    await setImmediate();
  }
  return found;
}

async function knownSeries(db: Db, all: readonly (Series & { readonly id: string })[]): Promise<readonly Known[]> {
  const ends = await endsOf(db, all);
  const outlines = await outlinesOf(
    db,
    all.filter(({ run }) => ends.get(run)?.inOrder === true),
  );
  return all.flatMap((series) => {
    const own = ends.get(series.run);
    return own === undefined ? [] : [{ ...series, ends: own, outline: outlines.get(series.run) }];
  });
}

function axisOf(known: readonly Known[], { axis, from, to }: SeriesQuery): { readonly from: number; readonly to: number } | undefined {
  if (known.length === 0) return undefined;
  const low = known.map(({ ends }) => (axis === 'step' ? ends.firstStep : axis === 'time' ? ends.firstTime : 0));
  const high = known.map(({ ends }) =>
    axis === 'step' ? ends.lastStep : axis === 'time' ? ends.lastTime : ends.lastTime - ends.firstTime,
  );
  const start = Math.max(from ?? -Infinity, Math.min(...low));
  const end = Math.min(to ?? Infinity, Math.max(...high));
  return start <= end ? { from: start, to: end } : undefined;
}

/** Places of an axis of steps that are multiples of a unit wide and begin at one, as many as are asked for at most. */
function wholePlaces(
  { from, to }: { readonly from: number; readonly to: number },
  unit: number,
  buckets: number,
): { readonly origin: number; readonly width: number } {
  const origin = Math.floor(from / unit) * unit;
  return { origin, width: Math.ceil((to - origin + 1) / buckets / unit) * unit };
}

/** @param place how much of the axis a place holds */
function fineEnough({ outline, ends }: Known, axis: SeriesQuery['axis'], place: number): Outline | undefined {
  if (outline === undefined) return undefined;
  const stretch = axis === 'step' ? outline.width : (ends.lastTime - ends.firstTime) / Math.max(1, outline.stretches.length);
  return stretch * stretchesInPlace <= place ? outline : undefined;
}

type Range = Pick<SeriesQuery, 'axis' | 'from' | 'to'>;

/** A series between two places of the axis, in the order of steps, and its outline where it is worth a new one. */
async function partsOf(
  db: Db,
  series: Known,
  query: Range,
  outline: Outline | undefined,
): Promise<{ readonly parts: readonly Stretches[]; readonly fresh?: Outline }> {
  const { firstStep, lastStep, inOrder } = series.ends;
  const [from, to] = stepsOf(series, query);
  if (from > to) return { parts: [] };
  const parts: Stretches[] = [];
  let start = from;
  if (outline !== undefined && from < outline.until) {
    const { width, until } = outline;
    const inside = from <= firstStep ? firstStep : Math.ceil(from / width) * width;
    const end = to >= until - 1 ? until : Math.floor((to + 1) / width) * width;
    if (inside >= end) return { parts: [(await readBetween(db, series, from, to)).stretches] };
    if (from < inside) parts.push((await readBetween(db, series, from, inside - 1)).stretches);
    parts.push(within(outline.stretches, inside, end));
    start = end;
  }
  // What the last step has may still become more.
  const body = start < lastStep ? await readBetween(db, series, start, Math.min(to, lastStep - 1)) : undefined;
  if (body !== undefined) parts.push(body.stretches);
  const isWhole = inOrder && from <= firstStep && to >= lastStep && outline === series.outline;
  const isWorth = isWhole && body !== undefined && pointsIn(body.stretches) >= pointsWorthAnOutline;
  const fresh = isWorth ? outlineOf(parts, lastStep, Math.max(outline?.width ?? 1, body.width), mostStretches) : undefined;
  if (to >= lastStep) parts.push((await readBetween(db, series, lastStep, lastStep)).stretches);
  return { parts, ...(fresh === undefined ? {} : { fresh }) };
}

/** The first and the last step that are asked for. */
function stepsOf({ ends, outline }: Known, { axis, from, to }: Range): readonly [number, number] {
  const { firstStep, lastStep, firstTime } = ends;
  if (axis === 'step') return [Math.max(firstStep, Math.ceil(from ?? firstStep)), Math.min(lastStep, Math.floor(to ?? lastStep))];
  if (outline === undefined) return [firstStep, lastStep];
  const shift = axis === 'relative' ? firstTime : 0;
  const { step, time } = outline.stretches;
  const before = from === undefined ? -1 : time.findLastIndex((at) => at < from + shift);
  const after = to === undefined ? -1 : time.findIndex((at) => at > to + shift);
  return [before < 0 ? firstStep : step[before], after < 0 ? lastStep : step[after]];
}

/** Points between two steps, summed up where they are many. @returns with the width of what was summed up */
async function readBetween(
  db: Db,
  series: Series,
  from: number,
  to: number,
): Promise<{ readonly stretches: Stretches; readonly width: number }> {
  const points = await pointsBetween(db, series, { from, to, most: mostPoints });
  if (points !== undefined) return { stretches: points, width: 1 };
  const width = widthBetween(from, to);
  return { stretches: await summedBetween(db, series, from, to, width), width };
}

/** How wide stretches between two steps are, should there be too many points. */
function widthBetween(from: number, to: number): number {
  if (to - from < mostPoints) return 1;
  let width = 1;
  while ((to - from + 1) / width > mostStretches) width *= 2;
  return width;
}

/** Those that begin at a step or later, and before another. */
function within(all: Stretches, from: number, to: number): Stretches {
  const first = all.step.findIndex((step) => step >= from);
  const after = all.step.findIndex((step) => step >= to);
  const start = first < 0 ? all.length : first;
  const end = after < 0 ? all.length : after;
  const cut = (column: Float64Array): Float64Array => column.subarray(start, end);
  return {
    length: end - start,
    step: cut(all.step),
    time: cut(all.time),
    count: cut(all.count),
    sum: cut(all.sum),
    min: cut(all.min),
    max: cut(all.max),
  };
}

function pointsIn({ count }: Stretches): number {
  return count.reduce((sum, one) => sum + one, 0);
}
