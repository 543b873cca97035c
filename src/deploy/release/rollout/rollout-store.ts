import type { AnswerTotals, Rollout } from '#contract';
import type { Db, Tx } from '#store';

/** What the data plane had counted when it was last read: what is read next is compared with it. */
export interface Reading {
  readonly stable?: AnswerTotals;
  readonly candidate?: AnswerTotals;
}

interface RolloutRow {
  id: string;
  environment: string;
  state: string;
  started_at: number;
  record: Rollout;
  reading: Reading | null;
}
interface Tables {
  rollouts: RolloutRow;
}

export interface RolloutFilter {
  readonly environment?: string;
  readonly state?: Rollout['state'];
  readonly limit?: number;
}

const underWay = ['running', 'paused'];

export async function insertRollout(tx: Tx, record: Rollout): Promise<void> {
  const { id, environment, state, startedAt } = record;
  await tx
    .tables<Tables>()
    .insertInto('rollouts')
    .values({ id, environment, state, started_at: Date.parse(startedAt), record, reading: null })
    .execute();
}

/** @param reading left out: what is read next is the beginning of a new count */
export async function updateRollout(tx: Tx, record: Rollout, reading?: Reading): Promise<void> {
  await tx
    .tables<Tables>()
    .updateTable('rollouts')
    .set({ state: record.state, record, reading: reading ?? null })
    .where('id', '=', record.id)
    .execute();
}

export async function selectRollout(db: Db, id: string): Promise<Rollout | undefined> {
  const row = await db.tables<Tables>().selectFrom('rollouts').select('record').where('id', '=', id).executeTakeFirst();
  return row?.record;
}

export async function selectReading(db: Db, id: string): Promise<Reading> {
  const row = await db.tables<Tables>().selectFrom('rollouts').select('reading').where('id', '=', id).executeTakeFirst();
  return row?.reading ?? {};
}

/** The newest first. */
export async function selectRollouts(db: Db, filter: RolloutFilter): Promise<readonly Rollout[]> {
  let query = db.tables<Tables>().selectFrom('rollouts').select('record').orderBy('started_at', 'desc').orderBy('id', 'desc');
  if (filter.environment !== undefined) query = query.where('environment', '=', filter.environment);
  if (filter.state !== undefined) query = query.where('state', '=', filter.state);
  return (await query.limit(filter.limit ?? 100).execute()).map((row) => row.record);
}

/** The rollout of an environment that has not ended: there is at most one. */
export async function selectUnderWay(db: Db, environment: string): Promise<Rollout | undefined> {
  const row = await db
    .tables<Tables>()
    .selectFrom('rollouts')
    .select('record')
    .where('environment', '=', environment)
    .where('state', 'in', underWay)
    .executeTakeFirst();
  return row?.record;
}

/** Those of all environments that have not ended. */
export async function selectAllUnderWay(db: Db): Promise<readonly Rollout[]> {
  const rows = await db.tables<Tables>().selectFrom('rollouts').select('record').where('state', 'in', underWay).execute();
  return rows.map((row) => row.record);
}
