import type { BatchPrediction } from '#contract';
import type { Db, Tx } from '#store';

interface Tables {
  batch_predictions: {
    readonly position?: number;
    readonly id: string;
    readonly model: string;
    readonly state: BatchPrediction['state'];
    readonly prediction: BatchPrediction;
  };
}

/** Keeps a batch prediction as it stands now. */
export async function keepBatch(tx: Tx, prediction: BatchPrediction): Promise<void> {
  const { id, state, model } = prediction;
  await tx
    .tables<Tables>()
    .insertInto('batch_predictions')
    .values({ id, model: model.name, state, prediction })
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
  model: string | undefined,
  limit: number,
  before: number | undefined,
): Promise<{ readonly prediction: BatchPrediction; readonly position: number }[]> {
  let rows = db.tables<Tables>().selectFrom('batch_predictions').select(['prediction', 'position']);
  if (model !== undefined) rows = rows.where('model', '=', model);
  if (before !== undefined) rows = rows.where('position', '<', before);
  const found = await rows.orderBy('position', 'desc').limit(limit).execute();
  return found.map(({ prediction, position }) => ({ prediction, position: position ?? 0 }));
}
