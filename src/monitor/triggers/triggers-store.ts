import type { Action } from '#contract';
import type { Db, Tx } from '#store';

interface Tables {
  actions: {
    id: string;
    kind: string;
    state: string;
    alert: string | null;
    pipeline_run: string | null;
    started_at: number;
    record: Action;
  };
}

export interface ActionFilter {
  readonly alert?: string;
  readonly state?: Action['state'];
  readonly kind?: Action['kind'];
  readonly limit?: number;
}

export async function insertAction(tx: Tx, record: Action): Promise<void> {
  await tx
    .tables<Tables>()
    .insertInto('actions')
    .values({
      id: record.id,
      kind: record.kind,
      state: record.state,
      alert: record.alert ?? null,
      pipeline_run: record.pipelineRun ?? null,
      started_at: Date.parse(record.startedAt),
      record,
    })
    .execute();
}

export async function updateAction(tx: Tx, record: Action): Promise<void> {
  await tx
    .tables<Tables>()
    .updateTable('actions')
    .set({ state: record.state, pipeline_run: record.pipelineRun ?? null, record })
    .where('id', '=', record.id)
    .execute();
}

/** What is not ended, oldest first. */
export async function selectOpen(db: Db): Promise<readonly Action[]> {
  const rows = await db
    .tables<Tables>()
    .selectFrom('actions')
    .select('record')
    .where('state', 'in', ['waiting', 'started'])
    .orderBy('started_at')
    .orderBy('id')
    .execute();
  return rows.map((row) => row.record);
}

/** The newest first. */
export async function selectActions(db: Db, filter: ActionFilter): Promise<readonly Action[]> {
  let query = db.tables<Tables>().selectFrom('actions').select('record').orderBy('started_at', 'desc').orderBy('id', 'desc');
  if (filter.alert !== undefined) query = query.where('alert', '=', filter.alert);
  if (filter.state !== undefined) query = query.where('state', '=', filter.state);
  if (filter.kind !== undefined) query = query.where('kind', '=', filter.kind);
  return (await query.limit(filter.limit ?? 100).execute()).map((row) => row.record);
}

export async function selectAction(db: Db, id: string): Promise<Action | undefined> {
  return (await db.tables<Tables>().selectFrom('actions').select('record').where('id', '=', id).executeTakeFirst())?.record;
}

export async function selectByAlert(db: Db, alert: string, kind: Action['kind']): Promise<Action | undefined> {
  const row = await db
    .tables<Tables>()
    .selectFrom('actions')
    .select('record')
    .where('alert', '=', alert)
    .where('kind', '=', kind)
    .executeTakeFirst();
  return row?.record;
}

export async function selectByPipelineRun(db: Db, pipelineRun: string): Promise<Action | undefined> {
  return (await db.tables<Tables>().selectFrom('actions').select('record').where('pipeline_run', '=', pipelineRun).executeTakeFirst())
    ?.record;
}
