import type { Db, Tx } from '#store';
import type { TrainingTables } from '../tables.ts';
import type { RunModel } from '../tracking/port.ts';

/** Notes which models a run made or used; one that is noted already stays as it is. */
export function insertRunModels(tx: Tx, run: number, models: readonly RunModel[]): Promise<void> {
  return tx.insertRows(
    {
      table: 'run_models',
      columns: [
        { name: 'run', type: 'integer' },
        { name: 'model', type: 'text' },
        { name: 'role', type: 'text' },
        { name: 'step', type: 'integer' },
      ],
      onConflict: 'on conflict do nothing',
    },
    models.map(({ model, role, step }) => [run, model, role, step]),
  );
}

/** The models that runs made or used, by the runs' positions, in the order in which they were noted. */
export async function modelsOfRuns(db: Db, runs: readonly number[]): Promise<ReadonlyMap<number, readonly RunModel[]>> {
  const rows = await db
    .tables<TrainingTables>()
    .selectFrom('run_models')
    .select(['run', 'model', 'role', 'step'])
    .where('run', 'in', runs)
    .orderBy('run')
    .orderBy('position')
    .execute();
  const found = new Map<number, RunModel[]>();
  for (const { run, ...use } of rows) {
    const models = found.get(run);
    if (models === undefined) found.set(run, [use]);
    else models.push(use);
  }
  return found;
}
