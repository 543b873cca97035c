import type { Db, RowsOf, Tx } from '#store';
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

const modelsByRun: RowsOf = {
  table: 'run_models',
  select: ['model', 'role', 'step', 'position'],
  by: [{ name: 'run', type: 'integer' }],
};

/** The models that runs made or used, by the runs' positions, in the order in which they were noted. */
export async function modelsOfRuns(db: Db, runs: readonly number[]): Promise<ReadonlyMap<number, readonly RunModel[]>> {
  const found = await db.rowsOf(
    modelsByRun,
    runs.map((run) => [run]),
  );
  return new Map(
    found.flatMap((rows, at) => {
      if (rows.length === 0) return [];
      const noted = rows.toSorted(([, , , a], [, , , b]) => Number(a) - Number(b));
      const models = noted.map(([model, role, step]): RunModel => ({
        model: String(model),
        role: role === 'input' ? 'input' : 'output',
        step: Number(step),
      }));
      return [[runs[at], models]];
    }),
  );
}
