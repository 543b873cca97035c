import type { Grant, GrantLevel, GuardedKind, GuardedRecord } from '#contract';
import { isoInstant } from '#core';
import type { Db, Tx } from '#store';
import type { IdentityRow } from './access-store.ts';

export interface GrantRow {
  identity: string;
  kind: GuardedKind;
  record: string;
  level: GrantLevel;
  granted_at: number;
  granted_by: string;
}

/** With the name of whom it is for. */
export interface NamedGrantRow extends GrantRow {
  name: string;
}

interface Tables {
  record_grants: GrantRow;
  identities: Pick<IdentityRow, 'id' | 'name'>;
}

const from = (db: Db): ReturnType<typeof db.tables<Tables>> => db.tables<Tables>();

export function grantOf({ identity, name, kind, record, level, granted_at, granted_by }: NamedGrantRow): Grant {
  return { identity, identityName: name, kind, record, level, grantedAt: isoInstant(granted_at), grantedBy: granted_by };
}

export function findGrant(db: Db, identity: string, { kind, record }: GuardedRecord): Promise<GrantRow | undefined> {
  return from(db)
    .selectFrom('record_grants')
    .selectAll()
    .where('identity', '=', identity)
    .where('kind', '=', kind)
    .where('record', '=', record)
    .executeTakeFirst();
}

/** All that an identity was granted. */
export function grantsOf(db: Db, identity: string): Promise<GrantRow[]> {
  return from(db).selectFrom('record_grants').selectAll().where('identity', '=', identity).execute();
}

/** All that fits what is named, by kind, record and name. */
export function listGrants(
  db: Db,
  where: { readonly identity?: string; readonly kind?: GuardedKind; readonly record?: string },
): Promise<NamedGrantRow[]> {
  let query = from(db)
    .selectFrom('record_grants')
    .innerJoin('identities', 'identities.id', 'record_grants.identity')
    .selectAll('record_grants')
    .select('identities.name')
    .orderBy('kind')
    .orderBy('record')
    .orderBy('name');
  if (where.identity !== undefined) query = query.where('identity', '=', where.identity);
  if (where.kind !== undefined) query = query.where('kind', '=', where.kind);
  if (where.record !== undefined) query = query.where('record', '=', where.record);
  return query.execute();
}

/** Writes a grant, over what was granted before. */
export async function putGrant(tx: Tx, row: GrantRow): Promise<void> {
  const { level, granted_at, granted_by } = row;
  await from(tx)
    .insertInto('record_grants')
    .values(row)
    .onConflict((conflict) => conflict.columns(['identity', 'kind', 'record']).doUpdateSet({ level, granted_at, granted_by }))
    .execute();
}

/** @returns whether there was one */
export async function deleteGrant(tx: Tx, identity: string, { kind, record }: GuardedRecord): Promise<boolean> {
  const [result] = await from(tx)
    .deleteFrom('record_grants')
    .where('identity', '=', identity)
    .where('kind', '=', kind)
    .where('record', '=', record)
    .execute();
  return result.numDeletedRows > 0n;
}

export async function deleteGrantsOf(tx: Tx, identity: string): Promise<void> {
  await from(tx).deleteFrom('record_grants').where('identity', '=', identity).execute();
}

/** @returns whether there were any */
export async function deleteGrantsOn(tx: Tx, { kind, record }: GuardedRecord): Promise<boolean> {
  const [result] = await from(tx).deleteFrom('record_grants').where('kind', '=', kind).where('record', '=', record).execute();
  return result.numDeletedRows > 0n;
}

/** Moves the grants on a record to its new name. */
export async function moveGrantsTo(tx: Tx, { kind, record }: GuardedRecord, name: string): Promise<void> {
  await deleteGrantsOn(tx, { kind, record: name });
  await from(tx).updateTable('record_grants').set({ record: name }).where('kind', '=', kind).where('record', '=', record).execute();
}
