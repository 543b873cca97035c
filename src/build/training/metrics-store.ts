import { sql } from 'kysely';
import type { Cell, Db, FoundRows, RowsInto, RowsOf, Tx } from '#store';
import type { MetricNames } from './metric-names-store.ts';

/** A point of a metric of a run; the value may be NaN or infinite. */
export interface NewPoint {
  /** The run's position. */
  readonly run: number;
  readonly key: string;
  readonly step: number;
  /** UTC milliseconds. */
  readonly timestamp: number;
  readonly value: number;
}

interface Latest {
  readonly run: number;
  readonly name: number;
  step: number;
  timestamp: number;
  value: number;
  isNan: boolean;
  inOrder: boolean;
  changed: boolean;
  /** Points came that are before the last one: whether the order of steps is still that of times has to be looked up. */
  doubtful: boolean;
  /** How many points are added, and the first and the last place of them. */
  added: number;
  from: Place;
  to: Place;
}

interface Place {
  readonly step: number;
  readonly timestamp: number;
}

const pointColumns = [
  { name: 'run', type: 'integer' },
  { name: 'name', type: 'integer' },
  { name: 'step', type: 'integer' },
  { name: 'timestamp', type: 'integer' },
  { name: 'value', type: 'real' },
  { name: 'is_nan', type: 'boolean' },
] as const;
const intoPoints: RowsInto = { table: 'metric_points', columns: pointColumns, onConflict: 'on conflict do nothing' };
const intoLatest: RowsInto = {
  table: 'metric_latest',
  columns: [...pointColumns, { name: 'in_order', type: 'boolean' }],
  onConflict: `on conflict (run, name) do update set step = excluded.step, timestamp = excluded.timestamp, value = excluded.value,
    is_nan = excluded.is_nan, in_order = excluded.in_order`,
};

/**
 * Adds points to metrics' histories and keeps the last one of each: that of the highest step, then time, then value, as MLflow does. A
 * point that is there already is the same point.
 * @param options.read the last points of these metrics, when they were read already (`latestOfRuns`)
 * @param options.alone nobody else adds to these metrics meanwhile: points beyond the last one are taken for new ones
 * @throws GyreError ALREADY_EXISTS when `alone` was not so
 */
export async function insertMetrics(
  tx: Tx,
  names: MetricNames,
  points: readonly NewPoint[],
  { read, alone = false }: { readonly read?: LatestBySeries; readonly alone?: boolean } = {},
): Promise<void> {
  if (points.length === 0) return;
  const numbers = await names.number(tx, keysOf(points));
  const named = points.map(({ key }) => numbers.get(key) ?? 0);
  const latest = read ?? (await latestOf(tx, points, named));
  const added: Cell[][] = [];
  const doubtful: Cell[][] = [];
  let last: Latest | undefined;
  for (const [at, point] of points.entries()) {
    const { run, step, timestamp } = point;
    const name = named[at];
    // Points of one metric come together.
    if (last?.run !== run || last.name !== name) last = latest.get(run, name);
    const isNan = Number.isNaN(point.value);
    const value = isNan ? 0 : point.value;
    const isNew = alone && (last === undefined || step > last.step);
    (isNew ? added : doubtful).push([run, name, step, timestamp, value, isNan]);
    if (last === undefined) {
      const place = { step, timestamp };
      last = { run, name, step, timestamp, value, isNan, inOrder: true, changed: true, doubtful: false, added: 1, from: place, to: place };
      latest.set(last);
    } else follow(last, point, value, isNan);
  }
  // PostgreSQL takes twice as long to add a row that may be there already.
  await tx.insertRows({ table: 'metric_points', columns: pointColumns }, added);
  await Promise.all([tx.insertRows(intoPoints, doubtful), keepLatest(tx, [...latest.values()])]);
}

async function keepLatest(tx: Tx, series: readonly Latest[]): Promise<void> {
  await settleOrder(tx, series);
  await tx.insertRows(
    intoLatest,
    series
      .filter(({ changed }) => changed)
      .map(({ run, name, step, timestamp, value, isNan, inOrder }) => [run, name, step, timestamp, value, isNan, inOrder]),
  );
}

function keysOf(points: readonly NewPoint[]): ReadonlySet<string> {
  const keys = new Set<string>();
  for (const { key } of points) keys.add(key);
  return keys;
}

/** What is known of series, by run and name. */
export class LatestBySeries {
  readonly #byRun = new Map<number, Map<number, Latest>>();

  get(run: number, name: number): Latest | undefined {
    return this.#byRun.get(run)?.get(name);
  }

  set(latest: Latest): void {
    const ofRun = this.#byRun.get(latest.run) ?? new Map<number, Latest>();
    this.#byRun.set(latest.run, ofRun.set(latest.name, latest));
  }

  *values(): Generator<Latest> {
    for (const ofRun of this.#byRun.values()) yield* ofRun.values();
  }
}

function follow(known: Latest, point: Place, value: number, isNan: boolean): void {
  const { step, timestamp } = point;
  known.added += 1;
  if (isBefore(point, known.from)) known.from = { step, timestamp };
  if (isBefore(known.to, point)) known.to = { step, timestamp };
  const isLater =
    step > known.step || (step === known.step && (timestamp > known.timestamp || (timestamp === known.timestamp && value > known.value)));
  const keepsOrder = (step >= known.step && timestamp >= known.timestamp) || (step === known.step && timestamp === known.timestamp);
  if (!keepsOrder) known.doubtful = known.inOrder;
  if (!isLater) return;
  known.step = step;
  known.timestamp = timestamp;
  known.value = value;
  known.isNan = isNan;
  known.changed = true;
}

const beforeAll: Place = { step: Number.NEGATIVE_INFINITY, timestamp: 0 };
const beyondAll: Place = { step: Number.POSITIVE_INFINITY, timestamp: 0 };

const isBefore = (one: Place, other: Place): boolean =>
  one.step < other.step || (one.step === other.step && one.timestamp < other.timestamp);

/** Looking is worth it for so many metrics at once, and over so many points beside the added ones: who logs from several threads sends batches out of turn. */
const mostLooked = 20;
const mostBetween = 20_000;

async function settleOrder(tx: Tx, series: readonly Latest[]): Promise<void> {
  for (const [at, known] of series.filter(({ doubtful }) => doubtful).entries()) {
    if (at < mostLooked && (await isStillInOrder(tx, known))) continue;
    known.inOrder = false;
    known.changed = true;
  }
}

/** Whether times go with steps from the point before the added ones to the one after them. */
async function isStillInOrder(tx: Tx, { run, name, added, from, to }: Latest): Promise<boolean> {
  const most = added + mostBetween;
  const ofSeries = sql`run = ${run} and name = ${name}`;
  const [before] = await tx.values(
    sql`select step, timestamp from metric_points where ${ofSeries} and (step, timestamp) < (${from.step}, ${from.timestamp})
      order by step desc, timestamp desc limit 1`.compile(tx.tables()),
  );
  const first = before === undefined ? from : { step: Number(before[0]), timestamp: Number(before[1]) };
  const rows = await tx.values(
    sql`select step, timestamp from metric_points where ${ofSeries} and (step, timestamp) >= (${first.step}, ${first.timestamp})
      order by step, timestamp limit ${most}`.compile(tx.tables()),
  );
  const places = rows.map(([step, timestamp]) => ({ step: Number(step), timestamp: Number(timestamp) }));
  const end = places.findIndex((place) => isBefore(to, place));
  if (end < 0 && places.length === most) return false;
  const looked = end < 0 ? places : places.slice(0, end + 1);
  return looked.every(({ timestamp }, at) => at === 0 || timestamp >= looked[at - 1].timestamp);
}

const latestRows: RowsOf = {
  table: 'metric_latest',
  select: ['run', 'name', 'step', 'timestamp', 'value', 'is_nan', 'in_order'],
  by: [
    { name: 'run', type: 'integer' },
    { name: 'name', type: 'integer' },
  ],
};

/** By the run's id: it need not be looked up before. */
const latestRowsOfRuns: RowsOf = {
  ...latestRows,
  table: '(select r.id, l.* from runs r join metric_latest l on l.run = r.position)',
  by: [
    { name: 'id', type: 'text' },
    { name: 'name', type: 'integer' },
  ],
};
/** Ids are longer than positions: of more series the runs are looked up first. */
const mostSeriesById = 500;

/** The last points of metrics of runs by their ids, together with what else is asked. @returns undefined where that is not the way */
export async function latestOfRuns(
  tx: Tx,
  names: MetricNames,
  logged: readonly { readonly run: string; readonly points: readonly { readonly key: string }[] }[],
): Promise<LatestBySeries | undefined> {
  const keys = new Map<string, readonly Cell[]>();
  for (const { run, points } of logged) {
    for (const { key } of points) {
      const name = names.known(key);
      if (name === undefined) return undefined;
      keys.set(`${run} ${name}`, [run, name]);
    }
    if (keys.size > mostSeriesById) return undefined;
  }
  return latestIn(await tx.rowsOf(latestRowsOfRuns, [...keys.values()]));
}

async function latestOf(tx: Tx, points: readonly NewPoint[], named: readonly number[]): Promise<LatestBySeries> {
  const wanted = new Map<number, Set<number>>();
  for (const [at, { run }] of points.entries()) {
    const names = wanted.get(run);
    if (names === undefined) wanted.set(run, new Set([named[at]]));
    else names.add(named[at]);
  }
  const rows = await tx.rowsOf(
    latestRows,
    [...wanted].flatMap(([run, names]) => [...names].map((name) => [run, name])),
  );
  return latestIn(rows);
}

function latestIn(rows: readonly FoundRows[]): LatestBySeries {
  const latest = new LatestBySeries();
  for (const [run, name, step, timestamp, value, isNan, inOrder] of rows.flat()) {
    latest.set({
      run: Number(run),
      name: Number(name),
      step: Number(step),
      timestamp: Number(timestamp),
      value: Number(value),
      isNan: Boolean(isNan),
      inOrder: Boolean(inOrder),
      changed: false,
      doubtful: false,
      added: 0,
      from: beyondAll,
      to: beforeAll,
    });
  }
  return latest;
}

/** A metric of a run with its last point; the value may be NaN or infinite. */
export interface LastMetric {
  readonly key: string;
  readonly step: number;
  readonly timestamp: number;
  readonly value: number;
}

/** The metrics of each of these runs with their last values, in the order of names. */
export async function lastMetrics(db: Db, names: MetricNames, runs: readonly number[]): Promise<readonly (readonly LastMetric[])[]> {
  const found = await db.rowsOf(
    lastOfRuns,
    runs.map((run) => [run]),
  );
  const numbers = new Set<number>();
  for (const rows of found) for (const [name] of rows) numbers.add(Number(name));
  const named = await names.named(db, numbers);
  return found.map((rows) =>
    rows
      .map(([name, step, timestamp, value, isNan]) => ({
        key: named.get(Number(name)) ?? '',
        value: isNan === true || isNan === 1 ? Number.NaN : Number(value),
        timestamp: Number(timestamp),
        step: Number(step),
      }))
      .sort(byKey),
  );
}

/** The order of keys by their UTF-16 units. */
export function byKey(a: { readonly key: string }, b: { readonly key: string }): number {
  return a.key < b.key ? -1 : 1;
}

const lastOfRuns: RowsOf = {
  table: 'metric_latest',
  select: ['name', 'step', 'timestamp', 'value', 'is_nan'],
  by: [{ name: 'run', type: 'integer' }],
};
