import type { Db, Tx } from '#store';
import { experimentRow } from '../experiments-store.ts';
import type { ExperimentRow, TrainingTables } from '../tables.ts';
import type { KeyValue, TrackedExperiment } from './port.ts';

/** Rows with their tags, in the order of the rows. */
export async function assembleExperiments(db: Db, rows: readonly ExperimentRow[]): Promise<TrackedExperiment[]> {
  if (rows.length === 0) return [];
  const ids = rows.map(({ id }) => id);
  const found = await db
    .tables<TrainingTables>()
    .selectFrom('experiment_tags')
    .selectAll()
    .where('experiment', 'in', ids)
    .orderBy('key')
    .execute();
  const tags = Map.groupBy(found, ({ experiment }) => experiment);
  return rows.map((row) => ({
    id: row.public_id,
    name: row.name,
    ...(row.artifact_location === null ? {} : { artifactLocation: row.artifact_location }),
    lifecycle: row.deleted_at === null ? 'active' : 'deleted',
    createdAt: row.created_at,
    updatedAt: row.updated_at ?? row.created_at,
    tags: (tags.get(row.id) ?? []).map(({ key, value }) => ({ key, value })),
  }));
}

export async function changeExperiment(
  tx: Tx,
  id: number,
  change: Partial<Pick<ExperimentRow, 'name' | 'deleted_at'>> & { readonly updated_at: number },
): Promise<void> {
  await tx.tables<TrainingTables>().updateTable('experiments').set(change).where('id', '=', id).execute();
}

/** Deletes or restores the runs of an experiment. @param at when they are deleted; null restores them */
export async function markRunsOf(tx: Tx, experiment: number, at: number | null): Promise<void> {
  const runs = tx.tables<TrainingTables>().updateTable('runs').set({ deleted_at: at }).where('experiment', '=', experiment);
  await runs.where('deleted_at', at === null ? 'is not' : 'is', null).execute();
}

/** Sets tags; null removes one. */
export async function putExperimentTags(tx: Tx, experiment: number, tags: Readonly<Record<string, string | null>>): Promise<void> {
  const tables = tx.tables<TrainingTables>();
  for (const [key, value] of Object.entries(tags)) {
    if (value === null) {
      await tables.deleteFrom('experiment_tags').where('experiment', '=', experiment).where('key', '=', key).execute();
    } else {
      await insertExperimentTags(tx, experiment, [{ key, value }]);
    }
  }
}

export function insertExperimentTags(tx: Tx, experiment: number, tags: readonly KeyValue[]): Promise<void> {
  return tx.insertRows(
    {
      table: 'experiment_tags',
      columns: [
        { name: 'experiment', type: 'integer' },
        { name: 'key', type: 'text' },
        { name: 'value', type: 'text' },
      ],
      onConflict: 'on conflict (experiment, key) do update set value = excluded.value',
    },
    [...new Map(tags.map(({ key, value }) => [key, value]))].map(([key, value]) => [experiment, key, value]),
  );
}

/** The numbers of the experiments that there are among these ids. */
export async function experimentNumbers(db: Db, ids: readonly string[]): Promise<number[]> {
  return (await experimentsAmong(db, ids)).map(({ id }) => id);
}

/** The experiments that there are among these ids. */
export async function experimentsAmong(db: Db, ids: readonly string[]): Promise<ExperimentRow[]> {
  const rows = await Promise.all([...new Set(ids)].map((id) => experimentRow(db, id)));
  return rows.flatMap((row) => row ?? []);
}
