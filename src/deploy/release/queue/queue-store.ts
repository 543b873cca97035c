import type { Db, Tx } from '#store';

interface Tables {
  wanted_sign_offs: { key: string; wanted_at: number };
}

/** What waits, by its key, and since when in milliseconds since 1970. */
export async function selectWanted(db: Db): Promise<ReadonlyMap<string, number>> {
  const rows = await db.tables<Tables>().selectFrom('wanted_sign_offs').selectAll().execute();
  return new Map(rows.map(({ key, wanted_at }) => [key, wanted_at]));
}

export async function insertWanted(tx: Tx, { key, at }: { key: string; at: number }): Promise<void> {
  await tx.tables<Tables>().insertInto('wanted_sign_offs').values({ key, wanted_at: at }).execute();
}

export async function deleteWanted(tx: Tx, key: string): Promise<void> {
  await tx.tables<Tables>().deleteFrom('wanted_sign_offs').where('key', '=', key).execute();
}
