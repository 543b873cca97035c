import { Type } from 'typebox';
import { page, strict, Webhook, WebhookDelivery, WebhookTopic } from '#contract';
import { requireWebhookName, requireWebhookUrl } from '#registry';
import { route, type Route } from '../route.ts';
import { ById, paging, Paging } from '../shapes.ts';

const name = Type.String({ minLength: 1, maxLength: 63, description: 'letters, digits, ".", "_" and "-"' });
const url = Type.String({ minLength: 1, maxLength: 2048, description: 'http or https; where it leads is judged when a message is sent' });
const topics = Type.Array(WebhookTopic, { minItems: 1, maxItems: 100, uniqueItems: true });
const description = Type.String({ maxLength: 2000 });
const secret = Type.String({ minLength: 1, maxLength: 1000, description: 'messages are signed with it; it is told to nobody' });

const NewWebhook = strict({
  name,
  url,
  topics,
  description: Type.Optional(description),
  secret: Type.Optional(secret),
  active: Type.Optional(Type.Boolean()),
});
const Trial = strict({
  success: Type.Boolean(),
  status: Type.Optional(Type.Integer({ description: 'what the other side answered' })),
  body: Type.Optional(Type.String({ description: 'the beginning of its answer' })),
  error: Type.Optional(Type.String()),
});

/** Webhooks, beside MLflow's routes for the same ones. They tell others of every model, and their addresses may be secrets: an admin's matter. */
export const webhookRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/api/v1/webhooks',
    permission: 'administer',
    tag: 'registry',
    summary: 'Webhooks, newest first',
    query: Paging,
    answer: page(Webhook),
    handle: async ({ webhooks }, { query }) => {
      const { items, next } = await webhooks.list(query);
      return { items: [...items], ...(next === undefined ? {} : { next }) };
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/webhooks',
    permission: 'administer',
    tag: 'registry',
    summary: 'Has an address told of what happens in the registry',
    body: NewWebhook,
    answer: Webhook,
    status: 201,
    handle: ({ webhooks }, { body, by }) => {
      requireWebhookName(body.name);
      requireWebhookUrl(body.url);
      return webhooks.create({ ...body, by });
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/webhooks/:id',
    permission: 'administer',
    tag: 'registry',
    summary: 'A webhook',
    params: ById,
    answer: Webhook,
    handle: ({ webhooks }, { params }) => webhooks.get(params.id),
  }),
  route({
    method: 'PUT',
    path: '/api/v1/webhooks/:id',
    permission: 'administer',
    tag: 'registry',
    summary: 'Changes what is given of a webhook; `active: false` silences it',
    params: ById,
    body: Type.Partial(NewWebhook, { additionalProperties: false }),
    answer: Webhook,
    handle: ({ webhooks }, { params, body, by }) => {
      if (body.name !== undefined) requireWebhookName(body.name);
      if (body.url !== undefined) requireWebhookUrl(body.url);
      return webhooks.update({ id: params.id, ...body, by });
    },
  }),
  route({
    method: 'DELETE',
    path: '/api/v1/webhooks/:id',
    permission: 'administer',
    tag: 'registry',
    summary: 'Deletes a webhook; what is on its way to it is not sent any more',
    params: ById,
    answer: strict({ deleted: Type.Literal(true) }),
    handle: async ({ webhooks }, { params, by }) => {
      await webhooks.delete({ id: params.id, by });
      return { deleted: true as const };
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/webhooks/:id/test',
    permission: 'administer',
    tag: 'registry',
    summary: 'Sends an example at once, and says what came of it',
    params: ById,
    body: strict({ topic: Type.Optional(WebhookTopic) }),
    answer: Trial,
    handle: ({ webhooks }, { params, body }) => webhooks.test(params.id, body.topic),
  }),
  route({
    method: 'GET',
    path: '/api/v1/webhooks/:id/deliveries',
    permission: 'administer',
    tag: 'registry',
    summary: 'What was sent to a webhook, or is on its way, newest first',
    params: ById,
    query: strict({ limit: paging.limit }),
    answer: page(WebhookDelivery),
    handle: async ({ webhooks }, { params, query }) => ({ items: [...(await webhooks.deliveries(params.id, query.limit))] }),
  }),
];
