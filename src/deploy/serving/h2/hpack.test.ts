import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, sensitiveHeaders } from 'node:http2';
import type { IncomingHttpHeaders } from 'node:http2';
import { describe, test } from 'node:test';
import { seeded } from '#core';
import { encodeHeaders, HeaderDecoder } from './hpack.ts';
import { ConnectionFault, errorCodes } from './protocol.ts';
import { openEcho } from './wire-fixture.ts';

const mebibyte = 1024 * 1024;
const read = (decoder: HeaderDecoder, hex: string, limit = mebibyte): string[] => {
  const { fields } = decoder.read(Buffer.from(hex, 'hex'), limit);
  return Array.from({ length: fields.length / 2 }, (_, k) => `${fields[2 * k]}: ${fields[2 * k + 1]}`);
};

const request = [':method: GET', ':scheme: http', ':path: /', ':authority: www.example.com'];
const third = [':method: GET', ':scheme: https', ':path: /index.html', ':authority: www.example.com', 'custom-key: custom-value'];
const answer = (status: string, second: string): string[] => [
  `:status: ${status}`,
  'cache-control: private',
  `date: Mon, 21 Oct 2013 20:13:${second} GMT`,
  'location: https://www.example.com',
];
const lastAnswer = [
  ':status: 200',
  'cache-control: private',
  'date: Mon, 21 Oct 2013 20:13:22 GMT',
  'location: https://www.example.com',
  'content-encoding: gzip',
  'set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1',
];

describe('blocks of headers', () => {
  test('are read as the examples of RFC 7541, appendix C.2, say', () => {
    for (const [hex, field] of [
      ['400a637573746f6d2d6b65790d637573746f6d2d686561646572', 'custom-key: custom-header'],
      ['040c2f73616d706c652f70617468', ':path: /sample/path'],
      ['100870617373776f726406736563726574', 'password: secret'],
      ['82', ':method: GET'],
    ])
      assert.deepEqual(read(new HeaderDecoder(), hex), [field]);
  });

  test('of one connection are read as appendices C.3 and C.4 say, with and without Huffman code', () => {
    for (const blocks of [
      [
        '828684410f7777772e6578616d706c652e636f6d',
        '828684be58086e6f2d6361636865',
        '828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565',
      ],
      ['828684418cf1e3c2e5f23a6ba0ab90f4ff', '828684be5886a8eb10649cbf', '828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf'],
    ]) {
      const decoder = new HeaderDecoder();
      assert.deepEqual(read(decoder, blocks[0]), request);
      assert.deepEqual(read(decoder, blocks[1]), [...request, 'cache-control: no-cache']);
      assert.deepEqual(read(decoder, blocks[2]), third);
    }
  });

  test('of a table of 256 bytes, from which entries fall out, are read as appendices C.5 and C.6 say', () => {
    for (const blocks of [
      [
        '4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d546e1768747470733a2f2f7777772e6578616d706c652e636f6d',
        '4803333037c1c0bf',
        '88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f6f3d4153444a4b48514b425a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b2076657273696f6e3d31',
      ],
      [
        '488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3',
        '4883640effc1c0bf',
        '88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007',
      ],
    ]) {
      const decoder = new HeaderDecoder();
      // The table is made smaller first, as these examples have it.
      assert.deepEqual(read(decoder, `3fe101${blocks[0]}`), answer('302', '21'));
      assert.deepEqual(read(decoder, blocks[1]), answer('307', '21'));
      assert.deepEqual(read(decoder, blocks[2]), lastAnswer);
      // Three entries are left.
      assert.equal(read(decoder, 'c0').length, 1);
      assert.throws(() => read(decoder, 'c1'), /entry 65, and there is none/);
    }
  });

  test('that cannot be read are refused with COMPRESSION_ERROR, whatever is wrong with them', () => {
    for (const [hex, pattern] of [
      ['80', /entry 0/],
      ['be', /entry 62/],
      ['ffffffff0f', /there is none/],
      ['ffffffffffffff', /has no end/],
      ['7f', /has no end/],
      ['41', /in the middle/],
      ['410a61', /in the middle/],
      ['3fe21f', /4096 are allowed/],
      ['8220', /behind a header/],
      // Huffman codes: one whose end is written out, one that is filled up with zeros, one that is filled up with a whole byte.
      ['4184ffffffff', /Huffman/],
      ['418118', /Huffman/],
      ['41821fff', /Huffman/],
    ] as const)
      assert.throws(
        () => read(new HeaderDecoder(), hex),
        (error) => error instanceof ConnectionFault && error.code === errorCodes.compression && pattern.test(error.message),
        hex,
      );
  });

  test('beyond the limit are read to their end for the sake of the table, and not kept', () => {
    const decoder = new HeaderDecoder();
    // A value of 3,000 bytes that goes into the table, and 60,000 times the byte that stands for it.
    const bomb = Buffer.concat([
      Buffer.from('400161', 'hex'),
      Buffer.from('7fb916', 'hex'),
      Buffer.alloc(3000, 'x'),
      Buffer.alloc(60_000, 0xbe),
    ]);
    const { fields, isTooLarge } = decoder.read(bomb, 65_535);
    assert.equal(isTooLarge, true);
    assert.ok(fields.length <= 2 * 22, String(fields.length));
    assert.deepEqual(read(decoder, 'be'), [`a: ${'x'.repeat(3000)}`]);
  });

  test('mean the same as long as the table is the same, which its count of changes says', () => {
    const decoder = new HeaderDecoder();
    read(decoder, '8286');
    assert.equal(decoder.changes, 0);
    read(decoder, '400161016203636464'.slice(0, 10));
    assert.equal(decoder.changes, 1);
  });
});

describe('blocks of headers of the client of node:http2', () => {
  const random = seeded(5);
  const pick = <T>(from: readonly T[]): T => from[random.int(from.length)];
  const names = [
    'x-a',
    'traceparent',
    'user-agent',
    'grpc-timeout',
    'x-long-name-that-nobody-else-has',
    'accept',
    '__proto__',
    'a!#$&*+.^_|~',
  ];
  const characters = Array.from({ length: 0xff - 0x20 }, (_, k) => String.fromCharCode(0x20 + k)).filter((one) => one !== '\x7f');
  const valueOf = (): string =>
    Array.from({ length: random.int(pick([3, 30, 300])) }, () => pick(characters))
      .join('')
      .trim();

  test('are read as they were written, at random, over one connection; and it reads ours', async () => {
    await using echo = await openEcho();
    const session = connect(`http://127.0.0.1:${echo.port}`, { settings: { headerTableSize: pick([0, 256, 4096]) } });
    for (let round = 0; round < 300; round++) {
      const sent: Record<string, string> = {};
      for (let count = random.int(6); count > 0; count--)
        Object.defineProperty(sent, pick(names), { value: valueOf(), enumerable: true, configurable: true });
      const stream = session.request(
        { ':method': 'POST', ':path': `/${round % 7}`, ...(round % 3 === 0 ? { [sensitiveHeaders]: Object.keys(sent) } : {}), ...sent },
        { endStream: true },
      );
      const [got] = (await once(stream, 'response')) as [IncomingHttpHeaders];
      stream.resume();
      assert.equal(got['echo-path'], `/${round % 7}`);
      for (const name of Object.keys(sent)) assert.equal(got[`echo-${name}`], sent[name], JSON.stringify(sent));
      await once(stream, 'close');
    }
    session.close();
  });

  test('are read whatever byte is Huffman-coded in them', async () => {
    await using echo = await openEcho();
    const session = connect(`http://127.0.0.1:${echo.port}`);
    for (const rare of characters) {
      // Among so many letters with short codes the code of the rare one is used too.
      const value = `${'e'.repeat(random.int(8))}${rare}${'o'.repeat(20)}`.trim();
      const stream = session.request({ ':path': '/', 'x-a': value }, { endStream: true });
      const [got] = (await once(stream, 'response')) as [IncomingHttpHeaders];
      stream.resume();
      assert.equal(got['echo-x-a'], value);
      await once(stream, 'close');
    }
    session.close();
  });

  test('are written so that every byte comes out again', async () => {
    const decoder = new HeaderDecoder();
    for (let round = 0; round < 500; round++) {
      const fields = Array.from(
        { length: 1 + random.int(8) },
        () => [pick([...names, ':status', 'content-type', 'retry-after']), valueOf()] as const,
      );
      assert.deepEqual(decoder.read(encodeHeaders(fields), mebibyte).fields, fields.flat());
    }
    assert.equal(decoder.changes, 0);
  });
});
