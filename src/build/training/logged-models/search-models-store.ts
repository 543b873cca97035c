import { sql } from 'kysely';
import type { RawBuilder, SqlBool } from 'kysely';
import type { FilterCondition, LoggedModelOrder } from '#contract';
import { GyreError, sha256 } from '#core';
import type { Db } from '#store';
import type { MetricNames } from '../metric-names-store.ts';
import { placeOfToken, tokenOf } from '../paging.ts';
import { startOf } from '../tables.ts';
import { compared, operatorOf } from '../tracking/compare-store.ts';
import { afterPlace } from '../tracking/order-store.ts';
import type { SortKey } from '../tracking/order-store.ts';
import { ownArtifacts } from '../tracking/words.ts';
import { loggedModelStatuses } from './port.ts';
import type { ModelDataset } from '../tracking/port.ts';
import type { SearchLoggedModels } from './port.ts';

type Predicate = RawBuilder<SqlBool>;

/**
 * Finds models page by page, over the tables `logged_models` (`m`) and `experiments` (`e`).
 * @returns the positions of a page's models, and the token of the next page
 * @throws GyreError INVALID_ARGUMENT for a token of another search
 */
export async function searchModels(
  db: Db,
  names: MetricNames,
  query: Omit<SearchLoggedModels, 'experiments'> & { readonly experiments: readonly number[] },
): Promise<{ readonly positions: readonly number[]; readonly next?: string }> {
  const { experiments, conditions, order, datasets, limit, after } = query;
  if (experiments.length === 0) return { positions: [] };
  const keys = await sortKeys(db, names, order);
  const search = sha256(JSON.stringify([experiments, conditions, order, datasets])).slice(0, 16);
  const place = after === undefined ? undefined : placeOfToken(after, keys.length + 1);
  if (place !== undefined && place.at(-1) !== search)
    throw new GyreError(
      'INVALID_ARGUMENT',
      'The page token belongs to another search: experiment IDs, filter, datasets and order by must be the same for every page',
    );
  const wanted = [
    sql`m.experiment in (${sql.join([...experiments])})`,
    sql`m.deleted_at is null`,
    ...(await Promise.all(conditions.map((condition) => holds(db, names, condition, datasets)))),
    ...(datasets.length > 0 && !conditions.some(({ entity }) => entity === 'metric') ? [measuredOn(sql`1 = 1`, datasets)] : []),
    ...(place === undefined ? [] : [afterPlace(keys, place.slice(0, -1))]),
  ];
  const joins = keys.flatMap(({ join }) => (join === undefined ? [] : [sql`left join ${join}`]));
  const statement = sql`select ${sql.join([sql`m.position`, ...keys.map(({ value }) => value)])}
    from logged_models m join experiments e on e.id = m.experiment ${sql.join(joins, sql` `)}
    where ${sql.join(wanted, sql` and `)}
    order by ${sql.join(keys.map(({ value, ascending }) => sql`${value} ${sql.raw(ascending ? 'asc' : 'desc')}`))} limit ${limit + 1}`;
  const rows = await db.values(statement.compile(db.tables()));
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return {
    positions: page.map(([position]) => Number(position)),
    ...(rows.length > limit && last !== undefined ? { next: tokenOf([...last.slice(1), search]) } : {}),
  };
}

const columns: Readonly<Record<string, string>> = {
  model_id: 'm.id',
  name: 'm.name',
  model_type: 'm.model_type',
  status: 'm.status',
  source_run_id: 'm.source_run',
  creation_timestamp: 'm.created_at',
  last_updated_timestamp: 'm.updated_at',
};

/** The attributes that no column of the table holds as clients know them. */
function computed(key: string): RawBuilder<unknown> {
  switch (key) {
    case 'experiment_id':
      return sql`e.public_id`;
    case 'artifact_location':
      return sql`coalesce(e.artifact_location, ${ownArtifacts} || e.public_id) || '/models/' || m.id || '/artifacts'`;
    case 'lifecycle_stage':
      return sql`'active'`;
    case 'status_message':
      return sql`cast(null as text)`;
    default:
      throw new GyreError('INTERNAL', `the grammar knows an attribute "${key}" of logged models that nothing answers`);
  }
}

async function holds(db: Db, names: MetricNames, condition: FilterCondition, datasets: readonly ModelDataset[]): Promise<Predicate> {
  const { entity, key, comparator, value } = condition;
  if (entity === 'metric') {
    const name = await names.find(db, key);
    const differs =
      comparator === '!='
        ? sql`(x.is_nan = ${true} or x.value != ${value})`
        : sql`(x.is_nan = ${false} and x.value ${operatorOf(comparator)} ${value})`;
    return name === undefined ? sql`1 = 0` : measuredOn(sql`x.name = ${name} and ${differs}`, datasets);
  }
  if (entity === 'attribute') {
    const column = columns[key];
    if (column !== undefined) return compared(db, column, key === 'status' ? inWords(condition) : condition);
    return sql`exists (select 1 from (select ${computed(key)} as value) x where ${compared(db, 'x.value', condition)})`;
  }
  const table = sql.table(entity === 'parameter' ? 'logged_model_parameters' : 'logged_model_tags');
  // The index holds the beginning of a value.
  const begins = comparator === '=' ? sql` and k.value_start = ${startOf(String(value))}` : sql``;
  return sql`exists (select 1 from ${table} k where k.model = m.position and k.key = ${key} and ${compared(db, 'k.value', condition)}${begins})`;
}

/** MLflow keeps a status as a number, which filters may name too. */
function inWords(condition: FilterCondition): FilterCondition {
  const word = (value: string | number): string => (/^[0-3]$/.test(String(value)) ? loggedModelStatuses[Number(value)] : String(value));
  switch (condition.comparator) {
    case 'IN':
    case 'NOT IN':
      return { ...condition, value: condition.value.map(word) };
    case 'IS NULL':
    case 'IS NOT NULL':
      return condition;
    default:
      return { ...condition, value: word(condition.value) };
  }
}

/** Whether the model has a point (`x`) that meets a condition, on one of these datasets where there are any. */
function measuredOn(meets: RawBuilder<unknown>, datasets: readonly ModelDataset[]): Predicate {
  const on =
    datasets.length === 0
      ? sql``
      : sql` and (${sql.join(
          datasets.map((dataset) => onDataset('x', dataset)),
          sql` or `,
        )})`;
  return sql`exists (select 1 from logged_model_metrics x where x.model = m.position and ${meets}${on})`;
}

function onDataset(alias: string, { name, digest }: Partial<ModelDataset>): RawBuilder<unknown> {
  const parts = [
    ...(name === undefined ? [] : [sql`${sql.ref(`${alias}.dataset_name`)} = ${name}`]),
    ...(digest === undefined ? [] : [sql`${sql.ref(`${alias}.dataset_digest`)} = ${digest}`]),
  ];
  return sql`(${sql.join(parts, sql` and `)})`;
}

/** What is asked for, what is missing last; then the newest first, then by id, so that every model has a place of its own. */
async function sortKeys(db: Db, names: MetricNames, order: readonly LoggedModelOrder[]): Promise<SortKey[]> {
  const keys: SortKey[] = [];
  for (const [at, item] of order.entries())
    keys.push(...(item.entity === 'metric' ? await metricKeys(db, names, item, `o${at}`) : attributeKeys(item)));
  const has = (key: string): boolean => order.some((item) => item.entity === 'attribute' && item.key === key);
  if (!has('creation_timestamp')) keys.push({ value: sql.ref('m.created_at'), ascending: false });
  if (!has('model_id')) keys.push({ value: sql.ref('m.id'), ascending: true });
  return keys;
}

function attributeKeys({ key, ascending }: LoggedModelOrder): SortKey[] {
  // By number, as experiments count.
  if (key === 'experiment_id') return [{ value: sql.ref('m.experiment'), ascending }];
  const column = columns[key];
  const value = column === undefined ? computed(key) : sql.ref(column);
  const isAlwaysThere = !['model_type', 'source_run_id', 'status_message'].includes(key);
  return isAlwaysThere
    ? [{ value, ascending }]
    : [
        { value: sql`case when ${value} is null then 1 else 0 end`, ascending: true },
        { value, ascending },
      ];
}

/** The last value of a metric, by time, then step: numbers, then those that are none, then models without. */
async function metricKeys(db: Db, names: MetricNames, { key, ascending, dataset }: LoggedModelOrder, alias: string): Promise<SortKey[]> {
  const name = (await names.find(db, key)) ?? 0;
  const on = dataset === undefined ? sql`` : sql` and ${onDataset('x', dataset)}`;
  const newest = sql`select x.model, x.value, x.is_nan,
      row_number() over (partition by x.model order by x.timestamp desc, x.step desc, r.id) as place
    from logged_model_metrics x join runs r on r.position = x.run where x.name = ${name}${on}`;
  const column = (of: string): RawBuilder<unknown> => sql.ref(`${alias}.${of}`);
  return [
    {
      value: sql`case when ${column('model')} is null then 2 when ${column('is_nan')} = ${true} then 1 else 0 end`,
      ascending: true,
      join: sql`(${newest}) ${sql.table(alias)} on ${column('model')} = m.position and ${column('place')} = 1`,
    },
    { value: column('value'), ascending },
  ];
}
