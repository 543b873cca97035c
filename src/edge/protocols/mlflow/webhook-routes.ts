import { mlflowTopics } from '#contract';
import type { Permission, Webhook, WebhookTopic } from '#contract';
import { GyreError } from '#core';
import { requireWebhookName, requireWebhookUrl } from '#registry';
import type { WebhookTrial } from '#registry';
import { actorOfCall } from './caller.ts';
import { exchange } from './exchange.ts';
import { integer, list, missingValue, nested, required, text } from './message.ts';
import type { MlflowOptions, MlflowRoute } from './port.ts';

const log: Permission = 'log';
const at = '/2.0/mlflow/webhooks';
const mostWebhooks = 1000;
const usualWebhooks = 100;
const event = nested({ entity: required(text), action: required(text) });
const id = required(text);

/** Webhooks on the registry (mlflow/protos/webhooks.proto). */
export function webhookRoutes({ webhooks }: MlflowOptions): readonly MlflowRoute[] {
  return [
    exchange({
      method: 'POST',
      path: at,
      permission: log,
      request: { name: required(text), url: required(text), events: list(event), description: text, secret: text, status: text },
      run: async ({ name, url, events, description, secret, status }, call) => {
        requireWebhookName(name);
        requireWebhookUrl(url);
        if (events.length === 0) throw missingValue('events');
        const webhook = await webhooks.create({
          name,
          url,
          topics: events.map(topicOf),
          ...(description ? { description } : {}),
          ...(secret ? { secret } : {}),
          active: isActive(status) ?? true,
          by: actorOfCall(call),
        });
        return { webhook: webhookRecord(webhook) };
      },
    }),
    exchange({
      method: 'GET',
      path: at,
      permission: 'read',
      request: { max_results: integer, page_token: text },
      run: async ({ max_results: most, page_token: after }) => {
        const limit = most === undefined || most === 0 ? usualWebhooks : most;
        if (limit < 1 || limit > mostWebhooks)
          throw new GyreError('INVALID_ARGUMENT', `max_results must be between 1 and ${mostWebhooks}.`);
        const { items, next } = await webhooks.list({ limit, ...(after ? { after } : {}) });
        return {
          ...(items.length === 0 ? {} : { webhooks: items.map(webhookRecord) }),
          ...(next === undefined ? {} : { next_page_token: next }),
        };
      },
    }),
    exchange({
      method: 'GET',
      path: `${at}/:webhook_id`,
      permission: 'read',
      request: { webhook_id: id },
      run: async ({ webhook_id: webhook }) => ({ webhook: webhookRecord(await webhooks.get(webhook)) }),
    }),
    exchange({
      method: 'PATCH',
      path: `${at}/:webhook_id`,
      permission: log,
      request: { webhook_id: id, name: text, url: text, events: list(event), description: text, secret: text, status: text },
      run: async ({ webhook_id: webhook, name, url, events, description, secret, status }, call) => {
        const active = isActive(status);
        if (name) requireWebhookName(name);
        if (url) requireWebhookUrl(url);
        const changed = await webhooks.update({
          id: webhook,
          ...(name ? { name } : {}),
          ...(url ? { url } : {}),
          ...(events.length === 0 ? {} : { topics: events.map(topicOf) }),
          ...(description ? { description } : {}),
          ...(secret ? { secret } : {}),
          ...(active === undefined ? {} : { active }),
          by: actorOfCall(call),
        });
        return { webhook: webhookRecord(changed) };
      },
    }),
    exchange({
      method: 'DELETE',
      path: `${at}/:webhook_id`,
      permission: log,
      request: { webhook_id: id },
      run: async ({ webhook_id: webhook }, call) => {
        await webhooks.delete({ id: webhook, by: actorOfCall(call) });
        return undefined;
      },
    }),
    exchange({
      method: 'POST',
      path: `${at}/:webhook_id/test`,
      permission: log,
      request: { webhook_id: id, event },
      run: async ({ webhook_id: webhook, event: about }) => ({
        result: trialRecord(await webhooks.test(webhook, about === undefined ? undefined : topicOf(about))),
      }),
    }),
  ];
}

interface TopicRecord {
  readonly entity: string;
  readonly action: string;
}

function topicOf({ entity, action }: TopicRecord): WebhookTopic {
  const topic = `${entity}.${action}`.toLowerCase();
  const found = mlflowTopics.find((one) => one === topic);
  if (found !== undefined) return found;
  const actions = mlflowTopics.filter((one) => one.startsWith(`${entity.toLowerCase()}.`)).map((one) => `'${one.split('.')[1]}'`);
  throw new GyreError(
    'INVALID_ARGUMENT',
    actions.length === 0
      ? `Invalid entity '${entity.toLowerCase()}': webhooks are told of ${mlflowTopics.join(', ')}`
      : `Invalid action '${action.toLowerCase()}' for entity '${entity.toLowerCase()}'. Valid actions are: [${actions.join(', ')}]`,
  );
}

function isKnown(topic: WebhookTopic): boolean {
  return mlflowTopics.some((one) => one === topic);
}

function isActive(status: string | undefined): boolean | undefined {
  if (status === undefined || status === '') return undefined;
  if (status === 'ACTIVE' || status === 'DISABLED') return status === 'ACTIVE';
  throw new GyreError('INVALID_ARGUMENT', `Invalid webhook status '${status}': it is ACTIVE or DISABLED`);
}

function webhookRecord(webhook: Webhook): object {
  return {
    webhook_id: webhook.id,
    name: webhook.name,
    ...(webhook.description === undefined ? {} : { description: webhook.description }),
    url: webhook.url,
    // Of what clients do not know they are told nothing: they would fail to read it.
    events: webhook.topics.filter(isKnown).map((topic) => {
      const [entity, action] = topic.toUpperCase().split('.');
      return { entity, action };
    }),
    status: webhook.active ? 'ACTIVE' : 'DISABLED',
    creation_timestamp: Date.parse(webhook.createdAt),
    last_updated_timestamp: Date.parse(webhook.updatedAt),
  };
}

function trialRecord({ success, status, body, error }: WebhookTrial): object {
  return {
    success,
    ...(status === undefined ? {} : { response_status: status }),
    ...(body === undefined ? {} : { response_body: body }),
    ...(error === undefined ? {} : { error_message: error }),
  };
}
