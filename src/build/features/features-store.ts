import type { Transform } from '#contract';
import type { Db, Tx } from '#store';

interface Tables {
  transforms: {
    readonly position?: number;
    readonly id: string;
    readonly digest: string;
    readonly name: string;
    readonly fitted_on: string;
    readonly created_at: number;
    readonly record: Transform;
  };
}

/** Keeps a transform unless there is one of its digest. @returns the record as it stands, and whether this call made it */
export async function insertTransform(
  tx: Tx,
  { record, createdAt }: { readonly record: Transform; readonly createdAt: number },
): Promise<{ readonly record: Transform; readonly created: boolean }> {
  await tx.lock(`transform:${record.digest}`);
  const existing = await transformOf(tx, record.digest);
  if (existing !== undefined) return { record: existing, created: false };
  await tx
    .tables<Tables>()
    .insertInto('transforms')
    .values({
      id: record.id,
      digest: record.digest,
      name: record.name,
      fitted_on: record.fittedOn,
      created_at: createdAt,
      record,
    })
    .execute();
  return { record, created: true };
}

/** By digest or id. */
export async function transformOf(db: Db, name: string): Promise<Transform | undefined> {
  const found = await db
    .tables<Tables>()
    .selectFrom('transforms')
    .select('record')
    .where((where) => where.or([where('digest', '=', name), where('id', '=', name)]))
    .executeTakeFirst();
  return found?.record;
}

/** Newest first. @param before only those with a lower position */
export async function selectTransforms(
  db: Db,
  filter: { readonly name?: string },
  limit: number,
  before: number | undefined,
): Promise<{ readonly record: Transform; readonly position: number }[]> {
  let rows = db.tables<Tables>().selectFrom('transforms').select(['record', 'position']);
  if (filter.name !== undefined) rows = rows.where('name', '=', filter.name);
  if (before !== undefined) rows = rows.where('position', '<', before);
  const found = await rows.orderBy('position', 'desc').limit(limit).execute();
  return found.map(({ record, position }) => ({ record, position: position ?? 0 }));
}
