import { sql } from 'kysely';
import type { CompiledQuery } from 'kysely';
import type { Db } from '#store';
import { indexedLength } from '../tables.ts';
import type { TrainingTables } from '../tables.ts';
import type { MetricRange } from './table-port.ts';

/** So many runs are looked up one by one; of more, a key is read from end to end. */
const fewRuns = 2000;

/** Last values of metrics of runs, both by number. @param runs at most some hundred */
export async function metricCells(
  db: Db,
  runs: readonly number[],
  names: readonly number[],
): Promise<readonly { readonly run: number; readonly name: number; readonly value: number }[]> {
  if (runs.length === 0 || names.length === 0) return [];
  const query = db
    .tables<TrainingTables>()
    .selectFrom('metric_latest')
    .select(['run', 'name', 'value', 'is_nan'])
    .where('run', 'in', runs)
    .where('name', 'in', names);
  return (await db.values(query.compile())).map(([run, name, value, isNan]) => ({
    run: Number(run),
    name: Number(name),
    value: isTrue(isNan) ? Number.NaN : Number(value),
  }));
}

/** Parameters or tags of runs. @param runs at most some hundred */
export async function keyedCells(
  db: Db,
  table: 'parameters' | 'tags',
  runs: readonly number[],
  keys: readonly string[],
): Promise<readonly { readonly run: number; readonly key: string; readonly value: string }[]> {
  if (runs.length === 0 || keys.length === 0) return [];
  return db
    .tables<TrainingTables>()
    .selectFrom(table)
    .select(['run', 'key', 'value'])
    .where('run', 'in', runs)
    .where('key', 'in', keys)
    .execute();
}

/** A run's position and its value. */
export type ValueRow = readonly unknown[];

/** The last number of a metric, which may be infinite: of these runs, or of all where they are many. */
export async function metricValues(db: Db, runs: readonly number[], name: number): Promise<readonly ValueRow[]> {
  const all = db
    .tables<TrainingTables>()
    .selectFrom('metric_latest')
    .select(['run', 'value'])
    .where('name', '=', name)
    .where('is_nan', '=', false);
  return ofRuns(db, runs, (part) => (part === undefined ? all : all.where('run', 'in', part)).compile());
}

/** The beginning of a parameter's value: of these runs, or of all where they are many. */
export async function parameterValues(db: Db, runs: readonly number[], key: string): Promise<readonly ValueRow[]> {
  const all = db.tables<TrainingTables>().selectFrom('parameters').select(['run', 'value_start']).where('key', '=', key);
  return ofRuns(db, runs, (part) => (part === undefined ? all : all.where('run', 'in', part)).compile());
}

async function ofRuns(
  db: Db,
  runs: readonly number[],
  query: (part: readonly number[] | undefined) => CompiledQuery,
): Promise<readonly ValueRow[]> {
  if (runs.length > fewRuns) return db.values(query(undefined));
  const rows: ValueRow[] = [];
  for (let start = 0; start < runs.length; start += 500) rows.push(...(await db.values(query(runs.slice(start, start + 500)))));
  return rows;
}

/**
 * The runs that have a metric, in rising order of its last number, and those whose last value is none.
 * @returns undefined when they are more than `most`
 */
export async function metricOrder(db: Db, name: number, most: number): Promise<readonly (readonly ValueRow[])[] | undefined> {
  const rows = (isNan: boolean) =>
    db
      .tables<TrainingTables>()
      .selectFrom('metric_latest')
      .select(['run', 'value'])
      .where('name', '=', name)
      .where('is_nan', '=', isNan)
      .orderBy('value')
      .limit(most + 1);
  const numbers = await db.values(rows(false).compile());
  const none = await db.values(rows(true).compile());
  return numbers.length > most || none.length > most ? undefined : [numbers, none];
}

/**
 * The runs that have a parameter or a tag, in rising order of its value.
 * @returns undefined when they are more than `most`, or a value is longer than its index holds
 */
export async function keyedOrder(
  db: Db,
  table: 'parameters' | 'tags',
  key: string,
  most: number,
): Promise<readonly (readonly ValueRow[])[] | undefined> {
  const query = db
    .tables<TrainingTables>()
    .selectFrom(table)
    .select(['run', 'value_start'])
    .where('key', '=', key)
    .orderBy('value_start')
    .limit(most + 1);
  const rows = await db.values(query.compile());
  return rows.length > most || rows.some(([, value]) => String(value).length >= indexedLength) ? undefined : [rows];
}

/** Positions of the newest and the oldest runs of experiments. */
export async function endsOfExperiments(db: Db, experiments: readonly number[]): Promise<number[]> {
  const found = new Set<number>();
  for (const experiment of experiments) {
    for (const [direction, limit] of [
      ['desc', 100],
      ['asc', 25],
    ] as const) {
      const query = db
        .tables<TrainingTables>()
        .selectFrom('runs')
        .select('position')
        .where('experiment', '=', experiment)
        .where('deleted_at', 'is', null)
        .orderBy('started_at', direction)
        .orderBy('id', direction)
        .limit(limit);
      for (const [position] of await db.values(query.compile())) found.add(Number(position));
    }
  }
  return [...found];
}

export async function metricKeysOf(db: Db, runs: readonly number[]): Promise<string[]> {
  const ids = db.tables<TrainingTables>().selectFrom('metric_latest').select('name').distinct().where('run', 'in', runs);
  const rows = await db.tables<TrainingTables>().selectFrom('metric_names').select('name').where('id', 'in', ids).orderBy('name').execute();
  return rows.map(({ name }) => name);
}

/** Keys of parameters or tags of runs, each with its different values, in their order. */
export async function keyedKeysOf(
  db: Db,
  table: 'parameters' | 'tags',
  runs: readonly number[],
): Promise<readonly { readonly key: string; readonly value: string }[]> {
  return db
    .tables<TrainingTables>()
    .selectFrom(table)
    .select(['key', 'value_start as value'])
    .distinct()
    .where('run', 'in', runs)
    .orderBy('key')
    .orderBy('value_start')
    .execute();
}

/** Least and greatest finite value of each metric of a run; undefined when it has more points than `most`. */
export async function metricRanges(db: Db, run: number, most: number): Promise<readonly MetricRange[] | undefined> {
  const counted = await sql<{
    n: number;
  }>`select count(*) as n from (select 1 from metric_points where run = ${run} limit ${most + 1}) found`.execute(db.tables());
  if (Number(counted.rows[0]?.n ?? 0) > most) return undefined;
  const rows = await sql<{ key: string; count: number; min: number; max: number }>`
    select n.name as key, f.count, f.min, f.max from (
      select name, count(*) as count, min(value) as min, max(value) as max from metric_points
      where run = ${run} and is_nan = ${false} and value between ${-Number.MAX_VALUE} and ${Number.MAX_VALUE} group by name
    ) f join metric_names n on n.id = f.name order by n.name`.execute(db.tables());
  return rows.rows.map(({ key, count, min, max }) => ({ key, count: Number(count), min, max }));
}

const isTrue = (value: unknown): boolean => value === true || Number(value) === 1;
