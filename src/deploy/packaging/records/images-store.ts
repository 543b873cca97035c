import type { ModelImage } from '#contract';
import type { Db, Tx } from '#store';

interface Tables {
  model_images: { readonly position?: number; readonly id: string; readonly model: string; readonly record: ModelImage };
}

export async function insertImage(tx: Tx, record: ModelImage): Promise<void> {
  await tx.tables<Tables>().insertInto('model_images').values({ id: record.id, model: record.model, record }).execute();
}

export async function selectImage(db: Db, id: string): Promise<ModelImage | undefined> {
  const found = await db.tables<Tables>().selectFrom('model_images').select('record').where('id', '=', id).executeTakeFirst();
  return found?.record;
}

/** Newest first. */
export async function selectImages(db: Db, model: string | undefined, limit: number): Promise<readonly ModelImage[]> {
  let query = db.tables<Tables>().selectFrom('model_images').select('record').orderBy('position', 'desc').limit(limit);
  if (model !== undefined) query = query.where('model', '=', model);
  return (await query.execute()).map(({ record }) => record);
}
