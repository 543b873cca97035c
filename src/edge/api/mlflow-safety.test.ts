import assert from 'node:assert/strict';
import { request } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { addressesOf, mlflowRoutes } from '#mlflow';
import type { MountedRoute } from '#mlflow';
import { openBench } from './testing.ts';
import type { Bench } from './testing.ts';

const api = '/api/2.0/mlflow';
/** A path as somebody asks it. */
const asked = (path: string): string => path.replace(/:[a-z_]+/g, 'x').replace('*', '0/x/artifacts/file.txt');
const json: Readonly<Record<string, string>> = { 'content-type': 'application/json' };
type Headers = Readonly<Record<string, string>>;

interface Said {
  readonly status: number;
  readonly text: string;
}

/** By `node:http`, which sends any header and method. */
function send(address: string, path: string, options: { method: string; headers?: Headers; body?: string | Buffer }): Promise<Said> {
  const { method, headers = {}, body } = options;
  return new Promise((resolve, reject) => {
    const length = body === undefined || 'transfer-encoding' in headers ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const asking = request(new URL(path, address), { method, headers: { ...headers, ...length } }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    asking.on('error', (error) =>
      reject(new Error(`${method} ${path.slice(0, 200)} ${JSON.stringify(headers)} ${String(body).slice(0, 300)}`, { cause: error })),
    );
    asking.end(body);
  });
}

/** What a refusal says: MLflow's JSON. */
function codeOf({ status, text }: Said, what: string): string {
  assert.ok(status >= 400 && status < 500, `${what}: ${status} ${text.slice(0, 500)}`);
  const { error_code: code, message } = JSON.parse(text) as { error_code: string; message: string };
  assert.equal(typeof message, 'string', what);
  return code;
}

describe('the MLflow API, asked by somebody who means no good', () => {
  let bench: Bench;
  let routes: readonly MountedRoute[];
  let experiment = '';
  let run = '';
  before(async () => {
    bench = await openBench({ allowLocal: true });
    routes = mlflowRoutes(bench.deps);
    const { tracking } = bench.deps.training;
    const by = { identity: 'test', name: 'test' };
    experiment = (await tracking.createExperiment({ name: 'churn', by })).id;
    run = (await tracking.createRun({ experiment, by })).id;
  });
  after(() => bench[Symbol.asyncDispose]());

  const everyAddress = (): { readonly route: MountedRoute; readonly path: string; readonly what: string }[] =>
    routes.flatMap((route) => addressesOf(route).map((address) => ({ route, path: asked(address), what: `${route.method} ${address}` })));

  test('answers no name that somebody pointed to this machine, and no page of another site', async () => {
    const foreign: readonly Headers[] = [{ host: 'rebound.example' }, { origin: 'https://elsewhere.example' }, { origin: 'null' }];
    for (const { route, path, what } of everyAddress()) {
      const { method } = route;
      for (const headers of foreign) {
        assert.equal(codeOf(await send(bench.address, path, { method, headers: { ...json, ...headers } }), what), 'PERMISSION_DENIED');
      }
    }
  });

  test('takes nothing that a form or a page of another site can send without asking first', async () => {
    const body = JSON.stringify({ run_id: run, key: 'stolen', value: '1', timestamp: 1 });
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      'text/plain; application/json',
    ]) {
      for (const verb of ['set-tag', 'log-metric', 'log-parameter', 'log-batch', 'delete']) {
        const said = await send(bench.address, `${api}/runs/${verb}`, { method: 'POST', headers: { 'content-type': type }, body });
        assert.equal(codeOf(said, `${verb} as ${type}`), 'BAD_REQUEST');
      }
    }
    const { tags, metrics, parameters, lifecycle } = await bench.deps.training.tracking.getRun(run);
    assert.deepEqual([tags.some(({ key }) => key === 'stolen'), metrics, parameters, lifecycle], [false, [], [], 'active']);
  });

  test('reads bodies of a limited size, also when they do not say how long they are', async () => {
    const long = Buffer.alloc(17 * 1024 * 1024, ' ');
    const ways: readonly Headers[] = [{}, { 'transfer-encoding': 'chunked' }];
    for (const headers of ways) {
      const said = await send(bench.address, `${api}/runs/log-batch`, { method: 'POST', headers: { ...json, ...headers }, body: long });
      assert.equal(said.status, 413, said.text);
    }
  });

  test('refuses what is no JSON object, in the protocol’s words', async () => {
    const bodies = ['{', '[]', '7', '"x', 'null', '\u0000', '{"a":1}{', `${'['.repeat(50_000)}${']'.repeat(50_000)}`, '{"run_id":NaN}'];
    for (const body of bodies) {
      const said = await send(bench.address, `${api}/runs/log-batch`, { method: 'POST', headers: json, body });
      assert.ok(['BAD_REQUEST', 'INVALID_PARAMETER_VALUE'].includes(codeOf(said, body.slice(0, 20))), said.text);
    }
  });

  const deep = (depth: number): unknown => JSON.parse(`${'['.repeat(depth)}${']'.repeat(depth)}`);
  const odd: readonly unknown[] = [
    null,
    '',
    'x\u0000y',
    '\ud800',
    'ä'.repeat(10_000),
    -1,
    1.5,
    1e308,
    2 ** 53,
    true,
    [],
    {},
    [null],
    [[]],
    [{}],
    [{ key: 'k' }],
    deep(3000),
  ];
  const names = [
    'experiment_id experiment_ids experiment_name name new_name run_id run_uuid run_ids model_id key value timestamp step',
    'metrics params tags filter order_by max_results page_token view_type username password permission version alias',
    'stage source datasets models metric_key status end_time artifact_location run_view_type start_time user_id run_name',
    'path archive_existing_versions description run_link start_step end_step resource_type resource_id is_admin',
    'current_password model_type source_run_id inputs outputs metric_keys num_points',
  ].flatMap((line) => line.split(' '));
  for (const [beside, keepsGood] of [
    ['everywhere', false],
    ['beside good ones', true],
  ] as const) {
    test(`never fails itself on odd values ${beside}, on any route`, async () => {
      const good: Readonly<Record<string, unknown>> = {
        experiment_id: experiment,
        experiment_ids: [experiment],
        run_id: run,
        run_ids: [run],
        key: 'k',
        value: '1',
        timestamp: 1,
        metric_key: 'k',
        name: 'n',
        max_results: 10,
      };
      const token = bench.tokens.admin;
      // Made once: they are the same for every route.
      const asks = odd.map((value, at) => {
        const members = Object.fromEntries(
          names.map((name) => [name, keepsGood && name in good && (at + name.length) % 3 !== 0 ? good[name] : value]),
        );
        const query = new URLSearchParams(
          Object.entries(members).map(([name, member]) => [name, typeof member === 'string' ? member : JSON.stringify(member)]),
        );
        return { value, query: query.toString().slice(0, 12_000), body: JSON.stringify(members) };
      });
      for (const route of routes) {
        const path = asked(addressesOf(route)[0]);
        for (const { value, query, body } of asks) {
          const isRead = route.method === 'GET';
          const said = await send(bench.address, isRead ? `${path}?${query}` : path, {
            method: route.method,
            headers: { ...json, authorization: `Bearer ${token}` },
            ...(isRead ? {} : { body }),
          });
          assert.ok(
            said.status < 500 || said.status === 501,
            `${route.method} ${path} with ${JSON.stringify(value)?.slice(0, 60)}: ${said.status} ${said.text.slice(0, 300)}`,
          );
        }
      }
    });
  }

  test('has every path closed to methods that it does not know', async () => {
    const known = new Set(
      everyAddress().flatMap(({ route, path }) => [`${route.method} ${path}`, ...(route.givesFile === true ? [`HEAD ${path}`] : [])]),
    );
    for (const path of new Set(everyAddress().map((each) => each.path))) {
      for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'HEAD']) {
        if (known.has(`${method} ${path}`)) continue;
        const { status } = await send(bench.address, path, { method, headers: { authorization: `Bearer ${bench.tokens.admin}` } });
        // Some read as a record's name what is a word elsewhere, and find none: 400.
        assert.ok([400, 401, 403, 404, 405, 501].includes(status), `${method} ${path}: ${status}`);
      }
    }
  });
});
