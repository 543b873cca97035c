import type { Revocation } from '#contract';
import type { Db, Tx } from '#store';

interface RevocationRow {
  id: string;
  model_version: string;
  package: string;
  revoked_at: number;
  record: Revocation;
}
interface Tables {
  revocations: RevocationRow;
  unsigned_decisions: { id: string };
}

export async function insertRevocation(tx: Tx, record: Revocation): Promise<void> {
  await tx
    .tables<Tables>()
    .insertInto('revocations')
    .values({
      id: record.id,
      model_version: record.modelVersion,
      package: record.package,
      revoked_at: Date.parse(record.revokedAt),
      record,
    })
    .execute();
}

/** The revocation of a package: there is one at most. */
export async function selectRevocation(db: Db, ofPackage: string): Promise<Revocation | undefined> {
  const row = await db.tables<Tables>().selectFrom('revocations').select('record').where('package', '=', ofPackage).executeTakeFirst();
  return row?.record;
}

/** Of these decisions, those that were made before decisions were signed. */
export async function selectUnsigned(db: Db, ids: readonly string[]): Promise<ReadonlySet<string>> {
  if (ids.length === 0) return new Set();
  const rows = await db.tables<Tables>().selectFrom('unsigned_decisions').select('id').where('id', 'in', ids).execute();
  return new Set(rows.map(({ id }) => id));
}
