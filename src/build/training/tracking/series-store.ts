import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { Db, RowsOf } from '#store';
import type { Series } from '../history-store.ts';
import { stretchesOfPoints, stretchesOfRows } from './stretches.ts';
import type { Stretches } from './stretches.ts';

/** Where a series begins and ends, by step and by time. */
export interface SeriesEnds {
  readonly firstStep: number;
  readonly lastStep: number;
  /** UTC milliseconds. */
  readonly firstTime: number;
  readonly lastTime: number;
  /** Later steps never came with earlier times, nor after steps that are later still. */
  readonly inOrder: boolean;
}

const latest: RowsOf = {
  table: 'metric_latest',
  select: ['step', 'timestamp', 'in_order'],
  by: [
    { name: 'run', type: 'integer' },
    { name: 'name', type: 'integer' },
  ],
};

/** The ends of those series that have points, by run. */
export async function endsOf(db: Db, series: readonly Series[]): Promise<ReadonlyMap<number, SeriesEnds>> {
  const rows = await db.rowsOf(
    latest,
    series.map(({ run, name }) => [run, name]),
  );
  const found = new Map<number, SeriesEnds>();
  for (const [at, { run, name }] of series.entries()) {
    const row = rows[at].at(0);
    if (row === undefined) continue;
    const inOrder = row[2] === true || row[2] === 1;
    const of = sql`from metric_points where run = ${run} and name = ${name}`;
    const query = inOrder
      ? sql`select step, timestamp ${of} order by step, timestamp limit 1`
      : sql`select min(step), min(timestamp), max(timestamp) ${of}`;
    const [first] = await db.values(query.compile(db.tables()));
    if (first === undefined) continue;
    found.set(run, {
      firstStep: Number(first[0]),
      lastStep: Number(row[0]),
      firstTime: Number(first[1]),
      lastTime: Number(inOrder ? row[1] : first[2]),
      inOrder,
    });
  }
  return found;
}

/** Finite points between two steps (inclusive), in the order of steps. @returns undefined when there are more than `most` */
export async function pointsBetween(
  db: Db,
  series: Series,
  { from, to, most }: { readonly from: number; readonly to: number; readonly most: number },
): Promise<Stretches | undefined> {
  const query = sql`select step, timestamp, value from metric_points where ${finiteBetween(series, from, to)} order by step limit ${most + 1}`;
  const rows = await db.values(query.compile(db.tables()));
  return rows.length > most ? undefined : stretchesOfPoints(rows);
}

/** The finite points between two steps (inclusive), summed up by the database in places of `width` steps, the first at a multiple of it. */
export async function summedBetween(db: Db, series: Series, from: number, to: number, width: number): Promise<Stretches> {
  const rows: (readonly unknown[])[] = [];
  for (let place = Math.floor(from / width) * width; place <= to; place += width) {
    const within = finiteBetween(series, Math.max(from, place), Math.min(to, place + width - 1));
    const query = sql`select min(step), min(timestamp), count(*), sum(value), min(value), max(value) from metric_points where ${within}`;
    const [row] = await db.values(query.compile(db.tables()));
    if (row !== undefined && Number(row[2]) > 0) rows.push(row);
  }
  return stretchesOfRows(rows);
}

function finiteBetween({ run, name }: Series, from: number, to: number): RawBuilder<unknown> {
  return sql`run = ${run} and name = ${name} and step >= ${from} and step <= ${to} and is_nan = ${false}
    and value between ${-Number.MAX_VALUE} and ${Number.MAX_VALUE}`;
}
