import type { Experiment } from '#contract';
import { isoInstant } from '#core';
import type { Db, Tx } from '#store';
import type { ExperimentRow, TrainingTables } from './tables.ts';

const defaultName = 'Default';

/** The experiment of this name, made when there is none. `Default` has the id 0, as in MLflow. @returns its row, and whether it was made now */
export async function ensureExperiment(
  tx: Tx,
  { name, at }: { readonly name: string; readonly at: number },
): Promise<{ readonly row: ExperimentRow; readonly isNew: boolean }> {
  const known = await experimentRowNamed(tx, name);
  if (known !== undefined) return { row: known, isNew: false };
  await tx.lock('experiments');
  const madeMeanwhile = await experimentRowNamed(tx, name);
  if (madeMeanwhile !== undefined) return { row: madeMeanwhile, isNew: false };
  return { row: await insertExperiment(tx, { name, at }), isNew: true };
}

/**
 * Adds an experiment under the next number; who calls holds the lock `experiments`.
 * @param request.publicId what it was called where it comes from; default: its number
 */
export async function insertExperiment(
  tx: Tx,
  {
    name,
    at,
    publicId,
    artifactLocation,
  }: { readonly name: string; readonly at: number; readonly publicId?: string; readonly artifactLocation?: string },
): Promise<ExperimentRow> {
  const experiments = tx.tables<TrainingTables>();
  const last = await experiments.selectFrom('experiments').select('id').orderBy('id', 'desc').limit(1).executeTakeFirst();
  let id = name === defaultName ? 0 : (last?.id ?? 0) + 1;
  // A number that an experiment brought along as its name is taken.
  while (publicId === undefined && (await experimentRow(tx, String(id))) !== undefined) id += 1;
  const row: ExperimentRow = {
    id,
    public_id: publicId ?? String(id),
    name,
    artifact_location: artifactLocation ?? null,
    created_at: at,
    updated_at: at,
    deleted_at: null,
  };
  await experiments.insertInto('experiments').values(row).execute();
  return row;
}

/** The row of an experiment, by what clients call it. */
export function experimentRow(db: Db, publicId: string): Promise<ExperimentRow | undefined> {
  return db.tables<TrainingTables>().selectFrom('experiments').selectAll().where('public_id', '=', publicId).executeTakeFirst();
}

/** The row of an experiment, by its name. */
export function experimentRowNamed(db: Db, name: string): Promise<ExperimentRow | undefined> {
  return db.tables<TrainingTables>().selectFrom('experiments').selectAll().where('name', '=', name).executeTakeFirst();
}

/** Those that are not deleted, in the order of their numbers. */
export async function selectExperiments(db: Db): Promise<Experiment[]> {
  const rows = await db
    .tables<TrainingTables>()
    .selectFrom('experiments')
    .selectAll()
    .where('deleted_at', 'is', null)
    .orderBy('id')
    .execute();
  return rows.map(toExperiment);
}

/** An experiment as it is shown. */
export const toExperiment = (row: ExperimentRow): Experiment => ({
  id: row.public_id,
  name: row.name,
  createdAt: isoInstant(row.created_at),
});
