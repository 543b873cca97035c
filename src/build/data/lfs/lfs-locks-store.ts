import type { Actor } from '#contract';
import { isoInstant } from '#core';
import type { Db, Tx } from '#store';
import type { LfsLock } from '#contract';
import type { LockQuery } from './port.ts';

interface LockRow {
  readonly id: string;
  readonly repository: string;
  readonly path: string;
  readonly locked_at: number;
  readonly owner: Actor;
}

interface Tables {
  lfs_locks: LockRow & { readonly position?: number };
}

const toLock = ({ id, path, locked_at, owner }: LockRow): LfsLock => ({ id, path, lockedAt: isoInstant(locked_at), owner });

export async function insertLock(tx: Tx, row: LockRow): Promise<void> {
  await tx.tables<Tables>().insertInto('lfs_locks').values(row).execute();
}

export async function findLock(
  db: Db,
  repository: string,
  by: { readonly id: string } | { readonly path: string },
): Promise<LfsLock | undefined> {
  const locks = db.tables<Tables>().selectFrom('lfs_locks').selectAll().where('repository', '=', repository);
  const found = await ('id' in by ? locks.where('id', '=', by.id) : locks.where('path', '=', by.path)).executeTakeFirst();
  return found && toLock(found);
}

export async function deleteLock(tx: Tx, repository: string, id: string): Promise<void> {
  await tx.tables<Tables>().deleteFrom('lfs_locks').where('repository', '=', repository).where('id', '=', id).execute();
}

/** Locks in the order in which they were taken. @param after a position */
export async function selectLocks(
  db: Db,
  { repository, path, id, limit }: LockQuery & { readonly limit: number },
  after: number,
): Promise<readonly { readonly lock: LfsLock; readonly position: number }[]> {
  let locks = db.tables<Tables>().selectFrom('lfs_locks').selectAll().where('repository', '=', repository).where('position', '>', after);
  if (path !== undefined) locks = locks.where('path', '=', path);
  if (id !== undefined) locks = locks.where('id', '=', id);
  const found = await locks.orderBy('position').limit(limit).execute();
  return found.map((row) => ({ lock: toLock(row), position: row.position ?? 0 }));
}
