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

/** The different steps of a metric, ascending. */
export async function stepsOf(db: Db, series: Series): Promise<number[]> {
  const query = db
    .tables<TrainingTables>()
    .selectFrom('metric_points')
    .select('step')
    .distinct()
    .where('run', '=', series.run)
    .where('name', '=', series.name)
    .orderBy('step');
  return (await db.values(query.compile())).map(([step]) => Number(step));
}

const stepsPerQuery = 500;

/** A metric's points at some steps, in the order of steps, times and values. */
export async function pointsAt(db: Db, series: Series, steps: readonly number[], limit: number): Promise<StoredPoint[]> {
  const found: StoredPoint[] = [];
  for (let start = 0; start < steps.length && found.length < limit; start += stepsPerQuery) {
    const rows = seriesRows(db, series).where('step', 'in', steps.slice(start, start + stepsPerQuery));
    found.push(
      ...(await toPoints(
        db,
        rows
          .orderBy('step')
          .orderBy('timestamp')
          .orderBy('value')
          .limit(limit - found.length),
      )),
    );
  }
  return found;
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
