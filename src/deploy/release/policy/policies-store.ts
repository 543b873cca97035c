import type { Attestation, PublishedPolicy } from '#contract';
import type { Db, Tx } from '#store';

interface Tables {
  release_policies: { name: string; version: number; published_at: number; record: PublishedPolicy };
  attestations: { id: string; model_version: string; attested_at: number; record: Attestation };
  expired_sign_offs: { sign_offs: string; told_at: number };
}

export async function insertPolicy(tx: Tx, { record, at }: { record: PublishedPolicy; at: number }): Promise<void> {
  await tx
    .tables<Tables>()
    .insertInto('release_policies')
    .values({ name: record.name, version: record.version, published_at: at, record })
    .execute();
}

/** Every published version, by name, the highest version first. */
export async function selectPolicies(db: Db): Promise<readonly PublishedPolicy[]> {
  const rows = await db
    .tables<Tables>()
    .selectFrom('release_policies')
    .select('record')
    .orderBy('name')
    .orderBy('version', 'desc')
    .execute();
  return rows.map((row) => row.record);
}

export async function insertAttestation(tx: Tx, record: Attestation): Promise<void> {
  await tx
    .tables<Tables>()
    .insertInto('attestations')
    .values({ id: record.id, model_version: record.modelVersion, attested_at: Date.parse(record.attestedAt), record })
    .execute();
}

/** The newest first. */
export async function selectAttestations(db: Db, modelVersion: string): Promise<readonly Attestation[]> {
  const rows = await db
    .tables<Tables>()
    .selectFrom('attestations')
    .select('record')
    .where('model_version', '=', modelVersion)
    .orderBy('attested_at', 'desc')
    .orderBy('id', 'desc')
    .execute();
  return rows.map((row) => row.record);
}

export async function selectAttestation(db: Db, id: string): Promise<Attestation | undefined> {
  const row = await db.tables<Tables>().selectFrom('attestations').select('record').where('id', '=', id).executeTakeFirst();
  return row?.record;
}

export async function insertToldExpired(tx: Tx, { signOffs, at }: { signOffs: string; at: number }): Promise<void> {
  await tx.tables<Tables>().insertInto('expired_sign_offs').values({ sign_offs: signOffs, told_at: at }).execute();
}

/** Whether it was told that these decisions count no longer. @param signOffs their digest */
export async function wasToldExpired(db: Db, signOffs: string): Promise<boolean> {
  const row = await db
    .tables<Tables>()
    .selectFrom('expired_sign_offs')
    .select('sign_offs')
    .where('sign_offs', '=', signOffs)
    .executeTakeFirst();
  return row !== undefined;
}
