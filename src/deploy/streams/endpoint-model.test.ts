import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import { after, before, beforeEach, describe, test } from 'node:test';
import { GyreError, hasCode } from '#core';
import { openEndpointModel } from './endpoint-model.ts';
import type { EndpointPlace } from './endpoint-model.ts';
import type { Delivery } from './port.ts';
import type { Patience, StreamModel } from './stream-model.ts';

interface Seen {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

type Answer = readonly [status: number, body: object, headers?: Readonly<Record<string, string>>];

const rows = { model: 'churn', version: '3', predictions: [{ id: 'p', label: 'Yes' }] };
const delivery = (body: object, headers: Delivery['headers'] = {}): Delivery => ({
  body: Buffer.from(JSON.stringify(body)),
  headers,
  topic: 'in',
  position: '1',
  identity: 'in 1',
  deliveries: 1,
});

describe('a model that an endpoint serves', () => {
  let server: Server;
  let place: EndpointPlace;
  let seen: Seen[];
  let open = 0;
  let mostOpen = 0;
  let answer: (seen: Seen) => Answer | Promise<Answer>;
  before(async () => {
    server = createServer((request, response) => {
      void (async () => {
        const chunks: Buffer[] = [];
        for await (const chunk of request) chunks.push(chunk as Buffer);
        const one = { path: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks).toString('utf8') };
        seen.push(one);
        mostOpen = Math.max(mostOpen, ++open);
        const [status, body, headers] = request.method === 'GET' ? ([200, {}] as Answer) : await answer(one);
        open -= 1;
        response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
      })();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    assert.ok(typeof address === 'object' && address !== null);
    place = {
      address: `http://127.0.0.1:${address.port}`,
      model: 'churn',
      token: 'secret',
      inFlight: 64,
      attempts: 2,
      elapsed: () => performance.now(),
    };
  });
  beforeEach(() => {
    [seen, open, mostOpen] = [[], 0, 0];
    answer = () => [200, rows];
  });
  after(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  const waits: string[] = [];
  const patience = (signal = new AbortController().signal): Patience => ({
    signal,
    waits: (reason) => void waits.push(reason),
    goesOn: () => undefined,
  });
  const ask = (model: StreamModel, body: object, headers: Delivery['headers'] = {}): Promise<string> =>
    model.answer(delivery(body, headers), 'answer-1', patience());

  test('is asked for rows and for tensors by the routes for them, under the id of the answer, with what it routes by', async () => {
    await using model = await openEndpointModel(place);
    const said = await ask(
      model,
      { rows: [{ a: 1 }], keys: ['k'] },
      { traceparent: '00-1', 'x-user': 'ann', cookie: 'c', host: 'h', 'x-request-id': 'own' },
    );
    assert.deepEqual(JSON.parse(said), { id: 'answer-1', ...rows, predictions: [{ id: 'p', label: 'Yes', key: 'k' }] });
    const [, asked] = seen;
    assert.equal(asked.path, '/predict/churn');
    assert.deepEqual(JSON.parse(asked.body), { rows: [{ a: 1 }], keys: ['k'] });
    const { authorization, traceparent, cookie, 'x-user': user, 'x-request-id': id } = asked.headers;
    assert.deepEqual([authorization, traceparent, cookie, user, id], ['Bearer secret', '00-1', undefined, 'ann', 'answer-1']);
    answer = () => [200, { outputs: [] }];
    await ask(model, { inputs: [] });
    assert.deepEqual([seen[2].path, JSON.parse(seen[2].body)], ['/v2/models/churn/infer', { id: 'answer-1', inputs: [] }]);
    await ask(model, { id: 'mine', inputs: [] });
    assert.equal((JSON.parse(seen[3].body) as { readonly id: string }).id, 'mine');
  });

  test('tells a message that is at fault, a model that fails, and a stream that cannot go on apart', async () => {
    await using model = await openEndpointModel(place);
    for (const [status, code] of [
      [400, 'INVALID_ARGUMENT'],
      [413, 'OUT_OF_RANGE'],
      [500, 'INTERNAL'],
      [504, 'DEADLINE_EXCEEDED'],
      [401, 'UNAUTHENTICATED'],
      [403, 'PERMISSION_DENIED'],
      [404, 'NOT_FOUND'],
    ] as const) {
      answer = () => [status, { error: 'because' }];
      await assert.rejects(ask(model, { a: 1 }), (error) => hasCode(error, code) && error.message.endsWith(`answered ${status}: because`));
    }
    await assert.rejects(openEndpointModel({ ...place, address: 'http://127.0.0.1:1' }), (error) => hasCode(error, 'UNAVAILABLE'));
  });

  test('is left alone for as long as it says, by all messages, and then asked by fewer at once', async () => {
    await using model = await openEndpointModel(place);
    const begun = performance.now();
    let refusedUntil = 0;
    answer = () => {
      if (refusedUntil === 0) refusedUntil = performance.now() + 1000;
      return performance.now() < refusedUntil - 20 ? [429, { error: 'too many' }, { 'retry-after': '1' }] : [200, rows];
    };
    waits.length = 0;
    await Promise.all(Array.from({ length: 200 }, () => ask(model, { a: 1 })));
    assert.ok(performance.now() - begun >= 950, 'nobody went on before');
    // Those under way when it began to refuse, and none of the others.
    assert.ok(waits.length <= 64, `${waits.length} were refused`);
    assert.ok(waits.every((reason) => reason.endsWith('answered 429: too many')));
    assert.ok(mostOpen <= 64);
  });

  test('gives up on the one message that it refuses again and again while it answers others', async () => {
    await using model = await openEndpointModel(place);
    answer = ({ body }) => (body.includes('poison') ? [503, { error: 'its process ended' }, { 'retry-after': '0' }] : [200, rows]);
    const stop = new AbortController();
    const others = (async () => {
      while (!stop.signal.aborted) await ask(model, { a: 1 });
    })();
    await assert.rejects(
      ask(model, { a: 'poison' }),
      (error) => error instanceof GyreError && error.details['isFinal'] === true && /so it was 8 times, while other/.test(error.message),
    );
    stop.abort();
    await others;
  });

  test('that is away is waited for until it is over', async () => {
    await using model = await openEndpointModel(place);
    const over = new AbortController();
    answer = () => {
      setTimeout(() => over.abort(), 300);
      return [503, { error: 'draining' }];
    };
    await assert.rejects(model.answer(delivery({ a: 1 }), 'i', patience(over.signal)), (error) => hasCode(error, 'CANCELLED'));
    assert.ok(seen.length >= 2);
  });
});
