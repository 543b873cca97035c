import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as openSession } from 'node:http2';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { serveEcho } from './echo-fixture.ts';
import type { EchoServer } from './echo-fixture.ts';

const mebibyte = 1024 * 1024;
const path = '/inference.GRPCInferenceService/ModelInfer';

/** All that is answered on a connection until the server closes it. */
async function answered(socket: Socket): Promise<string> {
  let said = '';
  socket.on('data', (data) => (said += String(data)));
  socket.on('error', () => undefined);
  if (!socket.destroyed) await once(socket, 'close');
  return said;
}

describe('a data plane before senders that are slow, break off or send too much', () => {
  let echo: EchoServer;
  let port = 0;
  before(async () => {
    echo = await serveEcho([], {}, { headersMs: 400, requestMs: 900 });
    port = Number(new URL(echo.http.address).port);
  });
  after(() => echo[Symbol.asyncDispose]());

  const head = (length: number, more = ''): string =>
    `POST /v2/models/echo/infer HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n${more}\r\n`;
  const isAlive = async (): Promise<void> => assert.equal((await fetch(`${echo.http.address}/v2/health/ready`)).status, 200);
  const counted = async (route: string, code: string): Promise<number> =>
    Number(
      new RegExp(`gyre_http_requests_total\\{route="${route}",code="${code}"\\} (\\d+)`).exec(await echo.plane.metricsText())?.[1] ?? 0,
    );

  /** Sends one byte at a time. */
  const drip = async (socket: Socket, text: string): Promise<void> => {
    for (const byte of text) {
      if (!socket.writable) return;
      socket.write(byte);
      await sleep(20);
    }
  };

  test('ends headers that drip in, on 200 connections, and answers others meanwhile', async () => {
    const slow = Array.from({ length: 200 }, () => connect(port, '127.0.0.1'));
    const ends = slow.map((socket) => answered(socket));
    const dripping = slow.map((socket) => drip(socket, head(10, `x-filler: ${'a'.repeat(200)}\r\n`)));
    for (let k = 0; k < 5; k++) await isAlive();
    for (const said of await Promise.all(ends)) assert.match(said, /^HTTP\/1.1 408 Request Timeout\r\n/);
    await Promise.all(dripping);
    await isAlive();
  });

  test('ends bodies that drip in, which keep nobody else out', async () => {
    echo.plane.manifest.limits.maxConcurrent = 1;
    const slow = Array.from({ length: 50 }, () => connect(port, '127.0.0.1'));
    const ends = slow.map((socket) => answered(socket));
    const dripping = slow.map((socket) => drip(socket, `${head(5000)}${' '.repeat(400)}`.slice(0, 400)));
    for (const socket of slow) socket.write(head(5000));
    const other = await fetch(`${echo.http.address}/v2/models/echo/infer`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"inputs":[]}',
    });
    assert.equal(other.status, 400, 'let in, and found to lack its inputs');
    await other.text();
    await Promise.all(ends);
    await Promise.all(dripping);
    delete echo.plane.manifest.limits.maxConcurrent;
    assert.equal(echo.admission.inside, 0);
    await isAlive();
  });

  test('takes a body that breaks off for what it is', async () => {
    const before400 = await counted('infer', '400');
    const sockets = Array.from({ length: 20 }, () => connect(port, '127.0.0.1'));
    for (const [k, socket] of sockets.entries()) {
      socket.on('error', () => undefined);
      socket.write(`${head(5000)}{"inputs": [`);
      await sleep(5);
      if (k % 2 === 0) socket.resetAndDestroy();
      else socket.end();
    }
    // A reset may overtake the header, which is then never seen; an end does not.
    for (let waits = 0; (await counted('infer', '400')) < before400 + 10 && waits < 500; waits++) await sleep(20);
    assert.ok((await counted('infer', '400')) >= before400 + 10);
    assert.equal(await counted('infer', '500'), 0);
    await isAlive();
  });

  test('stops unpacking at the limit, over both transports, and keeps its memory', async () => {
    const bomb = gzipSync(Buffer.alloc(256 * mebibyte));
    assert.ok(bomb.length > 20_000, 'more than the limit even when it is packed');
    const small = gzipSync(Buffer.alloc(8 * mebibyte));
    assert.ok(small.length < 20_000);
    const session = openSession(echo.rpc.address.replace('grpc:', 'http:'));
    const startBytes = process.memoryUsage.rss();
    for (let k = 0; k < 20; k++) {
      const response = await fetch(`${echo.http.address}/v2/models/echo/infer`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' },
        body: small,
      });
      assert.equal(response.status, 413);
      assert.match(await response.text(), /larger than 20000 bytes/);
      const stream = session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc', 'grpc-encoding': 'gzip' });
      let status: unknown;
      stream.on('response', (headers) => (status = headers['grpc-status']));
      const prefix = Buffer.from([1, 0, 0, 0, 0]);
      prefix.writeUInt32BE(small.length, 1);
      stream.end(Buffer.concat([prefix, small]));
      stream.resume();
      await once(stream, 'close');
      assert.equal(status, '11');
    }
    // Twenty bombs, unpacked over both transports, would be 320 MiB.
    const grown = process.memoryUsage.rss() - startBytes;
    assert.ok(grown < 128 * mebibyte, `${Math.round(grown / mebibyte)} MiB more`);
    session.close();
    await isAlive();
  });

  test('over gRPC gives up who connects and says nothing, and messages that do not come on; a quiet session stays', async () => {
    const rpcPort = Number(new URL(echo.rpc.address.replace('grpc:', 'http:')).port);
    const quiet = openSession(echo.rpc.address.replace('grpc:', 'http:'));
    const silent = Array.from({ length: 50 }, () => connect(rpcPort, '127.0.0.1'));
    await Promise.all(silent.map((socket) => answered(socket)));

    const stalled = quiet.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' });
    stalled.on('error', () => undefined);
    stalled.write(Buffer.from([0, 0, 0, 1, 0, 1, 2, 3]));
    await once(stalled, 'close');
    assert.equal(quiet.destroyed, false);
    const live = quiet.request({
      ':method': 'POST',
      ':path': '/inference.GRPCInferenceService/ServerLive',
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    let status: unknown;
    live.on('trailers', (trailers) => (status = trailers['grpc-status']));
    live.end(Buffer.alloc(5));
    live.resume();
    await once(live, 'close');
    assert.equal(status, '0');
    quiet.close();
  });
});
