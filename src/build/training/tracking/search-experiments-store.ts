import { sql } from 'kysely';
import type { RawBuilder, SqlBool } from 'kysely';
import type { Reach } from '#access';
import type { FilterCondition, SearchOrder } from '#contract';
import { GyreError } from '#core';
import type { Db } from '#store';
import { placeOfToken, tokenOf } from '../paging.ts';
import type { ExperimentRow, TrainingTables } from '../tables.ts';
import { compared } from './compare-store.ts';
import { afterPlace } from './order-store.ts';
import type { SortKey } from './order-store.ts';
import type { SearchExperiments } from './port.ts';

const columns: Readonly<Record<string, string>> = {
  name: 'e.name',
  experiment_id: 'e.public_id',
  creation_time: 'e.created_at',
  last_update_time: 'e.updated_at',
};

/** Experiments page by page; without an order the newest first. */
export async function selectTrackedExperiments(
  db: Db,
  { view, conditions, order, limit, after, reach }: SearchExperiments,
): Promise<{ readonly rows: readonly ExperimentRow[]; readonly next?: string }> {
  const keys = keysOf(order);
  const wanted: readonly RawBuilder<unknown>[] = [
    sql`1 = 1`,
    ...(view === 'all' ? [] : [view === 'active' ? sql`e.deleted_at is null` : sql`e.deleted_at is not null`]),
    ...(reach === undefined ? [] : [within(reach)]),
    ...conditions.map((condition) => holds(db, condition)),
    ...(after === undefined ? [] : [afterPlace(keys, placeOfToken(after, keys.length))]),
  ];
  const places = sql.join([sql`e.id`, ...keys.map(({ value }) => value)]);
  const sorted = sql.join(keys.map(({ value, ascending }) => sql`${value} ${sql.raw(ascending ? 'asc' : 'desc')}`));
  const query = sql`select ${places} from experiments e where ${sql.join([...wanted], sql` and `)} order by ${sorted} limit ${limit + 1}`;
  const found = await db.values(query.compile(db.tables()));
  const page = found.slice(0, limit);
  const ids = page.map(([id]) => Number(id));
  const rows =
    ids.length === 0 ? [] : await db.tables<TrainingTables>().selectFrom('experiments').selectAll().where('id', 'in', ids).execute();
  const byId = new Map(rows.map((row) => [row.id, row]));
  const last = page.at(-1);
  return {
    rows: ids.flatMap((id) => byId.get(id) ?? []),
    ...(found.length > limit && last !== undefined ? { next: tokenOf(last.slice(1)) } : {}),
  };
}

function within({ rest, except }: Reach): RawBuilder<unknown> {
  if (except.size === 0) return rest ? sql`1 = 1` : sql`1 = 0`;
  return sql`e.public_id ${sql.raw(rest ? 'not in' : 'in')} (${sql.join([...except])})`;
}

function keysOf(order: readonly SearchOrder[]): readonly SortKey[] {
  const asked = order.length === 0 ? [{ entity: 'attribute' as const, key: 'creation_time', ascending: false }] : order;
  const keys = asked.map(({ key, ascending }): SortKey => ({ value: columnOf(key), ascending }));
  return [...keys, { value: sql.ref('e.id'), ascending: true }];
}

function columnOf(key: string): RawBuilder<unknown> {
  const column = columns[key];
  if (column === undefined) throw new GyreError('INTERNAL', `the grammar knows "${key}" of experiments, which no column holds`);
  return sql.ref(column);
}

function holds(db: Db, condition: FilterCondition): RawBuilder<SqlBool> {
  if (condition.entity !== 'tag') return compared(db, columns[condition.key] ?? '', condition);
  const tagged = sql`select 1 from experiment_tags t where t.experiment = e.id and t.key = ${condition.key}`;
  if (condition.comparator === 'IS NULL') return sql`not exists (${tagged})`;
  if (condition.comparator === 'IS NOT NULL') return sql`exists (${tagged})`;
  return sql`exists (${tagged} and ${compared(db, 't.value', condition)})`;
}
