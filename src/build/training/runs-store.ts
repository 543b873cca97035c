import type { Parameters, Run } from '#contract';
import { isoInstant } from '#core';
import type { Db, Tx } from '#store';
import type { RunRow, TrainingTables } from './tables.ts';

export async function insertRun(tx: Tx, row: RunRow): Promise<void> {
  await tx.tables<TrainingTables>().insertInto('runs').values(row).execute();
}

export async function insertParameters(tx: Tx, run: string, parameters: Parameters): Promise<void> {
  const rows = Object.entries(parameters).map(([key, value]) => keyed(run, key, JSON.stringify(value)));
  if (rows.length > 0) await tx.tables<TrainingTables>().insertInto('run_parameters').values(rows).execute();
}

const startOf = (value: string): string => value.slice(0, 200);
const keyed = (run: string, key: string, value: string): TrainingTables['run_tags'] => ({ run, key, value, value_start: startOf(value) });

export async function parametersOf(db: Db, run: string): Promise<Parameters> {
  const rows = await db.tables<TrainingTables>().selectFrom('run_parameters').select(['key', 'value']).where('run', '=', run).execute();
  return Object.fromEntries(rows.map(({ key, value }) => [key, parameterValue(value)]));
}

/** Sets tags; one that is there gets the new value. */
export async function upsertTags(tx: Tx, run: string, tags: Readonly<Record<string, string>>): Promise<void> {
  for (const [key, value] of Object.entries(tags)) {
    await tx
      .tables<TrainingTables>()
      .insertInto('run_tags')
      .values(keyed(run, key, value))
      .onConflict((conflict) => conflict.columns(['run', 'key']).doUpdateSet({ value, value_start: startOf(value) }))
      .execute();
  }
}

/** Sets artifacts; one of the same path is replaced. */
export async function upsertArtifacts(tx: Tx, run: string, artifacts: Run['artifacts']): Promise<void> {
  for (const { path, digest, size } of artifacts) {
    await tx
      .tables<TrainingTables>()
      .insertInto('run_artifacts')
      .values({ run, path, digest, size })
      .onConflict((conflict) => conflict.columns(['run', 'path']).doUpdateSet({ digest, size }))
      .execute();
  }
}

/** Ends a run that is still open. @returns whether it was */
export async function closeRun(
  tx: Tx,
  { run, status, at, error }: { readonly run: string; readonly status: Run['status']; readonly at: number; readonly error?: string },
): Promise<boolean> {
  const changed = await tx
    .tables<TrainingTables>()
    .updateTable('runs')
    .set({ status, ended_at: at, error: error ?? null })
    .where('id', '=', run)
    .where('status', 'in', ['RUNNING', 'SCHEDULED'])
    .executeTakeFirst();
  return Number(changed.numUpdatedRows) > 0;
}

/** The status of a run, undefined when there is none. */
export async function statusOf(db: Db, run: string): Promise<Run['status'] | undefined> {
  return (await db.tables<TrainingTables>().selectFrom('runs').select('status').where('id', '=', run).executeTakeFirst())?.status;
}

export async function runOf(db: Db, id: string): Promise<Run | undefined> {
  const rows = await db.tables<TrainingTables>().selectFrom('runs').selectAll().where('id', '=', id).execute();
  return (await assemble(db, rows))[0];
}

export interface RunFilter {
  readonly experiment?: number;
  readonly study?: string;
  readonly status?: Run['status'];
}

/** Newest first. @param before only those with a lower position */
export async function selectRuns(
  db: Db,
  filter: RunFilter,
  limit: number,
  before: number | undefined,
): Promise<{ readonly run: Run; readonly position: number }[]> {
  let query = db.tables<TrainingTables>().selectFrom('runs').selectAll();
  if (filter.experiment !== undefined) query = query.where('experiment', '=', filter.experiment);
  if (filter.study !== undefined) query = query.where('study', '=', filter.study);
  if (filter.status !== undefined) query = query.where('status', '=', filter.status);
  if (before !== undefined) query = query.where('position', '<', before);
  const rows = await query.orderBy('position', 'desc').limit(limit).execute();
  const assembled = await assemble(db, rows);
  return assembled.map((run, at) => ({ run, position: rows[at].position ?? 0 }));
}

/** Open runs of studies: what a process that ended left behind. */
export async function openStudyRuns(db: Db): Promise<string[]> {
  const rows = await db
    .tables<TrainingTables>()
    .selectFrom('runs')
    .select('id')
    .where('status', '=', 'RUNNING')
    .where('study', 'is not', null)
    .orderBy('position')
    .execute();
  return rows.map(({ id }) => id);
}

/** Rows with their parameters, tags, last metrics and artifacts: one query for each table, however many runs. */
async function assemble(db: Db, rows: readonly RunRow[]): Promise<Run[]> {
  if (rows.length === 0) return [];
  const ids = rows.map(({ id }) => id);
  const tables = db.tables<TrainingTables>();
  const parameters = grouped(await tables.selectFrom('run_parameters').selectAll().where('run', 'in', ids).orderBy('key').execute());
  const tags = grouped(await tables.selectFrom('run_tags').selectAll().where('run', 'in', ids).orderBy('key').execute());
  const metrics = grouped(
    await tables.selectFrom('run_metrics_latest').select(['run', 'key', 'value']).where('run', 'in', ids).orderBy('key').execute(),
  );
  const artifacts = grouped(await tables.selectFrom('run_artifacts').selectAll().where('run', 'in', ids).orderBy('path').execute());
  return rows.map((row) => ({
    id: row.id,
    experiment: String(row.experiment),
    name: row.name,
    status: row.status,
    ...(row.trainer === null ? {} : { trainer: row.trainer }),
    ...(row.study === null ? {} : { study: row.study }),
    ...(row.trial === null ? {} : { trial: row.trial }),
    parameters: Object.fromEntries((parameters.get(row.id) ?? []).map(({ key, value }) => [key, parameterValue(value)])),
    metrics: Object.fromEntries((metrics.get(row.id) ?? []).map(({ key, value }) => [key, value])),
    tags: Object.fromEntries((tags.get(row.id) ?? []).map(({ key, value }) => [key, value])),
    ...(row.seed === null ? {} : { seed: row.seed }),
    inputs: row.inputs,
    artifacts: (artifacts.get(row.id) ?? []).map(({ path, digest, size }) => ({ path, digest, size })),
    code: row.code,
    environment: row.environment,
    startedAt: isoInstant(row.started_at),
    ...(row.ended_at === null ? {} : { endedAt: isoInstant(row.ended_at) }),
    ...(row.error === null ? {} : { error: row.error }),
    createdBy: row.created_by,
  }));
}

function grouped<R extends { readonly run: string }>(rows: readonly R[]): ReadonlyMap<string, R[]> {
  return Map.groupBy(rows, ({ run }) => run);
}

function parameterValue(text: string): Parameters[string] {
  const value: unknown = JSON.parse(text);
  return typeof value === 'number' || typeof value === 'boolean' ? value : String(value);
}
