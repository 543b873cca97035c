import type { Actor, BatchPrediction, BatchScheduleBody } from '#contract';
import type { Db, Tx } from '#store';

/** A schedule as somebody set it. */
export interface ScheduleSetting {
  readonly project: string;
  readonly name: string;
  readonly definition: BatchScheduleBody;
  readonly set_by: Actor;
  readonly set_at: number;
}

interface Tables {
  batch_predictions: {
    readonly position?: number;
    readonly id: string;
    readonly model: string;
    readonly state: BatchPrediction['state'];
    readonly prediction: BatchPrediction;
    /** The schedule that began it, and the instant that it was due at; null where somebody asked. */
    readonly schedule?: string | null;
    readonly due?: string | null;
  };
  batch_schedules: ScheduleSetting;
}

/** Keeps a batch prediction as it stands now. */
export async function keepBatch(tx: Tx, prediction: BatchPrediction): Promise<void> {
  const { id, state, model, schedule } = prediction;
  await tx
    .tables<Tables>()
    .insertInto('batch_predictions')
    .values({ id, model: model.name, state, prediction, schedule: schedule?.name ?? null, due: schedule?.due ?? null })
    .onConflict((conflict) => conflict.column('id').doUpdateSet({ state, prediction }))
    .execute();
}

export async function batchOf(db: Db, id: string): Promise<BatchPrediction | undefined> {
  const found = await db.tables<Tables>().selectFrom('batch_predictions').select('prediction').where('id', '=', id).executeTakeFirst();
  return found?.prediction;
}

/** Those that wait or go on, the oldest first. */
export async function openBatches(db: Db): Promise<BatchPrediction[]> {
  const found = await db
    .tables<Tables>()
    .selectFrom('batch_predictions')
    .select('prediction')
    .where('state', 'in', ['queued', 'running'])
    .orderBy('position')
    .execute();
  return found.map(({ prediction }) => prediction);
}

/** Newest first. @param before only those with a lower position */
export async function listBatches(
  db: Db,
  { model, schedule }: { readonly model?: string | undefined; readonly schedule?: string | undefined },
  limit: number,
  before: number | undefined,
): Promise<{ readonly prediction: BatchPrediction; readonly position: number }[]> {
  let rows = db.tables<Tables>().selectFrom('batch_predictions').select(['prediction', 'position']);
  if (model !== undefined) rows = rows.where('model', '=', model);
  if (schedule !== undefined) rows = rows.where('schedule', '=', schedule);
  if (before !== undefined) rows = rows.where('position', '<', before);
  const found = await rows.orderBy('position', 'desc').limit(limit).execute();
  return found.map(({ prediction, position }) => ({ prediction, position: position ?? 0 }));
}

/** What a schedule began for an instant. */
export async function batchDueAt(db: Db, schedule: string, due: string): Promise<BatchPrediction | undefined> {
  const found = await db
    .tables<Tables>()
    .selectFrom('batch_predictions')
    .select('prediction')
    .where('schedule', '=', schedule)
    .where('due', '=', due)
    .executeTakeFirst();
  return found?.prediction;
}

/** The newest of a schedule that went to its end. */
export async function lastFinished(db: Db, schedule: string): Promise<BatchPrediction | undefined> {
  const found = await db
    .tables<Tables>()
    .selectFrom('batch_predictions')
    .select('prediction')
    .where('schedule', '=', schedule)
    .where('state', '=', 'finished')
    .orderBy('position', 'desc')
    .limit(1)
    .executeTakeFirst();
  return found?.prediction;
}

export function scheduleSettings(db: Db, project: string): Promise<ScheduleSetting[]> {
  return db.tables<Tables>().selectFrom('batch_schedules').selectAll().where('project', '=', project).orderBy('name').execute();
}

/** @returns whether there was none of that name before */
export async function setSchedule(tx: Tx, setting: ScheduleSetting): Promise<boolean> {
  const existed = await removeSchedule(tx, setting.project, setting.name);
  await tx.tables<Tables>().insertInto('batch_schedules').values(setting).execute();
  return !existed;
}

/** @returns whether it was there */
export async function removeSchedule(tx: Tx, project: string, name: string): Promise<boolean> {
  await tx.lock(`batch-schedule:${project}/${name}`);
  const { numDeletedRows } = await tx
    .tables<Tables>()
    .deleteFrom('batch_schedules')
    .where('project', '=', project)
    .where('name', '=', name)
    .executeTakeFirst();
  return numDeletedRows > 0n;
}
