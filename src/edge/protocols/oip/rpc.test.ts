import assert from 'node:assert/strict';
import { connect } from 'node:http2';
import type { ClientHttp2Session } from 'node:http2';
import { after, before, describe, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { seeded, sha256, WireReader, WireWriter } from '#core';
import { serveEcho, types } from './echo-fixture.ts';
import type { EchoServer } from './echo-fixture.ts';
import { datatypeOf } from './datatypes.ts';

interface Reply {
  readonly http: number;
  readonly status: string;
  readonly message: string;
  readonly messages: readonly Buffer[];
}

/** What a client of another make may send: the real one is in test/interop. */
describe('the Open Inference Protocol over gRPC', () => {
  let echo: EchoServer;
  let session: ClientHttp2Session;
  before(async () => {
    echo = await serveEcho();
    session = connect(echo.rpc.address.replace('grpc', 'http'));
  });
  after(async () => {
    session.close();
    await echo[Symbol.asyncDispose]();
  });

  const frame = (message: Uint8Array, flag = 0): Buffer => {
    const head = Buffer.alloc(5);
    head[0] = flag;
    head.writeUInt32BE(message.byteLength, 1);
    return Buffer.concat([head, message]);
  };
  const call = (method: string, body: Uint8Array, headers: Record<string, string> = {}, over = session): Promise<Reply> =>
    new Promise((resolve, reject) => {
      const stream = over.request({
        ':method': 'POST',
        ':path': method.startsWith('/') ? method : `/inference.GRPCInferenceService/${method}`,
        'content-type': 'application/grpc',
        te: 'trailers',
        ...headers,
      });
      const chunks: Buffer[] = [];
      let [http, status, message] = [0, '', ''];
      const note = (fields: Readonly<Record<string, unknown>>): void => {
        if (fields[':status'] !== undefined) http = Number(fields[':status']);
        if (fields['grpc-status'] !== undefined) status = String(fields['grpc-status']);
        if (fields['grpc-message'] !== undefined) message = decodeURIComponent(String(fields['grpc-message']));
      };
      stream.on('response', note);
      stream.on('trailers', note);
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => resolve({ http, status, message, messages: messagesOf(Buffer.concat(chunks)) }));
      stream.on('error', reject);
      stream.end(body);
    });
  const messagesOf = (bytes: Buffer): Buffer[] => {
    const found: Buffer[] = [];
    for (let at = 0; at < bytes.length; at += 5 + bytes.readUInt32BE(at + 1))
      found.push(bytes.subarray(at + 5, at + 5 + bytes.readUInt32BE(at + 1)));
    return found;
  };

  /** A request with two values of each type as typed contents; FP16, which has none, as another type that it holds. */
  const inferRequest = (model = 'echo', id = 'mine'): Uint8Array => {
    const writer = new WireWriter();
    writer.string(1, model);
    writer.string(3, id);
    for (const type of types) {
      writer.message(5, (input) => {
        input.string(1, type);
        input.string(2, type === 'FLOAT16' ? 'INT8' : datatypeOf[type]);
        input.packedInts(3, [1, 2]);
        input.message(5, (contents) => {
          if (type === 'STRING') for (const text of ['a', 'ü']) contents.string(8, text);
          else if (type === 'FLOAT') contents.packedFloats(6, [1.5, -0.25]);
          else if (type === 'DOUBLE') contents.bytes(7, new Uint8Array(Float64Array.of(0.1, 1e300).buffer));
          else if (type === 'UINT64') contents.packedInts(5, BigInt64Array.of(0n, -1n));
          else if (type === 'INT64') contents.packedInts(3, [-1, 1]);
          else if (type === 'BOOL') contents.packedInts(1, [1, 0]);
          else contents.packedInts(type.startsWith('UINT') ? 4 : 2, [0, 1]);
        });
      });
    }
    return writer.finish();
  };

  /** Whole numbers where the datatype says reals. */
  const wholeAsFloats = (): Uint8Array => {
    const writer = new WireWriter();
    writer.string(1, 'echo');
    writer.message(5, (input) => {
      input.string(1, 'FLOAT');
      input.string(2, 'FP32');
      input.packedInts(3, [1, 2]);
      input.message(5, (contents) => contents.packedInts(2, [1, 2]));
    });
    return writer.finish();
  };

  test('takes typed contents of every datatype', async () => {
    const { status, message, messages } = await call('ModelInfer', frame(inferRequest()));
    assert.equal(status, '0', message);
    const reader = new WireReader(messages[0]);
    const names: string[] = [];
    let raw = 0;
    let id = '';
    while (reader.next()) {
      if (reader.field === 3) id = reader.string();
      else if (reader.field === 5) {
        const output = reader.message();
        if (output.next()) names.push(output.string());
      } else if (reader.field === 6) raw += reader.bytes().byteLength > 0 ? 1 : 0;
      else reader.skip();
    }
    assert.equal(id, 'mine');
    assert.deepEqual(
      names,
      types.map((type) => `${type}_out`),
    );
    // FP16 among the outputs: all go as bytes.
    assert.equal(raw, types.length);
  });

  test('says what is wrong by its status', async () => {
    const cases: readonly (readonly [string, Uint8Array, Record<string, string>, string, RegExp])[] = [
      ['ModelInfer', frame(inferRequest('none')), {}, '5', /there is no model "none" here/],
      ['ModelInfer', frame(Uint8Array.of(0xff, 0xff)), {}, '3', /the bytes are no ModelInferRequest/],
      ['ModelInfer', frame(wholeAsFloats()), {}, '3', /"FLOAT" is FP32, whose values are its fp32_contents, and has int_contents/],
      ['ModelInfer', frame(Buffer.concat([inferRequest(), Uint8Array.of(0x3a, 1, 0)])), {}, '3', /typed contents beside the raw ones/],
      ['ModelInfer', frame(new Uint8Array(20_001)), {}, '11', /20001 bytes is larger than 20000/],
      ['ModelInfer', frame(inferRequest()).subarray(0, 50), {}, '3', /ended in the middle/],
      ['ModelInfer', new Uint8Array(), {}, '3', /there is none/],
      ['ModelInfer', Buffer.concat([frame(inferRequest()), frame(inferRequest())]), {}, '3', /takes one message/],
      ['ModelInfer', frame(inferRequest(), 1), {}, '3', /no "grpc-encoding" says how/],
      ['ModelInfer', frame(Uint8Array.of(1, 2), 1), { 'grpc-encoding': 'gzip' }, '3', /cannot be unpacked/],
      ['ModelInfer', frame(inferRequest()), { 'grpc-encoding': 'snappy' }, '12', /packed with "snappy"/],
      ['ModelInfer', frame(inferRequest()), { 'grpc-timeout': 'soon' }, '3', /grpc-timeout is "soon"/],
      ['ModelInfer', frame(inferRequest()), { 'grpc-timeout': '1n' }, '4', /not answered within/],
      ['SystemSharedMemoryStatus', frame(new Uint8Array()), {}, '12', /there is no method/],
      ['/other.Service/Method', frame(new Uint8Array()), {}, '12', /there is no method/],
      ['RepositoryModelUnload', frame(Uint8Array.of(0x12, 1, 120)), {}, '5', /names no model "x"/],
    ];
    for (const [method, body, headers, wanted, pattern] of cases) {
      const { http, status, message } = await call(method, body, headers);
      assert.deepEqual([http, status], [200, wanted], message);
      assert.match(message, pattern);
    }
    assert.equal((await call('ModelInfer', frame(inferRequest()), { 'content-type': 'application/json' })).http, 415);
  });

  test('infers over a stream: a bad request is answered in its place, and those after it too', async () => {
    const requests = [inferRequest('echo', 'first'), inferRequest('none'), inferRequest('echo', 'last')];
    const { status, messages } = await call('ModelStreamInfer', Buffer.concat(requests.map((message) => frame(message))));
    assert.equal(status, '0');
    const said = messages.map((message) => {
      const reader = new WireReader(message);
      assert.ok(reader.next());
      return reader.field === 1 ? reader.string() : 'an answer';
    });
    assert.deepEqual([said[0], said[2]], ['an answer', 'an answer']);
    assert.match(said[1], /there is no model "none" here/);
  });

  test('answers on a stream what came before a message that is none', async () => {
    const bad = frame(inferRequest(), 1);
    const { status, message, messages } = await call('ModelStreamInfer', Buffer.concat([frame(inferRequest()), bad]));
    assert.deepEqual([status, messages.length], ['3', 1], message);
  });

  test('a call that its caller gives up is counted as that', async () => {
    const other = connect(echo.rpc.address.replace('grpc', 'http'));
    other.on('error', () => undefined);
    const stream = other.request({
      ':method': 'POST',
      ':path': '/inference.GRPCInferenceService/ModelInfer',
      'content-type': 'application/grpc',
    });
    stream.on('error', () => undefined);
    stream.write(frame(inferRequest()).subarray(0, 20));
    await setTimeout(50);
    other.destroy();
    const given = /gyre_http_requests_total\{route="grpc ModelInfer",code="1"\} 1/;
    for (let turn = 0; !given.test(await echo.plane.metricsText()); turn++) {
      assert.ok(turn < 100, await echo.plane.metricsText());
      await setTimeout(20);
    }
    assert.equal((await call('ModelInfer', frame(inferRequest()))).status, '0');
  });

  test('never fails as a server over 300 messages that were broken at random, and still answers right afterwards', async () => {
    const random = seeded(7);
    const statuses = new Map<string, number>();
    for (let round = 0; round < 300; round++) {
      const message = Uint8Array.from(inferRequest());
      for (let times = 1 + random.int(3); times > 0; times--) message[random.int(message.length)] = random.int(256);
      const { status, message: text } = await call('ModelInfer', frame(message));
      assert.ok(['0', '3', '5', '11'].includes(status), `${status}: ${text}`);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
    assert.ok((statuses.get('3') ?? 0) > 30, JSON.stringify([...statuses]));
    assert.equal((await call('ModelInfer', frame(inferRequest()))).status, '0');
  });

  test('asks for a token where the manifest names some, but not of probes; and answers no name but its own', async () => {
    await using guarded = await serveEcho([sha256('secret')]);
    const other = connect(guarded.rpc.address.replace('grpc', 'http'));
    const ask = (method: string, headers: Record<string, string> = {}): Promise<string> =>
      call(method, frame(method === 'ModelInfer' ? inferRequest() : new Uint8Array()), headers, other).then(({ status }) => status);
    assert.deepEqual([await ask('ServerLive'), await ask('ServerReady')], ['0', '0']);
    for (const method of [
      'ModelInfer',
      'ModelStreamInfer',
      'ServerMetadata',
      'ModelStatistics',
      'RepositoryIndex',
      'RepositoryModelUnload',
    ]) {
      assert.equal(await ask(method), '16', method);
      assert.equal(await ask(method, { authorization: 'Bearer another' }), '16', method);
    }
    assert.equal(await ask('ModelInfer', { authorization: 'Bearer secret' }), '0');
    other.close();
    assert.equal((await call('ModelInfer', frame(inferRequest()), { ':authority': 'evil.example' })).status, '7');
  });

  test('a model is unloaded, told apart in the index, and loaded again', async () => {
    const named = (name: string): Uint8Array => {
      const writer = new WireWriter();
      writer.string(2, name);
      return writer.finish();
    };
    const states = async (): Promise<string[]> => {
      const [message] = (await call('RepositoryIndex', frame(new Uint8Array()))).messages;
      const reader = new WireReader(message);
      const found: string[] = [];
      while (reader.next()) {
        const entry = reader.message();
        while (entry.next())
          if (entry.field === 3) found.push(entry.string());
          else entry.skip();
      }
      return found;
    };
    assert.equal((await call('RepositoryModelUnload', frame(named('echo')))).status, '0');
    assert.deepEqual(await states(), ['UNAVAILABLE']);
    assert.equal((await call('ModelInfer', frame(inferRequest()))).status, '14');
    assert.equal((await call('RepositoryModelLoad', frame(named('echo')))).status, '0');
    assert.deepEqual(await states(), ['READY']);
    assert.equal((await call('ModelInfer', frame(inferRequest()))).status, '0');
  });
});
