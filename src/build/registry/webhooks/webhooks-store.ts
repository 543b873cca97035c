import type { Actor, Webhook, WebhookDelivery, WebhookTopic } from '#contract';
import { isoInstant } from '#core';
import type { Db, Tx } from '#store';

interface WebhookRow {
  readonly position?: number;
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
  readonly url: string;
  readonly topics: readonly WebhookTopic[];
  readonly sealed_secret: string | null;
  readonly active: boolean;
  readonly created_at: number;
  readonly updated_at: number;
  readonly created_by: Actor;
}

interface DeliveryRow {
  readonly position?: number;
  readonly id: string;
  readonly webhook: string;
  readonly topic: WebhookTopic;
  readonly body: string;
  readonly tries: number;
  /** When it is tried next, or taken for lost by whoever tries it now. */
  readonly due_at: number | null;
  readonly state: WebhookDelivery['state'];
  readonly status: number | null;
  readonly error: string | null;
  readonly created_at: number;
  readonly ended_at: number | null;
}

interface Tables {
  webhooks: WebhookRow;
  webhook_deliveries: DeliveryRow;
}

export interface KeptWebhook {
  readonly webhook: Webhook;
  readonly sealedSecret?: string;
  readonly position: number;
}

/** A message that its sender has taken: nobody else tries it before the lease ends. */
export interface TakenDelivery {
  readonly id: string;
  readonly webhook: string;
  readonly body: string;
  /** This one included. */
  readonly tries: number;
}

export async function insertWebhook(tx: Tx, row: Omit<WebhookRow, 'position'>): Promise<void> {
  await tx.tables<Tables>().insertInto('webhooks').values(row).execute();
}

/** @returns whether it was there */
export async function changeWebhook(tx: Tx, id: string, change: Partial<WebhookRow>): Promise<boolean> {
  const changed = await tx.tables<Tables>().updateTable('webhooks').set(change).where('id', '=', id).returning('id').executeTakeFirst();
  return changed !== undefined;
}

/** @returns whether it was there */
export async function deleteWebhook(tx: Tx, id: string): Promise<boolean> {
  const tables = tx.tables<Tables>();
  await tables.deleteFrom('webhook_deliveries').where('webhook', '=', id).execute();
  return (await tables.deleteFrom('webhooks').where('id', '=', id).returning('id').executeTakeFirst()) !== undefined;
}

export async function selectWebhook(db: Db, id: string): Promise<KeptWebhook | undefined> {
  const row = await db.tables<Tables>().selectFrom('webhooks').selectAll().where('id', '=', id).executeTakeFirst();
  return row && toKept(row);
}

/** Newest first. @param before only those with a lower position */
export async function selectWebhooks(db: Db, limit: number, before: number | undefined): Promise<KeptWebhook[]> {
  let query = db.tables<Tables>().selectFrom('webhooks').selectAll();
  if (before !== undefined) query = query.where('position', '<', before);
  return (await query.orderBy('position', 'desc').limit(limit).execute()).map(toKept);
}

function toKept(row: WebhookRow): KeptWebhook {
  return {
    position: row.position ?? 0,
    ...(row.sealed_secret === null ? {} : { sealedSecret: row.sealed_secret }),
    webhook: {
      id: row.id,
      name: row.name,
      ...(row.description === null ? {} : { description: row.description }),
      url: row.url,
      topics: [...row.topics],
      hasSecret: row.sealed_secret !== null,
      active: row.active,
      createdAt: isoInstant(row.created_at),
      updatedAt: isoInstant(row.updated_at),
      createdBy: row.created_by,
    },
  };
}

/** What is told, and of when. */
export interface Message {
  readonly topic: WebhookTopic;
  readonly body: string;
  readonly newId: () => string;
  readonly at: number;
  /** When it happened: webhooks that were made later are not told. */
  readonly happenedAt: number;
}

/** Puts a message on its way to each active webhook that wants its topic. @returns whether there is one */
export async function enqueue(tx: Tx, { topic, body, newId, at, happenedAt }: Message): Promise<boolean> {
  const wanting = (await activeHooks(tx)).filter((hook) => hook.topics.includes(topic) && hook.created_at <= happenedAt);
  for (const { id: webhook } of wanting) {
    const row = { id: newId(), webhook, topic, body, tries: 0, due_at: at, state: 'waiting', created_at: at } as const;
    const insert = tx.tables<Tables>().insertInto('webhook_deliveries');
    await tx.change(insert.values({ ...row, status: null, error: null, ended_at: null }).compile());
  }
  return wanting.length > 0;
}

type ActiveHook = Pick<Tables['webhooks'], 'id' | 'topics' | 'created_at'>;
const activeByTx = new WeakMap<Tx, Promise<readonly ActiveHook[]>>();

/** Read once for all the events that one transaction takes. */
function activeHooks(tx: Tx): Promise<readonly ActiveHook[]> {
  const known = activeByTx.get(tx);
  if (known !== undefined) return known;
  const hooks = tx.tables<Tables>().selectFrom('webhooks').select(['id', 'topics', 'created_at']).where('active', '=', true);
  const read = hooks.orderBy('position').execute();
  activeByTx.set(tx, read);
  return read;
}

/** Takes what is due, for as long as the lease: whoever takes it and dies leaves it due again. */
export async function takeDue(
  tx: Tx,
  { at, leaseMs, limit }: { readonly at: number; readonly leaseMs: number; readonly limit: number },
): Promise<TakenDelivery[]> {
  await tx.lock('webhook-deliveries');
  const tables = tx.tables<Tables>();
  const due = await tables
    .selectFrom('webhook_deliveries')
    .select(['id', 'webhook', 'body', 'tries'])
    .where('state', '=', 'waiting')
    .where('due_at', '<=', at)
    .orderBy('due_at')
    .orderBy('position')
    .limit(limit)
    .execute();
  for (const { id, tries } of due) {
    await tables
      .updateTable('webhook_deliveries')
      .set({ tries: tries + 1, due_at: at + leaseMs })
      .where('id', '=', id)
      .execute();
  }
  return due.map(({ tries, ...rest }) => ({ ...rest, tries: tries + 1 }));
}

/** Records what came of a try. */
export async function settle(
  tx: Tx,
  id: string,
  outcome: Pick<DeliveryRow, 'state' | 'status' | 'error' | 'due_at' | 'ended_at'>,
): Promise<void> {
  await tx.tables<Tables>().updateTable('webhook_deliveries').set(outcome).where('id', '=', id).execute();
}

/** Forgets what ended long ago. */
export async function forgetEnded(tx: Tx, before: number): Promise<void> {
  await tx.tables<Tables>().deleteFrom('webhook_deliveries').where('ended_at', '<', before).execute();
}

/** When the next message is due; undefined when none is on its way. */
export async function nextDue(db: Db): Promise<number | undefined> {
  const row = await db
    .tables<Tables>()
    .selectFrom('webhook_deliveries')
    .select('due_at')
    .where('state', '=', 'waiting')
    .orderBy('due_at')
    .limit(1)
    .executeTakeFirst();
  return row?.due_at ?? undefined;
}

/** Newest first. */
export async function selectDeliveries(db: Db, webhook: string, limit: number): Promise<WebhookDelivery[]> {
  const rows = await db
    .tables<Tables>()
    .selectFrom('webhook_deliveries')
    .selectAll()
    .where('webhook', '=', webhook)
    .orderBy('position', 'desc')
    .limit(limit)
    .execute();
  return rows.map((row) => ({
    id: row.id,
    topic: row.topic,
    state: row.state,
    tries: row.tries,
    ...(row.status === null ? {} : { status: row.status }),
    ...(row.error === null ? {} : { error: row.error }),
    createdAt: isoInstant(row.created_at),
    ...(row.state !== 'waiting' || row.due_at === null ? {} : { dueAt: isoInstant(row.due_at) }),
    ...(row.ended_at === null ? {} : { endedAt: isoInstant(row.ended_at) }),
  }));
}
