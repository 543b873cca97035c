import { sql } from 'kysely';
import type { Actor } from '#contract';
import { asSha256 } from '#core';
import type { Sha256 } from '#core';
import type { Db, Tx } from '#store';

interface Tables {
  lfs_objects: {
    readonly repository: string;
    readonly oid: string;
    readonly size: number;
    readonly stored_at: number;
    readonly stored_by: Actor;
  };
}

export interface LfsObjectRow {
  readonly repository: string;
  readonly oid: Sha256;
  readonly size: number;
  readonly storedAt: number;
  readonly by: Actor;
}

/** Records an object, unless the repository has it. @returns whether it is the repository's first one */
export async function insertObject(tx: Tx, { repository, oid, size, storedAt, by }: LfsObjectRow): Promise<boolean> {
  const isFirst = !(await hasAny(tx, repository));
  const row = { repository, oid, size, stored_at: storedAt, stored_by: by };
  await tx
    .tables<Tables>()
    .insertInto('lfs_objects')
    .values(row)
    .onConflict((conflict) => conflict.columns(['repository', 'oid']).doNothing())
    .execute();
  return isFirst;
}

async function hasAny(db: Db, repository: string): Promise<boolean> {
  const objects = db.tables<Tables>().selectFrom('lfs_objects').select('oid').where('repository', '=', repository);
  return (await objects.limit(1).executeTakeFirst()) !== undefined;
}

/** Sizes of those of these objects that a repository has. */
export async function objectSizes(db: Db, repository: string, oids: readonly Sha256[]): Promise<ReadonlyMap<Sha256, number>> {
  if (oids.length === 0) return new Map();
  const found = await db
    .tables<Tables>()
    .selectFrom('lfs_objects')
    .select(['oid', 'size'])
    .where('repository', '=', repository)
    .where('oid', 'in', oids)
    .execute();
  return new Map(found.map(({ oid, size }) => [asSha256(oid), size]));
}

/** Whether any repository has an object. */
export async function isObject(db: Db, oid: Sha256): Promise<boolean> {
  const found = await db.tables<Tables>().selectFrom('lfs_objects').select('repository').where('oid', '=', oid).limit(1).executeTakeFirst();
  return found !== undefined;
}

export interface RepositoryRow {
  readonly repository: string;
  readonly objects: number;
  readonly bytes: number;
  readonly created_at: number;
  readonly stored_at: number;
}

/** Every repository that has an object, by name. */
export async function repositoryRows(db: Db): Promise<readonly RepositoryRow[]> {
  return db
    .tables<Tables>()
    .selectFrom('lfs_objects')
    .select([
      'repository',
      // PostgreSQL makes a numeric of the sum of int64.
      sql<number>`cast(count(*) as bigint)`.as('objects'),
      sql<number>`cast(sum(size) as bigint)`.as('bytes'),
      sql<number>`min(stored_at)`.as('created_at'),
      sql<number>`max(stored_at)`.as('stored_at'),
    ])
    .groupBy('repository')
    .orderBy('repository')
    .execute();
}
