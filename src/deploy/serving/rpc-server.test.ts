import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { connect } from 'node:http2';
import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { gunzipSync, gzipSync } from 'node:zlib';
import { openFsBlobs } from '#blobs';
import { giveBack, GyreError, seeded, sha256, systemClock, uuidV7 } from '#core';
import { createLogger, createMetrics } from '#telemetry';
import { Admission } from './http-admission.ts';
import type { InferenceServer } from './http-server.ts';
import { blobSource } from './package-source.ts';
import { Plane } from './plane.ts';
import type { RpcCall, RpcMethod } from './rpc-method.ts';
import { serveRpc } from './rpc-server.ts';
import { putSample, sampleManifest, samplePackage } from './sample-package.ts';

const mebibyte = 1024 * 1024;
const limits = { maxBodyBytes: 32 * mebibyte, maxRows: 10 };

function framed(message: Uint8Array, flag = 0): Buffer {
  const prefix = Buffer.of(flag, 0, 0, 0, 0);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

function messagesOf(bytes: Buffer): Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += 5 + bytes.readUInt32BE(at + 1))
    found.push(bytes.subarray(at + 5, at + 5 + bytes.readUInt32BE(at + 1)));
  return found;
}

async function until(isSo: () => boolean): Promise<void> {
  for (let turn = 0; !isSo(); turn++) {
    assert.ok(turn < 4_000, 'it did not become so');
    await sleep(5);
  }
}

describe('calls of gRPC straight from their socket', () => {
  const sample = samplePackage();
  let root = '';
  let plane: Plane;
  let admission: Admission;
  let server: InferenceServer;
  let session: ClientHttp2Session;
  let asked = 0;
  let held = Promise.withResolvers<void>();
  const calls: RpcCall[] = [];
  const methods: RpcMethod[] = [
    { name: 'Echo', path: '/test/Echo', infers: true, handle: async (message) => message },
    { name: 'Now', path: '/test/Now', handle: (message, call) => (calls.push(call), message) },
    {
      name: 'Weigh',
      path: '/test/Weigh',
      handle: async (message, call) => {
        // What is answered says what the message was, though it is gone by then.
        const said = Buffer.from(`${sha256(message)} ${call.ownsMessage} ${(message.byteOffset + message.length) % 8}`);
        await sleep(message.length % 5);
        if (call.ownsMessage) giveBack(message);
        return said;
      },
    },
    { name: 'Held', path: '/test/Held', infers: true, handle: (message) => held.promise.then(() => message) },
    {
      name: 'Fail',
      path: '/test/Fail',
      handle: (message) => {
        if (message.length > 0) throw new GyreError('NOT_FOUND', `nothing at "${Buffer.from(message).toString()}" ✗`);
        throw new TypeError('a fault of ours');
      },
    },
    {
      name: 'Stream',
      path: '/test/Stream',
      infers: true,
      handle: async (message) => {
        asked += 1;
        // Later ones are often ready before earlier ones.
        if (message.length > 0 && message[0] % 3 === 0) await sleep(message[0] % 7);
        if (message[0] === 13) throw new GyreError('INVALID_ARGUMENT', 'thirteen');
        return message.length === 4 ? Buffer.alloc(100_000, message) : message;
      },
      stream: { onError: (error) => Buffer.from(`! ${String(error)}`) },
    },
    {
      name: 'AtOnce',
      path: '/test/AtOnce',
      handle: (message) => {
        asked += 1;
        return message;
      },
      stream: { onError: () => Buffer.of() },
    },
  ];
  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'gyre-rpc-'));
    const blobs = await openFsBlobs({ dir: join(root, 'blobs') });
    await putSample(blobs, sample);
    let count = 0;
    plane = await Plane.open(sampleManifest(sample, 1, { limits }), {
      source: blobSource(blobs),
      workers: 1,
      elapsed: () => performance.now(),
      clock: systemClock,
      newId: uuidV7(systemClock, (length) => Uint8Array.from({ length }, () => count++ % 256)),
      chance: () => 0,
      metrics: createMetrics(),
    });
    admission = new Admission(plane);
    server = await serve();
    session = connect(server.address.replace('grpc:', 'http:'));
  });
  after(async () => {
    session.close();
    await server.close(0);
    await plane[Symbol.asyncDispose]();
    await rm(root, { recursive: true });
  });
  const log = createLogger({ level: 'silent', destination: process.stderr });
  const serve = (tls?: { readonly cert: string; readonly key: string }): Promise<InferenceServer> =>
    serveRpc({ plane, admission, methods, host: '127.0.0.1', port: 0, log, ...(tls === undefined ? {} : { tls }) });

  const begin = (method: string, headers: Record<string, string> = {}, over = session): ClientHttp2Stream =>
    over.request({ ':method': 'POST', ':path': `/test/${method}`, 'content-type': 'application/grpc', te: 'trailers', ...headers });
  const finished = async (
    stream: ClientHttp2Stream,
  ): Promise<{ readonly said: IncomingHttpHeaders; readonly messages: readonly Buffer[] }> => {
    let said: IncomingHttpHeaders = {};
    const chunks: Buffer[] = [];
    stream.on('response', (fields) => (said = { ...said, ...fields }));
    stream.on('trailers', (fields) => (said = { ...said, ...fields }));
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    await once(stream, 'close');
    return { said, messages: messagesOf(Buffer.concat(chunks)) };
  };
  const ask = (method: string, body: Uint8Array, headers: Record<string, string> = {}, over = session): ReturnType<typeof finished> => {
    const stream = begin(method, headers, over);
    stream.end(body);
    return finished(stream);
  };

  test('are answered whole, of any size, by methods that answer at once and by others', async () => {
    for (const size of [0, 1, 16_379, 16_380, 100_000, 20 * mebibyte]) {
      const message = Buffer.alloc(size, 'ab');
      for (const method of ['Echo', 'Now']) {
        const { said, messages } = await ask(method, framed(message));
        assert.deepEqual([said['grpc-status'], said['content-type'], messages.length], ['0', 'application/grpc', 1]);
        assert.ok(messages[0].equals(message));
      }
    }
  });

  test('are answered to their end on a connection that is shed, which then takes no more', async () => {
    await using shedding = { server: await serve(), [Symbol.asyncDispose]: () => shedding.server.close(0) };
    const at = shedding.server.address.replace('grpc:', 'http:');
    const older = connect(at);
    held = Promise.withResolvers<void>();
    const underWay = ask('Held', framed(Buffer.from('late')), {}, older);
    const another = await ask('Echo', framed(Buffer.from('now')), {}, older);
    assert.equal(another.said['grpc-status'], '0');
    const told = once(older, 'goaway');
    const closed = once(older, 'close');
    shedding.server.shed();
    await told;
    held.resolve();
    assert.equal(String((await underWay).messages[0]), 'late');
    await closed;
    const newer = connect(at);
    assert.equal(String((await ask('Echo', framed(Buffer.from('anew')), {}, newer)).messages[0]), 'anew');
    newer.close();
  });

  test('with large messages, many at once, are each answered for their own, and their memory may be given back', async () => {
    const random = seeded(3);
    const bodies = Array.from({ length: 60 }, () => Buffer.from(Array.from({ length: random.int(300_000) }, () => random.int(256))));
    const answers = await Promise.all(bodies.map((body) => ask('Weigh', framed(body))));
    let given = 0;
    for (const [k, { messages }] of answers.entries()) {
      const [digest, owns, end] = String(messages[0]).split(' ');
      assert.equal(digest, sha256(bodies[k]), `message ${k}`);
      if (owns === 'true') {
        given += 1;
        assert.equal(end, '0', 'the last of its bytes end where the widest number may');
      }
    }
    assert.ok(given > 40, `only ${given} were put together from parts`);
  });

  test('come whole in whatever pieces they are sent', async () => {
    const body = framed(Buffer.from('a message in pieces'));
    for (let cut = 1; cut < body.length; cut++) {
      const stream = begin('Echo');
      stream.write(body.subarray(0, cut));
      await sleep(1);
      stream.end(body.subarray(cut));
      assert.equal(String((await finished(stream)).messages), 'a message in pieces');
    }
  });

  test('say what failed, in characters of any script, and nothing of a fault of ours', async () => {
    const { said } = await ask('Fail', framed(Buffer.from('ü\n')));
    assert.deepEqual([said[':status'], said['grpc-status']], [200, '5']);
    assert.equal(decodeURIComponent(String(said['grpc-message'])), 'nothing at "ü\n" ✗');
    const { said: fault } = await ask('Fail', framed(Buffer.of()));
    assert.deepEqual(
      [fault['grpc-status'], decodeURIComponent(String(fault['grpc-message']))],
      ['13', 'the server failed; its log says why'],
    );
    const { said: second } = await ask('Echo', Buffer.concat([framed(Buffer.of(1)), Buffer.of(0)]));
    assert.match(String(second['grpc-message']), /takes one message/);
    const { said: cut } = await ask('Echo', Buffer.of(0, 0, 0));
    assert.match(String(cut['grpc-message']), /in the middle/);
    const { said: large } = await ask('Echo', Buffer.of(0, 0x7f, 0xff, 0xff, 0xff));
    assert.deepEqual([large['grpc-status'], /larger than/.test(String(large['grpc-message']))], ['11', true]);
  });

  test('are answered packed as they came', async () => {
    const message = Buffer.from('packed '.repeat(100));
    const { said, messages } = await ask('Echo', framed(gzipSync(message), 1), { 'grpc-encoding': 'gzip' });
    assert.deepEqual([said['grpc-status'], said['grpc-encoding']], ['0', 'gzip']);
    assert.ok(gunzipSync(messages[0]).equals(message));
    const streamed = await ask('Stream', Buffer.concat([framed(gzipSync('a'), 1), framed(Buffer.from('b')), framed(gzipSync('c'), 1)]), {
      'grpc-encoding': 'gzip',
    });
    assert.equal(String(streamed.messages), 'a,b,c');
  });

  test('say how long they may take and what else their caller says, each for itself', async () => {
    calls.length = 0;
    for (const [timeout, note] of [
      ['250m', 'a'],
      ['5S', 'b'],
      ['5S', 'b'],
      ['1H', 'c'],
    ])
      await ask('Now', framed(Buffer.of()), { 'grpc-timeout': timeout, 'x-note': note });
    await ask('Now', framed(Buffer.of()));
    assert.deepEqual(
      calls.map(({ timeoutMs, headers }) => [timeoutMs, headers['x-note']]),
      [
        [250, 'a'],
        [5_000, 'b'],
        [5_000, 'b'],
        [3_600_000, 'c'],
        [undefined, undefined],
      ],
    );
  });

  test('with a token that a new manifest does not name are refused, though their headers were known', async () => {
    const authorization = 'Bearer first';
    const other = connect(server.address.replace('grpc:', 'http:'));
    const status = async (): Promise<unknown> => (await ask('Echo', framed(Buffer.of(1)), { authorization }, other)).said['grpc-status'];
    const swap = (generation: number, tokens: readonly string[]): Promise<unknown> =>
      plane.swap(async () => sampleManifest(sample, generation, { limits, tokenHashes: tokens.map((token) => sha256(token)) }));
    await swap(2, ['first']);
    // The first puts its headers into the table of the connection, the next ones are the same bytes.
    assert.deepEqual([await status(), await status(), await status()], ['0', '0', '0']);
    await swap(3, ['second']);
    assert.deepEqual([await status(), await status()], ['16', '16']);
    await swap(4, ['first', 'second']);
    assert.equal(await status(), '0');
    await swap(5, []);
    other.close();
  });

  test('of many messages are answered in their order, however many there are and however they are cut', async () => {
    const body = Buffer.concat(Array.from({ length: 3_000 }, (_, k) => framed(Buffer.of(k % 256, k >> 8, 1))));
    const stream = begin('Stream');
    for (let at = 0; at < body.length; at += 1_001) stream.write(body.subarray(at, at + 1_001));
    stream.end();
    const { said, messages } = await finished(stream);
    assert.deepEqual([said['grpc-status'], messages.length], ['0', 3_000]);
    for (const [k, message] of messages.entries()) {
      if (k % 256 === 13) assert.match(String(message), /^! .*thirteen/);
      else assert.deepEqual([...message], [k % 256, k >> 8, 1]);
    }
  });

  test('of a hundred thousand empty messages are answered, by a method that answers at once', async () => {
    asked = 0;
    const { said, messages } = await ask('AtOnce', Buffer.alloc(5 * 100_000));
    assert.deepEqual([said['grpc-status'], messages.length, asked], ['0', 100_000, 100_000]);
  });

  test('of many messages are not worked on further while their caller does not read, nor kept from others', async () => {
    asked = 0;
    const stream = begin('Stream');
    // Each is answered with 100 KB.
    const message = framed(Buffer.of(1, 1, 1, 1));
    for (let k = 0; k < 2_000; k++) stream.write(message);
    await until(() => asked > 0);
    for (let k = 0; k < 20; k++) assert.equal((await ask('Echo', framed(Buffer.from('beside')))).messages.length, 1);
    await sleep(100);
    assert.ok(asked < 200, `${asked} of 2,000 were asked, and none was read`);
    stream.end();
    const { messages } = await finished(stream);
    assert.deepEqual([messages.length, asked], [2_000, 2_000]);
    assert.ok(messages.every(({ length }) => length === 100_000));
  });

  test('that are given up while they are worked on leave nobody inside', async () => {
    held = Promise.withResolvers();
    const streams = Array.from({ length: 20 }, () => begin('Held'));
    for (const stream of streams) {
      stream.on('error', () => undefined);
      stream.end(framed(Buffer.of(1)));
    }
    await until(() => admission.inside === 20);
    for (const stream of streams) stream.close(8);
    assert.equal((await ask('Echo', framed(Buffer.of(1)))).said['grpc-status'], '0');
    assert.equal(admission.inside, 20);
    held.resolve();
    await until(() => admission.inside === 0);
  });

  test('that are under way when the server ends are answered; and it ends then', async () => {
    const other = await serve();
    const client = connect(other.address.replace('grpc:', 'http:'));
    held = Promise.withResolvers();
    const late = ask('Held', framed(Buffer.from('late')), {}, client);
    await until(() => admission.inside === 1);
    const ended = other.close();
    await once(client, 'goaway');
    held.resolve();
    assert.equal(String((await late).messages), 'late');
    await ended;
    client.destroy();
  });

  const skip = spawnSync('openssl', ['version']).status === 0 ? false : 'openssl, which makes the certificate, is not here';
  test('are answered over TLS to who agrees on HTTP/2, and to nobody else', { skip }, async () => {
    const [certFile, keyFile] = [join(root, 'cert.pem'), join(root, 'key.pem')];
    const made = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost';
    execFileSync('openssl', [...made.split(' '), '-keyout', keyFile, '-out', certFile], { stdio: 'ignore' });
    const [cert, key] = await Promise.all([readFile(certFile, 'utf8'), readFile(keyFile, 'utf8')]);
    const other = await serve({ cert, key });
    assert.match(other.address, /^grpcs:/);
    const { port } = new URL(other.address.replace('grpcs:', 'https:'));
    const client = connect(`https://localhost:${port}`, { ca: cert });
    const message = Buffer.alloc(3 * mebibyte, 'tls');
    assert.ok((await ask('Echo', framed(message), {}, client)).messages[0].equals(message));
    for (let k = 0; k < 50; k++) assert.equal(String((await ask('Now', framed(Buffer.from(String(k))), {}, client)).messages), String(k));
    client.close();

    for (const ALPNProtocols of [[], ['http/1.1']]) {
      const socket = connectTls({ port: Number(port), host: '127.0.0.1', servername: 'localhost', ca: cert, ALPNProtocols });
      socket.on('error', () => undefined);
      let got = '';
      socket.on('data', (data: Buffer) => (got += data.toString()));
      await new Promise((resolve) => socket.on('close', resolve));
      assert.equal(got, '');
    }
    await other.close(0);
  });
});
