import { eventType } from '#contract';
import type { Webhook, WebhookTopic } from '#contract';
import { GyreError, isoInstant, messageOf } from '#core';
import type { Tx } from '#store';
import { Courier } from './courier.ts';
import { bodyOf, examples, newsOf, toldEvents } from './messages.ts';
import type { NewWebhook, WebhookChange, WebhookDeps, Webhooks } from './port.ts';
import { sealSecret } from './secrets.ts';
import { changeWebhook, deleteWebhook, enqueue, insertWebhook, selectDeliveries, selectWebhook, selectWebhooks } from './webhooks-store.ts';
import type { KeptWebhook } from './webhooks-store.ts';

const ivBytes = 12;
/** Most changes are told to nobody: those that come together move the cursor together. */
const gatherMs = 50;

/** Opens webhooks over a migrated store; what happens from now on is told. */
export async function openWebhooks(deps: WebhookDeps): Promise<Webhooks> {
  const { store, events, clock, newId, randomBytes, key } = deps;
  const courier = new Courier(deps);
  const subscription = await events.subscribe({
    name: 'webhooks',
    types: toldEvents,
    from: 'now',
    gatherMs,
    async handle(tx, event) {
      let isWanted = false;
      for (const one of newsOf(event)) {
        const message = { topic: one.topic, body: bodyOf(one, event.time), newId, at: clock.now(), happenedAt: Date.parse(event.time) };
        if (await enqueue(tx, message)) isWanted = true;
      }
      if (isWanted) tx.afterCommit(() => courier.wake());
    },
  });
  courier.start();

  const sealed = (secret: string | undefined, id: string): string | null =>
    secret === undefined || secret === '' ? null : sealSecret(secret, key, id, randomBytes(ivBytes));
  const kept = async (id: string): Promise<KeptWebhook> => {
    const found = await store.read((db) => selectWebhook(db, id));
    if (found === undefined) throw unknown(id);
    return found;
  };
  const create = async (tx: Tx, args: NewWebhook & { readonly id: string; readonly at: number }): Promise<void> => {
    const { id, name, url, topics, description, secret, active = true, by, at } = args;
    await insertWebhook(tx, {
      id,
      name,
      description: description ?? null,
      url,
      topics: [...new Set(topics)],
      sealed_secret: sealed(secret, id),
      active,
      created_at: at,
      updated_at: at,
      created_by: by,
    });
    const data = { id, name, host: new URL(url).host, topics: [...topics] };
    events.publish(tx, { type: eventType('webhook.created'), subject: id, actor: by.identity, data });
  };
  const change = async (tx: Tx, args: WebhookChange & { readonly at: number }): Promise<void> => {
    const { id, name, url, topics, description, secret, active, by, at } = args;
    const changed = await changeWebhook(tx, id, {
      ...(name === undefined ? {} : { name }),
      ...(url === undefined ? {} : { url }),
      ...(topics === undefined ? {} : { topics: [...new Set(topics)] }),
      ...(description === undefined ? {} : { description }),
      ...(secret === undefined ? {} : { sealed_secret: sealed(secret, id) }),
      ...(active === undefined ? {} : { active }),
      updated_at: at,
    });
    const found = changed ? await selectWebhook(tx, id) : undefined;
    if (found === undefined) throw unknown(id);
    const { webhook } = found;
    const data = { id, name: webhook.name, host: new URL(webhook.url).host, topics: webhook.topics, active: webhook.active };
    events.publish(tx, { type: eventType('webhook.changed'), subject: id, actor: by.identity, data });
  };
  const remove = async (tx: Tx, { id, by }: Parameters<Webhooks['delete']>[0]): Promise<void> => {
    if (!(await deleteWebhook(tx, id))) throw unknown(id);
    events.publish(tx, { type: eventType('webhook.deleted'), subject: id, actor: by.identity, data: { id } });
  };

  return {
    async create(request) {
      const id = newId();
      await store.write(create, { ...request, id, at: clock.now() });
      return (await kept(id)).webhook;
    },
    get: async (id) => (await kept(id)).webhook,
    async list({ limit, after }) {
      const found = await store.read((db) => selectWebhooks(db, limit + 1, positionOf(after)));
      const items = found.slice(0, limit);
      const last = items.at(-1);
      return {
        items: items.map(({ webhook }) => webhook),
        ...(found.length > limit && last !== undefined ? { next: String(last.position) } : {}),
      };
    },
    async update(request) {
      const { webhook } = await kept(request.id);
      // The change is told apart from what was there before by its instant, also within one millisecond.
      const at = Math.max(clock.now(), Date.parse(webhook.updatedAt) + 1);
      await store.write(change, { ...request, at });
      return (await kept(request.id)).webhook;
    },
    delete: (request) => store.write(remove, request),
    async test(id, topic) {
      const found = await kept(id);
      const about = topic ?? firstTopic(found.webhook);
      const body = bodyOf({ topic: about, data: examples[about] }, isoInstant(clock.now()));
      try {
        const { status, body: answer } = await courier.send(found, newId(), body);
        return { success: status < 400, status, body: answer };
      } catch (error) {
        return { success: false, error: `the message could not be sent: ${messageOf(error)}` };
      }
    },
    async deliveries(id, limit) {
      await kept(id);
      return store.read((db) => selectDeliveries(db, id, limit));
    },
    deliverDue: () => courier.deliverDue(),
    caughtUp: () => subscription.caughtUp(),
    async [Symbol.asyncDispose]() {
      await subscription[Symbol.asyncDispose]();
      await courier[Symbol.asyncDispose]();
    },
  };
}

function firstTopic({ id, topics }: Webhook): WebhookTopic {
  const topic = topics.at(0);
  if (topic === undefined) throw new GyreError('FAILED_PRECONDITION', `webhook ${id} is told of nothing`);
  return topic;
}

function unknown(id: string): GyreError {
  return new GyreError('NOT_FOUND', `Webhook with ID ${id} not found.`, { webhook: id });
}

function positionOf(token: string | undefined): number | undefined {
  if (token === undefined) return undefined;
  const position = Number(token);
  if (Number.isSafeInteger(position) && position > 0) return position;
  throw new GyreError('INVALID_ARGUMENT', `"${token}" is no page token: use the one of the page before`);
}
