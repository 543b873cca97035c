import { sql } from 'kysely';
import type { CompiledQuery, RawBuilder } from 'kysely';
import type { SearchOrder } from '#contract';
import type { Db } from '#store';
import type { MetricNames } from '../metric-names-store.ts';
import { placeOfToken, tokenOf } from '../paging.ts';
import type { TrainingTables } from '../tables.ts';
import { runConditions } from './conditions-store.ts';
import type { RunCondition } from './conditions-store.ts';
import type { LifecycleView, SearchRuns } from './port.ts';
import { afterPlace, orderKeys } from './order-store.ts';
import type { SortKey } from './order-store.ts';

/** Up to so many runs an index of a condition leads the search. */
const fewRuns = 5_000;
/** So few runs are simply read, and no other condition's are counted. */
const scarceRuns = 200;

interface Terms {
  readonly conditions: readonly RunCondition[];
  readonly keys: readonly SortKey[];
}

/** What is looked up for a search before its experiments are known. */
export interface Outlook extends Terms {
  /** Up to so many runs an index of a condition leads. */
  readonly few: number;
  /** The condition that leads to the fewest runs, with these, where they are scarce. */
  readonly scarce?: { readonly condition: RunCondition; readonly runs: readonly number[] };
}

interface Search extends Terms {
  readonly experiments: readonly number[];
  readonly view: LifecycleView;
  readonly limit: number;
  readonly after: readonly unknown[] | undefined;
  /** Only positions are read, not what they are sorted by. */
  readonly bare: boolean;
}

type Scoped<Query> = Omit<Query, 'experiments'> & { readonly experiments: readonly number[] };

/**
 * Finds runs page by page. A filter that few runs meet is answered from its index and then sorted; one that many meet is tried along the
 * order that was asked for, which an index gives for the start time and for metrics, until the page is full.
 * @param outlook that of the query, when it was read already
 * @returns the positions of a page's runs, and the token of the next page
 */
export async function searchRuns(
  db: Db,
  names: MetricNames,
  query: Scoped<SearchRuns>,
  outlook?: Outlook,
): Promise<{ readonly positions: readonly number[]; readonly next?: string }> {
  if (query.experiments.length === 0) return { positions: [] };
  const known = outlook ?? (await outlookOf(db, names, query));
  const rows = await select(db, searchOf(query, known, false), query.order[0], known);
  const page = rows.slice(0, query.limit);
  const last = page.at(-1);
  return {
    positions: page.map(([position]) => Number(position)),
    ...(rows.length > query.limit && last !== undefined ? { next: tokenOf(last.slice(1)) } : {}),
  };
}

/** @param few up to so many runs an index of a condition leads; by default what is quicker */
export async function outlookOf(
  db: Db,
  names: MetricNames,
  query: Pick<SearchRuns, 'conditions' | 'order' | 'limit'>,
  few?: number,
): Promise<Outlook> {
  const terms = await termsOf(db, names, query);
  const [most, scarce] = await Promise.all([few ?? fewFor(db, query), few === 0 ? undefined : scarceCondition(db, terms.conditions)]);
  return { ...terms, few: most, ...(scarce === undefined ? {} : { scarce }) };
}

/** The positions of all runs that are found, in their order: `most` at most, and whether there are more. */
export async function searchPositions(
  db: Db,
  names: MetricNames,
  query: Scoped<Omit<SearchRuns, 'limit' | 'after'>>,
  most: number,
): Promise<{ readonly positions: readonly number[]; readonly more: boolean }> {
  if (query.experiments.length === 0) return { positions: [], more: false };
  const search = searchOf({ ...query, limit: most }, await termsOf(db, names, query), true);
  const rows = await select(db, search, query.order[0], { few: fewRuns });
  return { positions: rows.slice(0, most).map(([position]) => Number(position)), more: rows.length > most };
}

async function termsOf(db: Db, names: MetricNames, query: Pick<SearchRuns, 'conditions' | 'order'>): Promise<Terms> {
  const [conditions, keys] = await Promise.all([runConditions(db, names, query.conditions), orderKeys(db, names, query.order)]);
  return { conditions, keys };
}

function searchOf(query: Scoped<SearchRuns>, { conditions, keys }: Terms, bare: boolean): Search {
  return {
    experiments: query.experiments,
    view: query.view,
    conditions,
    keys,
    limit: query.limit + 1,
    after: query.after === undefined ? undefined : placeOfToken(query.after, keys.length),
    bare,
  };
}

/**
 * To sort `n` runs that an index leads to costs about `n` looks; along an order that an index gives, a page of `limit` takes
 * `limit * all / n` of them. Below the `n` where both are equal the index leads.
 */
async function fewFor(db: Db, { order: [first], limit }: Pick<SearchRuns, 'order' | 'limit'>): Promise<number> {
  if (first?.entity !== 'metric') return fewRuns;
  const [newest] = (await sql<{ position: number | null }>`select max(position) as position from runs`.execute(db.tables())).rows;
  return Math.min(fewRuns, Math.ceil(Math.sqrt(limit * Number(newest?.position ?? 0))));
}

type Row = readonly unknown[];

async function select(
  db: Db,
  search: Search,
  first: SearchOrder | undefined,
  { few, scarce }: Pick<Outlook, 'few' | 'scarce'>,
): Promise<readonly Row[]> {
  const led = (leader: RunCondition, runs: RawBuilder<unknown>): CompiledQuery =>
    sorted(db, { ...search, conditions: search.conditions.filter((condition) => condition !== leader) }, runs);
  if (scarce !== undefined) {
    if (scarce.runs.length === 0) return [];
    return db.values(led(scarce.condition, db.among('r.position', scarce.runs)), { planOnce: true });
  }
  const leader = await leadingCondition(db, search.conditions, few);
  if (leader?.runs !== undefined) return db.values(led(leader, sql`r.position in (${leader.runs})`));
  if (first?.entity !== 'metric') return db.values(sorted(db, search, undefined));
  return alongMetric(db, search);
}

/** The condition that leads to the fewest runs, where these are scarce. */
async function scarceCondition(db: Db, conditions: readonly RunCondition[]): Promise<Outlook['scarce']> {
  const found = await Promise.all(
    conditions.map(async (condition) => {
      if (condition.runs === undefined) return [];
      const rows = await db.values(sql`${condition.runs} limit ${scarceRuns + 1}`.compile(db.tables()));
      return rows.length > scarceRuns ? [] : [{ condition, runs: rows.map(([run]) => Number(run)) }];
    }),
  );
  return found.flat().toSorted((one, other) => one.runs.length - other.runs.length)[0];
}

/** The condition that leads to the fewest runs, where these are few. */
async function leadingCondition(db: Db, conditions: readonly RunCondition[], few: number): Promise<RunCondition | undefined> {
  if (few === 0) return undefined;
  let fewest = few;
  let leader: RunCondition | undefined;
  for (const condition of conditions) {
    if (condition.runs === undefined) continue;
    const counted = await sql<{ n: number }>`select count(*) as n from (${condition.runs} limit ${fewest + 1}) found`.execute(db.tables());
    const count = counted.rows[0]?.n ?? 0;
    if (count > fewest) continue;
    fewest = count;
    leader = condition;
  }
  return leader;
}

/** All in one query. Runs that an index leads to are looked up one by one: the experiment stands aside, so that the database does not walk it. */
function sorted(db: Db, search: Search, led: RawBuilder<unknown> | undefined): CompiledQuery {
  const { keys, conditions, limit, after } = search;
  const joins = keys.flatMap(({ join }) => (join === undefined ? [] : [sql`left join ${join}`]));
  const wanted = [
    ...(led === undefined ? [] : [led]),
    ...scopeOf(search, experimentColumn(db, led !== undefined)),
    ...conditions.map(({ holds }) => holds),
    ...(after === undefined ? [] : [afterPlace(keys, after)]),
  ];
  return statement(db, { keys, from: sql`${runsOf(search)} ${sql.join(joins, sql` `)}`, wanted, limit, bare: search.bare });
}

/**
 * Along the index of the metric that is ordered by first: runs with a number, then those with none, then those without the metric. Each
 * part has the rank that its rows sort by, so a page may begin in one and end in another.
 */
async function alongMetric(db: Db, search: Search): Promise<readonly Row[]> {
  const [rank, value, ...rest] = search.keys;
  const { after } = search;
  const startRank = after === undefined ? 0 : Number(after[0]);
  const rows: Row[] = [];
  for (let part = startRank; part <= 2 && rows.length < search.limit; part++) {
    const keys = part === 0 ? [value, ...rest] : rest;
    const place = after === undefined || part > startRank ? undefined : after.slice(part === 0 ? 1 : 2);
    const joins = rest.flatMap(({ join }) => (join === undefined ? [] : [sql`left join ${join}`]));
    const { metric } = rank;
    const from =
      part === 2
        ? sql`${runsOf(search)} ${sql.join(joins, sql` `)}`
        : sql`metric_latest o0 cross join ${runsOf(search)} ${sql.join(joins, sql` `)}`;
    const wanted = [
      part === 2
        ? sql`not exists (select 1 from metric_latest o0 where o0.run = r.position and o0.name = ${metric})`
        : sql`o0.name = ${metric} and o0.is_nan = ${part === 1} and r.position = o0.run`,
      ...scopeOf(search, experimentColumn(db, part !== 2)),
      ...search.conditions.map(({ holds }) => holds),
      ...(place === undefined ? [] : [afterPlace(keys, place)]),
    ];
    const found = await db.values(statement(db, { keys, from, wanted, limit: search.limit - rows.length, bare: search.bare }));
    for (const [position, ...values] of found) rows.push([position, part, ...(part === 0 ? values : [null, ...values])]);
  }
  return rows;
}

/** Experiments are looked up, run by run, only where a condition asks of them. */
function runsOf({ conditions }: Search): RawBuilder<unknown> {
  return conditions.some(({ ofExperiment }) => ofExperiment === true) ? sql`runs r join experiments e on e.id = r.experiment` : sql`runs r`;
}

function experimentColumn(db: Db, isAside: boolean): RawBuilder<unknown> {
  return isAside ? db.aside('r.experiment') : sql.ref('r.experiment');
}

function scopeOf({ experiments, view }: Search, column: RawBuilder<unknown>): readonly RawBuilder<unknown>[] {
  return [
    experiments.length === 1 ? sql`${column} = ${experiments[0]}` : sql`${column} in (${sql.join([...experiments])})`,
    ...(view === 'all' ? [] : [view === 'active' ? sql`r.deleted_at is null` : sql`r.deleted_at is not null`]),
  ];
}

interface Statement {
  readonly keys: readonly SortKey[];
  readonly from: RawBuilder<unknown>;
  readonly wanted: readonly RawBuilder<unknown>[];
  readonly limit: number;
  readonly bare: boolean;
}

function statement(db: Db, { keys, from, wanted, limit, bare }: Statement): CompiledQuery {
  const columns = bare ? [] : keys.map(({ value }) => value);
  const order = keys.map(({ value, ascending }) => sql`${value} ${sql.raw(ascending ? 'asc' : 'desc')}`);
  return sql`select ${sql.join([sql`r.position`, ...columns])} from ${from} where ${sql.join([...wanted], sql` and `)} order by ${sql.join(order)} limit ${limit}`.compile(
    db.tables<TrainingTables>(),
  );
}
