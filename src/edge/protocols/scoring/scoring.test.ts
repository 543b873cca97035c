import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { manualClock, seeded, uuidV7 } from '#core';
import { describeError } from '#oip';
import { encodeModel, graphBuilder, tensor } from '#onnx';
import { localModels, Plane, samplePackage, serveHttp, writeSampleFolder } from '#serving';
import type { InferenceServer } from '#serving';
import { createLogger, createMetrics } from '#telemetry';
import { scoringRoutes } from './index.ts';

/** TensorFlow Serving's own example: y = x / 2 + 2. */
function halfPlusTwo(): Uint8Array {
  const graph = graphBuilder({ name: 'half_plus_two' });
  graph.input('x', 'FLOAT', ['N']);
  const half = graph.op('Mul', ['x', graph.initializer('half', tensor('FLOAT', [], Float32Array.of(0.5)))]);
  graph.output('y', 'FLOAT', ['N'], graph.op('Add', [half, graph.initializer('two', tensor('FLOAT', [], Float32Array.of(2)))]));
  return encodeModel(graph);
}

/** The inputs of TensorFlow Serving's example of named tensors, given back. */
function tagged(): Uint8Array {
  const graph = graphBuilder({ name: 'tagged' });
  for (const [name, type, shape] of [
    ['tag', 'STRING', ['N']],
    ['signal', 'INT64', ['N', 5]],
    ['sensor', 'FLOAT', ['N', 2, 2]],
  ] as const) {
    graph.input(name, type, shape);
    graph.output(`${name}_out`, type, shape, graph.op('Identity', [name]));
  }
  return encodeModel(graph);
}

/** The sum of each row of a matrix. */
function sums(): Uint8Array {
  const graph = graphBuilder({ name: 'sums' });
  graph.input('matrix', 'FLOAT', ['N', 3]);
  const ones = graph.initializer('ones', tensor('FLOAT', [3, 1], Float32Array.of(1, 1, 1)));
  graph.output('sum', 'FLOAT', ['N', 1], graph.op('MatMul', ['matrix', ones]));
  return encodeModel(graph);
}

interface Served extends AsyncDisposable {
  readonly plane: Plane;
  readonly server: InferenceServer;
}

async function serve(places: readonly string[]): Promise<Served> {
  const { manifest, source } = await localModels(places, manualClock(0));
  const random = seeded(5);
  const plane = await Plane.open(manifest, {
    source,
    workers: 1,
    elapsed: () => performance.now(),
    clock: manualClock(0),
    newId: uuidV7(manualClock(0), (length) => Uint8Array.from({ length }, () => random.int(256))),
    chance: () => random.next(),
    metrics: createMetrics(),
  });
  const server = await serveHttp({
    plane,
    routes: scoringRoutes({ plane, version: '1.2.3' }),
    describe: describeError,
    host: '127.0.0.1',
    port: 0,
    log: createLogger({ level: 'silent', destination: process.stderr }),
  });
  return {
    plane,
    server,
    [Symbol.asyncDispose]: async () => {
      await server.close(0);
      await plane[Symbol.asyncDispose]();
    },
  };
}

describe('the routes of other servers of models', () => {
  let folder = '';
  let served: Served;
  let graphs: Served;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gyre-scoring-'));
    await writeSampleFolder(join(folder, 'churn'), samplePackage());
    for (const [name, graph] of [
      ['half_plus_two', halfPlusTwo()],
      ['tagged', tagged()],
      ['sums', sums()],
    ] as const)
      await writeFile(join(folder, `${name}.onnx`), graph);
    served = await serve(['churn', 'half_plus_two.onnx', 'tagged.onnx'].map((name) => join(folder, name)));
    graphs = await serve([join(folder, 'sums.onnx')]);
  });
  after(async () => {
    await served[Symbol.asyncDispose]();
    await graphs[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const ask = async (
    path: string,
    body?: unknown,
    type = 'application/json',
    at = served,
    more: Readonly<Record<string, string>> = {},
  ): Promise<[number, unknown]> => {
    const content = typeof body === 'string' ? body : JSON.stringify(body);
    const request = { method: 'POST', body: content, headers: { 'content-type': type, ...more } };
    const response = await fetch(at.server.address + path, body === undefined ? {} : request);
    const text = await response.text();
    return [response.status, response.headers.get('content-type') === 'text/plain' ? text : JSON.parse(text)];
  };
  const customers = [
    { tenure: 10, charges: 50, senior: true, contract: 'One year' },
    { tenure: 72, charges: 20, senior: false, contract: 'Two year' },
  ];
  const columns = ['tenure', 'charges', 'senior', 'contract'];
  const data = customers.map(({ tenure, charges, senior, contract }) => [tenure, charges, senior, contract]);
  const yes = [10, 72].map((tenure, at) => 1 / (1 + Math.exp(-(0.5 - 0.05 * tenure + (at === 0 ? 1 + 0.3 : 0.4 - 0.7)))));
  const labels = yes.map((share) => (share >= 0.5 ? 'Yes' : 'No'));

  describe('TensorFlow Serving', () => {
    test('predicts its own example by rows and by columns', async () => {
      assert.deepEqual(await ask('/v1/models/half_plus_two:predict', { instances: [1, 2, 5] }), [200, { predictions: [2.5, 3, 4.5] }]);
      assert.deepEqual(await ask('/v1/models/half_plus_two/versions/1:predict', { signature_name: 'serving_default', inputs: [1, 2, 5] }), [
        200,
        { outputs: [2.5, 3, 4.5] },
      ]);
    });

    test('takes what curl -d sends, as its own examples do, and no other type', async () => {
      const body = '{"instances": [1.0, 2.0, 5.0]}';
      const path = '/v1/models/half_plus_two:predict';
      assert.deepEqual(await ask(path, body, 'application/x-www-form-urlencoded'), [200, { predictions: [2.5, 3, 4.5] }]);
      assert.equal((await ask(path, body, 'text/plain'))[0], 415);
    });

    test('and the others take it too, except from a web page of another origin', async () => {
      const body = JSON.stringify({ instances: customers });
      const form = 'application/x-www-form-urlencoded';
      for (const path of ['/v1/models/churn:predict', '/predictions/churn', '/invocations']) {
        const [status, answer] = await ask(path, body, form);
        assert.deepEqual([status, answer], await ask(path, body), path);
        assert.equal(status, 200);
        assert.equal((await ask(path, body, 'text/plain'))[0], 415, path);
        assert.equal((await ask(path, 'tenure=1', form))[0], 400, path);
        assert.equal((await ask(path, body, form, served, { origin: 'http://evil.example' }))[0], 403, path);
        assert.equal((await ask(path, body, form, served, { 'sec-fetch-site': 'cross-site' }))[0], 415, path);
      }
    });

    test('takes named tensors, nested as they are, and bytes in base 64', async () => {
      const first = {
        tag: 'foo',
        signal: [1, 2, 3, 4, 5],
        sensor: [
          [1, 2],
          [3, 4],
        ],
      };
      const second = {
        tag: { b64: Buffer.from('bär').toString('base64') },
        signal: [3, 4, 1, 2, 5],
        sensor: [
          [4, 5],
          [6, 8],
        ],
      };
      const answers = [
        { tag_out: 'foo', signal_out: first.signal, sensor_out: first.sensor },
        { tag_out: 'bär', signal_out: second.signal, sensor_out: second.sensor },
      ];
      assert.deepEqual(await ask('/v1/models/tagged:predict', { instances: [first, second] }), [200, { predictions: answers }]);
      const inputs = { tag: ['foo', second.tag], signal: [first.signal, second.signal], sensor: [first.sensor, second.sensor] };
      const outputs = { tag_out: ['foo', 'bär'], signal_out: inputs.signal, sensor_out: inputs.sensor };
      assert.deepEqual(await ask('/v1/models/tagged:predict', { inputs }), [200, { outputs }]);
    });

    test('takes the columns of a package by name, as values or as tensors of one', async () => {
      const tensors = customers.map((row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, [value]])));
      for (const instances of [customers, tensors, data]) {
        const [status, answer] = await ask('/v1/models/churn:predict', { instances });
        assert.equal(status, 200, JSON.stringify(answer));
        const { predictions } = answer as {
          readonly predictions: readonly { readonly label: string; readonly probabilities: readonly number[] }[];
        };
        assert.deepEqual(
          predictions.map(({ label }) => label),
          labels,
        );
        // The model computes in float32: 1e-6 is 8 of its steps at 1.
        for (const [at, { probabilities }] of predictions.entries()) assert.ok(Math.abs(probabilities[1] - yes[at]) < 1e-6);
      }
      const inputs = Object.fromEntries(columns.map((name, at) => [name, data.map((row) => row[at])]));
      const [, answer] = await ask('/v1/models/churn:predict', { inputs });
      assert.deepEqual((answer as { readonly outputs: { readonly label: readonly string[] } }).outputs.label, labels);
    });

    test('says which versions there are, and what they take and give', async () => {
      assert.deepEqual(await ask('/v1/models/half_plus_two'), [
        200,
        { model_version_status: [{ version: '1', state: 'AVAILABLE', status: { error_code: 'OK', error_message: '' } }] },
      ]);
      const [status, metadata] = await ask('/v1/models/half_plus_two/versions/1/metadata');
      assert.equal(status, 200);
      assert.deepEqual(metadata, {
        model_spec: { name: 'half_plus_two', signature_name: '', version: '1' },
        metadata: {
          signature_def: {
            signature_def: {
              serving_default: {
                inputs: { x: { dtype: 'DT_FLOAT', tensor_shape: { dim: [{ size: '-1', name: '' }], unknown_rank: false }, name: 'x' } },
                outputs: { y: { dtype: 'DT_FLOAT', tensor_shape: { dim: [{ size: '-1', name: '' }], unknown_rank: false }, name: 'y' } },
                method_name: 'tensorflow/serving/predict',
              },
            },
          },
        },
      });
    });

    test('refuses what does not fit, saying where', async () => {
      const cases: readonly (readonly [string, unknown, number, RegExp])[] = [
        ['none:predict', { instances: [1] }, 404, /no model "none"/],
        ['half_plus_two:classify', { examples: [] }, 404, /":classify" was asked/],
        ['half_plus_two', { instances: [1] }, 404, /nothing was asked/],
        ['half_plus_two/versions/2:predict', { instances: [1] }, 404, /version 2/],
        ['half_plus_two:predict', {}, 400, /"instances" \(rows\) or "inputs"/],
        ['half_plus_two:predict', { instances: [1], inputs: [1] }, 400, /not both/],
        ['half_plus_two:predict', [1], 400, /must be an object/],
        ['half_plus_two:predict', '{', 400, /no JSON/],
        ['half_plus_two:predict', { instances: 1 }, 400, /must be an array/],
        ['half_plus_two:predict', { instances: [1, 'x'] }, 400, /value 1 of the input "x" is the string "x"/],
        ['half_plus_two:predict', { instances: [1, [2]] }, 400, /value 1 of the input "x" is an array/],
        ['half_plus_two:predict', { instances: [[1], [2, 3]] }, 400, /not nested as its shape/],
        ['half_plus_two:predict', { instances: [] }, 400, /no rows/],
        ['half_plus_two:predict', { instances: [{ y: 1 }] }, 400, /instance 0 has "y", which half_plus_two does not take/],
        ['half_plus_two:predict', { signature_name: 'other', instances: [1] }, 400, /"serving_default" alone/],
        ['tagged:predict', { instances: [1] }, 400, /must be an object of "tag", "signal", "sensor"/],
        ['tagged:predict', { instances: [{ tag: 'a', signal: [1, 2, 3, 4, 5] }] }, 400, /instance 0 lacks the input "sensor"/],
        ['tagged:predict', { inputs: { tag: ['a'] } }, 400, /the input "signal" is missing/],
        ['tagged:predict', { inputs: ['a'] }, 400, /name each/],
        ['tagged:predict', { instances: [{ tag: { b64: '/w==' }, signal: [], sensor: [] }] }, 400, /no text in UTF-8/],
        ['churn:predict', { instances: [{ ...customers[0], tenure: [1, 2] }] }, 400, /row 0, column "tenure"/],
        ['churn:predict', { instances: [[1, 2]] }, 400, /row 0 has 2 values; the model takes tenure, charges/],
        ['churn:predict', { inputs: { tenure: [1, 2], charges: [1] } }, 400, /"charges" has 1 values, "tenure" has 2/],
        ['churn:predict', { inputs: { tenure: 1 } }, 400, /must be an array with a value for each row/],
      ];
      for (const [path, body, status, message] of cases) {
        const [found, answer] = await ask(`/v1/models/${path}`, body);
        assert.equal(found, status, `${path} ${JSON.stringify(body)}: ${JSON.stringify(answer)}`);
        assert.match((answer as { readonly error: string }).error, message);
      }
      let deep: unknown = 1;
      for (let level = 0; level < 3000; level++) deep = [deep];
      assert.equal((await ask('/v1/models/half_plus_two:predict', { instances: deep }))[0], 400);
    });
  });

  describe('MLflow’s scoring server', () => {
    test('predicts with each of its formats, and passes over columns that the model does not take', async () => {
      const more = customers.map((row) => ({ ...row, note: 'x' }));
      const bodies: readonly object[] = [
        { dataframe_split: { columns, data, index: [7, 8] } },
        { dataframe_split: { columns: [...columns, 'note'], data: data.map((row) => [...row, 'x']) } },
        { dataframe_records: more },
        { instances: customers },
        { instances: data, params: { ignored: 1 } },
        { inputs: Object.fromEntries(columns.map((name, at) => [name, data.map((row) => row[at])])) },
      ];
      for (const body of bodies) assert.deepEqual(await ask('/invocations', body), [200, { predictions: labels }], JSON.stringify(body));
    });

    test('predicts from CSV, with a header or (as SageMaker’s clients send it) without one', async () => {
      const lines = data.map((row) => row.join(',')).join('\r\n');
      assert.deepEqual(await ask('/invocations', `${columns.join(',')}\n${lines}\n`, 'text/csv'), [200, { predictions: labels }]);
      assert.deepEqual(await ask('/invocations', lines, 'text/csv; charset=utf-8'), [200, { predictions: labels }]);
      const quoted = 'contract,tenure,senior,charges\n"One year",10,true,\n"a ""quoted"", one",1,FALSE,30';
      assert.equal((await ask('/invocations', quoted, 'text/csv'))[0], 200);
    });

    test('answers of a graph’s tensors are named; a table is answered row by row', async () => {
      const rows = [
        [1, 2, 3],
        [4, 5, 6],
      ];
      const tables: readonly (readonly [unknown, string])[] = [
        [{ dataframe_split: { columns: ['a', 'b', 'c'], data: rows } }, 'application/json'],
        [
          {
            dataframe_records: [
              { a: 1, b: 2, c: 3 },
              { a: 4, b: 5, c: 6 },
            ],
          },
          'application/json',
        ],
        ['a,b,c\n1,2,3\n4,5,6\n', 'text/csv'],
        ['1,2,3\n4,5,6', 'text/csv'],
      ];
      for (const [body, type] of tables)
        assert.deepEqual(
          await ask('/invocations', body, type, graphs),
          [200, { predictions: [{ sum: 6 }, { sum: 15 }] }],
          JSON.stringify(body),
        );
      for (const body of [{ instances: rows }, { inputs: rows }, { inputs: { matrix: rows } }])
        assert.deepEqual(await ask('/invocations', body, 'application/json', graphs), [200, { predictions: { sum: [[6], [15]] } }]);
    });

    test('refuses what does not fit, in MLflow’s members too', async () => {
      const cases: readonly (readonly [unknown, string, number, RegExp])[] = [
        [{}, 'application/json', 400, /exactly one of dataframe_split, dataframe_records, instances, inputs, not none/],
        [{ inputs: [], instances: [] }, 'application/json', 400, /not instances and inputs/],
        [[1], 'application/json', 400, /must be an object/],
        [{ dataframe_split: { columns, data: [[1]] } }, 'application/json', 400, /row 0 of "dataframe_split" has 1 values for 4 columns/],
        [{ dataframe_split: { columns } }, 'application/json', 400, /"columns" and "data"/],
        [{ dataframe_records: [1] }, 'application/json', 400, /record 0/],
        [{ dataframe_records: [{ tenure: 'x', senior: true }] }, 'application/json', 400, /tenure/],
        ['', 'text/csv', 400, /CSV is empty/],
        ['tenure,charges\n1', 'text/csv', 400, /record 1 of the CSV has 1 fields for 2 columns/],
        ['tenure\n"1', 'text/csv', 400, /line 2: a quoted field does not end/],
        ['x', 'application/x-parquet', 415, /send application\/json, application\/jsonlines or text\/csv/],
      ];
      for (const [body, type, status, message] of cases) {
        const [found, answer] = await ask('/invocations', body, type);
        assert.equal(found, status, `${JSON.stringify(body)}: ${JSON.stringify(answer)}`);
        const said = answer as { readonly error: string; readonly error_code: string; readonly message: string };
        assert.match(said.message, message);
        assert.deepEqual([said.error, said.error_code], [said.message, 'BAD_REQUEST']);
      }
    });

    test('says that it is there', async () => {
      assert.deepEqual(await ask('/ping'), [200, { status: 'Healthy' }]);
      assert.deepEqual(await ask('/health'), [200, { status: 'Healthy' }]);
      assert.deepEqual(await ask('/version'), [200, '1.2.3']);
    });
  });

  describe('TorchServe', () => {
    test('predicts one instance, a list, and KServe’s envelope', async () => {
      const [status, one] = await ask('/predictions/churn', customers[0]);
      assert.equal(status, 200);
      assert.ok(Math.abs((one as { readonly Yes: number }).Yes - yes[0]) < 1e-6);
      const [, list] = await ask('/predictions/churn/1', customers);
      assert.equal((list as readonly object[]).length, 2);
      assert.deepEqual(await ask('/predictions/half_plus_two', { instances: [1, 5] }), [200, { predictions: [2.5, 4.5] }]);
      assert.deepEqual(await ask('/predictions/half_plus_two', { data: [1, 5] }), [200, [2.5, 4.5]]);
      assert.deepEqual(await ask('/predictions/half_plus_two', '3'), [200, 3.5]);
      const sums = (body: unknown): ReturnType<typeof ask> => ask('/predictions/sums', body, 'application/json', graphs);
      assert.deepEqual(await sums([1, 2, 3]), [200, [6]], 'plain numbers are the row that the model takes');
      assert.deepEqual(await sums([[1, 2, 3], [4, 5, 6]]), [200, [[6], [15]]]); // prettier-ignore
      assert.equal((await sums([1, 2]))[0], 400);
    });

    test('says errors in its words', async () => {
      const [status, answer] = await ask('/predictions/none', { a: 1 });
      assert.equal(status, 404);
      const { code, type, message } = answer as { readonly code: number; readonly type: string; readonly message: string };
      assert.deepEqual([code, type], [404, 'ModelNotFoundException']);
      assert.match(message, /no model "none"/);
      const [, old] = await ask('/predictions/churn/9', { a: 1 });
      assert.equal((old as { readonly type: string }).type, 'ModelVersionNotFoundException');
      const [bad, said] = await ask('/predictions/churn', { tenure: 'x' });
      assert.deepEqual([bad, (said as { readonly type: string }).type], [400, 'BadRequestException']);
    });
  });

  test('never answers 5xx to bodies that were broken at random, on any of these routes', async () => {
    const random = seeded(31);
    const oddities: readonly unknown[] = [
      null,
      -1,
      1e300,
      '',
      'x',
      true,
      [],
      [[]],
      [[1, 2], [3]],
      {},
      { b64: '!' },
      { instances: 1 },
      '\ud800',
    ];
    const wholes: readonly (readonly [string, () => object])[] = [
      [
        '/v1/models/tagged:predict',
        () => ({
          instances: [
            {
              tag: 'a',
              signal: [1, 2, 3, 4, 5],
              sensor: [
                [1, 2],
                [3, 4],
              ],
            },
          ],
        }),
      ],
      ['/v1/models/churn:predict', () => ({ inputs: { tenure: [1], charges: [2], senior: [true], contract: ['x'] } })],
      ['/invocations', () => ({ dataframe_split: { columns: [...columns], data: data.map((row) => [...row]) } })],
      ['/invocations', () => ({ dataframe_records: customers.map((row) => ({ ...row })) })],
      ['/predictions/churn', () => ({ instances: customers.map((row) => ({ ...row })) })],
    ];
    const disturb = (node: unknown): unknown => {
      if (typeof node !== 'object' || node === null || Object.keys(node).length === 0 || random.next() < 0.1)
        return oddities[random.int(oddities.length)];
      const keys = Object.keys(node);
      const key = keys[random.int(keys.length)];
      if (random.next() < 0.05) Reflect.deleteProperty(node, key);
      else Reflect.set(node, key, disturb(Reflect.get(node, key)));
      return node;
    };
    let refused = 0;
    for (let round = 0; round < 400; round++) {
      const [path, whole] = wholes[round % wholes.length];
      const body = JSON.stringify(disturb(whole()));
      const [status] = await ask(path, body);
      assert.ok(status < 500, `${status} to ${path} ${body}`);
      if (status === 400) refused += 1;
    }
    assert.ok(refused > 150, String(refused));
    const lines = ['tenure,charges,senior,contract', '10,50,true,"One year"'];
    for (let round = 0; round < 200; round++) {
      const text = lines.join('\n');
      const at = random.int(text.length);
      const [status] = await ask(
        '/invocations',
        text.slice(0, at) + ['"', ',', '\n', '\u0000', 'ü'][random.int(5)] + text.slice(at + random.int(3)),
        'text/csv',
      );
      assert.ok(status < 500);
    }
  });
});
