import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { seeded } from '#core';
import { encodeHeaders, HeaderDecoder } from './hpack.ts';
import {
  clientPreface,
  errorCodes,
  flags,
  frameOf,
  frameTypes,
  largest31,
  numbersFrame,
  readUint32,
  settingIds,
  settingsFrame,
} from './protocol.ts';
import { dataFrame, headersFrame, openEcho, RawClient, requestBlock, requestFields } from './wire-fixture.ts';

const { data, headers, priority, reset, settings, pushPromise, ping, goaway, windowUpdate, continuation } = frameTypes;
const none = Buffer.alloc(0);
const eight = Buffer.alloc(8);
const block = (...fields: readonly (readonly [string, string])[]): Buffer => encodeHeaders(fields);
const without = (name: string): Buffer => encodeHeaders(requestFields.filter(([own]) => own !== name));
const open = (stream: number): Buffer => headersFrame(stream);

describe('a connection of HTTP/2', () => {
  test('is ended with the right code, whatever rule its client breaks', async () => {
    await using echo = await openEcho();
    const cases: readonly (readonly [string, number, ...Buffer[]])[] = [
      ['a frame that is too large', errorCodes.frameSize, frameOf(data, 0, 1, Buffer.alloc(16_385))],
      ['HEADERS of no stream', errorCodes.protocol, headersFrame(0)],
      ['HEADERS of a stream of the server', errorCodes.protocol, headersFrame(2)],
      ['DATA of no stream', errorCodes.protocol, dataFrame(0, 'x')],
      ['DATA of a stream that was not opened', errorCodes.protocol, dataFrame(5, 'x')],
      ['DATA of more padding than there is', errorCodes.protocol, open(1), frameOf(data, flags.padded, 1, Buffer.of(5, 1, 2))],
      ['DATA of padding without a length', errorCodes.protocol, open(1), frameOf(data, flags.padded, 1, none), frameOf(data, 0, 1, none)],
      [
        'HEADERS of more padding than there is',
        errorCodes.protocol,
        frameOf(headers, flags.padded | flags.endHeaders, 1, Buffer.of(9, 0x82)),
      ],
      [
        'HEADERS without the priority they speak of',
        errorCodes.protocol,
        frameOf(headers, flags.priority | flags.endHeaders, 1, Buffer.of(0, 0)),
      ],
      ['HEADERS that stop for another frame', errorCodes.protocol, frameOf(headers, 0, 1, requestBlock), frameOf(ping, 0, 0, eight)],
      [
        'HEADERS that go on in another stream',
        errorCodes.protocol,
        frameOf(headers, 0, 1, requestBlock),
        frameOf(continuation, 4, 3, none),
      ],
      ['CONTINUATION of nothing', errorCodes.protocol, frameOf(continuation, flags.endHeaders, 1, requestBlock)],
      ['a promise', errorCodes.protocol, frameOf(pushPromise, flags.endHeaders, 1, Buffer.of(0, 0, 0, 2))],
      ['PING of another size', errorCodes.frameSize, frameOf(ping, 0, 0, Buffer.alloc(7))],
      ['PING of a stream', errorCodes.protocol, frameOf(ping, 0, 1, eight)],
      ['GOAWAY of another size', errorCodes.frameSize, frameOf(goaway, 0, 0, Buffer.alloc(7))],
      ['GOAWAY of a stream', errorCodes.protocol, frameOf(goaway, 0, 1, eight)],
      ['SETTINGS of another size', errorCodes.frameSize, frameOf(settings, 0, 0, Buffer.alloc(5))],
      ['SETTINGS of a stream', errorCodes.protocol, frameOf(settings, 0, 1, none)],
      ['SETTINGS that agree and say something', errorCodes.frameSize, frameOf(settings, flags.ack, 0, Buffer.alloc(6))],
      ['SETTINGS: ENABLE_PUSH', errorCodes.protocol, settingsFrame([[settingIds.enablePush, 2]])],
      ['SETTINGS: INITIAL_WINDOW_SIZE', errorCodes.flowControl, settingsFrame([[settingIds.initialWindowSize, 2 ** 31]])],
      ['SETTINGS: MAX_FRAME_SIZE, small', errorCodes.protocol, settingsFrame([[settingIds.maxFrameSize, 16_383]])],
      ['SETTINGS: MAX_FRAME_SIZE, large', errorCodes.protocol, settingsFrame([[settingIds.maxFrameSize, 2 ** 24]])],
      ['SETTINGS of too many at once', errorCodes.enhanceYourCalm, settingsFrame(Array.from({ length: 33 }, () => [99, 0] as const))],
      [
        'SETTINGS that make a window too large',
        errorCodes.flowControl,
        open(1),
        numbersFrame(windowUpdate, 1, largest31 - 65_535),
        settingsFrame([[settingIds.initialWindowSize, 65_536]]),
      ],
      ['WINDOW_UPDATE by nothing', errorCodes.protocol, numbersFrame(windowUpdate, 0, 0)],
      ['WINDOW_UPDATE beyond what a window may be', errorCodes.flowControl, numbersFrame(windowUpdate, 0, largest31)],
      ['WINDOW_UPDATE of a stream that was not opened', errorCodes.protocol, numbersFrame(windowUpdate, 1, 1)],
      ['WINDOW_UPDATE of another size', errorCodes.frameSize, numbersFrame(windowUpdate, 0, 1, 1)],
      ['RST_STREAM of a stream that was not opened', errorCodes.protocol, numbersFrame(reset, 1, 8)],
      ['RST_STREAM of no stream', errorCodes.protocol, numbersFrame(reset, 0, 8)],
      ['RST_STREAM of another size', errorCodes.frameSize, open(1), frameOf(reset, 0, 1, Buffer.alloc(3))],
      ['PRIORITY of no stream', errorCodes.protocol, frameOf(priority, 0, 0, Buffer.alloc(5))],
      ['headers that cannot be read', errorCodes.compression, headersFrame(1, true, Buffer.of(0xff, 0xff))],
      ['trailers that cannot be read', errorCodes.compression, open(1), headersFrame(1, true, Buffer.of(0x80))],
      ['more headers than may be', errorCodes.enhanceYourCalm, ...blocksOf(5, 16_384)],
      ['headers in more frames than may be', errorCodes.enhanceYourCalm, ...blocksOf(40, 1)],
      ['headers in frames that are empty', errorCodes.enhanceYourCalm, ...blocksOf(40, 0)],
    ];
    for (const [what, code, ...frames] of cases) {
      const client = await RawClient.open(echo.port);
      client.send(...frames);
      assert.equal(await client.ended(), code, what);
      assert.equal(await client.next(headers), undefined, what);
    }
    for (const bytes of [
      Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'),
      Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r'),
      Buffer.concat([clientPreface, frameOf(ping, 0, 0, eight)]),
      Buffer.concat([clientPreface, frameOf(settings, flags.ack, 0, none)]),
    ]) {
      const client = await RawClient.open(echo.port, 'nothing');
      client.send(bytes, none);
      if (bytes.length < clientPreface.length) client.send(Buffer.from('!'));
      assert.equal(await client.ended(), errorCodes.protocol, String(bytes));
    }
  });

  test('resets a stream with the right code, and goes on', async () => {
    await using echo = await openEcho();
    const client = await RawClient.open(echo.port);
    const request = (...more: readonly (readonly [string, string])[]): Buffer => block(...requestFields, ...more);
    const cases: readonly (readonly [string, number, (stream: number) => readonly Buffer[]])[] = [
      ['WINDOW_UPDATE by nothing', errorCodes.protocol, (id) => [open(id), numbersFrame(windowUpdate, id, 0)]],
      ['a window that is too large', errorCodes.flowControl, (id) => [open(id), numbersFrame(windowUpdate, id, largest31)]],
      ['PRIORITY of another size', errorCodes.frameSize, (id) => [open(id), frameOf(priority, 0, id, Buffer.alloc(4))]],
      ['trailers that do not end it', errorCodes.protocol, (id) => [open(id), headersFrame(id, false, block(['x', 'y']))]],
      ['trailers with a name in capitals', errorCodes.protocol, (id) => [open(id), headersFrame(id, true, block(['X', 'y']))]],
      ['DATA after its end', errorCodes.streamClosed, (id) => [headersFrame(id, true), dataFrame(id, 'x')]],
      ['HEADERS after its end', errorCodes.streamClosed, (id) => [headersFrame(id, true), headersFrame(id, true)]],
      ['no path', errorCodes.protocol, (id) => [headersFrame(id, true, without(':path'))]],
      ['no method', errorCodes.protocol, (id) => [headersFrame(id, true, without(':method'))]],
      ['no scheme', errorCodes.protocol, (id) => [headersFrame(id, true, without(':scheme'))]],
      ['a status', errorCodes.protocol, (id) => [headersFrame(id, true, block([':status', '200'], ...requestFields))]],
      ['two paths', errorCodes.protocol, (id) => [headersFrame(id, true, block([':path', '/a'], ...requestFields))]],
      ['a path behind other headers', errorCodes.protocol, (id) => [headersFrame(id, true, block(['a', 'b'], ...requestFields))]],
      ['two tokens', errorCodes.protocol, (id) => [headersFrame(id, true, request(['authorization', 'a'], ['authorization', 'b']))]],
      ['a name in capitals', errorCodes.protocol, (id) => [headersFrame(id, true, request(['X-A', 'b']))]],
      ['a name with a blank', errorCodes.protocol, (id) => [headersFrame(id, true, request(['x a', 'b']))]],
      ['no name', errorCodes.protocol, (id) => [headersFrame(id, true, request(['', 'b']))]],
      ['a value with a new line', errorCodes.protocol, (id) => [headersFrame(id, true, request(['x', 'a\r\nb: c']))]],
      ['a value with a zero', errorCodes.protocol, (id) => [headersFrame(id, true, request(['x', 'a\0b']))]],
      ['a header of connections', errorCodes.protocol, (id) => [headersFrame(id, true, request(['connection', 'close']))]],
      ['chunks', errorCodes.protocol, (id) => [headersFrame(id, true, request(['transfer-encoding', 'chunked']))]],
      ['te: gzip', errorCodes.protocol, (id) => [headersFrame(id, true, request(['te', 'gzip']))]],
      ['a length that is none', errorCodes.protocol, (id) => [headersFrame(id, true, request(['content-length', '+1']))]],
      [
        'less than its length',
        errorCodes.protocol,
        (id) => [headersFrame(id, false, request(['content-length', '3'])), dataFrame(id, 'ab')],
      ],
      [
        'more than its length',
        errorCodes.protocol,
        (id) => [headersFrame(id, false, request(['content-length', '1'])), dataFrame(id, 'ab', false)],
      ],
    ];
    let stream = -1;
    for (const [what, code, frames] of cases) {
      stream += 2;
      client.send(...frames(stream));
      assert.equal(await client.reset(stream), code, what);
      stream += 2;
      client.send(headersFrame(stream), dataFrame(stream, what));
      assert.equal(String(await client.body(stream)), what);
    }
  });

  test('is read the same wherever it is cut, padded and in parts', async () => {
    await using echo = await openEcho();
    const padded = frameOf(data, flags.padded | flags.endStream, 1, Buffer.concat([Buffer.of(3), Buffer.from('body'), Buffer.alloc(3)]));
    const head = Buffer.concat([Buffer.of(2, 0x80, 0, 0, 0, 7), requestBlock.subarray(0, 4), Buffer.alloc(2)]);
    const bytes = Buffer.concat([
      clientPreface,
      settingsFrame([]),
      frameOf(0xf0, 0xff, 77, Buffer.from('nobody knows this')),
      frameOf(headers, flags.padded | flags.priority, 1, head),
      frameOf(continuation, 0, 1, requestBlock.subarray(4, 5)),
      frameOf(continuation, flags.endHeaders, 1, requestBlock.subarray(5)),
      frameOf(priority, 0, 1, Buffer.alloc(5)),
      frameOf(data, 0, 1, none),
      frameOf(data, flags.padded, 1, Buffer.of(0)),
      dataFrame(1, 'some ', false),
      padded,
    ]);
    for (let cut = 1; cut < bytes.length; cut += 2) {
      const client = await RawClient.open(echo.port, 'nothing');
      client.send(bytes.subarray(0, cut));
      // So that both parts do not arrive as one.
      await new Promise((resolve) => setTimeout(resolve, 1));
      client.send(bytes.subarray(cut));
      assert.equal(String(await client.body(1)), 'some body', `cut at ${cut}`);
      client.socket.destroy();
    }
    const client = await RawClient.open(echo.port, 'nothing');
    for (const byte of bytes) client.send(Buffer.of(byte));
    assert.equal(String(await client.body(1)), 'some body');
  });

  test('answers a request whose headers are too many, and reads the next by what they left in the table', async () => {
    await using echo = await openEcho();
    const client = await RawClient.open(echo.port);
    const value = Buffer.alloc(3000, 'x');
    const entry = Buffer.concat([Buffer.of(0x40, 1, 0x61, 0x7f, 0xb9, 0x16), value]);
    client.send(headersFrame(1, true, Buffer.concat([requestBlock, entry, Buffer.alloc(10_000, 0xbe)])));
    const refused = await client.next(headers, goaway);
    assert.deepEqual([refused?.type, (refused?.flag ?? 0) & flags.endStream], [headers, flags.endStream]);
    assert.match(String(refused?.payload), /431.*grpc-status.*65535/s);
    client.send(headersFrame(3, true, Buffer.concat([requestBlock, Buffer.of(0xbe)])));
    assert.match(String((await client.next(headers))?.payload), /echo-a.*x{3000}/s);
  });

  test('reads the same bytes anew when the table that they speak of has changed', async () => {
    await using echo = await openEcho();
    const client = await RawClient.open(echo.port);
    const says = async (stream: number, more: Uint8Array): Promise<string | undefined> => {
      client.send(headersFrame(stream, true, Buffer.concat([requestBlock, more])));
      const { fields } = new HeaderDecoder().read((await client.next(headers))?.payload ?? none, 10_000);
      await client.next(headers);
      return fields[fields.indexOf('echo-a') + 1];
    };
    const newest = Buffer.of(0xbe);
    const entry = (value: number): Buffer => Buffer.of(0x40, 1, 0x61, 1, value);
    assert.equal(await says(1, entry(0x31)), '1');
    assert.deepEqual([await says(3, newest), await says(5, newest)], ['1', '1']);
    assert.equal(await says(7, entry(0x32)), '2');
    assert.deepEqual([await says(9, newest), await says(11, newest)], ['2', '2']);
  });

  test('gives windows back for padding too', async () => {
    await using echo = await openEcho();
    const client = await RawClient.open(echo.port);
    const padded = frameOf(data, flags.padded, 1, Buffer.concat([Buffer.of(255, 0x78), Buffer.alloc(255)]));
    // Padding of more than a window.
    const frames = 17_000;
    client.send(headersFrame(1), ...Array.from({ length: frames }, () => padded), dataFrame(1, 'y'));
    assert.equal((await client.body(1)).length, frames + 1);
  });

  test('takes blanks around a value for none of it, however many are inside', async () => {
    await using echo = await openEcho();
    const client = await RawClient.open(echo.port);
    const inside = `a${' '.repeat(15_000)}b`;
    client.send(headersFrame(1, true, block(...requestFields, ['x-a', ` \t${inside}\t `], ['x-b', ' \t'])));
    const { fields } = new HeaderDecoder().read((await client.next(headers))?.payload ?? none, 100_000);
    assert.equal(fields[fields.indexOf('echo-x-a') + 1], inside);
    assert.equal(fields[fields.indexOf('echo-x-b') + 1], '');
  });

  test('keeps to the windows of its client, whatever it makes of them', async () => {
    await using echo = await openEcho();
    const client = await RawClient.open(echo.port, [[settingIds.initialWindowSize, 10]]);
    client.send(headersFrame(1), dataFrame(1, 'x'.repeat(100)));
    assert.equal((await client.next(data))?.payload.length, 10);
    // Less than none: what comes in next is not enough.
    client.send(settingsFrame([[settingIds.initialWindowSize, 4]]), numbersFrame(windowUpdate, 1, 5), frameOf(ping, 0, 0, eight));
    assert.equal((await client.next(data, ping))?.type, ping, 'nothing was sent while the window was closed');
    client.send(numbersFrame(windowUpdate, 1, 2));
    assert.equal((await client.next(data))?.payload.length, 1);
    client.send(settingsFrame([[settingIds.initialWindowSize, 1004]]));
    assert.equal((await client.body(1)).length, 89);

    // The window of the connection is for all: 65,535 bytes, of which 100 are used.
    client.send(settingsFrame([[settingIds.initialWindowSize, largest31]]));
    client.send(headersFrame(3), ...Array.from({ length: 6 }, (_, k) => dataFrame(3, Buffer.alloc(16_384), k === 5)));
    let got = 0;
    while (got < 65_435) got += (await client.next(data))?.payload.length ?? Number.NaN;
    assert.equal(got, 65_435);
    client.send(headersFrame(5), dataFrame(5, 'y'), frameOf(ping, 0, 0, eight));
    assert.equal((await client.next(data, ping))?.type, ping);
    client.send(numbersFrame(windowUpdate, 0, 100_000));
    assert.equal((await client.body(3)).length + got, 6 * 16_384);
  });

  test('opens its own windows for what is read, and refuses what comes beyond them', async () => {
    // Nothing is granted here: who listens wants no more.
    await using echo = await openEcho((stream) =>
      stream.listen({ isTimed: false, onData: () => true, onEnd: () => undefined, onGone: () => undefined, onSent: () => undefined }),
    );
    const client = await RawClient.open(echo.port);
    client.send(headersFrame(1));
    for (let k = 0; k < 257; k++) client.send(dataFrame(1, Buffer.alloc(16_384), false));
    let granted = 0;
    let code: number | undefined;
    while (code === undefined) {
      const frame = await client.next(windowUpdate, reset, goaway);
      assert.ok(frame !== undefined);
      if (frame.type === windowUpdate && frame.stream === 0) granted += readUint32(frame.payload, 0);
      else code = readUint32(frame.payload, 0);
    }
    assert.equal(code, errorCodes.flowControl, 'the stream alone: the connection was granted more');
    assert.ok(granted > 4 * 1024 * 1024, String(granted));
    client.send(frameOf(ping, 0, 0, eight));
    assert.equal((await client.next(ping, goaway))?.type, ping);
  });

  test('takes 256 streams at the same time and refuses those beyond, so that they may be asked again', async () => {
    await using echo = await openEcho();
    const client = await RawClient.open(echo.port);
    for (let k = 0; k < 258; k++) client.send(headersFrame(2 * k + 1));
    assert.equal(await client.reset(513), errorCodes.refusedStream);
    assert.equal(await client.reset(515), errorCodes.refusedStream);
    client.send(dataFrame(1, 'first'));
    assert.equal(String(await client.body(1)), 'first');
    client.send(headersFrame(517), dataFrame(517, 'later'));
    assert.equal(String(await client.body(517)), 'later');
  });

  test('lives through 1,500 conversations that were broken at random, and answers the next', async () => {
    await using echo = await openEcho();
    const random = seeded(17);
    const good = Buffer.concat([
      clientPreface,
      settingsFrame([[settingIds.initialWindowSize, 70_000]]),
      frameOf(headers, flags.priority, 1, Buffer.concat([Buffer.of(0, 0, 0, 0, 7), requestBlock.subarray(0, 9)])),
      frameOf(continuation, flags.endHeaders, 1, requestBlock.subarray(9)),
      dataFrame(1, 'some ', false),
      frameOf(data, flags.padded | flags.endStream, 1, Buffer.concat([Buffer.of(3), Buffer.from('body'), Buffer.alloc(3)])),
      headersFrame(3, false, Buffer.concat([requestBlock, Buffer.of(0x40, 1, 0x61, 0x82, 0x9c, 0xb4)])),
      numbersFrame(windowUpdate, 0, 1000),
      headersFrame(3, true, Buffer.of(0xbe)),
      frameOf(ping, 0, 0, eight),
      numbersFrame(reset, 3, 8),
    ]);
    for (let round = 0; round < 1_500; round++) {
      const bytes = Buffer.from(good);
      for (let times = 1 + random.int(4); times > 0; times--) bytes[random.int(bytes.length)] = random.int(256);
      const client = await RawClient.open(echo.port, 'nothing');
      const cut = random.int(bytes.length);
      client.send(bytes.subarray(0, cut));
      client.send(bytes.subarray(cut));
      if (round % 2 === 0) client.socket.end();
      else await client.next(settings, goaway);
      client.socket.destroy();
    }
    const client = await RawClient.open(echo.port);
    client.send(headersFrame(1), dataFrame(1, 'and still right'));
    assert.equal(String(await client.body(1)), 'and still right');
  });
});

/** A block in parts, of which none ends it. */
function blocksOf(count: number, bytes: number): Buffer[] {
  return Array.from({ length: count }, (_, k) => frameOf(k === 0 ? headers : continuation, 0, 1, Buffer.alloc(bytes, 0x82)));
}
