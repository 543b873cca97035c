import type { Study } from '#contract';
import type { Db, Tx } from '#store';
import type { TrainingTables } from './tables.ts';

export async function insertStudy(tx: Tx, study: Study): Promise<void> {
  await tx.tables<TrainingTables>().insertInto('studies').values({ id: study.id, record: study }).execute();
}

export async function updateStudy(tx: Tx, study: Study): Promise<void> {
  await tx.tables<TrainingTables>().updateTable('studies').set({ record: study }).where('id', '=', study.id).execute();
}

export async function studyOf(db: Db, id: string): Promise<Study | undefined> {
  return (await db.tables<TrainingTables>().selectFrom('studies').select('record').where('id', '=', id).executeTakeFirst())?.record;
}

/** Newest first. @param before only those with a lower position */
export async function selectStudies(
  db: Db,
  limit: number,
  before: number | undefined,
): Promise<{ readonly study: Study; readonly position: number }[]> {
  let query = db.tables<TrainingTables>().selectFrom('studies').select(['record', 'position']);
  if (before !== undefined) query = query.where('position', '<', before);
  const rows = await query.orderBy('position', 'desc').limit(limit).execute();
  return rows.map(({ record, position }) => ({ study: record, position: position ?? 0 }));
}
