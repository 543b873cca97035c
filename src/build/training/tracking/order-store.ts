import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { SearchOrder } from '#contract';
import { GyreError } from '#core';
import type { Db } from '#store';
import type { MetricNames } from '../metric-names-store.ts';
import { runNameTag } from './words.ts';

/** One column that runs are sorted by. */
export interface SortKey {
  readonly value: RawBuilder<unknown>;
  readonly ascending: boolean;
  /** The table that the value comes from, joined from the left. */
  readonly join?: RawBuilder<unknown>;
  /** Of a metric's first key: its number. */
  readonly metric?: number;
}

const attributes: Readonly<Record<string, string>> = {
  run_id: 'r.id',
  run_name: 'r.name',
  status: 'r.status',
  start_time: 'r.started_at',
  end_time: 'r.ended_at',
  user_id: 'r.user_name',
  artifact_uri: 'r.id',
};

/**
 * What is asked for, each with a rank before it where a value may be missing: numbers, then those that are none, then runs without. Last
 * the newest first, then by id, so that every run has a place of its own.
 */
export async function orderKeys(db: Db, names: MetricNames, order: readonly SearchOrder[]): Promise<SortKey[]> {
  const keys: SortKey[] = [];
  for (const [at, item] of order.entries()) keys.push(...(await keysOf(db, names, item, `o${at}`)));
  if (!order.some(({ entity, key }) => entity === 'attribute' && key === 'start_time')) {
    keys.push({ value: sql.ref('r.started_at'), ascending: false });
  }
  keys.push({ value: sql.ref('r.id'), ascending: true });
  return keys;
}

async function keysOf(db: Db, names: MetricNames, { entity, key, ascending }: SearchOrder, alias: string): Promise<SortKey[]> {
  const table = sql.table(alias);
  if (entity === 'metric') {
    const metric = (await names.find(db, key)) ?? 0;
    const rank = sql`case when ${sql.ref(`${alias}.run`)} is null then 2 when ${sql.ref(`${alias}.is_nan`)} = ${true} then 1 else 0 end`;
    const join = sql`metric_latest ${table} on ${sql.ref(`${alias}.run`)} = r.position and ${sql.ref(`${alias}.name`)} = ${metric}`;
    return [
      { value: rank, ascending: true, join, metric },
      { value: sql.ref(`${alias}.value`), ascending },
    ];
  }
  if (entity === 'parameter' || (entity === 'tag' && key !== runNameTag)) {
    const from = sql.table(entity === 'parameter' ? 'parameters' : 'tags');
    const join = sql`${from} ${table} on ${sql.ref(`${alias}.run`)} = r.position and ${sql.ref(`${alias}.key`)} = ${key}`;
    return ranked(sql.ref(`${alias}.value`), ascending, join);
  }
  if (entity === 'tag') return [{ value: sql.ref('r.name'), ascending }];
  const column = attributes[key];
  if (column === undefined) throw new GyreError('INTERNAL', `the grammar orders runs by "${key}", which no column holds`);
  const value = sql.ref(column);
  return key === 'end_time' || key === 'user_id' ? ranked(value, ascending) : [{ value, ascending }];
}

function ranked(value: RawBuilder<unknown>, ascending: boolean, join?: RawBuilder<unknown>): SortKey[] {
  const rank = sql`case when ${value} is null then 1 else 0 end`;
  return [
    { value: rank, ascending: true, ...(join === undefined ? {} : { join }) },
    { value, ascending },
  ];
}

/** Whether a row comes after a place in the order of these keys. */
export function afterPlace(keys: readonly SortKey[], place: readonly unknown[]): RawBuilder<unknown> {
  const alternatives = keys.flatMap(({ value, ascending }, at) => {
    // Nothing of one rank comes after a value that is missing, but by the keys that follow.
    if (place[at] === null) return [];
    const before = keys.slice(0, at).map((key, index) => same(key.value, place[index]));
    return [sql`(${sql.join([...before, sql`${value} ${sql.raw(ascending ? '>' : '<')} ${place[at]}`], sql` and `)})`];
  });
  const [first] = keys;
  const bound = place[0] === null ? [] : [sql`${first.value} ${sql.raw(first.ascending ? '>=' : '<=')} ${place[0]}`];
  return sql`(${sql.join([...bound, sql`(${sql.join(alternatives, sql` or `)})`], sql` and `)})`;
}

const same = (value: RawBuilder<unknown>, wanted: unknown): RawBuilder<unknown> =>
  wanted === null ? sql`${value} is null` : sql`${value} = ${wanted}`;
