import { Type, type Static } from 'typebox';
import { Actor, Id, Instant, oneOf, strict } from './common.ts';

/** What MLflow’s clients know: an entity and what was done with it, in the words of MLflow. */
export const mlflowTopics = [
  'registered_model.created',
  'model_version.created',
  'model_version_tag.set',
  'model_version_tag.deleted',
  'model_version_alias.created',
  'model_version_alias.deleted',
  'prompt.created',
  'prompt_version.created',
  'prompt_tag.set',
  'prompt_tag.deleted',
  'prompt_version_tag.set',
  'prompt_version_tag.deleted',
  'prompt_alias.created',
  'prompt_alias.deleted',
] as const;
/** What webhooks are told of. */
export const webhookTopics = [...mlflowTopics, 'sign_off.wanted'] as const;
export const WebhookTopic = oneOf(webhookTopics);
export type WebhookTopic = Static<typeof WebhookTopic>;

/** An address that is told, by HTTP, of what happens in the registry. */
export const Webhook = strict({
  id: Id,
  name: Type.String(),
  description: Type.Optional(Type.String()),
  url: Type.String(),
  topics: Type.Array(WebhookTopic),
  hasSecret: Type.Boolean({ description: 'messages are signed; the secret itself is told to nobody' }),
  active: Type.Boolean(),
  createdAt: Instant,
  updatedAt: Instant,
  createdBy: Actor,
});
export type Webhook = Static<typeof Webhook>;

/** A message to a webhook. */
export const WebhookDelivery = strict({
  id: Id,
  topic: WebhookTopic,
  state: oneOf(['waiting', 'delivered', 'failed']),
  tries: Type.Integer(),
  status: Type.Optional(Type.Integer({ description: 'what the other side answered last' })),
  error: Type.Optional(Type.String()),
  createdAt: Instant,
  /** When it is tried next. */
  dueAt: Type.Optional(Instant),
  endedAt: Type.Optional(Instant),
});
export type WebhookDelivery = Static<typeof WebhookDelivery>;
