import { sql } from 'kysely';
import type { CompiledQuery } from 'kysely';
import type { Db } from '#store';
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

/** The finite last value of a metric by run: of these runs, or of all where they are many. */
export async function metricByRun(db: Db, runs: readonly number[], name: number): Promise<ReadonlyMap<number, number>> {
  const all = db
    .tables<TrainingTables>()
    .selectFrom('metric_latest')
    .select(['run', 'value'])
    .where('name', '=', name)
    .where('is_nan', '=', false);
  const rows = await ofRuns(db, runs, (part) => (part === undefined ? all : all.where('run', 'in', part)).compile());
  return new Map(rows.map(([run, value]) => [Number(run), Number(value)] as const).filter(([, value]) => Number.isFinite(value)));
}

/** The beginning of a parameter's value by run: of these runs, or of all where they are many. */
export async function parameterByRun(db: Db, runs: readonly number[], key: string): Promise<ReadonlyMap<number, string>> {
  const all = db.tables<TrainingTables>().selectFrom('parameters').select(['run', 'value_start']).where('key', '=', key);
  const rows = await ofRuns(db, runs, (part) => (part === undefined ? all : all.where('run', 'in', part)).compile());
  return new Map(rows.map(([run, value]) => [Number(run), String(value)]));
}

async function ofRuns(
  db: Db,
  runs: readonly number[],
  query: (part: readonly number[] | undefined) => CompiledQuery,
): Promise<readonly (readonly unknown[])[]> {
  if (runs.length > fewRuns) return db.values(query(undefined));
  const rows: (readonly unknown[])[] = [];
  for (let start = 0; start < runs.length; start += 500) rows.push(...(await db.values(query(runs.slice(start, start + 500)))));
  return rows;
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
