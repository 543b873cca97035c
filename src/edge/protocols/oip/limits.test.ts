import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:http2';
import type { IncomingHttpHeaders } from 'node:http2';
import { describe, test } from 'node:test';
import { sha256, WireReader, WireWriter } from '#core';
import { serveEcho, types } from './echo-fixture.ts';
import type { EchoServer } from './echo-fixture.ts';
import { datatypeOf } from './datatypes.ts';

interface Said {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly error: string;
}

const inputs = types.map((type) => ({
  name: type,
  datatype: type === 'FLOAT16' ? 'INT8' : datatypeOf[type],
  shape: [1, 2],
  data: type === 'STRING' ? ['a', 'b'] : type === 'BOOL' ? [true, false] : [1, 2],
}));

async function overRest({ http }: EchoServer, token: string): Promise<Said> {
  const response = await fetch(`${http.address}/v2/models/echo/infer`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ inputs }),
  });
  const { error = '' } = (await response.json()) as { readonly error?: string };
  return { status: response.status, retryAfter: response.headers.get('retry-after'), error };
}

function message(): Buffer {
  const writer = new WireWriter();
  writer.string(1, 'echo');
  for (const { name, datatype, shape } of inputs) {
    writer.message(5, (input) => {
      input.string(1, name);
      input.string(2, datatype);
      input.packedInts(3, shape);
    });
  }
  for (const { datatype } of inputs) {
    const width = Number(/\d+$/.exec(datatype)?.[0] ?? 8) / 8;
    writer.bytes(7, datatype === 'BYTES' ? Uint8Array.from([1, 0, 0, 0, 97, 1, 0, 0, 0, 98]) : new Uint8Array(2 * width));
  }
  const bytes = writer.finish();
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(bytes.byteLength, 1);
  return Buffer.concat([prefix, bytes]);
}

async function overGrpc(
  { rpc }: EchoServer,
  token: string,
  method = 'ModelInfer',
  times = 1,
): Promise<{ readonly said: IncomingHttpHeaders; readonly body: Buffer }> {
  const session = connect(rpc.address.replace('grpc:', 'http:'));
  const stream = session.request({
    ':method': 'POST',
    ':path': `/inference.GRPCInferenceService/${method}`,
    'content-type': 'application/grpc',
    te: 'trailers',
    authorization: `Bearer ${token}`,
  });
  let said: IncomingHttpHeaders = {};
  const chunks: Buffer[] = [];
  stream.on('response', (headers) => (said = { ...said, ...headers }));
  stream.on('trailers', (headers) => (said = { ...said, ...headers }));
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  stream.end(Buffer.concat(Array.from({ length: times }, message)));
  await once(stream, 'close');
  session.close();
  return { said, body: Buffer.concat(chunks) };
}

const tokenHashes = [sha256('mine'), sha256('yours')];

describe('limits of a data plane', () => {
  test('a token that asks too often is answered 429 with the time to wait, over both transports, and another is not', async () => {
    await using server = await serveEcho(tokenHashes, { rate: { perSecond: 0.05, burst: 3 } });
    assert.equal((await overRest(server, 'mine')).status, 200);
    assert.equal((await overGrpc(server, 'mine')).said['grpc-status'], '0');
    assert.equal((await overRest(server, 'mine')).status, 200);

    const refused = await overRest(server, 'mine');
    assert.equal(refused.status, 429);
    assert.match(refused.error, /takes 0.05 requests a second, 3 at once; ask again later/);
    // One in 20 seconds; some of them have passed on a busy machine.
    assert.ok(Number(refused.retryAfter) >= 1 && Number(refused.retryAfter) <= 20, String(refused.retryAfter));

    const { said: call } = await overGrpc(server, 'mine');
    assert.equal(call['grpc-status'], '8');
    assert.ok(Number(call['retry-after']) >= 1 && Number(call['retry-after']) <= 20);
    assert.ok(Number(call['grpc-retry-pushback-ms']) > 0 && Number(call['grpc-retry-pushback-ms']) <= 20_000);

    assert.equal((await overRest(server, 'yours')).status, 200);
    const metadata = await fetch(`${server.http.address}/v2/models/echo`, { headers: { authorization: 'Bearer mine' } });
    assert.equal(metadata.status, 200, 'what makes no model work is not counted');
    assert.match(await server.plane.metricsText(), /gyre_requests_dropped_total\{reason="rate"\} 2\n/);
  });

  test('each message of a stream counts, and those beyond the rate are answered in their places', async () => {
    await using server = await serveEcho(tokenHashes, { rate: { perSecond: 0.01, burst: 2 } });
    const { said, body } = await overGrpc(server, 'mine', 'ModelStreamInfer', 3);
    assert.equal(said['grpc-status'], '0');
    const fields: number[] = [];
    for (let at = 0; at < body.length; at += 5 + body.readUInt32BE(at + 1)) {
      const reader = new WireReader(body.subarray(at + 5, at + 5 + body.readUInt32BE(at + 1)));
      if (reader.next()) fields.push(reader.field);
    }
    assert.deepEqual(fields, [2, 2, 1]);
  });

  test('more at the same time than the limit are answered 503 with the time to wait, over both transports', async () => {
    await using server = await serveEcho(tokenHashes, { maxConcurrent: 2 });
    const inside = [server.admission.enter(), server.admission.enter()];
    const refused = await overRest(server, 'mine');
    assert.deepEqual([refused.status, refused.retryAfter], [503, '30']);
    assert.match(refused.error, /2 requests are being answered, which is the limit/);
    const { said: call } = await overGrpc(server, 'mine');
    assert.deepEqual([call['grpc-status'], call['retry-after'], call['grpc-retry-pushback-ms']], ['14', '30', '30000']);
    for (const one of inside) one[Symbol.dispose]();
    assert.equal((await overRest(server, 'mine')).status, 200);
    assert.equal((await overGrpc(server, 'mine')).said['grpc-status'], '0');
    assert.equal(server.admission.inside, 0);
  });
});
