import type { Run } from '#contract';
import type { Db, Tx } from '#store';
import { modelsOfRuns } from '../logged-models/run-models-store.ts';
import { lastMetrics } from '../metrics-store.ts';
import { parametersOf, tagsOf } from '../runs-store.ts';
import type { RunRow, TrainingTables } from '../tables.ts';
import { datasetsOfRuns } from './datasets-store.ts';
import type { TrackedRun, TrackedRunInfo } from './port.ts';
import { runNameTag } from './words.ts';

export async function renameRun(tx: Tx, run: number, name: string): Promise<void> {
  await tx.tables<TrainingTables>().updateTable('runs').set({ name }).where('position', '=', run).execute();
}

/** Deletes or restores a run. @param at when it is deleted; null restores it */
export async function markRun(tx: Tx, run: number, at: number | null): Promise<void> {
  await tx.tables<TrainingTables>().updateTable('runs').set({ deleted_at: at }).where('position', '=', run).execute();
}

export async function changeRun(
  tx: Tx,
  run: number,
  change: { readonly status?: Run['status']; readonly ended_at?: number | null; readonly name?: string },
): Promise<void> {
  if (Object.keys(change).length > 0)
    await tx.tables<TrainingTables>().updateTable('runs').set(change).where('position', '=', run).execute();
}

/** @returns whether there was such a tag */
export async function removeTag(tx: Tx, run: number, key: string): Promise<boolean> {
  const removed = await tx.tables<TrainingTables>().deleteFrom('tags').where('run', '=', run).where('key', '=', key).executeTakeFirst();
  return Number(removed.numDeletedRows) > 0;
}

/** The ids of the experiments that runs belong to, by the runs' ids. */
export async function experimentsOfRuns(db: Db, ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
  if (ids.length === 0) return new Map();
  const rows = await db
    .tables<TrainingTables>()
    .selectFrom('runs')
    .innerJoin('experiments', 'experiments.id', 'runs.experiment')
    .select(['runs.id', 'experiments.public_id'])
    .where('runs.id', 'in', ids)
    .execute();
  return new Map(rows.map(({ id, public_id: experiment }) => [id, experiment]));
}

/** The runs at these positions, in their order, with all that was logged: one query for each table, however many runs. */
export async function trackedRuns(db: Db, positions: readonly number[]): Promise<TrackedRun[]> {
  const infos = await trackedInfos(db, positions);
  if (infos.size === 0) return [];
  const metrics = Map.groupBy(await lastMetrics(db, positions), ({ run }) => run);
  const parameters = Map.groupBy(await parametersOf(db, positions), ({ run }) => run);
  const tags = Map.groupBy(await tagsOf(db, positions), ({ run }) => run);
  const datasets = await datasetsOfRuns(db, positions);
  const models = await modelsOfRuns(db, positions);
  return positions.flatMap((position) => {
    const info = infos.get(position);
    if (info === undefined) return [];
    return {
      ...info,
      metrics: metrics.get(position) ?? [],
      parameters: parameters.get(position) ?? [],
      tags: [...(tags.get(position) ?? []), { key: runNameTag, value: info.name }],
      datasets: datasets.get(position) ?? [],
      models: models.get(position) ?? [],
    };
  });
}

/** Runs by position, without what was logged to them. */
export async function trackedInfos(db: Db, positions: readonly number[]): Promise<ReadonlyMap<number, TrackedRunInfo>> {
  if (positions.length === 0) return new Map();
  const rows = await db
    .tables<TrainingTables>()
    .selectFrom('runs')
    .innerJoin('experiments', 'experiments.id', 'runs.experiment')
    .select([
      'runs.position',
      'runs.id',
      'runs.name',
      'runs.status',
      'runs.deleted_at',
      'runs.user_name',
      'runs.started_at',
      'runs.ended_at',
      'runs.created_by',
      'experiments.public_id as experiment',
      'experiments.artifact_location',
    ])
    .where('runs.position', 'in', positions)
    .execute();
  return new Map(
    rows.map((row) => [
      row.position ?? 0,
      {
        id: row.id,
        experiment: row.experiment,
        ...(row.artifact_location === null ? {} : { artifactLocation: row.artifact_location }),
        name: row.name,
        status: row.status,
        lifecycle: (row.deleted_at ?? null) === null ? 'active' : 'deleted',
        user: row.user_name ?? nameOf(row.created_by),
        startedAt: row.started_at,
        ...(row.ended_at === null ? {} : { endedAt: row.ended_at }),
      },
    ]),
  );
}

const nameOf = ({ name }: RunRow['created_by']): string => name;
