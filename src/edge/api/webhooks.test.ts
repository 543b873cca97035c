import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Webhook, WebhookDelivery } from '#contract';
import { openBench } from './testing.ts';
import type { Bench } from './testing.ts';

describe('webhooks by our own API', () => {
  let bench: Bench;
  before(async () => {
    bench = await openBench({ allowLocal: true });
  });
  after(() => bench[Symbol.asyncDispose]());

  const ask = (method: string, path: string, body?: object, token = bench.tokens.admin): Promise<Response> =>
    bench.ask(`/api/v1/webhooks${path}`, { method, token, ...(body === undefined ? {} : { body }) });
  const hook = { name: 'ci', url: 'https://ci.example.org/hook', topics: ['registered_model.created'] };

  test('are made, changed, silenced and deleted, and are those of MLflow’s API', async () => {
    const made = await ask('POST', '', { ...hook, secret: 'not to be guessed', description: 'builds' });
    assert.equal(made.status, 201, await made.clone().text());
    const webhook = (await made.json()) as Webhook;
    assert.deepEqual([webhook.name, webhook.topics, webhook.hasSecret, webhook.active], ['ci', hook.topics, true, true]);
    assert.equal(JSON.stringify(webhook).includes('guessed'), false, 'the secret is told to nobody');
    const theirs = (await (await bench.ask('/api/2.0/mlflow/webhooks', { token: bench.tokens.admin })).json()) as {
      webhooks: readonly { webhook_id: string }[];
    };
    assert.deepEqual(
      theirs.webhooks.map(({ webhook_id: id }) => id),
      [webhook.id],
    );
    const changed = (await (await ask('PUT', `/${webhook.id}`, { active: false, topics: ['model_version.created'] })).json()) as Webhook;
    assert.deepEqual([changed.active, changed.topics, changed.url], [false, ['model_version.created'], hook.url]);
    assert.deepEqual(((await (await ask('GET', `/${webhook.id}`)).json()) as Webhook).active, false);
    assert.equal((await ask('DELETE', `/${webhook.id}`)).status, 200);
    assert.equal((await ask('GET', `/${webhook.id}`)).status, 404);
  });

  test('show what was sent, and what came of an example', async () => {
    const { id } = (await (await ask('POST', '', { ...hook, url: 'http://10.0.0.1/hook' })).json()) as Webhook;
    const trial = (await (await ask('POST', `/${id}/test`, {})).json()) as { success: boolean; error?: string };
    assert.equal(trial.success, false);
    assert.match(trial.error ?? '', /10\.0\.0\.1/);
    await bench.deps.registry.createModel({ name: 'told-of', by: { identity: 'test', name: 'test' } });
    await bench.deps.webhooks.caughtUp();
    const { items } = (await (await ask('GET', `/${id}/deliveries?limit=10`)).json()) as { items: readonly WebhookDelivery[] };
    assert.deepEqual(
      items.map(({ topic }) => topic),
      ['registered_model.created'],
    );
  });

  test('are an admin’s matter, and have names and addresses that can be theirs', async () => {
    for (const token of [bench.tokens['ml-engineer'], bench.tokens.operator]) {
      assert.equal((await ask('GET', '', undefined, token)).status, 403);
      assert.equal((await ask('POST', '', hook, token)).status, 403);
    }
    for (const [change, words] of [
      [{ name: 'a b' }, /must start and end with a letter or digit/],
      [{ url: 'file:///etc/passwd' }, /Invalid webhook URL scheme/],
      [{ topics: [] }, /topics/],
      [{ topics: ['everything'] }, /topics/],
    ] as const) {
      const response = await ask('POST', '', { ...hook, ...change });
      assert.equal(response.status, 400);
      assert.match(await response.text(), words);
    }
  });
});
