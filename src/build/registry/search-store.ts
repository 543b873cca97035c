import { sql } from 'kysely';
import type { RawBuilder, SqlBool } from 'kysely';
import type { Reach } from '#access';
import type { FilterCondition, ModelVersion, RegisteredModel, SearchOrder } from '#contract';
import { GyreError } from '#core';
import type { Db } from '#store';
import { ownRunId } from '#training';
import { withLabels } from './models-store.ts';
import type { Search } from './port.ts';
import type { ModelRow, Tables, VersionRow } from './tables.ts';
import { assemble } from './versions-store.ts';

/** MLflow's clients keep prompts as models with this tag; they are found by whoever asks for them, and by nobody else. */
const promptTag = 'mlflow.prompt.is_prompt';

/** A column that results are sorted by. */
interface SortKey {
  readonly column: string;
  readonly ascending: boolean;
}

/** What is searched, in the tables' words. */
interface Subject {
  readonly table: 'registered_models' | 'model_versions';
  /** Attribute of the grammar → column. */
  readonly columns: Readonly<Record<string, string>>;
  /** A tag of the row that has a key, and whose value meets conditions. */
  readonly tagged: (key: string, value: RawBuilder<SqlBool>) => RawBuilder<SqlBool>;
  /** The names of the models that are prompts. */
  readonly prompts: RawBuilder<unknown>;
  /** Which columns end every order, so that each row has a place of its own. */
  readonly last: readonly SortKey[];
}

const models: Subject = {
  table: 'registered_models',
  columns: { name: 'it.name', creation_timestamp: 'it.updated_at', last_updated_timestamp: 'it.updated_at', timestamp: 'it.updated_at' },
  tagged: (key, value) => sql`exists (select 1 from registered_model_tags t where t.model = it.name and t.key = ${key} and ${value})`,
  prompts: sql`select t.model from registered_model_tags t where t.key = ${promptTag} and t.value = 'true'`,
  last: [{ column: 'it.name', ascending: true }],
};
const versions: Subject = {
  table: 'model_versions',
  columns: {
    name: 'it.model',
    version_number: 'it.version',
    run_id: 'it.run',
    source_path: 'it.source',
    creation_timestamp: 'it.created_at',
    last_updated_timestamp: 'it.updated_at',
  },
  tagged: (key, value) => sql`exists (select 1 from model_version_tags t where t.version = it.id and t.key = ${key} and ${value})`,
  prompts: sql`select v.model from model_version_tags t join model_versions v on v.id = t.version where t.key = ${promptTag} and t.value = 'true'`,
  last: [
    { column: 'it.model', ascending: true },
    { column: 'it.version', ascending: false },
  ],
};

/** A page of results, and where the next one begins. */
interface Found<T> {
  readonly items: readonly T[];
  readonly next?: string;
}

/** @see Registry.searchModels */
export async function searchModels(db: Db, search: Search): Promise<Found<RegisteredModel>> {
  const { rows, next } = await page<ModelRow>(db, models, search, sortKeys(models, search.order));
  return { items: await withLabels(db, rows), ...next };
}

/** @see Registry.searchVersions */
export async function searchVersions(db: Db, search: Search): Promise<Found<ModelVersion>> {
  const usual: readonly SortKey[] = [{ column: 'it.updated_at', ascending: false }, ...versions.last];
  const keys = search.order.length === 0 ? usual : sortKeys(versions, search.order);
  const { rows, next } = await page<VersionRow>(db, versions, search, keys);
  return { items: (await assemble(db, rows)).map(({ version }) => version), ...next };
}

async function page<Row extends ModelRow | VersionRow>(
  db: Db,
  subject: Subject,
  { conditions, limit, after, reach }: Search,
  keys: readonly SortKey[],
): Promise<{ readonly rows: readonly Row[]; readonly next: { readonly next?: string } }> {
  const wanted = [
    ...conditionsOn(db, subject, conditions),
    ...(reach === undefined ? [] : [within(subject, reach)]),
    ...(after === undefined ? [] : [afterPlace(keys, placeOf(after, keys))]),
  ];
  const selected = db.tables<{ it: Tables['registered_models'] & Tables['model_versions'] }>();
  let query = selected.selectFrom(sql<never>`${sql.table(subject.table)}`.as('it')).selectAll();
  for (const condition of wanted) query = query.where(condition);
  for (const { column, ascending } of keys) query = query.orderBy(sql.ref(column), ascending ? 'asc' : 'desc');
  // The columns are those of the subject's table.
  const found = (await query.limit(limit + 1).execute()) as readonly unknown[] as readonly Row[];
  const rows = found.slice(0, limit);
  const last = rows.at(-1);
  return { rows, next: found.length > limit && last !== undefined ? { next: tokenOf(keys, last) } : {} };
}

function conditionsOn(db: Db, subject: Subject, conditions: readonly FilterCondition[]): RawBuilder<SqlBool>[] {
  const wanted: RawBuilder<SqlBool>[] = [];
  const tags = new Map<string, RawBuilder<SqlBool>[]>();
  for (const condition of conditions) {
    if (condition.entity === 'tag') {
      tags.set(condition.key, [...(tags.get(condition.key) ?? []), compared(db, 't.value', condition)]);
    } else wanted.push(onAttribute(db, subject, condition));
  }
  // The tag is no condition like others: what is no prompt does not have it at all.
  if (!asksForPrompts(conditions)) {
    tags.delete(promptTag);
    wanted.push(sql`${sql.ref(subject.columns['name'])} not in (${subject.prompts})`);
  }
  for (const [key, values] of tags) wanted.push(subject.tagged(key, sql`${sql.join(values, sql` and `)}`));
  return wanted;
}

function within({ columns }: Subject, { rest, except }: Reach): RawBuilder<SqlBool> {
  if (except.size === 0) return sql`${rest ? 1 : 0} = 1`;
  return sql`${sql.ref(columns['name'])} ${sql.raw(rest ? 'not in' : 'in')} (${sql.join([...except])})`;
}

function asksForPrompts(conditions: readonly FilterCondition[]): boolean {
  const first = conditions.find(({ entity, key }) => entity === 'tag' && key === promptTag);
  if (first === undefined) return false;
  const value = String(first.value).toLowerCase();
  return (first.comparator === '=' && value === 'true') || (first.comparator === '!=' && value === 'false');
}

function onAttribute(db: Db, { columns }: Subject, condition: FilterCondition): RawBuilder<SqlBool> {
  const column = columns[condition.key];
  if (column === undefined) throw new GyreError('INVALID_ARGUMENT', `Invalid attribute name: ${condition.key}`, { key: condition.key });
  if (condition.key !== 'run_id') return compared(db, column, condition);
  // Clients write a run's id without its dashes; a version without a run has none, which is not the same as an unknown one.
  const { comparator, value } = condition;
  const run = sql`coalesce(${sql.ref(column)}, '')`;
  if (comparator === '=' || comparator === '!=') return sql`${run} ${sql.raw(comparator)} ${ownRunId(String(value))}`;
  if (comparator === 'IN') return sql`${run} in (${sql.join([...value].map(ownRunId))})`;
  return compared(db, column, condition);
}

const operators: readonly string[] = ['=', '!=', '>', '>=', '<', '<='];

function compared(db: Db, column: string, { comparator, value }: FilterCondition): RawBuilder<SqlBool> {
  if (comparator === 'LIKE' || comparator === 'ILIKE') return db.like(column, String(value), { ignoreCase: comparator === 'ILIKE' });
  if (operators.includes(comparator)) return sql`${sql.ref(column)} ${sql.raw(comparator)} ${value}`;
  throw new GyreError('INVALID_ARGUMENT', `Invalid comparator for attribute: ${comparator}`, { comparator });
}

function sortKeys({ columns, last }: Subject, order: readonly SearchOrder[]): readonly SortKey[] {
  const keys: SortKey[] = [];
  for (const { key, ascending } of order) {
    const column = columns[key];
    if (column === undefined) throw new GyreError('INVALID_ARGUMENT', `Invalid order by key '${key}' specified.`, { key });
    if (keys.some((known) => known.column === column))
      throw new GyreError('INVALID_ARGUMENT', `\`order_by\` contains duplicate fields: ${order.map((one) => one.key).join(', ')}`);
    keys.push({ column, ascending });
  }
  return [...keys, ...last.filter(({ column }) => keys.every((key) => key.column !== column))];
}

type Place = readonly (string | number)[];

function afterPlace(keys: readonly SortKey[], place: Place): RawBuilder<SqlBool> {
  const alternatives = keys.map(({ column, ascending }, at) => {
    const same = keys.slice(0, at).map((key, index) => sql`${sql.ref(key.column)} = ${place[index]}`);
    return sql`(${sql.join([...same, sql`${sql.ref(column)} ${sql.raw(ascending ? '>' : '<')} ${place[at]}`], sql` and `)})`;
  });
  return sql`(${sql.join(alternatives, sql` or `)})`;
}

function tokenOf(keys: readonly SortKey[], row: ModelRow | VersionRow): string {
  const cells: Readonly<Record<string, unknown>> = { ...row };
  return Buffer.from(JSON.stringify(keys.map(({ column }) => cells[column.slice('it.'.length)]))).toString('base64url');
}

/** @throws GyreError INVALID_ARGUMENT for what is no token of a page in this order */
function placeOf(token: string, keys: readonly SortKey[]): Place {
  let place: unknown;
  try {
    place = JSON.parse(Buffer.from(token, 'base64url').toString('utf8'));
  } catch {
    place = undefined;
  }
  const texts = ['it.name', 'it.model', 'it.source', 'it.run'];
  const fits =
    Array.isArray(place) &&
    place.length === keys.length &&
    place.every((cell, at) => (texts.includes(keys[at].column) ? typeof cell === 'string' : Number.isSafeInteger(cell)));
  if (fits) return place as Place;
  throw new GyreError('INVALID_ARGUMENT', `Invalid page token: use the one of the page before, with the same order`, { token });
}
