import { isoInstant } from '#core';
import type { StepItem } from '#contract';
import type { Db, Tx } from '#store';

/** A file as it was when its bytes were hashed. */
export interface KnownFile {
  readonly path: string;
  readonly size: number;
  readonly sha256: string;
  /** What the file system said of it then; absent where a later change might not show. */
  readonly mark?: string;
}

export type ItemState = 'succeeded' | 'failed' | 'removed';

export interface ItemRow {
  scope: string;
  item: string;
  since: number;
  /** The generation that ended it; null while it holds. */
  until: number | null;
  state: ItemState;
  cache_key: string;
  inputs: readonly KnownFile[];
  outputs: readonly KnownFile[];
  step_run: string;
  tries: number;
  error: string | null;
  log: readonly string[];
  ended_at: number;
}

interface Tables {
  step_items: ItemRow;
  step_item_generations: { step_run: string; scope: string; generation: number };
}

/** So many rows go into one statement: databases limit its parameters. */
const rowsAtOnce = 200;

const from = (db: Db): ReturnType<typeof db.tables<Tables>> => db.tables<Tables>();

export interface Generation {
  readonly scope: string;
  readonly generation: number;
}

export function findGeneration(db: Db, stepRun: string): Promise<Generation | undefined> {
  return from(db).selectFrom('step_item_generations').select(['scope', 'generation']).where('step_run', '=', stepRun).executeTakeFirst();
}

/** The generation of a step run: the one it was given when it was first started, else the next of its step. */
export async function takeGeneration(tx: Tx, args: { readonly scope: string; readonly stepRun: string }): Promise<number> {
  await tx.lock(`step-items:${args.scope}`);
  const known = await findGeneration(tx, args.stepRun);
  if (known !== undefined) return known.generation;
  const last = await from(tx)
    .selectFrom('step_item_generations')
    .select('generation')
    .where('scope', '=', args.scope)
    .orderBy('generation', 'desc')
    .limit(1)
    .executeTakeFirst();
  const generation = (last?.generation ?? 0) + 1;
  await from(tx).insertInto('step_item_generations').values({ step_run: args.stepRun, scope: args.scope, generation }).execute();
  return generation;
}

/** The items of a step as they stand. */
export function openItems(db: Db, scope: string): Promise<ItemRow[]> {
  return from(db).selectFrom('step_items').selectAll().where('scope', '=', scope).where('until', 'is', null).execute();
}

/** Ends what items were, in this generation. */
export async function endItems(
  tx: Tx,
  args: { readonly scope: string; readonly generation: number; readonly items: readonly string[] },
): Promise<void> {
  const { scope, generation, items } = args;
  for (let start = 0; start < items.length; start += rowsAtOnce) {
    const some = items.slice(start, start + rowsAtOnce);
    // What this very generation made before it was cut off and now makes anew has never been.
    await from(tx).deleteFrom('step_items').where('scope', '=', scope).where('since', '=', generation).where('item', 'in', some).execute();
    await from(tx)
      .updateTable('step_items')
      .set({ until: generation })
      .where('scope', '=', scope)
      .where('until', 'is', null)
      .where('item', 'in', some)
      .execute();
  }
}

/** Writes what items became; a row of the same generation is replaced. */
export async function putItems(tx: Tx, rows: readonly ItemRow[]): Promise<void> {
  for (let start = 0; start < rows.length; start += rowsAtOnce) {
    const some = rows.slice(start, start + rowsAtOnce);
    const [{ scope }] = some;
    for (const since of new Set(some.map((row) => row.since))) {
      const items = some.filter((row) => row.since === since).map(({ item }) => item);
      await from(tx).deleteFrom('step_items').where('scope', '=', scope).where('since', '=', since).where('item', 'in', items).execute();
    }
    await from(tx).insertInto('step_items').values(some).execute();
  }
}

export interface ItemPage {
  readonly limit: number;
  /** The item that came last on the page before. */
  readonly after?: string;
  readonly state?: StepItem['state'];
}

/** The items as a generation left them, in the order of their names; one more than the limit, which tells whether there is a next page. */
export function listItems(db: Db, { scope, generation }: Generation, page: ItemPage): Promise<ItemRow[]> {
  const { after, state, limit } = page;
  let query = from(db)
    .selectFrom('step_items')
    .selectAll()
    .where('scope', '=', scope)
    .where('since', '<=', generation)
    .where((where) => where.or([where('until', 'is', null), where('until', '>', generation)]));
  if (state !== undefined) query = query.where('state', '=', state === 'cached' ? 'succeeded' : state);
  if (state === 'cached') query = query.where('since', '<', generation);
  if (state === 'succeeded' || state === 'failed' || state === 'removed') query = query.where('since', '=', generation);
  if (after !== undefined) query = query.where('item', '>', after);
  return query
    .orderBy('item')
    .limit(limit + 1)
    .execute();
}

export function stepItemOf(row: ItemRow, generation: number): StepItem {
  const plain = ({ path, size, sha256 }: KnownFile): StepItem['inputs'][number] => ({ path, size, sha256 });
  return {
    item: row.item,
    state: row.state === 'succeeded' && row.since < generation ? 'cached' : row.state,
    inputs: row.inputs.map(plain),
    outputs: row.outputs.map(plain),
    stepRun: row.step_run,
    tries: row.tries,
    ...(row.error === null ? {} : { error: row.error }),
    log: [...row.log],
    endedAt: isoInstant(row.ended_at),
  };
}
