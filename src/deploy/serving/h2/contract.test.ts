import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, constants } from 'node:http2';
import type { ClientHttp2Session, IncomingHttpHeaders } from 'node:http2';
import { after, before, describe, test } from 'node:test';
import { seeded } from '#core';
import { openEcho } from './wire-fixture.ts';
import type { EchoHost } from './wire-fixture.ts';

const mebibyte = 1024 * 1024;

interface Reply {
  readonly headers: IncomingHttpHeaders;
  readonly trailers: IncomingHttpHeaders;
  readonly body: Buffer;
}

describe('the client of node:http2', () => {
  let echo: EchoHost;
  let address = '';
  before(async () => {
    echo = await openEcho();
    address = `http://127.0.0.1:${echo.port}`;
  });
  after(() => echo[Symbol.asyncDispose]());

  const ask = async (session: ClientHttp2Session, body: Buffer, headers: Record<string, string> = {}): Promise<Reply> => {
    const stream = session.request({ ':method': 'POST', ':path': '/', ...headers });
    const chunks: Buffer[] = [];
    let got: IncomingHttpHeaders = {};
    let trailers: IncomingHttpHeaders = {};
    stream.on('response', (one) => (got = one));
    stream.on('trailers', (one) => (trailers = one));
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.end(body);
    await once(stream, 'close');
    return { headers: got, trailers, body: Buffer.concat(chunks) };
  };

  for (const [what, settings] of [
    ['usual settings', {}],
    ['windows of a thousand bytes', { initialWindowSize: 1_000 }],
    ['large frames and no table', { maxFrameSize: 2 ** 20, headerTableSize: 0 }],
    ['large windows', { initialWindowSize: 2 ** 31 - 1 }],
  ] as const) {
    test(`has every answer whole, with trailers, of many calls at the same time: ${what}`, async () => {
      const session = connect(address, { settings });
      await once(session, 'remoteSettings');
      const random = seeded(3);
      const sizes = [0, 1, 16_383, 16_384, 16_385, 70_000, ...Array.from({ length: 40 }, () => random.int(40_000))];
      await Promise.all(
        sizes.map(async (size, k) => {
          const body = Buffer.alloc(size, k + 1);
          const reply = await ask(session, body, { 'x-number': String(k) });
          assert.equal(reply.headers[':status'], 200);
          assert.equal(reply.headers['echo-x-number'], String(k));
          assert.equal(reply.trailers['echo-end'], 'yes');
          assert.ok(reply.body.equals(body), `${reply.body.length} of ${size}`);
        }),
      );
      session.close();
      await once(session, 'close');
    });
  }

  test('sends 16 MiB and has them back, while others are answered', async () => {
    const session = connect(address);
    const body = Buffer.alloc(16 * mebibyte);
    for (let k = 0; k < body.length; k += 4096) body.writeUInt32BE(k, k);
    const large = ask(session, body);
    for (let k = 0; k < 20; k++) assert.equal(String((await ask(session, Buffer.from('small'))).body), 'small');
    assert.ok((await large).body.equals(body));
    session.close();
  });

  test('reads 4 MiB slowly, and has all of them', async () => {
    const session = connect(address);
    const body = Buffer.alloc(4 * mebibyte, 'x');
    const stream = session.request({ ':method': 'POST', ':path': '/' });
    stream.end(body);
    let got = 0;
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      got += chunk.length;
      if (got % 7 === 0) await new Promise((resolve) => setTimeout(resolve, 2));
      // A second call is not held up by the first, which is read slowly.
      if (got < 20_000) assert.equal(String((await ask(session, Buffer.from('beside'))).body), 'beside');
    }
    assert.equal(got, body.length);
    session.close();
  });

  test('pads, gives priorities, pings and changes its mind about windows', async () => {
    const session = connect(address, { paddingStrategy: constants.PADDING_STRATEGY_MAX });
    await once(session, 'connect');
    const ping = await new Promise<Buffer>((resolve, reject) => {
      session.ping(Buffer.from('12345678'), (error, _ms, payload) => (error === null ? resolve(payload) : reject(error)));
    });
    assert.equal(String(ping), '12345678');
    const calls: Promise<Reply>[] = [];
    for (const initialWindowSize of [100_000, 10, 65_535]) {
      for (let k = 0; k < 5; k++) calls.push(ask(session, Buffer.alloc(3_000 * k, 'p')));
      session.settings({ initialWindowSize });
    }
    for (const [k, { body }] of (await Promise.all(calls)).entries()) assert.equal(body.length, 3_000 * (k % 5));
    session.close();
  });

  test('gives calls up at any point, and the others are answered', async () => {
    const session = connect(address);
    const kept: Promise<Reply>[] = [];
    for (let k = 0; k < 100; k++) {
      const stream = session.request({ ':method': 'POST', ':path': '/' });
      stream.on('error', () => undefined);
      stream.write(Buffer.alloc(k * 300));
      if (k % 3 === 0) setImmediate(() => stream.close(constants.NGHTTP2_CANCEL));
      else stream.end(() => stream.close(constants.NGHTTP2_CANCEL));
      kept.push(ask(session, Buffer.from(String(k))));
    }
    for (const [k, { body }] of (await Promise.all(kept)).entries()) assert.equal(String(body), String(k));
    session.close();
    await once(session, 'close');
  });

  test('is told of the end, and has its last answers', async () => {
    await using other = await openEcho();
    const session = connect(`http://127.0.0.1:${other.port}`);
    const stream = session.request({ ':method': 'POST', ':path': '/' });
    stream.write('one ');
    await once(session, 'remoteSettings');
    const told = once(session, 'goaway');
    for (const connection of other.connections) connection.leave();
    assert.equal(((await told) as number[])[0], constants.NGHTTP2_NO_ERROR);
    stream.end('two');
    let got = '';
    stream.on('data', (chunk) => (got += String(chunk)));
    await once(stream, 'close');
    assert.equal(got, 'one two');
    if (!session.destroyed) await once(session, 'close');
  });
});
