import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { Db } from '#store';
import type { Series } from '../history-store.ts';
import type { TrainingTables } from '../tables.ts';

/** Where a series begins and ends, by step and by time. */
export interface SeriesEnds {
  readonly firstStep: number;
  readonly lastStep: number;
  /** UTC milliseconds. */
  readonly firstTime: number;
  readonly lastTime: number;
}

/** Some neighbouring points of a series as one: a point alone is its own mean. */
export interface Stretch {
  readonly step: number;
  readonly time: number;
  readonly count: number;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
}

/** Undefined when the run has no such metric. */
export async function endsOf(db: Db, { run, name }: Series): Promise<SeriesEnds | undefined> {
  const end = (direction: 'asc' | 'desc') =>
    db
      .tables<TrainingTables>()
      .selectFrom('metric_points')
      .select(['step', 'timestamp'])
      .where('run', '=', run)
      .where('name', '=', name)
      .orderBy('step', direction)
      .orderBy('timestamp', direction)
      .limit(1)
      .executeTakeFirst();
  const latest = await db
    .tables<TrainingTables>()
    .selectFrom('metric_latest')
    .select('in_order')
    .where('run', '=', run)
    .where('name', '=', name)
    .executeTakeFirst();
  const [first, last] = [await end('asc'), await end('desc')];
  if (first === undefined || last === undefined) return undefined;
  const steps = { firstStep: first.step, lastStep: last.step };
  if (latest?.in_order === true) return { ...steps, firstTime: first.timestamp, lastTime: last.timestamp };
  const [times] = await db.values(
    sql`select min(timestamp), max(timestamp) from metric_points where run = ${run} and name = ${name}`.compile(db.tables()),
  );
  return { ...steps, firstTime: Number(times?.[0]), lastTime: Number(times?.[1]) };
}

/** Finite points between two steps (inclusive), in the order of steps. @returns undefined when there are more than `most` */
export async function pointsBetween(
  db: Db,
  series: Series,
  { from, to, most }: { readonly from: number; readonly to: number; readonly most: number },
): Promise<readonly Stretch[] | undefined> {
  const query = sql`select step, timestamp, value from metric_points where ${finiteBetween(series, from, to)} order by step limit ${most + 1}`;
  const rows = await db.values(query.compile(db.tables()));
  if (rows.length > most) return undefined;
  return rows.map(([step, time, value]) => {
    const one = Number(value);
    return { step: Number(step), time: Number(time), count: 1, sum: one, min: one, max: one };
  });
}

/** The finite points between two steps (inclusive) as one stretch; undefined when there are none. */
export async function stretchBetween(db: Db, series: Series, from: number, to: number): Promise<Stretch | undefined> {
  const query = sql`select count(*), min(step), min(timestamp), sum(value), min(value), max(value)
    from metric_points where ${finiteBetween(series, from, to)}`;
  const [row] = await db.values(query.compile(db.tables()));
  if (row === undefined || Number(row[0]) === 0) return undefined;
  const [count, step, time, sum, min, max] = row.map(Number);
  return { count, step, time, sum, min, max };
}

function finiteBetween({ run, name }: Series, from: number, to: number): RawBuilder<unknown> {
  return sql`run = ${run} and name = ${name} and step >= ${from} and step <= ${to} and is_nan = ${false}
    and value between ${-Number.MAX_VALUE} and ${Number.MAX_VALUE}`;
}
