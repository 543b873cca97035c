import { sql } from 'kysely';
import type { Db } from '#store';
import type { TrainingTables } from './tables.ts';

/** A point as it lies in the table. */
export interface StoredPoint {
  readonly step: number;
  readonly timestamp: number;
  /** 0 where it is not a number. */
  readonly value: number;
  readonly isNan: boolean;
}

/** One metric of one run, both by number. */
export interface Series {
  readonly run: number;
  readonly name: number;
}

const columns = ['step', 'timestamp', 'value', 'is_nan'] as const;
/** Steps that one query asks for. */
const stepsPerQuery = 500;
const byTime = ['timestamp', 'step', 'value', 'is_nan'] as const;

/** A metric's points in the order of steps, then of times and values. @param after only those that come later */
export async function pointsByStep(db: Db, series: Series, limit: number, after: StoredPoint | undefined): Promise<StoredPoint[]> {
  let rows = seriesRows(db, series);
  if (after !== undefined) {
    rows = rows.where(sql<boolean>`(step, timestamp, value, is_nan) > (${after.step}, ${after.timestamp}, ${after.value}, ${after.isNan})`);
  }
  return toPoints(db, rows.orderBy('step').orderBy('timestamp').orderBy('value').orderBy('is_nan').limit(limit));
}

/** A metric's points in the order of times, then of steps and values. @param after only those that come later */
export async function pointsByTime(db: Db, series: Series, limit: number, after: StoredPoint | undefined): Promise<StoredPoint[]> {
  if (await isInOrder(db, series)) return pointsByStep(db, series, limit, after);
  let rows = seriesRows(db, series);
  if (after !== undefined) {
    rows = rows.where(sql<boolean>`(timestamp, step, value, is_nan) > (${after.timestamp}, ${after.step}, ${after.value}, ${after.isNan})`);
  }
  return toPoints(db, byTime.reduce((query, column) => query.orderBy(column), rows).limit(limit));
}

/** The first and the last step of a metric; undefined when it has no points. */
export async function stepEndsOf(db: Db, { run, name }: Series): Promise<{ readonly first: number; readonly last: number } | undefined> {
  const ofSeries = sql`metric_points where run = ${run} and name = ${name}`;
  const ends = sql<{ low: number | null; high: number | null }>`select (select step from ${ofSeries} order by step limit 1) as low,
    (select step from ${ofSeries} order by step desc limit 1) as high`;
  const [row] = (await ends.execute(db.tables())).rows;
  return row === undefined || row.low === null ? undefined : { first: Number(row.low), last: Number(row.high) };
}

/** How many different steps a metric has between two (inclusive). */
export async function countSteps(db: Db, { run, name }: Series, from: number, to: number): Promise<number> {
  const steps = sql`select distinct step from metric_points where run = ${run} and name = ${name} and step >= ${from} and step <= ${to}`;
  const [row] = (await sql<{ n: number }>`select count(*) as n from (${steps}) as steps`.execute(db.tables())).rows;
  return Number(row?.n ?? 0);
}

/** The different steps of a metric, ascending; undefined when there are more than `most`. */
export async function stepsOf(db: Db, series: Series, most: number): Promise<readonly number[] | undefined> {
  const query = db
    .tables<TrainingTables>()
    .selectFrom('metric_points')
    .select('step')
    .distinct()
    .where('run', '=', series.run)
    .where('name', '=', series.name)
    .orderBy('step')
    .limit(most + 1);
  const rows = await db.values(query.compile());
  return rows.length > most ? undefined : rows.map(([step]) => Number(step));
}

/** Steps of a metric, ascending: its first and its last, and between two steps those that stand next to so many places, spread evenly. */
export async function stepsNear(
  db: Db,
  { run, name }: Series,
  { from = 0, to, places }: { readonly from?: number; readonly to?: number; readonly places: number },
): Promise<readonly number[]> {
  const ends = await stepEndsOf(db, { run, name });
  if (ends === undefined) return [];
  const { first, last } = ends;
  const ofSeries = sql`metric_points where run = ${run} and name = ${name}`;
  const low = Math.max(first, from);
  const high = Math.min(last, to ?? last);
  const wanted = Array.from({ length: places }, (_, at) => low + Math.floor((at * (high - low)) / Math.max(1, places - 1)));
  const found = new Set([first, last]);
  for (let start = 0; start < wanted.length && low <= high; start += stepsPerQuery) {
    const part = sql.join(
      wanted.slice(start, start + stepsPerQuery).map((place) => sql`select cast(${place} as bigint) as place`),
      sql` union all `,
    );
    const near = sql`select step from ${ofSeries} and step >= wanted.place order by step limit 1`;
    for (const [step] of await db.values(sql`select (${near}) from (${part}) as wanted`.compile(db.tables()))) {
      if (step !== null && Number(step) <= high) found.add(Number(step));
    }
  }
  return [...found].sort((a, b) => a - b);
}

/** A metric's points at some steps, in the order of steps, times and values. */
export function pointsAt(db: Db, series: Series, steps: readonly number[], limit: number): Promise<StoredPoint[]> {
  const rows = seriesRows(db, series).where(db.among('step', steps));
  return toPoints(db, rows.orderBy('step').orderBy('timestamp').orderBy('value').limit(limit));
}

function seriesRows(db: Db, { run, name }: Series) {
  return db.tables<TrainingTables>().selectFrom('metric_points').select(columns).where('run', '=', run).where('name', '=', name);
}

async function isInOrder(db: Db, { run, name }: Series): Promise<boolean> {
  const row = await db
    .tables<TrainingTables>()
    .selectFrom('metric_latest')
    .select('in_order')
    .where('run', '=', run)
    .where('name', '=', name)
    .executeTakeFirst();
  return row?.in_order === true;
}

async function toPoints(db: Db, query: ReturnType<typeof seriesRows>): Promise<StoredPoint[]> {
  const rows = await db.values(query.compile());
  return rows.map(([step, timestamp, value, isNan]) => ({
    step: Number(step),
    timestamp: Number(timestamp),
    value: Number(value),
    isNan: isNan === true || Number(isNan) === 1,
  }));
}
