import { sql } from 'kysely';
import type { Db, Tx } from '#store';
import { isBelow } from '../artifacts/artifacts-store.ts';
import { ownPathOf, pathOf, placeOf } from '../artifacts/paths.ts';
import type { TrainingTables } from '../tables.ts';
import { publicRunId } from '../tracking/words.ts';
import type { DeletedRecord } from './port.ts';

interface Tables extends TrainingTables {
  saved_views: { readonly experiment: string };
  erased_runs: { readonly position: number };
  artifacts: { readonly folder: string; readonly name: string; readonly digest: string | null; readonly size: number };
}

/** So many points go in one transaction, so that others get their turn. */
const pointsAtOnce = 20_000;

/** A deleted record. */
export type FoundRecord = Omit<DeletedRecord, 'bytes'>;

/** A page of deleted records of a kind, in the order of their positions. @param after a position */
export async function selectDeleted(
  db: Db,
  kind: DeletedRecord['kind'],
  before: number,
  after: number,
  limit: number,
): Promise<readonly FoundRecord[]> {
  const tables = db.tables<Tables>();
  if (kind === 'run') {
    const rows = await tables
      .selectFrom('runs')
      .innerJoin('experiments', 'experiments.id', 'runs.experiment')
      .select(['runs.position', 'runs.id', 'runs.name', 'runs.deleted_at', 'experiments.public_id', 'experiments.artifact_location'])
      .where('runs.deleted_at', '<', before)
      .where('runs.position', '>', after)
      .orderBy('runs.position')
      .limit(limit)
      .execute();
    return rows.map((row) => ({
      kind,
      id: row.id,
      name: row.name,
      deletedAt: row.deleted_at ?? 0,
      position: row.position ?? 0,
      folder: pathOf({ folder: rootOf(row), name: publicRunId(row.id) }),
    }));
  }
  if (kind === 'logged_model') {
    const rows = await tables
      .selectFrom('logged_models')
      .innerJoin('experiments', 'experiments.id', 'logged_models.experiment')
      .select([
        'logged_models.position',
        'logged_models.id',
        'logged_models.name',
        'logged_models.deleted_at',
        'experiments.public_id',
        'experiments.artifact_location',
      ])
      .where('logged_models.deleted_at', '<', before)
      .where('logged_models.position', '>', after)
      .orderBy('logged_models.position')
      .limit(limit)
      .execute();
    return rows.map((row) => ({
      kind,
      id: row.id,
      name: row.name,
      deletedAt: row.deleted_at ?? 0,
      position: row.position ?? 0,
      folder: pathOf({ folder: rootOf(row), name: `models/${row.id}` }),
    }));
  }
  const rows = await tables
    .selectFrom('experiments')
    .select(['id', 'public_id', 'name', 'deleted_at'])
    .where('deleted_at', '<', before)
    .where('id', '>', after)
    .orderBy('id')
    .limit(limit)
    .execute();
  return rows.map((row) => ({
    kind,
    id: row.public_id,
    name: row.name,
    deletedAt: row.deleted_at ?? 0,
    position: row.id,
    folder: row.public_id,
  }));
}

/** Where the files of an experiment stand, as far as they are kept here. */
function rootOf({
  public_id: experiment,
  artifact_location: location,
}: Pick<TrainingTables['experiments'], 'public_id' | 'artifact_location'>): string {
  return location === null ? experiment : (ownPathOf(location) ?? experiment);
}

/** Bytes of all files below a folder. */
export async function bytesBelow(db: Db, folder: string): Promise<number> {
  const { bytes } = await db
    .tables<Tables>()
    .selectFrom('artifacts')
    .select(({ fn }) => fn.coalesce(fn.sum<number>('size'), sql<number>`0`).as('bytes'))
    .where(isBelow(folder))
    .executeTakeFirstOrThrow();
  return Number(bytes);
}

/** @see Retention.erase */
export async function eraseRecord(
  tx: Tx,
  { record, before }: { readonly record: DeletedRecord; readonly before: number },
): Promise<boolean> {
  const { kind, position, folder } = record;
  const tables = tx.tables<Tables>();
  if (kind === 'run') {
    const gone = await tables.deleteFrom('runs').where('position', '=', position).where('deleted_at', '<', before).executeTakeFirst();
    if (Number(gone.numDeletedRows) === 0) return false;
    for (const table of [
      'parameters',
      'tags',
      'metric_latest',
      'metric_outlines',
      'run_datasets',
      'run_models',
      'run_comments',
      'comment_mentions',
    ] as const)
      await tables.deleteFrom(table).where('run', '=', position).execute();
    await tables.insertInto('erased_runs').values({ position }).execute();
  } else if (kind === 'logged_model') {
    const gone = await tables
      .deleteFrom('logged_models')
      .where('position', '=', position)
      .where('deleted_at', '<', before)
      .executeTakeFirst();
    if (Number(gone.numDeletedRows) === 0) return false;
    for (const table of ['logged_model_parameters', 'logged_model_tags', 'logged_model_metrics'] as const)
      await tables.deleteFrom(table).where('model', '=', position).execute();
    await tables.deleteFrom('run_models').where('model', '=', record.id).execute();
  } else {
    for (const table of ['runs', 'logged_models'] as const) {
      const left = await tables.selectFrom(table).select('id').where('experiment', '=', position).limit(1).executeTakeFirst();
      if (left !== undefined) return false;
    }
    const gone = await tables.deleteFrom('experiments').where('id', '=', position).where('deleted_at', '<', before).executeTakeFirst();
    if (Number(gone.numDeletedRows) === 0) return false;
    await tables.deleteFrom('experiment_tags').where('experiment', '=', position).execute();
    await tables.deleteFrom('saved_views').where('experiment', '=', record.id).execute();
    const datasets = tables
      .selectFrom('tracked_datasets')
      .select('id')
      .where('experiment', '=', position)
      .$narrowType<{ readonly id: number }>();
    await tables.deleteFrom('run_datasets').where('dataset', 'in', datasets).execute();
    await tables.deleteFrom('tracked_datasets').where('experiment', '=', position).execute();
  }
  const place = placeOf(folder);
  await tables.deleteFrom('artifacts').where(isBelow(folder)).execute();
  await tables.deleteFrom('artifacts').where('folder', '=', place.folder).where('name', '=', place.name).execute();
  return true;
}

/** Takes away some of the points that erased runs left. @returns whether there are more */
export async function clearSome(tx: Tx): Promise<boolean> {
  const tables = tx.tables<Tables>();
  const erased = await tables.selectFrom('erased_runs').select('position').orderBy('position').limit(1).executeTakeFirst();
  if (erased === undefined) return false;
  const { position } = erased;
  const columns = sql`run, name, step, timestamp, value, is_nan`;
  const { rows } = await sql<{ run: number }>`delete from metric_points where (${columns}) in
    (select ${columns} from metric_points where run = ${position} order by ${columns} limit ${sql.lit(pointsAtOnce)}) returning run`.execute(
    tx.tables(),
  );
  if (rows.length < pointsAtOnce) await tables.deleteFrom('erased_runs').where('position', '=', position).execute();
  return true;
}
