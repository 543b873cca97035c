import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { deflate, gzip } from 'node:zlib';
import { elementFacts } from '#onnx';
import { bytesOfTensor, elementsOf, tensorOfBytes } from './binary.ts';
import { serveEcho, types } from './echo-fixture.ts';
import type { EchoServer } from './echo-fixture.ts';
import { datatypeOf } from './datatypes.ts';

const le = (...bytes: number[]): Uint8Array => Uint8Array.from(bytes);

describe('a tensor as bytes', () => {
  test('is row-major and little-endian, and may begin anywhere in its buffer', () => {
    const bytes = le(9, 1, 2, 255, 255).subarray(1);
    assert.deepEqual(tensorOfBytes(bytes, [2], 'UINT16', 'UINT16', 'x'), { type: 'UINT16', shape: [2], data: Uint16Array.of(513, 65535) });
    assert.deepEqual([...bytesOfTensor({ type: 'FLOAT', shape: [1], data: Float32Array.of(1) })], [0, 0, 128, 63]);
  });

  test('is not copied where it is large and begins where its type may begin', () => {
    const buffer = new ArrayBuffer(40_008);
    for (const [from, isCopied] of [
      [8, false],
      [4, false],
      [6, true],
    ] as const) {
      const { data } = tensorOfBytes(new Uint8Array(buffer, from, 40_000), [10_000], 'FP32', 'FP32', 'x');
      assert.ok(data instanceof Float32Array);
      assert.deepEqual([data.length, data.buffer !== buffer], [10_000, isCopied], `from ${from}`);
    }
    const few = tensorOfBytes(new Uint8Array(buffer, 8, 4), [1], 'FP32', 'FP32', 'x').data;
    assert.ok(few instanceof Float32Array && few.buffer !== buffer, 'a few bytes do not keep a large buffer');
  });

  test('of BYTES has the length before each element', () => {
    const bytes = bytesOfTensor({ type: 'STRING', shape: [2], data: ['ü', ''] });
    assert.deepEqual([...bytes], [2, 0, 0, 0, 0xc3, 0xbc, 0, 0, 0, 0]);
    assert.deepEqual(tensorOfBytes(bytes, [2], 'BYTES', 'BYTES', 'x').data, ['ü', '']);
    assert.deepEqual(
      elementsOf(bytes, 2, 'x').map((element) => element.byteLength),
      [2, 0],
    );
  });

  test('is taken as a wider type that loses nothing, NaN and infinities too', () => {
    const wide = tensorOfBytes(
      bytesOfTensor({ type: 'FLOAT', shape: [3], data: Float32Array.of(0.1, NaN, -Infinity) }),
      [3],
      'FP32',
      'FP64',
      'x',
    );
    assert.deepEqual(wide.data, Float64Array.of(Math.fround(0.1), NaN, -Infinity));
    assert.deepEqual(tensorOfBytes(le(255), [1], 'INT8', 'INT64', 'x').data, BigInt64Array.of(-1n));
    const exact = bytesOfTensor({ type: 'INT64', shape: [1], data: BigInt64Array.of(2n ** 53n) });
    assert.throws(() => tensorOfBytes(exact, [1], 'INT64', 'FP64', 'x'), { code: 'INVALID_ARGUMENT', message: /9007199254740992/ });
  });

  test('is refused, naming the input, when bytes are missing, left over or no values', () => {
    const refused = (bytes: Uint8Array, shape: readonly number[], datatype: 'INT16' | 'BOOL' | 'BYTES', message: RegExp): void =>
      assert.throws(() => tensorOfBytes(bytes, shape, datatype, datatype, 'age'), { code: 'INVALID_ARGUMENT', message });
    refused(le(1, 2, 3), [2], 'INT16', /"age" has 3 bytes, but its shape \[2\] of INT16 needs 4/);
    refused(le(1), [Number.MAX_SAFE_INTEGER, 2], 'INT16', /has 1 bytes/);
    refused(le(0, 2), [2], 'BOOL', /value 1 of the input "age" is the byte 2/);
    refused(le(5, 0, 0, 0, 65), [1], 'BYTES', /value 0 goes beyond its bytes/);
    refused(le(1, 0), [1], 'BYTES', /cut off/);
    refused(le(0, 0, 0, 0, 0, 0, 0, 0), [1], 'BYTES', /has 2 values, but its shape needs 1/);
    refused(le(1, 0, 0, 0, 0xff), [1], 'BYTES', /value 0 of the input "age" is no text in UTF-8/);
  });
});

interface Response {
  readonly status: number;
  readonly error?: string;
  readonly outputs?: readonly {
    readonly name: string;
    readonly parameters?: { readonly binary_data_size: number };
    readonly data?: unknown;
  }[];
  readonly binary: Buffer;
}

describe('binary tensor data over REST', () => {
  let echo: EchoServer;
  before(async () => {
    echo = await serveEcho();
  });
  after(() => echo[Symbol.asyncDispose]());

  /** One row of zeros of each type; of text, two empty ones. */
  const zeros = types.map((type) => ({
    name: type,
    datatype: datatypeOf[type],
    shape: [1, 2],
    bytes: bytesOfTensor(
      type === 'STRING'
        ? { type, shape: [1, 2], data: ['', ''] }
        : tensorOfBytes(new Uint8Array(2 * elementFacts[type].bytes), [1, 2], datatypeOf[type], datatypeOf[type], type),
    ),
  }));
  const requestOf = (more: object = {}): { readonly json: Buffer; readonly binary: Buffer } => ({
    json: Buffer.from(
      JSON.stringify({
        inputs: zeros.map(({ bytes, ...input }) => ({ ...input, parameters: { binary_data_size: bytes.byteLength } })),
        ...more,
      }),
    ),
    binary: Buffer.concat(zeros.map(({ bytes }) => bytes)),
  });
  const post = async (body: Uint8Array, headers: Record<string, string>): Promise<Response> => {
    const response = await fetch(`${echo.http.address}/v2/models/echo/infer`, {
      method: 'POST',
      body: new Uint8Array(body),
      headers: { 'content-type': 'application/octet-stream', ...headers },
    });
    const bytes = Buffer.from(await response.arrayBuffer());
    const length = Number(response.headers.get('inference-header-content-length') ?? bytes.length);
    const parsed = JSON.parse(bytes.subarray(0, length).toString()) as Omit<Response, 'status' | 'binary'>;
    return { ...parsed, status: response.status, binary: bytes.subarray(length) };
  };
  const withLength = ({ json, binary }: ReturnType<typeof requestOf>): [Buffer, Record<string, string>] => [
    Buffer.concat([json, binary]),
    { 'inference-header-content-length': String(json.length) },
  ];

  test('comes and goes behind the JSON, for all outputs or for some', async () => {
    const all = await post(...withLength(requestOf({ parameters: { binary_data_output: true } })));
    assert.equal(all.status, 200, all.error ?? '');
    assert.deepEqual(all.binary, requestOf().binary);
    assert.deepEqual(
      all.outputs?.map(({ parameters }) => parameters?.binary_data_size),
      zeros.map(({ bytes }) => bytes.byteLength),
    );
    const outputs = [{ name: 'INT8_out' }, { name: 'FLOAT_out', parameters: { binary_data: true } }];
    const some = await post(...withLength(requestOf({ outputs })));
    assert.deepEqual([some.outputs?.[0].data, some.outputs?.[1].parameters, some.binary.length], [[0, 0], { binary_data_size: 8 }, 8]);
    const none = await post(
      ...withLength(
        requestOf({ outputs: [{ name: 'INT8_out', parameters: { binary_data: false } }], parameters: { binary_data_output: true } }),
      ),
    );
    assert.deepEqual([none.outputs?.[0].data, none.binary.length], [[0, 0], 0]);
  });

  test('is unpacked, up to the limit of a body', async () => {
    const [body, headers] = withLength(requestOf());
    for (const [name, pack] of [
      ['gzip', promisify(gzip)],
      ['deflate', promisify(deflate)],
    ] as const) {
      assert.equal((await post(await pack(body), { ...headers, 'content-encoding': name })).status, 200);
      assert.equal((await post((await pack(body)).subarray(0, 50), { ...headers, 'content-encoding': name })).status, 400);
      const bomb = await pack(Buffer.alloc(10_000_000));
      assert.ok(bomb.length < 20_000);
      assert.equal((await post(bomb, { ...headers, 'content-encoding': name })).status, 413);
    }
  });

  test('a large answer is packed for who asks for it', async () => {
    const inputs = zeros.map(({ name, datatype }) => ({
      name,
      datatype,
      shape: [50, 2],
      data: Array.from({ length: 100 }, (_, at) => (datatype === 'BYTES' ? 'x'.repeat(150) : datatype === 'BOOL' ? false : at)),
    }));
    const answer = async (accepted: string): Promise<[string | null, string]> => {
      const response = await fetch(`${echo.http.address}/v2/models/echo/infer`, {
        method: 'POST',
        body: await promisify(gzip)(JSON.stringify({ inputs })),
        headers: { 'content-type': 'application/json', 'content-encoding': 'gzip', 'accept-encoding': accepted },
      });
      return [response.headers.get('content-encoding'), await response.text()];
    };
    const [packed, text] = await answer('gzip, deflate');
    assert.equal(packed, 'gzip');
    assert.match(text, /"outputs":\[/);
    assert.equal((await answer('identity'))[0], null);
    assert.equal((await answer('gzip;q=0, identity'))[0], null);
  });

  test('that does not fit its JSON is answered 400, saying what', async () => {
    const { json, binary } = requestOf();
    const cases: readonly (readonly [Buffer, string, RegExp])[] = [
      [Buffer.concat([json, binary, le(1)]), String(json.length), /1 bytes of binary data are left over/],
      [Buffer.concat([json, binary.subarray(1)]), String(json.length), /says that it has 8 bytes of binary data; 7 are left/],
      [Buffer.concat([json, binary]), '0', /inference-header-content-length is "0"/],
      [Buffer.concat([json, binary]), '1e9', /is "1e9"/],
      [Buffer.concat([json, binary]), 'x', /is "x"/],
      [Buffer.concat([json, binary]), String(json.length - 1), /no JSON/],
      [
        Buffer.from(json.toString().replace('"binary_data_size":2', '"binary_data_size":-2')),
        String(json.length + 1),
        /whole number of bytes/,
      ],
    ];
    for (const [body, length, message] of cases) {
      const { status, error } = await post(body, { 'inference-header-content-length': length });
      assert.equal(status, 400, length);
      assert.match(error ?? '', message);
    }
    assert.equal((await post(json, {})).status, 415);
  });
});
