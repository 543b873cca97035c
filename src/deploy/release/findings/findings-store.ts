import type { Finding } from '#contract';
import type { Db, Tx } from '#store';

interface Tables {
  release_findings: { id: string; model_version: string; state: string; found_at: number; record: Finding };
}

export interface FindingFilter {
  readonly modelVersion?: string;
  readonly state?: Finding['state'];
}

export async function insertFinding(tx: Tx, record: Finding): Promise<void> {
  const { id, modelVersion, state, foundAt } = record;
  await tx
    .tables<Tables>()
    .insertInto('release_findings')
    .values({ id, model_version: modelVersion, state, found_at: Date.parse(foundAt), record })
    .execute();
}

export async function updateFinding(tx: Tx, record: Finding): Promise<void> {
  await tx.tables<Tables>().updateTable('release_findings').set({ state: record.state, record }).where('id', '=', record.id).execute();
}

export async function selectFinding(db: Db, id: string): Promise<Finding | undefined> {
  const row = await db.tables<Tables>().selectFrom('release_findings').select('record').where('id', '=', id).executeTakeFirst();
  return row?.record;
}

/** The newest first. */
export async function selectFindings(db: Db, { modelVersion, state }: FindingFilter): Promise<readonly Finding[]> {
  let query = db
    .tables<Tables>()
    .selectFrom('release_findings')
    .select('record')
    .orderBy('found_at', 'desc')
    .orderBy('id', 'desc')
    .limit(1000);
  if (modelVersion !== undefined) query = query.where('model_version', '=', modelVersion);
  if (state !== undefined) query = query.where('state', '=', state);
  return (await query.execute()).map((row) => row.record);
}
