import type { Experiment } from '#contract';
import { isoInstant } from '#core';
import type { Db, Tx } from '#store';
import type { TrainingTables } from './tables.ts';

const defaultName = 'Default';

/** The experiment of this name, made when there is none. `Default` has the id 0, as in MLflow. */
export async function ensureExperiment(tx: Tx, { name, at }: { readonly name: string; readonly at: number }): Promise<Experiment> {
  const known = await experimentByName(tx, name);
  if (known !== undefined) return known;
  await tx.lock('experiments');
  const madeMeanwhile = await experimentByName(tx, name);
  if (madeMeanwhile !== undefined) return madeMeanwhile;
  const last = await tx.tables<TrainingTables>().selectFrom('experiments').select('id').orderBy('id', 'desc').limit(1).executeTakeFirst();
  const id = name === defaultName ? 0 : (last?.id ?? 0) + 1;
  await tx.tables<TrainingTables>().insertInto('experiments').values({ id, name, created_at: at }).execute();
  return { id: String(id), name, createdAt: isoInstant(at) };
}

export async function experimentByName(db: Db, name: string): Promise<Experiment | undefined> {
  const row = await db.tables<TrainingTables>().selectFrom('experiments').selectAll().where('name', '=', name).executeTakeFirst();
  return row && toExperiment(row);
}

export async function selectExperiments(db: Db): Promise<Experiment[]> {
  const rows = await db.tables<TrainingTables>().selectFrom('experiments').selectAll().orderBy('id').execute();
  return rows.map(toExperiment);
}

const toExperiment = (row: TrainingTables['experiments']): Experiment => ({
  id: String(row.id),
  name: row.name,
  createdAt: isoInstant(row.created_at),
});
