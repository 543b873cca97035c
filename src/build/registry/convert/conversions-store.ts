import type { ModelConversion } from '#contract';
import type { Db, Tx } from '#store';

interface Tables {
  model_conversions: {
    readonly position?: number;
    readonly id: string;
    readonly model: string;
    /** The data folder of the process that converts. */
    readonly owner: string;
    readonly state: ModelConversion['state'];
    readonly conversion: ModelConversion;
  };
}

/** A conversion, and the data folder whose process works on it. */
export interface OwnedConversion {
  readonly conversion: ModelConversion;
  readonly owner: string;
}

/** Keeps a conversion as it stands now. */
export async function keepConversion(tx: Tx, { conversion, owner }: OwnedConversion): Promise<void> {
  const { id, state, from } = conversion;
  await tx
    .tables<Tables>()
    .insertInto('model_conversions')
    .values({ id, model: from.model, owner, state, conversion })
    .onConflict((conflict) => conflict.column('id').doUpdateSet({ state, conversion }))
    .execute();
}

export async function conversionOf(db: Db, id: string): Promise<ModelConversion | undefined> {
  const found = await db.tables<Tables>().selectFrom('model_conversions').select('conversion').where('id', '=', id).executeTakeFirst();
  return found?.conversion;
}

/** Those of an owner that wait or go on. */
export async function openConversionsOf(db: Db, owner: string): Promise<ModelConversion[]> {
  const found = await db
    .tables<Tables>()
    .selectFrom('model_conversions')
    .select('conversion')
    .where('owner', '=', owner)
    .where('state', 'in', ['queued', 'running'])
    .orderBy('position')
    .execute();
  return found.map(({ conversion }) => conversion);
}

/** Newest first. @param before only those with a lower position */
export async function listConversions(
  db: Db,
  model: string | undefined,
  limit: number,
  before: number | undefined,
): Promise<{ readonly conversion: ModelConversion; readonly position: number }[]> {
  let rows = db.tables<Tables>().selectFrom('model_conversions').select(['conversion', 'position']);
  if (model !== undefined) rows = rows.where('model', '=', model);
  if (before !== undefined) rows = rows.where('position', '<', before);
  const found = await rows.orderBy('position', 'desc').limit(limit).execute();
  return found.map(({ conversion, position }) => ({ conversion, position: position ?? 0 }));
}
