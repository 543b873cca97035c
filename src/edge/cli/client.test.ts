import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { hasCode } from '#core';
import { openClient } from './client.ts';

/** A server that breaks off the first request of its life, whatever it is, and answers the others. */
async function brokenOnce(): Promise<AsyncDisposable & { readonly address: string; readonly asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.method ?? '');
    if (asked.length === 1) request.socket.destroy();
    else response.end('{"answer":42}');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    address: `http://127.0.0.1:${port}`,
    asked,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

describe('the client of the HTTP API', () => {
  test('asks once more for what only reads, when the connection broke off', async () => {
    await using server = await brokenOnce();
    const client = openClient({ address: server.address, signal: new AbortController().signal });
    assert.deepEqual(await client.get('version'), { answer: 42 });
    assert.deepEqual(server.asked, ['GET', 'GET']);
  });

  test('does what changes something at most once', async () => {
    await using server = await brokenOnce();
    const client = openClient({ address: server.address, signal: new AbortController().signal });
    await assert.rejects(client.post('dataset-ingestions', { dataset: 'x' }), (error) => hasCode(error, 'UNAVAILABLE'));
    await using other = await brokenOnce();
    const again = openClient({ address: other.address, signal: new AbortController().signal });
    await assert.rejects(again.remove('dataset-ingestions/x'), (error) => hasCode(error, 'UNAVAILABLE'));
    assert.deepEqual([server.asked, other.asked], [['POST'], ['DELETE']]);
  });
});
