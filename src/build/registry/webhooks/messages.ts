import { eventType } from '#contract';
import type { EventTypes, WebhookTopic } from '#contract';
import type { AnyEvent } from '#events';

/*
 * What webhooks are told of an event, in MLflow's shapes (mlflow/webhooks/types.py); sign-offs are our own. Prompts are registered models with a mark.
 */

/** What one message is about. */
export interface WebhookNews {
  readonly topic: WebhookTopic;
  readonly data: Readonly<Record<string, unknown>>;
}

const promptMark = 'mlflow.prompt.is_prompt';
const promptText = 'mlflow.prompt.text';
/** Tags that only say that, and what kind of, a prompt it is. */
const marks: readonly string[] = [promptMark, promptText, '_mlflow_prompt_type'];

export const toldEvents = [
  eventType('registered_model.created'),
  eventType('registered_model.tagged'),
  eventType('model_version.created'),
  eventType('model_version.tagged'),
  eventType('model_version.alias_set'),
  eventType('model_version.alias_removed'),
  eventType('sign_off.wanted'),
] as const;

/** What an event gives webhooks to tell; nothing for what MLflow has no topic for. */
export function newsOf(event: AnyEvent<EventTypes, (typeof toldEvents)[number]>): readonly WebhookNews[] {
  switch (event.type) {
    case 'dev.gyre.registered_model.created.v1': {
      const { model: name, description, tags } = event.data;
      return Object.hasOwn(tags, promptMark)
        ? [{ topic: 'prompt.created', data: { name, tags: without(tags, marks), description } }]
        : [{ topic: 'registered_model.created', data: { name, tags, description } }];
    }
    case 'dev.gyre.model_version.created.v1': {
      const { model: name, version: number, description, tags, source, run } = event.data;
      const version = String(number);
      return Object.hasOwn(tags, promptMark)
        ? [
            {
              topic: 'prompt_version.created',
              data: { name, version, template: tags[promptText] ?? null, tags: without(tags, marks), description: description || null },
            },
          ]
        : [
            {
              topic: 'model_version.created',
              data: { name, version, source, run_id: run?.replaceAll('-', '') ?? null, tags, description: description || null },
            },
          ];
    }
    case 'dev.gyre.registered_model.tagged.v1': {
      const { model: name, tags, removed = [], prompt } = event.data;
      if (prompt !== true) return [];
      return Object.entries(tags).map(([key, value]) =>
        removed.includes(key)
          ? { topic: 'prompt_tag.deleted', data: { name, key } }
          : { topic: 'prompt_tag.set', data: { name, key, value } },
      );
    }
    case 'dev.gyre.model_version.tagged.v1': {
      const { model: name, version: number, tags, removed = [], prompt } = event.data;
      const version = String(number);
      const entity = prompt === true ? 'prompt_version_tag' : 'model_version_tag';
      return Object.entries(tags).map(([key, value]) =>
        removed.includes(key)
          ? { topic: `${entity}.deleted`, data: { name, version, key } }
          : { topic: `${entity}.set`, data: { name, version, key, value } },
      );
    }
    case 'dev.gyre.model_version.alias_set.v1': {
      const { model: name, version, alias, prompt } = event.data;
      const topic = prompt === true ? 'prompt_alias.created' : 'model_version_alias.created';
      return [{ topic, data: { name, alias, version: String(version) } }];
    }
    case 'dev.gyre.sign_off.wanted.v1': {
      const { modelVersion, environment = null, role = null, owner = null, what, text } = event.data;
      return [{ topic: 'sign_off.wanted', data: { what, text, model_version: modelVersion, environment, role, owner } }];
    }
    case 'dev.gyre.model_version.alias_removed.v1': {
      const { model: name, alias, prompt } = event.data;
      return [{ topic: prompt === true ? 'prompt_alias.deleted' : 'model_version_alias.deleted', data: { name, alias } }];
    }
  }
}

function without(tags: Readonly<Record<string, string>>, keys: readonly string[]): Record<string, string> {
  return Object.fromEntries(Object.entries(tags).filter(([key]) => !keys.includes(key)));
}

/** The message's JSON. @param timestamp ISO 8601 */
export function bodyOf({ topic, data }: WebhookNews, timestamp: string): string {
  const [entity, action] = topic.split('.');
  return JSON.stringify({ entity, action, timestamp, data });
}

const name = 'trial-model';
const prompt = 'trial-prompt';
const version = '1';
const [key, value] = ['purpose', 'trial'];
const alias = 'trial';
const description = 'Nothing happened: somebody tries whether this message arrives.';
const tags = { [key]: value };

/** Made-up news, to try a webhook with. */
export const examples: Readonly<Record<WebhookTopic, Readonly<Record<string, unknown>>>> = {
  'registered_model.created': { name, tags, description },
  'model_version.created': {
    name,
    version,
    source: 's3://bucket/trial-model',
    run_id: '0'.repeat(32),
    tags,
    description,
  },
  'model_version_tag.set': { name, version, key, value },
  'model_version_tag.deleted': { name, version, key },
  'model_version_alias.created': { name, alias, version },
  'model_version_alias.deleted': { name, alias },
  'prompt.created': { name: prompt, tags, description },
  'prompt_version.created': { name: prompt, version, template: 'Say hello to {{ name }}.', tags, description },
  'prompt_tag.set': { name: prompt, key, value },
  'prompt_tag.deleted': { name: prompt, key },
  'prompt_version_tag.set': { name: prompt, version, key, value },
  'prompt_version_tag.deleted': { name: prompt, version, key },
  'prompt_alias.created': { name: prompt, alias, version },
  'prompt_alias.deleted': { name: prompt, alias },
  'sign_off.wanted': { what: 'certify', text: description, model_version: 'trial', environment: 'production', role: 'qa', owner: null },
};
