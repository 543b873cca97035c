import type { AuditEntry } from '#contract';
import type { Db, Tx } from '#store';

/** The end of the log: position and hash of its last entry, and how many there are. */
export interface AuditHead {
  readonly position: number;
  readonly hash: string;
  readonly entries: number;
}

interface Tables {
  audit_entries: { position: number; subject: string; hash: string; entry: Omit<AuditEntry, 'hash'> };
  audit_head: { one: number; position: number; hash: string; entries: number };
}

/** What the first entry has as its previous hash. */
export const genesis = '0'.repeat(64);
const emptyLog: AuditHead = { position: 0, hash: genesis, entries: 0 };

export async function readHead(db: Db): Promise<AuditHead> {
  const head = await db.tables<Tables>().selectFrom('audit_head').select(['position', 'hash', 'entries']).executeTakeFirst();
  return head ?? emptyLog;
}

export interface Appending {
  /** The head that the entries were chained to. */
  readonly after: AuditHead;
  readonly entries: readonly AuditEntry[];
}

/** Adds entries behind a head. @returns false when another process was quicker and the log has another head by now */
export async function appendEntries(tx: Tx, { after, entries }: Appending): Promise<boolean> {
  await tx.lock('governance.audit');
  const head = await readHead(tx);
  const last = entries.at(-1);
  if (head.position !== after.position || head.hash !== after.hash || last === undefined) return false;
  await tx
    .tables<Tables>()
    .insertInto('audit_entries')
    .values(entries.map(({ hash, ...entry }) => ({ position: entry.position, subject: entry.subject, hash, entry })))
    .execute();
  const next = { position: last.position, hash: last.hash, entries: head.entries + entries.length };
  await tx
    .tables<Tables>()
    .insertInto('audit_head')
    .values({ one: 1, ...next })
    .onConflict((conflict) => conflict.column('one').doUpdateSet(next))
    .execute();
  return true;
}

export async function selectEntries(
  db: Db,
  { after, limit, subject, newestFirst = false }: { after?: number; limit: number; subject?: string; newestFirst?: boolean },
): Promise<readonly AuditEntry[]> {
  let query = db.tables<Tables>().selectFrom('audit_entries').select(['position', 'hash', 'entry']);
  if (after !== undefined) query = query.where('position', newestFirst ? '<' : '>', after);
  if (subject !== undefined) query = query.where('subject', '=', subject);
  const rows = await query
    .orderBy('position', newestFirst ? 'desc' : 'asc')
    .limit(limit)
    .execute();
  // The column is the key that the rows are found by: an entry that claims another position is not what stands there.
  return rows.map(({ position, hash, entry }) => ({ ...entry, position, hash }));
}
