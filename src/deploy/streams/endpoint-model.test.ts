import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import { createServer as createSilence } from 'node:net';
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

/** None: the connection breaks off. */
type Answer = readonly [status: number, body: object | Buffer, headers?: Readonly<Record<string, string>>] | undefined;

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
        const given: Answer = request.method === 'GET' ? [200, {}] : await answer(one);
        open -= 1;
        if (given === undefined) return void request.socket.resetAndDestroy();
        const [status, body, headers] = given;
        response.on('error', () => undefined).writeHead(status, { 'content-type': 'application/json', ...headers });
        response.end(Buffer.isBuffer(body) ? body : JSON.stringify(body));
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

  test('that sends elsewhere ends the stream, and is told where', async () => {
    await using model = await openEndpointModel(place);
    answer = () => [308, {}, { location: 'https://churn.example:8443/predict/churn?ticket=secret' }];
    await assert.rejects(
      ask(model, { a: 1 }),
      (error) =>
        hasCode(error, 'FAILED_PRECONDITION') &&
        error.message.endsWith('answered 308: it sends on to https://churn.example:8443; name the address that answers itself'),
    );
  });

  for (const status of [408, 502])
    test(`is waited for after ${status}, which somebody before it says`, async () => {
      await using model = await openEndpointModel(place);
      answer = () => (seen.length < 5 ? [status, {}, { 'retry-after': '0' }] : [200, rows]);
      await ask(model, { a: 1 });
      assert.equal(seen.length, 5, 'put off three times');
    });

  test('whose answer is too large is not asked again', async () => {
    await using model = await openEndpointModel(place);
    answer = () => [200, Buffer.alloc(64 * 2 ** 20 + 1, ' ')];
    await assert.rejects(
      ask(model, { a: 1 }),
      (error) => hasCode(error, 'OUT_OF_RANGE') && /larger than 67108864 bytes/.test(error.message),
    );
    assert.equal(seen.length, 2);
  });

  test('is not asked about a message whose header HTTP cannot carry', async () => {
    await using model = await openEndpointModel({ ...place, inFlight: 1 });
    await assert.rejects(
      ask(model, { a: 1 }, { 'x-user': 'Łucja' }),
      (error) => hasCode(error, 'INVALID_ARGUMENT') && /x-user/.test(error.message),
    );
    await ask(model, { a: 1 });
    assert.equal(seen.length, 2);
  });

  test('that takes no connection is waited for, and one that takes it and is silent has failed', async () => {
    await using silence = createSilence((socket) => void socket.on('error', () => undefined).resume()).listen(0, '127.0.0.1');
    await once(silence, 'listening');
    const address = silence.address();
    assert.ok(typeof address === 'object' && address !== null);
    const silent = { ...place, answerWithinMs: 2_000 };
    // With TLS nothing is asked before both sides have spoken.
    await assert.rejects(
      openEndpointModel({ ...silent, address: `https://127.0.0.1:${address.port}` }),
      (error) => hasCode(error, 'UNAVAILABLE') && /nothing answers at https:.*no answer within 2000 ms/.test(error.message),
    );
    await assert.rejects(openEndpointModel({ ...silent, address: `http://127.0.0.1:${address.port}` }), (error) =>
      hasCode(error, 'DEADLINE_EXCEEDED'),
    );
  });

  for (const [how, ended] of [
    ['refuses', [503, { error: 'its process ended' }, { 'retry-after': '0' }]],
    ['is ended by', undefined],
  ] as const)
    test(`gives up on the one message that it ${how} again and again while it answers others`, async () => {
      await using model = await openEndpointModel({ ...place, inFlight: 4 });
      answer = ({ body }) => (body.includes('poison') ? ended : [200, rows]);
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

  test('gives up on the last message, when all others were answered, only where it is seen to answer', async () => {
    // A thousand times as fast: between two looks lie ten seconds.
    await using model = await openEndpointModel({ ...place, inFlight: 4, elapsed: () => performance.now() * 1000 });
    answer = ({ body }) => (body.includes('poison') ? [503, { error: 'its process ended' }, { 'retry-after': '0' }] : [200, rows]);
    const poison = ask(model, { a: 'poison' });
    await Promise.all([
      assert.rejects(poison, (error) => error instanceof GyreError && error.details['isFinal'] === true),
      ...Array.from({ length: 20 }, () => ask(model, { a: 1 })),
    ]);
    assert.ok(seen.filter(({ path }) => path === '/v2/models/churn').length > 1, 'it was looked at');
  });

  test('that refuses all messages keeps them all', async () => {
    await using model = await openEndpointModel(place);
    const over = new AbortController();
    let isAway = false;
    // It answers some first, and still tells of its model.
    answer = () => {
      if (seen.length > 400) over.abort();
      return isAway ? [503, { error: 'no process' }, { 'retry-after': '0' }] : [200, rows];
    };
    await Promise.all(Array.from({ length: 10 }, () => ask(model, { a: 1 })));
    isAway = true;
    const kept = await Promise.allSettled(Array.from({ length: 10 }, () => model.answer(delivery({ a: 1 }), 'i', patience(over.signal))));
    assert.ok(
      kept.every((one) => one.status === 'rejected' && hasCode(one.reason, 'CANCELLED')),
      kept.map(({ status }) => status).join(' '),
    );
  });

  test('that is away is waited for until it is over, also in the middle of a question', async () => {
    await using model = await openEndpointModel(place);
    const over = new AbortController();
    answer = () => {
      if (seen.length < 3) return [503, { error: 'draining' }];
      over.abort();
      return new Promise<Answer>(() => undefined);
    };
    await assert.rejects(model.answer(delivery({ a: 1 }), 'i', patience(over.signal)), (error) => hasCode(error, 'CANCELLED'));
    assert.equal(seen.length, 3, 'its model was looked at, and the message asked about twice');
  });
});
