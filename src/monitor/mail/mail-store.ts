import type { Mail, MailTopic } from '#contract';
import { isoInstant } from '#core';
import type { Db, Tx } from '#store';

/** What a message says, and why it is sent. */
export interface Letter extends Pick<Mail, 'id' | 'topic' | 'event' | 'identity' | 'subject'> {
  readonly text: string;
}

/** What is kept of a message, beside its state. */
interface KeptLetter extends Letter {
  readonly createdAt: number;
  readonly error?: string;
}

export interface KeptAddress {
  readonly identity: string;
  readonly address: string;
  readonly topics: readonly MailTopic[];
  /** Milliseconds since 1970. */
  readonly changedAt: number;
}

interface MailRow {
  readonly position?: number;
  readonly id: string;
  readonly identity: string;
  readonly state: Mail['state'];
  /** When it is tried next, or taken for lost by whoever tries it now. */
  readonly due_at: number | null;
  readonly ended_at: number | null;
  readonly tries: number;
  readonly record: KeptLetter;
}

interface Tables {
  mail_addresses: { identity: string; address: string; topics: readonly MailTopic[]; changed_at: number };
  mails: MailRow;
}

/** A message that its sender has taken: nobody else tries it before the lease ends. */
export interface TakenLetter extends KeptLetter {
  /** This one included. */
  readonly tries: number;
}

export async function upsertAddress(tx: Tx, { identity, address, topics, changedAt }: KeptAddress): Promise<void> {
  const change = { address, topics, changed_at: changedAt };
  await tx
    .tables<Tables>()
    .insertInto('mail_addresses')
    .values({ identity, ...change })
    .onConflict((conflict) => conflict.column('identity').doUpdateSet(change))
    .execute();
}

/** With the address goes what is still on its way to it. */
export async function deleteAddress(tx: Tx, identity: string): Promise<void> {
  const tables = tx.tables<Tables>();
  await tables.deleteFrom('mails').where('identity', '=', identity).where('state', '=', 'waiting').execute();
  await tables.deleteFrom('mail_addresses').where('identity', '=', identity).execute();
}

export async function selectAddresses(db: Db): Promise<readonly KeptAddress[]> {
  const rows = await db.tables<Tables>().selectFrom('mail_addresses').selectAll().orderBy('identity').execute();
  return rows.map(({ changed_at, ...row }) => ({ ...row, changedAt: changed_at }));
}

export async function selectAddress(db: Db, identity: string): Promise<KeptAddress | undefined> {
  return (await selectAddresses(db)).find((one) => one.identity === identity);
}

/** Puts messages on their way; one that is there already stays as it is. */
export async function enqueue(tx: Tx, { letters, at }: { readonly letters: readonly Letter[]; readonly at: number }): Promise<void> {
  for (const letter of letters) {
    const { id, identity } = letter;
    await tx
      .tables<Tables>()
      .insertInto('mails')
      .values({ id, identity, state: 'waiting', due_at: at, ended_at: null, tries: 0, record: { ...letter, createdAt: at } })
      .onConflict((conflict) => conflict.column('id').doNothing())
      .execute();
  }
}

/** Takes what is due, for as long as the lease: whoever takes it and dies leaves it due again. */
export async function takeDue(
  tx: Tx,
  { at, leaseMs, limit }: { at: number; leaseMs: number; limit: number },
): Promise<readonly TakenLetter[]> {
  await tx.lock('mails');
  const tables = tx.tables<Tables>();
  const due = await tables
    .selectFrom('mails')
    .select(['id', 'tries', 'record'])
    .where('state', '=', 'waiting')
    .where('due_at', '<=', at)
    .orderBy('due_at')
    .orderBy('position')
    .limit(limit)
    .execute();
  for (const { id, tries } of due)
    await tables
      .updateTable('mails')
      .set({ tries: tries + 1, due_at: at + leaseMs })
      .where('id', '=', id)
      .execute();
  return due.map(({ tries, record }) => ({ ...record, tries: tries + 1 }));
}

/** Records what came of a try. @param again when it is tried next, in milliseconds since 1970; undefined: never */
export async function settle(
  tx: Tx,
  { letter: { tries: _tries, ...letter }, error, at, again }: { letter: TakenLetter; error?: string; at: number; again?: number },
): Promise<void> {
  const { error: _before, ...record } = letter;
  await tx
    .tables<Tables>()
    .updateTable('mails')
    .set({
      state: error === undefined ? 'sent' : again === undefined ? 'failed' : 'waiting',
      due_at: again ?? null,
      ended_at: again === undefined ? at : null,
      record: { ...record, ...(error === undefined ? {} : { error }) },
    })
    .where('id', '=', letter.id)
    .execute();
}

/** Forgets what ended before an instant. */
export async function forgetEnded(tx: Tx, before: number): Promise<void> {
  await tx.tables<Tables>().deleteFrom('mails').where('ended_at', '<', before).execute();
}

/** When the next message is due; undefined when none is on its way. */
export async function nextDue(db: Db): Promise<number | undefined> {
  const row = await db
    .tables<Tables>()
    .selectFrom('mails')
    .select('due_at')
    .where('state', '=', 'waiting')
    .orderBy('due_at')
    .limit(1)
    .executeTakeFirst();
  return row?.due_at ?? undefined;
}

/** The newest first. */
export async function selectMails(db: Db): Promise<readonly Mail[]> {
  const rows = await db.tables<Tables>().selectFrom('mails').selectAll().orderBy('position', 'desc').limit(1000).execute();
  return rows.map(({ record: { text: _text, createdAt, ...letter }, state, tries, due_at, ended_at }) => ({
    ...letter,
    state,
    tries,
    createdAt: isoInstant(createdAt),
    ...(due_at === null ? {} : { dueAt: isoInstant(due_at) }),
    ...(ended_at === null ? {} : { endedAt: isoInstant(ended_at) }),
  }));
}
