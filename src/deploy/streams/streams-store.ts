import type { StreamPrediction } from '#contract';
import type { Db, Tx } from '#store';

interface Tables {
  stream_predictions: {
    readonly position?: number;
    readonly id: string;
    readonly model: string;
    readonly state: StreamPrediction['state'];
    /** The data folder whose process runs it, where several share a database. */
    readonly owner: string;
    readonly prediction: StreamPrediction;
  };
}

/** What is kept of a stream: how it stands is known to the process that runs it alone. */
export type KeptStream = Omit<StreamPrediction, 'figures'>;

export async function keepStream(
  tx: Tx,
  { owner, prediction }: { readonly owner: string; readonly prediction: KeptStream },
): Promise<void> {
  const { id, state, model } = prediction;
  await tx
    .tables<Tables>()
    .insertInto('stream_predictions')
    .values({ id, model: model.name, state, owner, prediction })
    .onConflict((conflict) => conflict.column('id').doUpdateSet({ state, prediction }))
    .execute();
}

export async function streamOf(db: Db, id: string): Promise<KeptStream | undefined> {
  const found = await db.tables<Tables>().selectFrom('stream_predictions').select('prediction').where('id', '=', id).executeTakeFirst();
  return found?.prediction;
}

/** Those that go on, the oldest first. @param owner only those of one data folder; all without it */
export async function openStreams(db: Db, owner?: string): Promise<KeptStream[]> {
  let rows = db.tables<Tables>().selectFrom('stream_predictions').select('prediction').where('state', '=', 'running');
  if (owner !== undefined) rows = rows.where('owner', '=', owner);
  return (await rows.orderBy('position').execute()).map(({ prediction }) => prediction);
}

/** Newest first. @param before only those with a lower position */
export async function listStreams(
  db: Db,
  model: string | undefined,
  limit: number,
  before: number | undefined,
): Promise<{ readonly prediction: KeptStream; readonly position: number }[]> {
  let rows = db.tables<Tables>().selectFrom('stream_predictions').select(['prediction', 'position']);
  if (model !== undefined) rows = rows.where('model', '=', model);
  if (before !== undefined) rows = rows.where('position', '<', before);
  const found = await rows.orderBy('position', 'desc').limit(limit).execute();
  return found.map(({ prediction, position }) => ({ prediction, position: position ?? 0 }));
}
