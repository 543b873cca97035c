import assert from 'node:assert/strict';
import { createHmac, randomBytes as random } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { allowedHosts } from '#blobs';
import { eventType } from '#contract';
import type { EventData, WebhookTopic } from '#contract';
import { countingIds, hasCode, manualClock } from '#core';
import type { ManualClock } from '#core';
import { eventsMigrations, openEvents } from '#events';
import { openStore } from '#store';
import type { StoreOptions, Tx } from '#store';
import { registryMigrations } from '../migrations/index.ts';
import type { Registry } from '../port.ts';
import { openRegistry } from '../registry.ts';
import type { Webhooks } from './port.ts';
import { openWebhooks } from './webhooks.ts';

const ada = { identity: 'ada', name: 'Ada' };

interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** An address that takes messages, and answers with the statuses it is told, then 200. */
async function receiver(): Promise<{ url: string; port: number; received: Received[]; statuses: number[] } & AsyncDisposable> {
  const received: Received[] = [];
  const statuses: number[] = [];
  const server = createServer((request, answer) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      received.push({ path: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks).toString('utf8') });
      const status = statuses.shift() ?? 200;
      answer.writeHead(status, status === 302 ? { location: '/elsewhere' } : {}).end('seen');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/hook?a=b`,
    port,
    received,
    statuses,
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

interface Bench extends AsyncDisposable {
  readonly webhooks: Webhooks;
  readonly registry: Registry;
  readonly clock: ManualClock;
  /** States that something waits. */
  wanted(data: EventData['sign_off.wanted']): Promise<void>;
  /** Everything that happened is enqueued, and what is due is sent. */
  settle(): Promise<void>;
}

async function openBench(options: StoreOptions, hosts = '127.0.0.1'): Promise<Bench> {
  const store = await openStore(options);
  await store.migrate([eventsMigrations, registryMigrations]);
  const clock = manualClock(Date.UTC(2026, 0, 5));
  const newId = countingIds('id');
  const events = openEvents({ store, clock, newId, source: '/gyre/test' });
  const unused = (): never => assert.fail('no package is made in these tests');
  const registry = openRegistry({
    store,
    blobs: {
      put: unused,
      putFile: unused,
      open: unused,
      read: unused,
      stat: unused,
      has: unused,
      localPath: unused,
      verify: unused,
      list: unused,
      renew: unused,
      delete: unused,
    },
    events,
    clock,
    newId,
    data: { open: unused, get: unused },
    features: { apply: unused, feeds: unused },
    training: { readModel: unused, readArtifact: unused },
    reports: { getReport: unused, reportJson: unused, judge: unused, openModel: unused },
    guard: () => Promise.resolve(undefined),
  });
  const webhooks = await openWebhooks({
    store,
    events,
    clock,
    newId,
    randomBytes: (length) => random(length),
    key: random(32),
    hosts: allowedHosts(hosts, 'GYRE_WEBHOOK_HOSTS', 'webhooks may go there'),
    report: (message) => assert.fail(message),
  });
  return {
    webhooks,
    registry,
    clock,
    wanted: (data) =>
      store.write(async function tellWanted(tx: Tx) {
        events.publish(tx, { type: eventType('sign_off.wanted'), subject: data.modelVersion, actor: 'gyre', data });
        await Promise.resolve();
      }, undefined),
    async settle() {
      await webhooks.caughtUp();
      // The courier was woken, and may have taken it already: what is left waiting is due later.
      for (let tries = 0; tries < 200; tries++) {
        await webhooks.deliverDue();
        const { items } = await webhooks.list({ limit: 100 });
        const all = await Promise.all(items.map(({ id }) => webhooks.deliveries(id, 100)));
        const open = all.flat().some(({ state, dueAt }) => state === 'waiting' && isSoon(dueAt, clock));
        if (!open) return;
        await new Promise((resolve) => setImmediate(resolve));
      }
      assert.fail('messages are still on their way');
    },
    async [Symbol.asyncDispose]() {
      await webhooks[Symbol.asyncDispose]();
      await events[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
    },
  };
}

/** Due now, or taken by a sender: its lease is two minutes. */
function isSoon(dueAt: string | undefined, clock: ManualClock): boolean {
  const inMs = Date.parse(dueAt ?? '') - clock.now();
  return inMs <= 0 || inMs === 120_000;
}

const topics: readonly WebhookTopic[] = ['registered_model.created', 'model_version.created'];

/** What webhooks promise, on every database. */
export function webhooksContract(
  name: string,
  fixture: () => Promise<{ readonly options: StoreOptions } & AsyncDisposable>,
  skip?: string,
): void {
  describe(`webhooks on ${name}`, { skip: skip ?? false }, () => {
    test('are told of what they want to know, each message once, signed with their secret', async () => {
      await using place = await fixture();
      await using bench = await openBench(place.options);
      await using there = await receiver();
      const { webhooks, registry } = bench;
      const hook = await webhooks.create({ name: 'ci', url: there.url, topics, secret: 'a secret', by: ada });
      assert.deepEqual([hook.hasSecret, hook.active, Object.values(hook).includes('a secret')], [true, true, false]);
      await webhooks.create({ name: 'silent', url: there.url, topics, active: false, by: ada });
      await registry.createModel({ name: 'churn', description: 'd', tags: { a: 'b' }, by: ada });
      await registry.setModelTags({ name: 'churn', tags: { a: 'c' }, by: ada });
      const version = await registry.registerVersion({ model: 'churn', source: 's3://b/m', run: 'r-1', by: ada });
      await registry.setTags({ model: 'churn', version: version.version, tags: { x: 'y' }, by: ada });
      await bench.settle();
      await bench.settle();
      const bodies = there.received.map(({ body }) => JSON.parse(body) as Record<string, unknown>);
      assert.deepEqual(bodies.map(({ entity, action, data }) => ({ entity, action, data })).toSorted((a, b) => String(a.entity) < String(b.entity) ? 1 : -1), [
        { entity: 'registered_model', action: 'created', data: { name: 'churn', tags: { a: 'b' }, description: 'd' } },
        { entity: 'model_version', action: 'created', data: { name: 'churn', version: '1', source: 's3://b/m', run_id: 'r1', tags: {}, description: null } },
      ]); // prettier-ignore
      for (const { path, headers, body } of there.received) {
        assert.equal(path, '/hook?a=b');
        const [id, timestamp] = [String(headers['x-mlflow-delivery-id']), String(headers['x-mlflow-timestamp'])];
        const wanted = createHmac('sha256', 'a secret').update(`${id}.${timestamp}.${body}`).digest('base64');
        assert.equal(headers['x-mlflow-signature'], `v1,${wanted}`);
      }
      const told = await webhooks.deliveries(hook.id, 10);
      assert.deepEqual(told.map(({ state, status, tries }) => [state, status, tries]), [['delivered', 200, 1], ['delivered', 200, 1]]); // prettier-ignore
    });

    test('are not told of what happened before they were made, also when that is still on its way', async () => {
      await using place = await fixture();
      await using bench = await openBench(place.options);
      await using there = await receiver();
      // Handed on within 50 ms: most of these are not when the webhook is made.
      for (let k = 0; k < 5; k++) await bench.registry.createModel({ name: `before ${k}`, by: ada });
      bench.clock.advance(1);
      await bench.webhooks.create({ name: 'ci', url: there.url, topics, by: ada });
      await bench.registry.createModel({ name: 'after', by: ada });
      await bench.settle();
      const named = there.received.map(({ body }) => (JSON.parse(body) as { readonly data: { readonly name: string } }).data.name);
      assert.deepEqual(named, ['after']);
    });

    test('tags, aliases and prompts have topics of their own', async () => {
      await using place = await fixture();
      await using bench = await openBench(place.options);
      await using there = await receiver();
      const { webhooks, registry } = bench;
      const wanted: readonly WebhookTopic[] = [
        'model_version_tag.set',
        'model_version_tag.deleted',
        'model_version_alias.created',
        'model_version_alias.deleted',
        'prompt.created',
        'prompt_version.created',
        'prompt_alias.created',
        'prompt_tag.set',
      ];
      await webhooks.create({ name: 'all', url: there.url, topics: wanted, by: ada });
      await registry.createModel({ name: 'm', by: ada });
      const one = { model: 'm', version: 1, by: ada };
      await registry.registerVersion({ model: 'm', source: 's3://b/m', by: ada });
      await registry.setTags({ ...one, tags: { k: 'v' } });
      await registry.setTags({ ...one, tags: { k: null } });
      await registry.setAlias({ ...one, alias: 'blue' });
      await registry.removeAlias({ model: 'm', alias: 'blue', by: ada });
      const mark = { 'mlflow.prompt.is_prompt': 'true' };
      await registry.createModel({ name: 'p', tags: { ...mark, team: 'a' }, by: ada });
      await registry.registerVersion({ model: 'p', source: 'text', tags: { ...mark, 'mlflow.prompt.text': 'Hi' }, by: ada });
      await registry.setAlias({ model: 'p', version: 1, alias: 'blue', by: ada });
      await registry.setModelTags({ name: 'p', tags: { team: 'b' }, by: ada });
      await bench.settle();
      const said = there.received.map(({ body }) => JSON.parse(body) as Record<string, unknown>);
      const byTopic = Object.fromEntries(said.map(({ entity, action, data }) => [`${String(entity)}.${String(action)}`, data]));
      assert.deepEqual(byTopic, {
        'model_version_tag.set': { name: 'm', version: '1', key: 'k', value: 'v' },
        'model_version_tag.deleted': { name: 'm', version: '1', key: 'k' },
        'model_version_alias.created': { name: 'm', alias: 'blue', version: '1' },
        'model_version_alias.deleted': { name: 'm', alias: 'blue' },
        'prompt.created': { name: 'p', tags: { team: 'a' }, description: '' },
        'prompt_version.created': { name: 'p', version: '1', template: 'Hi', tags: {}, description: null },
        'prompt_alias.created': { name: 'p', alias: 'blue', version: '1' },
        'prompt_tag.set': { name: 'p', key: 'team', value: 'b' },
      });
    });

    test('are told of what waits for people', async () => {
      await using place = await fixture();
      await using bench = await openBench(place.options);
      await using there = await receiver();
      await bench.webhooks.create({ name: 'team', url: there.url, topics: ['sign_off.wanted'], by: ada });
      await bench.wanted({ what: 'certify', text: 'read the report', modelVersion: 'mv', environment: 'production', role: 'qa' });
      await bench.settle();
      const [{ entity, action, data }] = there.received.map(({ body }) => JSON.parse(body) as Record<string, unknown>);
      assert.deepEqual([entity, action], ['sign_off', 'wanted']);
      assert.deepEqual(data, { what: 'certify', text: 'read the report', model_version: 'mv', environment: 'production', role: 'qa', owner: null }); // prettier-ignore
    });

    test('trouble that passes is tried again, later each time; what does not pass is not', async () => {
      await using place = await fixture();
      await using bench = await openBench(place.options);
      await using there = await receiver();
      const { webhooks, registry, clock } = bench;
      const hook = await webhooks.create({ name: 'ci', url: there.url, topics, by: ada });
      there.statuses.push(503, 500);
      await registry.createModel({ name: 'one', by: ada });
      await bench.settle();
      const [first] = await webhooks.deliveries(hook.id, 1);
      assert.deepEqual([first.state, first.status, first.tries], ['waiting', 503, 1]);
      const waits = Date.parse(first.dueAt ?? '') - clock.now();
      assert.ok(waits >= 1000 && waits <= 2000, `${waits}`);
      clock.advance(2000);
      await bench.settle();
      clock.advance(8000);
      await bench.settle();
      const [second] = await webhooks.deliveries(hook.id, 1);
      assert.deepEqual([second.state, second.status, second.tries, second.error], ['delivered', 200, 3, undefined]);
      const ids = new Set(there.received.map(({ headers }) => headers['x-mlflow-delivery-id']));
      assert.equal(ids.size, 1, 'every try of a message has its id');
      there.statuses.push(404);
      await registry.createModel({ name: 'two', by: ada });
      await bench.settle();
      assert.deepEqual((await webhooks.deliveries(hook.id, 1)).map(({ state, error }) => [state, error]), [['failed', 'the address answered 404']]); // prettier-ignore
    });

    test('redirects are not followed, and hosts that are not allowed are not asked, whatever they are called', async () => {
      await using place = await fixture();
      await using bench = await openBench(place.options, 'public');
      await using there = await receiver();
      const { webhooks, registry } = bench;
      const hosts = ['127.0.0.1', 'localhost', '[::1]', '[::ffff:127.0.0.1]', '10.0.0.1', '169.254.169.254', '2130706433', '0x7f.1'];
      for (const host of hosts) await webhooks.create({ name: 'x', url: `http://${host}:${there.port}/`, topics, by: ada });
      await registry.createModel({ name: 'one', by: ada });
      await bench.settle();
      for (const { id, url } of (await webhooks.list({ limit: 50 })).items) {
        const [sent] = await webhooks.deliveries(id, 1);
        assert.equal(sent.state, 'failed', url);
        assert.match(sent.error ?? '', /GYRE_WEBHOOK_HOSTS/, url);
        const trial = await webhooks.test(id);
        assert.equal(trial.success, false, url);
      }
      assert.deepEqual(there.received, []);

      await using second = await fixture();
      await using open = await openBench(second.options);
      there.statuses.push(302);
      const hook = await open.webhooks.create({ name: 'x', url: there.url, topics, by: ada });
      await open.registry.createModel({ name: 'one', by: ada });
      await open.settle();
      assert.match((await open.webhooks.deliveries(hook.id, 1))[0].error ?? '', /redirects/);
      assert.deepEqual(there.received.map(({ path }) => path), ['/hook?a=b']); // prettier-ignore
    });

    test('a host that does not resolve may be registered; a trial says what came of it', async () => {
      await using place = await fixture();
      await using bench = await openBench(place.options, '127.0.0.1,*.invalid');
      await using there = await receiver();
      const nowhere = await bench.webhooks.create({ name: 'x', url: 'https://nowhere.invalid/', topics, by: ada });
      const failed = await bench.webhooks.test(nowhere.id);
      assert.deepEqual([failed.success, failed.status], [false, undefined]);
      const hook = await bench.webhooks.create({ name: 'x', url: there.url, topics, by: ada });
      assert.deepEqual(await bench.webhooks.test(hook.id, 'model_version.created'), { success: true, status: 200, body: 'seen' });
      there.statuses.push(500);
      assert.deepEqual(await bench.webhooks.test(hook.id), { success: false, status: 500, body: 'seen' });
      assert.deepEqual(await bench.webhooks.deliveries(hook.id, 5), []);
    });

    test('are listed newest first, changed and deleted; nobody is told of a secret', async () => {
      await using place = await fixture();
      await using bench = await openBench(place.options);
      const { webhooks } = bench;
      for (let n = 0; n < 3; n++) await webhooks.create({ name: `w${n}`, url: 'https://example.org/', topics, by: ada });
      const page = await webhooks.list({ limit: 2 });
      assert.deepEqual(page.items.map((hook) => hook.name), ['w2', 'w1']); // prettier-ignore
      const rest = await webhooks.list({ limit: 2, after: page.next ?? '' });
      assert.deepEqual([rest.items.map((hook) => hook.name), rest.next], [['w0'], undefined]);
      const [{ id, updatedAt }] = page.items;
      const changed = await webhooks.update({ id, name: 'other', active: false, secret: 's', by: ada });
      assert.deepEqual([changed.name, changed.active, changed.hasSecret, changed.url], ['other', false, true, 'https://example.org/']);
      assert.ok(changed.updatedAt > updatedAt);
      await webhooks.delete({ id, by: ada });
      const gone = [
        () => webhooks.get(id),
        () => webhooks.update({ id, name: 'x', by: ada }),
        () => webhooks.delete({ id, by: ada }),
        () => webhooks.test(id),
      ];
      for (const ask of gone)
        await assert.rejects(ask, (error) => hasCode(error, 'NOT_FOUND') && error.message === `Webhook with ID ${id} not found.`);
      await assert.rejects(webhooks.list({ limit: 2, after: 'x' }), (error) => hasCode(error, 'INVALID_ARGUMENT'));
    });
  });
}
