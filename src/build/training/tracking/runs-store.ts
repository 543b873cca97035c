import { runStatuses } from '#contract';
import type { Run } from '#contract';
import { GyreError } from '#core';
import type { Db, RowsOf, Tx } from '#store';
import { modelsOfRuns } from '../logged-models/run-models-store.ts';
import type { MetricNames } from '../metric-names-store.ts';
import { lastMetrics } from '../metrics-store.ts';
import { parametersOf, tagsOf } from '../runs-store.ts';
import { keysPerQuery } from '../tables.ts';
import type { ExperimentRow, TrainingTables } from '../tables.ts';
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

/**
 * The runs at these positions, in their order, with all that was logged: one query for each table, however many runs.
 * @param experiments those that were read already, in this snapshot
 */
export async function trackedRuns(
  db: Db,
  names: MetricNames,
  positions: readonly number[],
  experiments: readonly ExperimentRow[] = [],
): Promise<TrackedRun[]> {
  if (positions.length === 0) return [];
  const [infos, metrics, parameters, tags, datasets, models] = await Promise.all([
    trackedInfos(db, positions, experiments),
    lastMetrics(db, names, positions),
    parametersOf(db, positions),
    tagsOf(db, positions),
    datasetsOfRuns(db, positions),
    modelsOfRuns(db, positions),
  ]);
  return positions.flatMap((position, at) => {
    const info = infos.get(position);
    if (info === undefined) return [];
    return {
      ...info,
      metrics: metrics[at],
      parameters: parameters[at],
      tags: [...tags[at], { key: runNameTag, value: info.name }],
      datasets: datasets.get(position) ?? [],
      models: models.get(position) ?? [],
    };
  });
}

const runsByPosition: RowsOf = {
  table: 'runs',
  select: ['id', 'experiment', 'name', 'status', 'deleted_at', 'user_name', 'started_at', 'ended_at'],
  by: [{ name: 'position', type: 'integer' }],
};
const experimentsByNumber: RowsOf = {
  table: 'experiments',
  select: ['public_id', 'artifact_location'],
  by: [{ name: 'id', type: 'integer' }],
};

/** Runs by position, without what was logged to them. @param known experiments that were read already */
export async function trackedInfos(
  db: Db,
  positions: readonly number[],
  known: readonly ExperimentRow[] = [],
): Promise<ReadonlyMap<number, TrackedRunInfo>> {
  const rows = await db.rowsOf(
    runsByPosition,
    positions.map((position) => [position]),
  );
  const nameless = positions.filter((_, at) => rows[at].some(([, , , , , user]) => user === null));
  const [experiments, creators] = await Promise.all([
    experimentParts(db, new Set(rows.flatMap((found) => found.map(([, experiment]) => Number(experiment)))), known),
    creatorsOf(db, nameless),
  ]);
  return new Map(
    positions.flatMap((position, at) =>
      rows[at].flatMap(([id, number, name, status, deletedAt, user, startedAt, endedAt]): [number, TrackedRunInfo][] => {
        const experiment = experiments.get(Number(number));
        if (experiment === undefined) return [];
        const info = {
          id: String(id),
          ...experiment,
          name: String(name),
          status: statusOf(status),
          lifecycle: deletedAt === null ? 'active' : 'deleted',
          user: user === null ? (creators.get(position) ?? '') : String(user),
          startedAt: Number(startedAt),
          ...(endedAt === null ? {} : { endedAt: Number(endedAt) }),
        } as const;
        return [[position, info]];
      }),
    ),
  );
}

type ExperimentParts = Pick<TrackedRunInfo, 'experiment' | 'artifactLocation'>;

async function experimentParts(
  db: Db,
  numbers: ReadonlySet<number>,
  known: readonly ExperimentRow[],
): Promise<ReadonlyMap<number, ExperimentParts>> {
  const parts = new Map(known.map(({ id, public_id: publicId, artifact_location: location }) => [id, partsOf(publicId, location)]));
  const distinct = [...numbers].filter((number) => !parts.has(number));
  const found = await db.rowsOf(
    experimentsByNumber,
    distinct.map((number) => [number]),
  );
  for (const [at, rows] of found.entries()) for (const [id, location] of rows) parts.set(distinct[at], partsOf(id, location));
  return parts;
}

function partsOf(id: unknown, location: unknown): ExperimentParts {
  return { experiment: String(id), ...(location === null ? {} : { artifactLocation: String(location) }) };
}

/** Names of those who made runs that name no user: those of our own trainers. */
async function creatorsOf(db: Db, positions: readonly number[]): Promise<ReadonlyMap<number, string>> {
  const names = new Map<number, string>();
  for (let start = 0; start < positions.length; start += keysPerQuery) {
    const rows = await db
      .tables<TrainingTables>()
      .selectFrom('runs')
      .select(['position', 'created_by'])
      .where('position', 'in', positions.slice(start, start + keysPerQuery))
      .execute();
    for (const { position = 0, created_by: by } of rows) names.set(position, by.name);
  }
  return names;
}

function statusOf(word: unknown): Run['status'] {
  const status = runStatuses.find((known) => known === word);
  if (status === undefined) throw new GyreError('DATA_LOSS', `a run has the status "${String(word)}", which there is not`);
  return status;
}
