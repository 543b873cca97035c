import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { allowedHosts } from '#blobs';
import { manualClock } from '#core';
import { createLogger, createMetrics } from '#telemetry';
import { PayloadEvents } from './payload-events.ts';
import type { PayloadEventsOptions } from './payload-events.ts';

interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: unknown;
}

/** Takes events; @param status what it answers to the nth */
async function receiver(status: (n: number) => number | Promise<number> = () => 200) {
  const received: Received[] = [];
  let asked = 0;
  const server = createServer((request, response) => {
    const n = asked++;
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', async () => {
      response.statusCode = await status(n);
      if (response.statusCode === 200)
        received.push({ headers: request.headers, body: JSON.parse(Buffer.concat(chunks).toString()) as unknown });
      response.end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    received,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/events?tenant=7`,
    get asked() {
      return asked;
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

const payload = {
  environment: 'production',
  endpoint: 'churn',
  model: 'churn-model',
  version: '7',
  ids: ['7-abcdef01-one', '7-abcdef01-two'],
  inputs: [
    { tenure: 1, name: '***' },
    { tenure: 2, name: null },
  ],
  outputs: [{ label: 'Yes' }, { label: 'No' }],
};

function opened(changes: Partial<PayloadEventsOptions> = {}) {
  const metrics = createMetrics();
  const events = new PayloadEvents({
    hosts: allowedHosts('127.0.0.1', 'GYRE_EVENT_HOSTS'),
    clock: manualClock(Date.parse('2026-03-01T12:00:00Z')),
    chance: () => 0.5,
    metrics,
    log: createLogger({ level: 'silent', destination: process.stderr }),
    retries: { tries: 4, firstMs: 5 },
    ...changes,
  });
  return {
    events,
    count: (name: string) => Number(new RegExp(`^${name.replaceAll(/[{}]/g, '\\$&')} (\\d+)$`, 'm').exec(metrics.expose())?.[1] ?? 0),
  };
}

const until = async (holds: () => boolean): Promise<void> => {
  for (let waits = 0; !holds() && waits < 500; waits++) await sleep(10);
  assert.ok(holds());
};

describe('events of requests and responses', () => {
  test('go out as KServe’s logger says them: CloudEvents in binary mode, with one id for both', async () => {
    await using there = await receiver();
    const { events, count } = opened();
    events.offer({ ...payload, traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` }, { url: there.url });
    await events[Symbol.asyncDispose]();
    const [request, response] = there.received.toSorted((one, other) =>
      String(one.headers['ce-type']).localeCompare(String(other.headers['ce-type'])),
    );
    assert.deepEqual(request.body, { instances: payload.inputs });
    assert.deepEqual(response.body, {
      model_name: 'churn-model',
      model_version: '7',
      predictions: [
        { id: '7-abcdef01-one', label: 'Yes' },
        { id: '7-abcdef01-two', label: 'No' },
      ],
    });
    for (const [{ headers }, kind] of [
      [request, 'request'],
      [response, 'response'],
    ] as const) {
      const attributes = Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith('ce-') || name === 'content-type'));
      assert.deepEqual(attributes, {
        'content-type': 'application/json',
        'ce-specversion': '1.0',
        'ce-id': '7-abcdef01-one',
        'ce-type': `org.kubeflow.serving.inference.${kind}`,
        'ce-source': '/environments/production/endpoints/churn',
        'ce-time': '2026-03-01T12:00:00.000Z',
        'ce-inferenceservicename': 'churn',
        'ce-namespace': 'production',
        'ce-component': 'predictor',
        'ce-endpoint': 'default',
        'ce-traceparent': `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
      });
    }
    assert.equal(count('gyre_events_sent_total'), 2);
  });

  test('are of the kind that is asked for', async () => {
    await using there = await receiver();
    const { events } = opened();
    events.offer(payload, { url: there.url, mode: 'request' });
    events.offer(payload, { url: there.url, mode: 'response' });
    await events[Symbol.asyncDispose]();
    assert.deepEqual(
      new Set(there.received.map(({ headers }) => String(headers['ce-type']).split('.').at(-1))),
      new Set(['request', 'response']),
    );
  });

  test('are sent again when the receiver is busy, and given up where it refuses them', async () => {
    await using busy = await receiver((n) => (n < 3 ? 503 : 200));
    const first = opened();
    first.events.offer(payload, { url: busy.url, mode: 'request' });
    await until(() => busy.received.length === 1);
    assert.equal(busy.asked, 4);
    await first.events[Symbol.asyncDispose]();

    await using strict = await receiver(() => 400);
    const second = opened();
    second.events.offer(payload, { url: strict.url, mode: 'request' });
    await until(() => second.count('gyre_events_dropped_total{reason="refused"}') === 1);
    assert.equal(strict.asked, 1);
    await second.events[Symbol.asyncDispose]();

    const third = opened();
    third.events.offer(payload, { url: 'http://127.0.0.1:1/', mode: 'request' });
    await until(() => third.count('gyre_events_dropped_total{reason="failed"}') === 1);
    await third.events[Symbol.asyncDispose]();
  });

  test('that would be too many are dropped and counted, and nothing waits for them', async () => {
    const gate = Promise.withResolvers<number>();
    await using stuck = await receiver(() => gate.promise);
    const { events, count } = opened({ maxWaitingBytes: 2000 });
    for (let k = 0; k < 200; k++) events.offer(payload, { url: stuck.url, mode: 'request' });
    const dropped = count('gyre_events_dropped_total{reason="full"}');
    assert.ok(dropped > 150, String(dropped));
    assert.equal(count('gyre_events_waiting') + dropped, 200 + 4 - 4);
    gate.resolve(200);
    await until(() => stuck.received.length === 200 - dropped);
    await events[Symbol.asyncDispose]();
  });

  test('go to no host that is not allowed, and to no address with a password', () => {
    const { events } = opened({ hosts: allowedHosts('public', 'GYRE_EVENT_HOSTS', 'events may go there') });
    assert.throws(() => events.require({ url: 'http://169.254.169.254/latest' }), {
      code: 'PERMISSION_DENIED',
      message: /GYRE_EVENT_HOSTS/,
    });
    assert.throws(() => events.require({ url: 'http://127.0.0.1:9000/' }), { code: 'PERMISSION_DENIED' });
    assert.throws(() => events.require({ url: 'https://user:secret@example.org/' }), { code: 'INVALID_ARGUMENT' });
    assert.throws(() => events.require({ url: 'file:///etc/passwd' }), { code: 'INVALID_ARGUMENT' });
    events.require({ url: 'https://broker.example.org/' });
  });
});
