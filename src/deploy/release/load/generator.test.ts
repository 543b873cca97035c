import assert from 'node:assert/strict';
import { createServer, type RequestListener, Server as HttpServer } from 'node:http';
import { createServer as createPlainServer, type Server } from 'node:net';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { openLoadGenerator } from './generator.ts';

async function listening(server: Server): Promise<AsyncDisposable & { readonly address: string }> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const at = server.address();
  return {
    address: `http://127.0.0.1:${typeof at === 'object' && at !== null ? at.port : 0}`,
    [Symbol.asyncDispose]: async () => {
      server.close();
      if (server instanceof HttpServer) server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

const serve = (listener: RequestListener) => listening(createServer(listener));
const asked = { path: '/v2/models/churn/infer', bodies: ['{"row":1}', '{"row":2}'], timeoutMs: 30_000 };

describe('the load generator over real connections', { timeout: 120_000 }, () => {
  test('sends each body in turn with its token, and reads answers of every kind of length', async () => {
    const seen = new Map<string, number>();
    await using server = await serve((request, response) => {
      let body = '';
      request.on('data', (part: Buffer) => (body += part.toString()));
      request.on('end', () => {
        const key = `${request.method} ${request.url} ${request.headers.authorization} ${body}`;
        seen.set(key, (seen.get(key) ?? 0) + 1);
        if (body.includes('1')) response.end('x'.repeat(100_000));
        else {
          response.write('a part, ');
          response.end('and another one');
        }
      });
    });
    await using generator = await openLoadGenerator({ address: server.address, token: 'secret', ...asked });
    const measured = await generator.offer({ ratePerSecond: 200, durationMs: 500 });
    assert.deepEqual([measured.requests, measured.errors, measured.failures], [100, 0, {}]);
    assert.deepEqual(Object.fromEntries(seen), {
      'POST /v2/models/churn/infer Bearer secret {"row":1}': 50,
      'POST /v2/models/churn/infer Bearer secret {"row":2}': 50,
    });
  });

  test('counts refused, reset, cut and late answers and every status but 2xx, each by its name, and tries none again', async () => {
    let requests = 0;
    await using server = await listening(
      createPlainServer((socket) => {
        socket.on('error', () => undefined);
        socket.on('data', () => {
          const at = requests++ % 4;
          if (at === 0) socket.write('HTTP/1.1 503 Service Unavailable\r\ncontent-length: 2\r\n\r\nno');
          if (at === 1) socket.end('HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\nhalf');
          if (at === 2) socket.resetAndDestroy();
          // The fourth is never answered.
        });
      }),
    );
    await using generator = await openLoadGenerator({ ...asked, address: server.address, timeoutMs: 5000 });
    const measured = await generator.offer({ ratePerSecond: 20, durationMs: 1000 });
    assert.deepEqual([measured.requests, measured.errors, requests], [20, 20, 20]);
    assert.deepEqual(measured.failures, {
      'status 503': 5,
      'closed without an answer': 5,
      ECONNRESET: 5,
      'no answer within 5000 ms': 5,
    });
  });

  test('says that nobody listens', async () => {
    const server = await serve(() => undefined);
    const { address } = server;
    await server[Symbol.asyncDispose]();
    await using generator = await openLoadGenerator({ ...asked, address });
    assert.deepEqual((await generator.offer({ ratePerSecond: 50, durationMs: 100 })).failures, { ECONNREFUSED: 5 });
  });

  test('shows the stall that a client which waits for each answer leaves out', async () => {
    let stalledUntilMs = Number.POSITIVE_INFINITY;
    let beginMs = Number.NaN;
    // Between its 300th and its 900th millisecond the server answers nothing.
    await using server = await serve((_, response) => {
      const nowMs = performance.now() - beginMs;
      stalledUntilMs = nowMs > 300 && nowMs < 900 ? 900 : nowMs;
      setTimeout(() => response.end('{}'), stalledUntilMs - nowMs);
    });
    await using generator = await openLoadGenerator({ ...asked, address: server.address });
    beginMs = performance.now();
    const openLoop = generator.offer({ ratePerSecond: 200, durationMs: 1500 });
    const closedMs: number[] = [];
    while (performance.now() - beginMs < 1500) {
      const sentMs = performance.now();
      await fetch(server.address, { method: 'POST', body: '{}' }).then((answer) => answer.text());
      closedMs.push(performance.now() - sentMs);
    }
    const measured = await openLoop;
    // Two fifths of what was offered came into the stall: its 75th percentile is a long wait. The closed loop met it with one request, while the others were as fast as ever.
    assert.equal(measured.errors, 0);
    assert.ok(measured.p95Ms > 400, `open loop p95 ${measured.p95Ms}`);
    assert.ok(closedMs.filter((ms) => ms > 250).length <= closedMs.length / 5, `${closedMs.length} requests of a closed loop`);
  });

  test('says how long requests waited for a connection of its own', async () => {
    let most = 0;
    let open = 0;
    await using server = await serve((request, response) => {
      request.resume();
      most = Math.max(most, ++open);
      setTimeout(() => {
        open--;
        response.end('{}');
      }, 100);
    });
    await using generator = await openLoadGenerator({ ...asked, address: server.address, maxConnections: 2 });
    // 40 requests, two at a time and 100 ms each: the last leave when 1.9 s have gone by, and were due in the first 0.4 s.
    const measured = await generator.offer({ ratePerSecond: 100, durationMs: 400 });
    assert.deepEqual([measured.requests, measured.errors, most], [40, 0, 2]);
    assert.ok(measured.lateP99Ms > 1300, `late ${measured.lateP99Ms}`);
    assert.ok(measured.p99Ms > measured.lateP99Ms, `p99 ${measured.p99Ms}`);
  });
});
