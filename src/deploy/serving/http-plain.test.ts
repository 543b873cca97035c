import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { seeded, sha256, systemClock, uuidV7 } from '#core';
import { createLogger, createMetrics } from '#telemetry';
import type { Answer, Route } from './http-exchange.ts';
import { readPlainHead } from './http-head.ts';
import { serveHttp } from './http-server.ts';
import type { InferenceServer } from './http-server.ts';
import { localModels } from './local-models.ts';
import { Plane } from './plane.ts';
import { samplePackage, writeSampleFolder } from './sample-package.ts';

/** Says back what it was sent. */
const echo: Route = {
  name: 'echo',
  method: 'POST',
  path: '/echo/:name',
  handle: async (exchange) => ({
    status: 200,
    body: JSON.stringify({ name: exchange.params['name'], said: await exchange.text(), note: exchange.headers['x-note'] ?? '' }),
  }),
};
/** Says what its body is, gives it back, and says what is left of it then. */
const weigh: Route = {
  name: 'weigh',
  method: 'POST',
  path: '/weigh',
  handle: async (exchange) => {
    const bytes = await exchange.bytes();
    const ahead = Number(exchange.headers['inference-header-content-length'] ?? 0);
    const said = { sha256: sha256(bytes), isAligned: (bytes.byteOffset + ahead) % 8 === 0 };
    exchange.release();
    return { status: 200, body: JSON.stringify({ ...said, left: bytes.length }) };
  },
};
/** Answers with what no answer may have: a fault of ours, found out only when it is sent. */
const odd: Route = {
  name: 'odd',
  method: 'GET',
  path: '/odd/:how',
  handle: ({ params }) => {
    const answer: Answer = { status: 200, body: '"odd"', headers: { 'x-odd': '✗' } };
    if (params['how'] === 'now') return answer;
    return params['how'] === 'later' ? Promise.resolve(answer) : { ...answer, settle: (done) => setImmediate(done) };
  },
};
const hello: Route = { name: 'hello', method: 'GET', path: '/hello', handle: () => ({ status: 200, body: '"hello"' }) };
const big: Route = { name: 'big', method: 'GET', path: '/big', handle: () => ({ status: 200, body: 'x'.repeat(1_000_000) }) };

const describeError = (error: unknown): Answer => {
  const details = error instanceof Error && 'details' in error ? (error.details as Readonly<Record<string, unknown>>) : {};
  return { status: Number(details['status'] ?? 500), body: JSON.stringify({ error: String(error) }) };
};

async function planeOf(packageFolder: string): Promise<Plane> {
  const { manifest, source } = await localModels([packageFolder], systemClock);
  let count = 0;
  return Plane.open(manifest, {
    source,
    workers: 1,
    elapsed: () => performance.now(),
    clock: systemClock,
    newId: uuidV7(systemClock, (length) => Uint8Array.from({ length }, () => count++ % 256)),
    chance: () => 0,
    metrics: createMetrics(),
  });
}

describe('requests straight from their socket', () => {
  let folder = '';
  let plane: Plane;
  let server: InferenceServer;
  let port = 0;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gyre-plain-'));
    await writeSampleFolder(join(folder, 'churn'), samplePackage());
    plane = await planeOf(join(folder, 'churn'));
    const log = createLogger({ level: 'silent', destination: process.stderr });
    const patience = { headersMs: 1_000, requestMs: 2_000 };
    server = await serveHttp({
      plane,
      routes: [echo, hello, big, weigh, odd],
      describe: describeError,
      host: '127.0.0.1',
      port: 0,
      log,
      patience,
    });
    port = Number(new URL(server.address).port);
  });
  after(async () => {
    await server.close(0);
    await plane[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  const post = (name: string, body: string, more = ''): string =>
    `POST /echo/${name} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${more}\r\n${body}`;
  const inChunks = (name: string, body: string): string =>
    `POST /echo/${name} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n${Buffer.byteLength(body).toString(16)}\r\n${body}\r\n0\r\n\r\n`;

  /** A connection on which bodies of answers are read, one after the other. */
  const open = async (): Promise<{ readonly socket: Socket; readonly next: () => Promise<string> }> => {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    let held = Buffer.alloc(0);
    const answers: string[] = [];
    let wake = (): void => undefined;
    socket.on('error', () => wake());
    socket.on('close', () => wake());
    socket.on('data', (data: Buffer) => {
      held = Buffer.concat([held, data]);
      for (;;) {
        const end = held.indexOf('\r\n\r\n');
        const length = /\r\ncontent-length: (\d+)/i.exec(held.toString('latin1', 0, Math.max(end, 0)))?.[1];
        if (end < 0 || length === undefined || held.length < end + 4 + Number(length)) break;
        answers.push(`${held.toString('latin1', 9, 12)} ${held.toString('utf8', end + 4, end + 4 + Number(length))}`);
        held = held.subarray(end + 4 + Number(length));
      }
      wake();
    });
    return {
      socket,
      next: async () => {
        while (answers.length === 0 && !socket.destroyed) await new Promise<void>((resolve) => (wake = resolve));
        return answers.shift() ?? 'closed';
      },
    };
  };
  const said = (name: string, text: string, note = ''): string => `200 ${JSON.stringify({ name, said: text, note })}`;

  test('are answered once more on connections that are shed, whoever reads them; those that come later stay', async () => {
    const [plain, parsed] = [await open(), await open()];
    plain.socket.write(post('a', '"1"'));
    parsed.socket.write(inChunks('a', '"1"'));
    assert.deepEqual([await plain.next(), await parsed.next()], [said('a', '"1"'), said('a', '"1"')]);
    server.shed();
    const later = await open();
    for (const { socket } of [plain, parsed, later]) socket.write(post('a', '"2"'));
    assert.deepEqual([await plain.next(), await parsed.next(), await later.next()], Array(3).fill(said('a', '"2"')));
    assert.deepEqual([await plain.next(), await parsed.next()], ['closed', 'closed']);
    later.socket.write(post('a', '"3"'));
    assert.equal(await later.next(), said('a', '"3"'));
    later.socket.destroy();
    // What was sent behind it is answered before a connection ends.
    const pipelined = await open();
    pipelined.socket.write(post('a', '"1"'));
    await pipelined.next();
    server.shed();
    pipelined.socket.write(post('a', '"2"') + post('a', '"3"'));
    assert.deepEqual(
      [await pipelined.next(), await pipelined.next(), await pipelined.next()],
      [said('a', '"2"'), said('a', '"3"'), 'closed'],
    );
  });

  test('come whole wherever they are cut', async () => {
    const request = Buffer.from(post('a', '"grüße"', 'X-Note: n\r\n'));
    const { socket, next } = await open();
    for (let cut = 1; cut < request.length; cut += 3) {
      socket.write(request.subarray(0, cut));
      // So that both parts do not arrive as one.
      await sleep(2);
      socket.write(request.subarray(cut));
      assert.equal(await next(), said('a', '"grüße"', 'n'), `cut at ${cut}`);
    }
    socket.destroy();
  });

  test('are answered in their order when many are sent at once, plain ones and others', async () => {
    const { socket, next } = await open();
    const names = Array.from({ length: 60 }, (_, k) => `r${k}`);
    socket.write(names.map((name, k) => (k === 40 ? inChunks(name, '"chunked"') : post(name, `"${name}"`))).join(''));
    for (const [k, name] of names.entries()) assert.equal(await next(), said(name, k === 40 ? '"chunked"' : `"${name}"`));
    socket.write('GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n');
    assert.equal(await next(), '200 "hello"');
    socket.destroy();
  });

  test('that came before their caller said that it sends no more are all answered; what is cut off there is not', async () => {
    const { socket, next } = await open();
    socket.end(post('a', '"1"') + post('b', '"2"') + post('c', '"3"') + post('d', '"4"').slice(0, -1));
    for (const [name, text] of [
      ['a', '1'],
      ['b', '2'],
      ['c', '3'],
    ])
      assert.equal(await next(), said(name, `"${text}"`));
    assert.match(await next(), /^400 .*before it was complete/);
    assert.equal(await next(), 'closed');
  });

  test('with large bodies come whole however they are cut, each with its own, and those behind them too', async () => {
    const random = seeded(5);
    const bodies = Array.from({ length: 40 }, () => Buffer.from(Array.from({ length: random.int(200_000) }, () => random.int(256))));
    const stream = Buffer.concat(
      bodies.flatMap((body, k) => [
        Buffer.from(
          `POST /weigh HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/octet-stream\r\nContent-Length: ${body.length}\r\nInference-Header-Content-Length: ${k}\r\n\r\n`,
        ),
        body,
      ]),
    );
    const { socket, next } = await open();
    const sending = (async () => {
      for (let at = 0; at < stream.length;) {
        const end = at + 1 + random.int(120_000);
        socket.write(stream.subarray(at, end));
        at = end;
        if (random.int(3) === 0) await sleep(1);
      }
    })();
    let given = 0;
    for (const body of bodies) {
      const answer = await next();
      const { sha256: said, isAligned, left } = JSON.parse(answer.slice(4)) as { sha256: string; isAligned: boolean; left: number };
      assert.equal(said, sha256(body));
      if (left === 0 && body.length > 0) {
        given += 1;
        assert.ok(isAligned, 'numbers behind the JSON begin where any of them may');
      } else assert.equal(left, body.length, 'what is not given back stays whole');
    }
    assert.ok(given > 20, `only ${given} were given back`);
    await sending;
    socket.destroy();
  });

  test('are answered the same as by the full parser, errors too', async () => {
    for (const [plain, full] of [
      [post('a', '"x"'), inChunks('a', '"x"')],
      ['GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n', 'GET /hello HTTP/1.1\r\nHost: localhost\r\nTE: trailers\r\n\r\n'],
      ['GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n', 'GET /nothing HTTP/1.1\r\nHost: localhost\r\nTE: trailers\r\n\r\n'],
      ['GET /hello HTTP/1.1\r\nHost: evil.example\r\n\r\n', 'GET /hello HTTP/1.1\r\nHost: evil.example\r\nTE: trailers\r\n\r\n'],
      [post('a', 'x', 'Content-Encoding: br\r\n'), post('a', 'x', 'Content-Encoding: br\r\nTE: trailers\r\n')],
      [post('%ff', '"x"'), inChunks('%ff', '"x"')],
    ]) {
      const [one, other] = [await open(), await open()];
      one.socket.write(plain);
      other.socket.write(full);
      assert.equal(await one.next(), await other.next(), plain);
      one.socket.destroy();
      other.socket.destroy();
    }
  });

  test('whose answer cannot be sent are answered 500, and nobody else is', async () => {
    const { socket, next } = await open();
    for (const how of ['now', 'later', 'logged']) {
      socket.write(`GET /odd/${how} HTTP/1.1\r\nHost: localhost\r\n\r\nGET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n`);
      assert.match(await next(), /^500 /, how);
      assert.equal(await next(), '200 "hello"', how);
    }
    socket.destroy();
  });

  test('whose framing is in doubt are refused, and what stands behind them is never taken for a request', async () => {
    const hidden = 'GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n';
    for (const odd of [
      `POST /echo/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`,
      `POST /echo/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`,
      `POST /echo/a HTTP/1.1\r\nHost: localhost\r\nContent-Length : 5\r\n\r\n${hidden}`,
      `POST /echo/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: +5\r\n\r\n${hidden}`,
      `POST /echo/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5, 5\r\n\r\n${hidden}`,
      `POST /echo/a HTTP/1.1\nHost: localhost\nContent-Length: 5\n\n${hidden}`,
      `POST /echo/a HTTP/1.1\r\nHost: localhost\r\nX: a\r\n b\r\nContent-Length: 0x5\r\n\r\n${hidden}`,
      `POST /echo/a HTTP/1.1\r\nHost: localhost\r\nX: a\rContent-Length: 5\r\n\r\n${hidden}`,
      `POST /echo/a HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nContent-Length: 5\r\n\r\n${hidden}`,
    ]) {
      const { socket, next } = await open();
      socket.write(odd);
      assert.match(await next(), /^(?:400|403) /, odd);
      assert.equal(await next(), 'closed', odd);
    }
  });

  test('of a client that does not read its answers are not read on', async () => {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    socket.pause();
    const before = process.memoryUsage().rss;
    const request = 'GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n';
    for (let k = 0; k < 2_000; k++) socket.write(request);
    await sleep(500);
    // 2,000 answers are 2 GB.
    assert.ok(process.memoryUsage().rss - before < 200 * 1024 * 1024);
    socket.destroy();
  });

  test('with an answer that is taken slowly keep their connection until it is taken', async () => {
    const { socket, next } = await open();
    let taken = 0;
    socket.on('data', (data: Buffer) => (taken += data.length));
    // More than the kernel keeps for a connection: what is left waits in the data plane, longer than a caller may be silent.
    const answers = 20;
    socket.pause();
    socket.write('GET /big HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(answers));
    await sleep(1_500);
    socket.resume();
    for (let k = 0; k < answers; k++) assert.equal((await next()).length, 1_000_004);
    assert.ok(taken > answers * 1_000_000);
    socket.destroy();
  });

  test('that stop in the middle end their connection in time, and so does a connection that says nothing', async () => {
    const [half, silent] = [await open(), await open()];
    half.socket.write(post('a', '"12345678"').slice(0, -5));
    assert.match(await half.next(), /^408 /);
    assert.match(await silent.next(), /^408 /);
    assert.equal(await half.next(), 'closed');
  });
});

describe('requests over TLS', () => {
  const skip = spawnSync('openssl', ['version']).status === 0 ? false : 'openssl, which makes the certificate, is not here';
  test('are read and answered the same way, plain ones and others, on one connection', { skip }, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gyre-plain-'));
    const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
    const asked = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost';
    execFileSync('openssl', [...asked.split(' '), '-keyout', keyFile, '-out', certFile], { stdio: 'ignore' });
    const [cert, key] = await Promise.all([readFile(certFile, 'utf8'), readFile(keyFile, 'utf8')]);
    await writeSampleFolder(join(folder, 'churn'), samplePackage());
    const plane = await planeOf(join(folder, 'churn'));
    const log = createLogger({ level: 'silent', destination: process.stderr });
    const server = await serveHttp({
      plane,
      routes: [echo, hello],
      describe: describeError,
      host: '127.0.0.1',
      port: 0,
      tls: { cert, key },
      log,
    });
    const socket = connectTls({ port: Number(new URL(server.address).port), host: '127.0.0.1', servername: 'localhost', ca: cert });
    await once(socket, 'secureConnect');
    let said = '';
    socket.on('data', (data: Buffer) => (said += data.toString()));
    const body = '"over TLS"';
    const plain = `POST /echo/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    const chunked = `POST /echo/b HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\na\r\n${body}\r\n0\r\n\r\n`;
    socket.write(plain + plain + chunked + plain.replace('Content-Length', 'Connection: close\r\nContent-Length'));
    await once(socket, 'close');
    assert.deepEqual(
      [...said.matchAll(/\{"name":"(\w)","said":"\\"over TLS\\""/g)].map(([, name]) => name),
      ['a', 'a', 'b', 'a'],
      said,
    );
    await server.close(0);
    await plane[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });
});

describe('the head of a plain request', () => {
  test('says what node:http reads in it, whatever is changed in it at random', async () => {
    const seen: { method?: string; url?: string; headers?: IncomingHttpHeaders } = {};
    const reference = createServer({ keepAlive: true }, (request, response) => {
      Object.assign(seen, { method: request.method, url: request.url, headers: request.headers });
      response.end();
    });
    reference.listen(0, '127.0.0.1');
    await once(reference, 'listening');
    const { port } = reference.address() as AddressInfo;
    const random = seeded(11);
    const good =
      'POST /v2/models/churn/infer?a=b HTTP/1.1\r\nHost: localhost:7080\r\nContent-Length: 0\r\nX-Request-Id:  a b \r\nAccept: */*\r\n\r\n';
    const odd = ['\r', '\n', '\r\n', ' ', '\t', ':', '\0', 'é', ',', '0', 'A', '\x7f', '\r\n ', 'Host: b\r\n', '"', '\\', '_'];
    let read = 0;
    for (let round = 0; round < 3_000; round++) {
      let text = good;
      for (let change = random.int(3); change >= 0 && round > 0; change--) {
        const at = random.int(text.length - 4);
        const [cut, put] = [random.int(3), random.int(odd.length + 1)];
        text = text.slice(0, at) + (odd[put] ?? '') + text.slice(at + cut);
      }
      const bytes = Buffer.from(text, 'latin1');
      const head = readPlainHead(bytes, 0);
      if (head === undefined || head.bytes.length !== bytes.length || head.bodyBytes > 0) continue;
      read += 1;
      if (read > 400) break;
      for (const name in seen) delete seen[name as keyof typeof seen];
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => undefined);
      socket.end(bytes);
      socket.resume();
      await once(socket, 'close');
      assert.deepEqual({ ...seen.headers }, { ...head.headers }, JSON.stringify(text));
      assert.deepEqual([seen.method, seen.url], [head.method, head.url], JSON.stringify(text));
    }
    assert.ok(read > 100, `only ${read} heads were read`);
    reference.close();
  });
});
