import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { seeded, sha256 } from '#core';
import { serveEcho } from './echo-fixture.ts';
import type { EchoServer } from './echo-fixture.ts';

interface Body {
  readonly error?: string;
  readonly id?: string;
  readonly model_version?: string;
  readonly parameters?: { readonly prediction_ids: string };
  readonly outputs?: readonly {
    readonly name: string;
    readonly datatype: string;
    readonly shape: readonly number[];
    readonly data: readonly unknown[];
  }[];
  readonly [key: string]: unknown;
}

interface Input {
  name: string;
  datatype: string;
  shape: unknown;
  data: unknown;
  parameters?: object;
}

const values: Readonly<Record<string, readonly [datatype: string, data: readonly unknown[]]>> = {
  BOOL: ['BOOL', [true, false]],
  UINT8: ['UINT8', [0, 255]],
  UINT16: ['UINT16', [0, 65535]],
  UINT32: ['UINT32', [0, 4294967295]],
  UINT64: ['UINT64', [0, 9007199254740991]],
  INT8: ['INT8', [-128, 127]],
  INT16: ['INT16', [-32768, 32767]],
  INT32: ['INT32', [-2147483648, 2147483647]],
  INT64: ['INT64', [-9007199254740991, 5]],
  FLOAT16: ['FP16', [0.5, -2]],
  FLOAT: ['FP32', [1.5, -0.25]],
  DOUBLE: ['FP64', [0.1, 1e300]],
  STRING: ['BYTES', ['Köln "quoted"', '']],
};
const inputs = (): Input[] =>
  Object.entries(values).map(([name, [datatype, data]]) => ({ name, datatype, shape: [1, 2], data: [...data] }));

describe('the Open Inference Protocol over REST', () => {
  let echo: EchoServer;
  before(async () => {
    echo = await serveEcho();
  });
  after(() => echo[Symbol.asyncDispose]());
  const get = async (path: string): Promise<[number, Body]> => {
    const response = await fetch(echo.http.address + path);
    return [response.status, (await response.json()) as Body];
  };
  const post = async (body: unknown, path = '/v2/models/echo/infer', headers: Record<string, string> = {}): Promise<[number, Body]> => {
    const response = await fetch(echo.http.address + path, {
      method: 'POST',
      body: typeof body === 'string' ? body : JSON.stringify(body),
      headers: { 'content-type': 'application/json', ...headers },
    });
    return [response.status, (await response.json()) as Body];
  };

  test('says that it lives, is ready, what it is, and what its models take and give', async () => {
    assert.deepEqual(await get('/v2/health/live'), [200, { live: true }]);
    assert.deepEqual(await get('/v2/health/ready'), [200, { ready: true }]);
    assert.deepEqual(await get('/v2'), [
      200,
      { name: 'gyre', version: '1.2.3', extensions: ['binary_tensor_data', 'model_repository', 'statistics'] },
    ]);
    assert.deepEqual(await get('/v2/models/echo/versions/4/ready'), [200, { name: 'echo', ready: true }]);
    const [status, model] = await get('/v2/models/echo');
    assert.equal(status, 200);
    assert.deepEqual([model.name, model.versions], ['echo', ['4']]);
    assert.deepEqual(Array.isArray(model.inputs) ? model.inputs.slice(-2) : [], [
      { name: 'DOUBLE', datatype: 'FP64', shape: [-1, 2] },
      { name: 'STRING', datatype: 'BYTES', shape: [-1, 2] },
    ]);
  });

  test('takes and gives every datatype exactly', async () => {
    const [status, { outputs, id, model_version: version, parameters }] = await post({ id: 'mine', inputs: inputs() });
    assert.equal(status, 200);
    assert.deepEqual([id, version, parameters?.prediction_ids.startsWith('1-')], ['mine', '4', true]);
    for (const [name, [datatype, data]] of Object.entries(values)) {
      const output = outputs?.find((candidate) => candidate.name === `${name}_out`);
      assert.deepEqual([output?.datatype, output?.shape, output?.data], [datatype, [1, 2], data], name);
    }
  });

  test('keeps every digit of 64-bit integers', async () => {
    const text = JSON.stringify({ inputs: inputs() })
      .replace('-9007199254740991,5', '-9223372036854775808,9223372036854775807')
      .replace('9007199254740991', '18446744073709551615');
    const response = await fetch(`${echo.http.address}/v2/models/echo/infer`, {
      method: 'POST',
      body: text,
      headers: { 'content-type': 'application/json' },
    });
    const answer = await response.text();
    assert.match(answer, /\[-9223372036854775808,9223372036854775807\]/);
    assert.match(answer, /\[0,18446744073709551615\]/);
    const [status, { error }] = await post(text.replace('9223372036854775807', '9223372036854775808'));
    assert.deepEqual(
      [status, error],
      [400, 'value 1 of the input "INT64" is 9223372036854775808, which is no INT64 that can be taken exactly'],
    );
  });

  test('takes nested data, null for what is missing, and narrower datatypes that lose nothing', async () => {
    const request = inputs();
    const change = (name: string, changes: Partial<Input>): void =>
      void Object.assign(request.find((input) => input.name === name) ?? {}, changes);
    for (const input of request) Object.assign(input, { shape: [2, 2], data: [input.data, input.data] });
    change('DOUBLE', {
      datatype: 'FP32',
      data: [
        [0.1, null],
        [1, 2],
      ],
    });
    change('FLOAT', { datatype: 'INT16', data: [1, 2, 3, 4] });
    change('INT64', {
      datatype: 'UINT32',
      data: [
        [1, 2],
        [3, 4294967295],
      ],
    });
    change('STRING', {
      data: [
        ['a', null],
        ['b', 'c'],
      ],
    });
    const [status, { outputs, error }] = await post({ inputs: request });
    assert.equal(status, 200, error ?? '');
    const data = (name: string): unknown => outputs?.find((output) => output.name === name)?.data;
    // What FP32 makes of 0.1: that is what was sent.
    assert.deepEqual(data('DOUBLE_out'), [0.10000000149011612, null, 1, 2]);
    assert.deepEqual(data('FLOAT_out'), [1, 2, 3, 4]);
    assert.deepEqual(data('INT64_out'), [1, 2, 3, 4294967295]);
    assert.deepEqual(data('STRING_out'), ['a', '', 'b', 'c']);
  });

  test('gives only the outputs that are asked for, in that order', async () => {
    const [, { outputs }] = await post({
      inputs: inputs(),
      outputs: [{ name: 'INT8_out', parameters: { binary_data: false } }, { name: 'BOOL_out' }],
    });
    assert.deepEqual(
      outputs?.map(({ name }) => name),
      ['INT8_out', 'BOOL_out'],
    );
    assert.equal((await post({ inputs: inputs(), outputs: [{ name: 'nothing' }] }))[0], 400);
  });

  test('answers 400 to what does not fit the model, naming the input', async () => {
    const cases: readonly (readonly [string, Partial<Input>, RegExp])[] = [
      ['INT8', { data: [1, 128] }, /value 1 of the input "INT8" is 128/],
      ['INT8', { data: [1, 1.5] }, /is 1.5, which is no INT8/],
      ['UINT8', { data: [-1, 0] }, /"UINT8" is -1/],
      ['INT32', { data: ['1', 2] }, /the string "1"/],
      ['FLOAT', { data: [1e39, 0] }, /"FLOAT" is 1e\+39/],
      ['FLOAT', { datatype: 'FP64' }, /is FP64; the model takes FP32/],
      ['FLOAT', { datatype: 'FP8' }, /must be one of BOOL/],
      ['INT16', { datatype: 'UINT16' }, /does not hold every UINT16/],
      ['STRING', { data: [1, 2] }, /"STRING" is 1/],
      ['STRING', { datatype: 'FP64', data: [1, 2] }, /takes BYTES/],
      ['BOOL', { data: [2, 1] }, /"BOOL" is 2/],
      ['DOUBLE', { data: [1] }, /has 1 values, but its shape \[1, 2\] needs 2/],
      ['DOUBLE', { shape: [1, 3], data: [1, 2, 3] }, /has the shape \[1, 3\]; the model takes \[-1, 2\]/],
      ['DOUBLE', { shape: [2] }, /has the shape \[2\]/],
      ['DOUBLE', { shape: [-1, 2] }, /whole numbers from 0 on/],
      ['DOUBLE', { shape: [9007199254740991, 2] }, /has 2 values/],
      ['DOUBLE', { shape: 'x' }, /must be an array/],
      ['DOUBLE', { shape: [2, 2], data: [[1, 2], [3]] }, /not nested as its shape/],
      ['DOUBLE', { shape: [2, 2], data: [1, 2, 3, 4] }, /the same number/],
      ['DOUBLE', { data: [[[1]], 2] }, /not nested/],
      ['DOUBLE', { data: { a: 1 } }, /must be an array/],
      ['DOUBLE', { name: 'other' }, /has no input "other"; it takes "BOOL"/],
      ['DOUBLE', { name: 'BOOL', datatype: 'BOOL', data: [1, 0] }, /"BOOL" is there twice/],
      ['DOUBLE', { parameters: { binary_data_size: 16 } }, /has "data" and "binary_data_size"/],
      ['DOUBLE', { parameters: { binary_data_size: 16 }, data: undefined }, /has 16 bytes of binary data; 0 are left behind the JSON/],
    ];
    for (const [name, changes, message] of cases) {
      const [status, { error }] = await post({ inputs: inputs().map((input) => (input.name === name ? { ...input, ...changes } : input)) });
      assert.equal(status, 400, `${name} ${JSON.stringify(changes)}`);
      assert.match(error ?? '', message);
    }
    assert.match((await post({ inputs: inputs().slice(2) }))[1].error ?? '', /2 inputs are missing: "BOOL" \(BOOL \[-1, 2\]\), "UINT8"/);
    const empty = inputs().map((input) => ({ ...input, shape: [0, 2], data: [] }));
    assert.deepEqual(await post({ inputs: empty }), [400, { error: 'there are no rows to predict; echo takes 1 to 50 in one request' }]);
  });

  test('answers 400 to what is no request at all', async () => {
    for (const body of [
      '',
      '{',
      'null',
      '[]',
      '"x"',
      '{}',
      '{"inputs":{}}',
      '{"inputs":[1]}',
      '{"inputs":[{}]}',
      '{"inputs":[],"id":5}',
      '{"inputs":NaN}',
    ]) {
      const [status, { error }] = await post(body);
      assert.deepEqual([status, typeof error], [400, 'string'], body);
    }
    const deep = '['.repeat(9000) + ']'.repeat(9000);
    assert.equal((await post(`{"inputs":[{"name":"DOUBLE","datatype":"FP64","shape":[1,2],"data":${deep}}]}`))[0], 400);
    assert.equal((await post({ inputs: inputs(), parameters: { event_time: 'yesterday' } }))[0], 400);
    assert.equal((await post({ inputs: inputs(), parameters: { keys: ['a', 'b'] } }))[0], 400);
    assert.equal(
      (await post({ inputs: inputs(), parameters: { keys: '["a"]', event_time: '2026-01-01T00:00:00+01:00', unknown: 1 } }))[0],
      200,
    );
    assert.equal((await post('{"inputs":[]}', undefined, { 'inference-header-content-length': '13' }))[0], 400);
  });

  test('takes what curl -d sends, except from a web page of another origin', async () => {
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    const ask = (more: Record<string, string>): Promise<[number, Body]> => post({ inputs: inputs() }, undefined, { ...form, ...more });
    assert.equal((await ask({}))[0], 200);
    assert.equal((await ask({ 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' }))[0], 200);
    const [status, { error }] = await post('a=1', undefined, form);
    assert.equal(status, 400);
    assert.match(error ?? '', /the body is no JSON/);
    assert.equal((await ask({ origin: echo.http.address }))[0], 200);
    for (const site of ['cross-site', 'same-site', 'none']) assert.equal((await ask({ 'sec-fetch-site': site }))[0], 415, site);
    for (const origin of ['http://evil.example', 'null']) assert.notEqual((await ask({ origin }))[0], 200, origin);
  });

  test('refuses a form of another origin also to callers with a token', async () => {
    await using guarded = await serveEcho([sha256(Buffer.from('secret'))]);
    const ask = async (more: Record<string, string>): Promise<number> => {
      const headers = { authorization: 'Bearer secret', 'content-type': 'application/x-www-form-urlencoded', ...more };
      const body = JSON.stringify({ inputs: inputs() });
      return (await fetch(`${guarded.http.address}/v2/models/echo/infer`, { method: 'POST', body, headers })).status;
    };
    assert.equal(await ask({}), 200);
    assert.equal(await ask({ origin: 'http://evil.example' }), 415);
    assert.equal(await ask({ 'sec-fetch-site': 'cross-site' }), 415);
  });

  test('answers 404 to unknown models, versions and paths, 405 with what is allowed, 415 to what is no JSON, 413 beyond the limits', async () => {
    assert.match((await post({}, '/v2/models/none/infer'))[1].error ?? '', /there is no model "none" here; .* serves "echo" version 4/);
    assert.equal((await post({}, '/v2/models/echo/versions/5/infer'))[0], 404);
    assert.equal((await get('/v2/models/echo/versions/5'))[0], 404);
    assert.equal((await get('/nothing'))[0], 404);
    assert.equal((await get('/v2/models/%E0%A4%A'))[0], 400);
    const wrong = await fetch(`${echo.http.address}/v2/models/echo/infer`);
    assert.deepEqual([wrong.status, wrong.headers.get('allow')], [405, 'POST']);
    assert.equal((await post('x', undefined, { 'content-type': 'text/csv' }))[0], 415);
    assert.equal((await post('x', undefined, { 'content-encoding': 'br' }))[0], 415);
    assert.equal((await post('x', undefined, { 'content-encoding': 'gzip' }))[0], 400);
    assert.equal((await post(' '.repeat(20_001)))[0], 413);
    const many = inputs().map((input) => ({ ...input, shape: [51, 2], data: Array.from({ length: 51 }, () => input.data) }));
    assert.deepEqual((await post({ inputs: many }))[0], 413);
  });

  test('never answers 5xx to 500 bodies that were broken at random, and still answers right afterwards', async () => {
    const random = seeded(2026);
    const pieces = ['null', '-1', '1e400', '"x"', '{}', '[]', '[[', '}', ',', '\\', '\u0000', '"__proto__"', 'true', '1.5'];
    const oddities: readonly unknown[] = [
      null,
      -1,
      1.5,
      1e300,
      2 ** 63,
      '',
      'x',
      'FP64',
      true,
      [],
      [[]],
      [[1, 2], [3]],
      {},
      { data: 1 },
      '\ud800',
    ];
    const whole = (): object => ({ id: 'a', inputs: inputs(), outputs: [{ name: 'BOOL_out' }], parameters: { keys: '["k"]' } });
    /** Puts another value at some place of a tree, or takes a member away. */
    const disturb = (node: unknown): unknown => {
      if (typeof node !== 'object' || node === null || Object.keys(node).length === 0 || random.next() < 0.1)
        return oddities[random.int(oddities.length)];
      const keys = Object.keys(node);
      const key = keys[random.int(keys.length)];
      if (random.next() < 0.05) Reflect.deleteProperty(node, key);
      else Reflect.set(node, key, disturb(Reflect.get(node, key)));
      return node;
    };
    const counts = new Map<number, number>();
    for (let round = 0; round < 500; round++) {
      let text = JSON.stringify(round % 2 === 0 ? disturb(whole()) : whole());
      if (round % 2 === 1) {
        const at = random.int(text.length);
        text = text.slice(0, at) + pieces[random.int(pieces.length)] + text.slice(at + random.int(4));
      }
      const [status] = await post(text);
      assert.ok(status < 500, `${status} to ${text}`);
      counts.set(status, (counts.get(status) ?? 0) + 1);
    }
    assert.ok((counts.get(400) ?? 0) > 300 && (counts.get(200) ?? 0) > 5, JSON.stringify([...counts]));
    assert.equal((await post({ inputs: inputs() }))[0], 200);
  });
});
