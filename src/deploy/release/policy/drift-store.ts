import type { Db, Tx } from '#store';
import type { SeenDrift } from './drift.ts';

interface Tables {
  version_drift: { window_id: string; model_version: string; started_at: number; record: SeenDrift };
}

/** Keeps what a window showed; a window that was judged again is kept as it is now. */
export async function upsertDrift(tx: Tx, record: SeenDrift): Promise<void> {
  const { window, modelVersion, start } = record;
  await tx
    .tables<Tables>()
    .insertInto('version_drift')
    .values({ window_id: window, model_version: modelVersion, started_at: Date.parse(start), record })
    .onConflict((conflict) => conflict.column('window_id').doUpdateSet({ model_version: modelVersion, record }))
    .execute();
}

/** The windows that a version served, the earliest first. */
export async function selectDrift(db: Db, modelVersion: string): Promise<readonly SeenDrift[]> {
  const rows = await db
    .tables<Tables>()
    .selectFrom('version_drift')
    .select('record')
    .where('model_version', '=', modelVersion)
    .orderBy('started_at')
    .orderBy('window_id')
    .execute();
  return rows.map((row) => row.record);
}
