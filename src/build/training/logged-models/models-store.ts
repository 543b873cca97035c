import type { Db, Tx } from '#store';
import type { KeyValue } from '../tracking/port.ts';
import { startOf } from '../tables.ts';
import type { LoggedModelRow, TrainingTables } from '../tables.ts';
import { pointsOfModels } from './model-metrics-store.ts';
import type { LoggedModel } from './port.ts';

/** Adds a model. @returns its position */
export async function insertModel(tx: Tx, row: LoggedModelRow): Promise<number> {
  await tx.tables<TrainingTables>().insertInto('logged_models').values(row).execute();
  return (await modelRow(tx, row.id))?.position ?? 0;
}

export function modelRow(db: Db, id: string): Promise<LoggedModelRow | undefined> {
  return db.tables<TrainingTables>().selectFrom('logged_models').selectAll().where('id', '=', id).executeTakeFirst();
}

/** The positions of models by their ids. */
export async function modelPositions(db: Db, ids: readonly string[]): Promise<ReadonlyMap<string, number>> {
  if (ids.length === 0) return new Map();
  const rows = await db.tables<TrainingTables>().selectFrom('logged_models').select(['id', 'position']).where('id', 'in', ids).execute();
  return new Map(rows.map(({ id, position = 0 }) => [id, position]));
}

export async function changeModel(
  tx: Tx,
  position: number,
  change: Partial<Pick<LoggedModelRow, 'status' | 'deleted_at'>> & { readonly updated_at: number },
): Promise<void> {
  await tx.tables<TrainingTables>().updateTable('logged_models').set(change).where('position', '=', position).execute();
}

const keyedColumns = [
  { name: 'model', type: 'integer' },
  { name: 'key', type: 'text' },
  { name: 'value', type: 'text' },
  { name: 'value_start', type: 'text' },
] as const;

/** Adds parameters or tags; those of a key that is there get the new value. Of a key given twice the last counts. */
export async function putKeyed(
  tx: Tx,
  table: 'logged_model_parameters' | 'logged_model_tags',
  model: number,
  values: readonly KeyValue[],
): Promise<void> {
  const onConflict = 'on conflict (model, key) do update set value = excluded.value, value_start = excluded.value_start';
  const last = new Map(values.map(({ key, value }) => [key, value]));
  await tx.insertRows(
    { table, columns: keyedColumns, onConflict },
    [...last].map(([key, value]) => [model, key, value, startOf(value)]),
  );
}

/** @returns whether there was such a tag */
export async function removeModelTag(tx: Tx, model: number, key: string): Promise<boolean> {
  const tags = tx.tables<TrainingTables>().deleteFrom('logged_model_tags');
  const removed = await tags.where('model', '=', model).where('key', '=', key).executeTakeFirst();
  return Number(removed.numDeletedRows) > 0;
}

/** The models at these positions, in their order, with all that is known of them: one query for each table, however many models. */
export async function loggedModelsAt(db: Db, positions: readonly number[]): Promise<LoggedModel[]> {
  if (positions.length === 0) return [];
  const tables = db.tables<TrainingTables>();
  const rows = await tables
    .selectFrom('logged_models')
    .innerJoin('experiments', 'experiments.id', 'logged_models.experiment')
    .selectAll('logged_models')
    .select(['experiments.public_id', 'experiments.artifact_location'])
    .where('logged_models.position', 'in', positions)
    .execute();
  const parameters = await keyedOf(db, 'logged_model_parameters', positions);
  const tags = await keyedOf(db, 'logged_model_tags', positions);
  const metrics = await pointsOfModels(db, positions);
  const found = new Map(
    rows.map(({ position = 0, ...row }) => [
      position,
      {
        id: row.id,
        experiment: row.public_id,
        ...(row.artifact_location === null ? {} : { artifactLocation: row.artifact_location }),
        name: row.name,
        ...(row.model_type === null ? {} : { modelType: row.model_type }),
        status: row.status,
        ...(row.source_run === null ? {} : { sourceRun: row.source_run }),
        lifecycle: row.deleted_at === null ? ('active' as const) : ('deleted' as const),
        createdAt: row.created_at,
        updatedAt: row.updated_at,
        tags: tags.get(position) ?? [],
        parameters: parameters.get(position) ?? [],
        metrics: metrics.get(position) ?? [],
      },
    ]),
  );
  return positions.flatMap((position) => found.get(position) ?? []);
}

/** The parameters or tags of models, by their positions, in the order of keys. */
export async function keyedOf(
  db: Db,
  table: 'logged_model_parameters' | 'logged_model_tags',
  models: readonly number[],
): Promise<ReadonlyMap<number, readonly KeyValue[]>> {
  const keyed = db.tables<TrainingTables>().selectFrom(table).select(['model', 'key', 'value']);
  const rows = await keyed.where('model', 'in', models).orderBy('model').orderBy('key').execute();
  const found = new Map<number, KeyValue[]>();
  for (const { model, key, value } of rows) {
    const values = found.get(model);
    if (values === undefined) found.set(model, [{ key, value }]);
    else values.push({ key, value });
  }
  return found;
}
