import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { encodeHeaders } from './hpack.ts';
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
import type { H2Stream } from './stream.ts';
import { dataFrame, headersFrame, openEcho, RawClient, requestFields } from './wire-fixture.ts';

const { data, headers, reset, settings, ping, goaway, windowUpdate, priority } = frameTypes;
const mebibyte = 1024 * 1024;
const patience = { headersMs: 1_000, requestMs: 5_000 };
const eight = Buffer.alloc(8);
const silent = { isTimed: true, onData: () => true, onEnd: () => undefined, onGone: () => undefined, onSent: () => undefined };

/** Waits until something is so that the other side of a connection makes so. */
async function until(isSo: () => boolean): Promise<void> {
  for (let turn = 0; !isSo(); turn++) {
    assert.ok(turn < 4_000, 'it did not become so');
    await sleep(5);
  }
}

describe('a connection of HTTP/2 whose client floods it', () => {
  const floods: readonly (readonly [string, (k: number) => readonly Buffer[]])[] = [
    ['pings', () => [frameOf(ping, 0, 0, eight)]],
    ['settings', () => [settingsFrame([[settingIds.initialWindowSize, 65_535]])]],
    ['empty DATA', (k) => [...(k === 0 ? [headersFrame(1)] : []), frameOf(data, 0, 1, Buffer.alloc(0))]],
    ['DATA of nothing but padding', (k) => [...(k === 0 ? [headersFrame(1)] : []), frameOf(data, flags.padded, 1, Buffer.of(3, 0, 0, 0))]],
    ['calls that it gives up at once', (k) => [headersFrame(2 * k + 1), numbersFrame(reset, 2 * k + 1, errorCodes.cancel)]],
    ['calls that are malformed', (k) => [headersFrame(2 * k + 1, true, encodeHeaders([['x', 'y']]))]],
    ['windows', () => [numbersFrame(windowUpdate, 0, 1)]],
    ['windows of a stream', (k) => [...(k === 0 ? [headersFrame(1)] : []), numbersFrame(windowUpdate, 1, 1)]],
    ['priorities', (k) => [frameOf(priority, 0, 2 * k + 1, Buffer.alloc(5))]],
    ['frames that nobody knows', () => [frameOf(0x20, 0, 0, eight)]],
    ['ends', () => [frameOf(goaway, 0, 0, eight)]],
    ['DATA of a call that is over', (k) => [...(k === 0 ? [headersFrame(1, true)] : []), dataFrame(1, 'x')]],
  ];
  for (const [what, frames] of floods) {
    test(`with ${what} is ended with ENHANCE_YOUR_CALM`, async () => {
      await using echo = await openEcho();
      const client = await RawClient.open(echo.port);
      for (let k = 0; k < 3_000; k++) client.send(...frames(k));
      assert.equal(await client.ended(), errorCodes.enhanceYourCalm);
    });
  }

  test('is not ended while the same come beside calls that are answered, or slowly', async () => {
    await using echo = await openEcho();
    const client = await RawClient.open(echo.port);
    for (let k = 0; k < 1_000; k++) {
      const id = 4 * k + 1;
      client.send(headersFrame(id), dataFrame(id, 'x'));
      for (let times = 0; times < 4; times++) client.send(frameOf(ping, 0, 0, eight), numbersFrame(windowUpdate, 0, 1));
      client.send(headersFrame(id + 2), numbersFrame(reset, id + 2, errorCodes.cancel));
      assert.equal(String(await client.body(id)), 'x');
    }
    for (let k = 0; k < 40; k++) {
      for (let times = 0; times < 100; times++) client.send(frameOf(ping, 0, 0, eight));
      client.send(frameOf(ping, 0, 0, Buffer.from('together')));
      for (;;) {
        const frame = await client.next(ping, goaway);
        assert.equal(frame?.type, ping);
        if (String(frame.payload) === 'together') break;
      }
      echo.nowMs += 1_100;
    }
  });

  test('is not ended by calls that it gives up while they are worked on, however many', async () => {
    const busy: H2Stream[] = [];
    await using echo = await openEcho((stream) => {
      stream.listen(silent);
      stream.isBusy = true;
      busy.push(stream);
    });
    const client = await RawClient.open(echo.port);
    for (let k = 0; k < 5_000; k++) {
      client.send(headersFrame(2 * k + 1, true), numbersFrame(reset, 2 * k + 1, errorCodes.cancel));
      if (k % 500 !== 499) continue;
      await until(() => busy.length === 500);
      for (const stream of busy.splice(0)) stream.isBusy = false;
    }
    client.send(frameOf(ping, 0, 0, eight));
    assert.equal((await client.next(ping, goaway))?.type, ping);
  });

  test('is not ended by a ping with each of many small messages of an answer', async () => {
    await using echo = await openEcho((stream) => {
      stream.listen({
        ...silent,
        onData: () => {
          stream.write([Buffer.from('answer')]);
          return true;
        },
      });
      stream.respondHead(encodeHeaders([[':status', '200']]), false);
    });
    const client = await RawClient.open(echo.port);
    client.send(headersFrame(1));
    for (let k = 0; k < 5_000; k++)
      client.send(dataFrame(1, 'message', false), frameOf(ping, 0, 0, eight), numbersFrame(windowUpdate, 1, 6));
    let got = 0;
    for (let pings = 0; pings < 5_000;) {
      const frame = await client.next(data, ping, goaway);
      assert.notEqual(frame?.type ?? goaway, goaway);
      if (frame?.type === ping) pings += 1;
      else got += frame?.payload.length ?? 0;
    }
  });

  test('by calls that it gives up is not worked for on more than a thousand of them', async () => {
    const busy: H2Stream[] = [];
    await using echo = await openEcho((stream) => {
      stream.listen(silent);
      stream.isBusy = true;
      busy.push(stream);
    });
    const client = await RawClient.open(echo.port);
    for (let k = 0; k < 1_100; k++) client.send(headersFrame(2 * k + 1, true), numbersFrame(reset, 2 * k + 1, errorCodes.cancel));
    assert.equal(await client.reset(2_199), errorCodes.refusedStream);
    assert.equal(busy.length, 1_024);
    for (const stream of busy) stream.isBusy = false;
    client.send(headersFrame(2_201, true));
    await until(() => busy.length === 1_025);
  });

  test('with answers that it does not read keeps no more of them than it may', async () => {
    const answer = Buffer.alloc(4 * mebibyte);
    await using echo = await openEcho((stream) => {
      stream.listen(silent);
      stream.respond(encodeHeaders([[':status', '200']]), [answer], encodeHeaders([['x', 'y']]));
    });
    const client = await RawClient.open(echo.port, [[settingIds.initialWindowSize, largest31]]);
    client.send(numbersFrame(windowUpdate, 0, largest31 - 65_535));
    client.socket.pause();
    const before = process.memoryUsage().arrayBuffers;
    for (let k = 0; k < 3_000; k++) client.send(headersFrame(2 * k + 1, true));
    await sleep(200);
    // 3,000 answers are 12 GB, and 256 are one; the one that all share is not copied, and what is written waits for the socket.
    assert.ok(process.memoryUsage().arrayBuffers - before < 512 * mebibyte);
  });

  test('with requests whose answers it does not read is not read on', async () => {
    let asked = 0;
    const answer = Buffer.alloc(16_000);
    await using echo = await openEcho((stream) => {
      asked += 1;
      stream.listen(silent);
      stream.respond(encodeHeaders([[':status', '200']]), [answer], encodeHeaders([['x', 'y']]));
    });
    const client = await RawClient.open(echo.port, [[settingIds.initialWindowSize, largest31]]);
    client.send(numbersFrame(windowUpdate, 0, largest31 - 65_535));
    client.socket.pause();
    for (let k = 0; k < 10_000; k++) client.send(headersFrame(2 * k + 1, true));
    await until(() => asked > 100);
    await sleep(300);
    // The kernel keeps some megabytes of answers; all of them are 160.
    assert.ok(asked < 5_000, String(asked));
    client.socket.resume();
    for (let ends = 0; ends < 10_000;) if (((await client.next(headers))?.flag ?? 0) & flags.endStream) ends += 1;
    assert.equal(asked, 10_000);
  });

  test('with one byte of an answer at a time ends it in time', async () => {
    await using echo = await openEcho();
    const client = await RawClient.open(echo.port, [[settingIds.initialWindowSize, 0]]);
    client.send(headersFrame(1), dataFrame(1, 'x'.repeat(10_000)));
    await client.next(headers);
    for (let k = 0; k < 3_000; k++) client.send(numbersFrame(windowUpdate, 1, 1));
    assert.equal(await client.ended(), errorCodes.enhanceYourCalm);
  });
});

describe('a connection of HTTP/2 whose client is slow or goes away', () => {
  test('is closed when it does not say in time that it speaks HTTP/2, and kept for as long as it likes when it has', async () => {
    await using echo = await openEcho();
    const [mute, greeted] = [await RawClient.open(echo.port, 'nothing'), await RawClient.open(echo.port)];
    await greeted.next(settings);
    await until(() => echo.connections.size === 2);
    greeted.send(frameOf(ping, 0, 0, eight));
    await greeted.next(ping);
    echo.nowMs = 1_001;
    for (const connection of echo.connections) connection.look(echo.nowMs, patience);
    assert.equal(await mute.ended(), undefined);
    echo.nowMs = 1e9;
    for (const connection of echo.connections) connection.look(echo.nowMs, patience);
    greeted.send(headersFrame(1), dataFrame(1, 'still here'));
    assert.equal(String(await greeted.body(1)), 'still here');
  });

  test('is closed when a block of headers does not come to its end in time', async () => {
    await using echo = await openEcho();
    const client = await RawClient.open(echo.port, 'nothing');
    // In one piece, so that all is read when the settings are agreed to.
    client.send(
      clientPreface,
      settingsFrame([]),
      frameOf(headers, 0, 1, Buffer.of(0x82)),
      frameOf(frameTypes.continuation, 0, 1, Buffer.of(0x86)),
    );
    while (((await client.next(settings))?.flag ?? flags.ack) !== flags.ack);
    assert.equal(echo.connections.size, 1);
    for (const nowMs of [0, 900, 1_100]) for (const connection of echo.connections) connection.look(nowMs, patience);
    assert.equal(await client.next(goaway), undefined);
  });

  test('loses a call whose request does not come on, and no other', async () => {
    await using echo = await openEcho();
    const client = await RawClient.open(echo.port);
    client.send(headersFrame(1), dataFrame(1, 'begun', false), headersFrame(3), dataFrame(3, 'begun', false), frameOf(ping, 0, 0, eight));
    await client.next(ping);
    const [connection] = echo.connections;
    connection.look(0, patience);
    client.send(dataFrame(3, ' and going on', false), frameOf(ping, 0, 0, eight));
    await client.next(ping);
    connection.look(4_900, patience);
    connection.look(5_100, patience);
    assert.equal(await client.reset(1), errorCodes.cancel);
    client.send(dataFrame(3, ' to its end'));
    assert.equal(String(await client.body(3)), 'begun and going on to its end');
    assert.equal(echo.lost, 1);
  });

  test('is closed when nothing of an answer is taken for long, and kept while some of it is', async () => {
    await using echo = await openEcho();
    const client = await RawClient.open(echo.port, [[settingIds.initialWindowSize, 5]]);
    client.send(headersFrame(1), dataFrame(1, 'x'.repeat(30)), frameOf(ping, 0, 0, eight));
    await client.next(ping);
    const [connection] = echo.connections;
    for (let nowMs = 0; nowMs < 200_000; nowMs += 20_000) {
      connection.look(nowMs, patience);
      if (nowMs > 80_000) continue;
      client.send(numbersFrame(windowUpdate, 1, 1), frameOf(ping, 0, 0, eight));
      await client.next(ping);
    }
    assert.equal(await client.ended(), undefined);
    await until(() => echo.connections.size === 0);
    assert.equal(echo.lost, 1);
  });

  test('that sends no more gets the answers to what came whole, and is closed', async () => {
    await using echo = await openEcho();
    const client = await RawClient.open(echo.port, [[settingIds.initialWindowSize, largest31]]);
    const body = Buffer.alloc(50_000, 'x');
    client.send(headersFrame(1), headersFrame(3, true));
    for (let at = 0; at < body.length; at += 10_000) client.send(dataFrame(1, body.subarray(at, at + 10_000), at === 40_000));
    client.send(headersFrame(5));
    client.socket.end();
    const seen = new Map<number, number>();
    for (let frame = await client.next(data); frame !== undefined; frame = await client.next(data))
      seen.set(frame.stream, (seen.get(frame.stream) ?? 0) + frame.payload.length);
    assert.deepEqual(seen.get(1), body.length);
    await until(() => echo.connections.size === 0);
    assert.equal(echo.lost, 1, 'the one that had not come whole');
  });

  test('that goes away in the middle is told to all who listen, once', async () => {
    await using echo = await openEcho();
    const client = await RawClient.open(echo.port);
    for (let k = 0; k < 50; k++) client.send(headersFrame(2 * k + 1));
    client.send(frameOf(ping, 0, 0, eight));
    await client.next(ping);
    client.socket.resetAndDestroy();
    await until(() => echo.connections.size === 0);
    assert.equal(echo.lost, 50);
  });

  test('that closes it leaves nothing behind', async () => {
    await using echo = await openEcho();
    const clients = await Promise.all(Array.from({ length: 50 }, () => RawClient.open(echo.port)));
    await Promise.all(clients.map((client) => client.next(settings)));
    await until(() => echo.connections.size === 50);
    for (const client of clients) client.send(headersFrame(1), dataFrame(1, 'x'));
    await Promise.all(clients.map((client) => client.body(1)));
    await Promise.all(
      clients.map(async (client) => {
        client.socket.end();
        if (!client.socket.destroyed) await once(client.socket, 'close');
      }),
    );
    await until(() => echo.connections.size === 0);
  });
});

describe('a connection of HTTP/2 that is to end', () => {
  test('answers what was on its way, refuses nothing in between, and closes when all is answered', async () => {
    await using echo = await openEcho();
    const client = await RawClient.open(echo.port);
    client.send(headersFrame(1), dataFrame(1, 'before', false), frameOf(ping, 0, 0, eight));
    await client.next(ping);
    const [connection] = echo.connections;
    connection.leave();
    const first = await client.next(goaway);
    assert.deepEqual([readUint32(first?.payload ?? eight, 0), readUint32(first?.payload ?? eight, 4)], [largest31, errorCodes.none]);
    const asked = await client.next(ping);
    // Sent before the client has read that.
    client.send(headersFrame(3), dataFrame(3, 'meanwhile'));
    assert.equal(String(await client.body(3)), 'meanwhile');
    client.send(frameOf(ping, flags.ack, 0, asked?.payload ?? eight));
    const last = await client.next(goaway);
    assert.deepEqual([readUint32(last?.payload ?? eight, 0), readUint32(last?.payload ?? eight, 4)], [3, errorCodes.none]);
    client.send(headersFrame(5, true, encodeHeaders([...requestFields, ['x', 'too late']])), dataFrame(1, ' and after'));
    assert.equal(String(await client.body(1)), 'before and after');
    assert.equal(await client.next(headers, reset), undefined, 'nothing of the one that came too late');
    client.socket.end();
    await until(() => echo.connections.size === 0);
  });

  test('waits for a client that takes its last answer slowly', async () => {
    const answer = Buffer.alloc(32 * mebibyte);
    await using echo = await openEcho((stream) => {
      stream.listen(silent);
      stream.respond(encodeHeaders([[':status', '200']]), [answer], encodeHeaders([['x', 'y']]));
    });
    const client = await RawClient.open(echo.port, [[settingIds.initialWindowSize, largest31]]);
    client.send(numbersFrame(windowUpdate, 0, largest31 - 65_535), headersFrame(1, true));
    await client.next(headers);
    client.socket.pause();
    client.socket.end();
    // Longer than a client with nothing to read may take.
    await sleep(1_500);
    client.socket.resume();
    assert.equal((await client.body(1)).length, answer.length);
  });

  test('closes at once when nothing is under way and its client has read that', async () => {
    await using echo = await openEcho();
    const client = await RawClient.open(echo.port);
    await client.next(settings);
    client.send(frameOf(ping, 0, 0, eight));
    await client.next(ping);
    for (const connection of echo.connections) connection.leave();
    client.send(frameOf(ping, flags.ack, 0, (await client.next(ping))?.payload ?? eight));
    assert.equal((await client.next(goaway))?.payload.length, 8);
    await until(() => client.socket.readableEnded || client.socket.destroyed);
  });
});
