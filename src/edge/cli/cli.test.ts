import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { GyreError } from '#core';
import { exitCodes, runCli } from './index.ts';
import type { CliHost } from './index.ts';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '../../..');
const telco = join(root, 'examples/churn/data/telco-churn.csv');

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command line in this process, in a folder, with what a terminal would show. */
async function gyre(folder: string, words: readonly string[], more: Partial<CliHost> = {}): Promise<Ran> {
  let out = '';
  let err = '';
  const code = await runCli(words, {
    stdout: { write: (text) => (out += text) },
    stderr: { write: (text) => (err += text) },
    environment: {},
    folder,
    today: () => '2026-01-31',
    readStdin: () => Promise.resolve(''),
    app: () => Promise.reject(new GyreError('UNAVAILABLE', 'these tests have no platform')),
    signal: new AbortController().signal,
    version: '1.2.3',
    ...more,
  });
  return { code, out, err };
}

describe('the command line', () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gyre-cli-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  test('starts as a process, says its version and reads no room for it', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [join(here, 'main.ts'), '--version']);
    const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
    assert.equal(stdout, `${version}\n`);
  });

  test('imports no room but core for its help', async () => {
    const script = `import { registerHooks } from 'node:module'; const seen = []; registerHooks({ load(url, context, next) { seen.push(url); return next(url, context); } });
      const { runCli } = await import(${JSON.stringify(join(here, 'index.ts'))});
      const sink = { write() {} };
      await runCli(['release', '--help'], { stdout: sink, stderr: sink, environment: {}, folder: '.', version: '1' });
      console.log(JSON.stringify(seen.filter((url) => url.includes('/src/') && !url.includes('/src/edge/cli/') && !url.includes('/src/foundation/core/'))));`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { cwd: root });
    assert.deepEqual(JSON.parse(stdout), []);
  });

  test('explains itself and each verb, with examples and exit codes', async () => {
    const help = await gyre(folder, ['--help']);
    assert.equal(help.code, exitCodes.ok);
    for (const words of ['Project:', 'Govern:', 'Exit codes:', '$ gyre demo']) assert.ok(help.out.includes(words), words);
    const verb = await gyre(folder, ['release', 'certify', '--help']);
    assert.match(verb.out, /--statement <text>/);
  });

  test('knows each verb that it lists when that is called alone', async () => {
    const named = (help: string): string[] => [...help.matchAll(/^ {2}([a-z]+)(?= )/gm)].map(([, name]) => name);
    for (const above of [[], ['data']]) {
      const { out } = await gyre(folder, [...above, '--help']);
      const names = named(out.slice(out.search(/^(Project|Commands):/m)));
      assert.ok(names.length > 15, names.join());
      for (const name of names.filter((each) => each !== 'help')) {
        const own = await gyre(folder, ['--json', ...above, name, '--help']);
        assert.deepEqual([own.code, own.out.split(/[ \n]/)[above.length + 2]], [exitCodes.ok, name], own.err);
      }
    }
  });

  test('refuses wrong usage with exit code 2 and what was meant', async () => {
    const unknown = await gyre(folder, ['chekc']);
    assert.deepEqual([unknown.code, unknown.out], [exitCodes.usage, '']);
    assert.match(unknown.err, /unknown command 'chekc'[\s\S]*check/);
    assert.equal((await gyre(folder, ['init', 'x'])).code, exitCodes.usage);
    assert.equal((await gyre(folder, ['up', '--port', 'many'])).code, exitCodes.usage);
    assert.equal((await gyre(folder, [])).code, exitCodes.usage);
  });

  test('checks the churn example', async () => {
    const { code, out, err } = await gyre(root, ['check', 'examples/churn']);
    assert.deepEqual([code, err], [exitCodes.ok, '']);
    assert.match(out, /^fine: examples\/churn\/gyre\.yaml \(churn: 1 dataset, 3 steps, 3 gates\)\n$/);
  });

  test('names each problem of a project with its place, for people and as JSON', async () => {
    const text = await readFile(join(root, 'examples/churn/gyre.yaml'), 'utf8');
    await mkdir(join(folder, 'data'));
    await copyFile(telco, join(folder, 'data/telco-churn.csv'));
    await writeFile(join(folder, 'gyre.yaml'), text.replace('    target: Churn\n    split:', '    target: Churn\n    spilt:'));
    const { code, out } = await gyre(folder, ['check']);
    assert.equal(code, exitCodes.usage);
    assert.match(out, /^gyre\.yaml:\d+:5 data\.customers\.spilt: unknown key "spilt"; did you mean "split"\?\n1 problem\n$/);
    const json = JSON.parse((await gyre(folder, ['--json', 'check'])).out) as {
      ok: boolean;
      problems: readonly { path: string; line: number }[];
    };
    assert.deepEqual([json.ok, json.problems.map(({ path }) => path)], [false, ['data.customers.spilt']]);
    assert.deepEqual(JSON.parse((await gyre(folder, ['check', '--json'])).out), json);
  });

  test('makes a project of the real churn table in which nothing is wrong', async () => {
    const { code, out, err } = await gyre(folder, ['init', 'leavers', '--from', telco, '--dataset', 'customers']);
    assert.deepEqual([code, err], [exitCodes.ok, '']);
    assert.match(out, /7043 rows, 21 columns/);
    assert.match(out, /"customerID" has a different value in each of 7043 rows: taken as the key/);
    assert.match(out, /"Yes" is taken as the positive class of "Churn"/);
    assert.equal((await gyre(folder, ['check', 'leavers'])).code, exitCodes.ok);
    const again = await gyre(folder, ['init', 'leavers', '--from', telco, '--dataset', 'customers']);
    assert.equal(again.code, exitCodes.refused);
    assert.match(again.err, /^error: .*has gyre\.yaml, schemas\/customers\.yaml, data\/telco-churn\.csv already; nothing was written/);
  });

  test('makes a project of a folder of images, which stays where it is', async () => {
    for (const file of ['hat/1.jpg', 'hat/2.jpg', 'shoe/1.png', 'notes.txt']) {
      await mkdir(dirname(join(folder, 'photos', file)), { recursive: true });
      await writeFile(join(folder, 'photos', file), '');
    }
    const { code, out, err } = await gyre(folder, ['init', 'clothes', '--from', 'photos']);
    assert.deepEqual([code, err], [exitCodes.ok, '']);
    assert.match(out, /3 images in photos\n {2}2 classes by folder: hat 2, shoe 1/);
    assert.match(await readFile(join(folder, 'clothes/gyre.yaml'), 'utf8'), /source: \.\.\/photos\/ #.*\n.*\n {4}target: label\n/);
    assert.equal((await gyre(folder, ['check', 'clothes'])).code, exitCodes.ok);
    const flat = await gyre(folder, ['init', 'hats', '--from', 'photos/hat']);
    assert.match(flat.out, /no folders that could be classes/);
    assert.equal((await gyre(folder, ['check', 'hats'])).code, exitCodes.ok);
    const asked = await gyre(folder, ['init', 'x', '--from', 'photos', '--target', 'label']);
    assert.match(asked.err, /--target says nothing of a folder of images/);
    await rm(join(folder, 'photos/hat'), { recursive: true });
    await rm(join(folder, 'photos/shoe'), { recursive: true });
    const none = await gyre(folder, ['init', 'x', '--from', 'photos']);
    assert.deepEqual([none.code, /photos holds no images \(1 \.txt files\)/.test(none.err)], [exitCodes.usage, true]);
  });

  test('refuses to make a project of what is no table, with the line', async () => {
    await writeFile(join(folder, 'ragged.csv'), 'id,a,b\n1,2,3\n4,5\n');
    const ragged = await gyre(folder, ['init', 'x', '--from', 'ragged.csv']);
    assert.equal(ragged.code, exitCodes.usage);
    assert.match(ragged.err, /^error: ragged\.csv.*line 3/);
    await writeFile(join(folder, 'empty.csv'), '');
    assert.equal((await gyre(folder, ['init', 'x', '--from', 'empty.csv'])).code, exitCodes.usage);
    await writeFile(join(folder, 'header.csv'), 'id,a\n');
    assert.match((await gyre(folder, ['init', 'x', '--from', 'header.csv'])).err, /no rows/);
    assert.equal((await gyre(folder, ['init', 'x', '--from', 'none.csv'])).code, exitCodes.notFound);
    assert.equal((await gyre(folder, ['init', 'no name', '--from', telco])).code, exitCodes.usage);
  });

  test('prints a schema that accepts what editors edit', async () => {
    const { out } = await gyre(folder, ['schema']);
    assert.equal((JSON.parse(out) as { title: string }).title, 'Gyre project');
    const policy = JSON.parse((await gyre(folder, ['schema', 'policy'])).out) as { title: string; properties: object };
    assert.equal(policy.title, 'Gyre release policy');
    assert.ok('stages' in policy.properties);
    assert.match((await gyre(folder, ['schema', 'tabel'])).err, /"project", "table" and "policy"/);
  });

  test('shows a stack only when it is asked to', async () => {
    const broken = { app: () => Promise.reject(new Error('a fault')) };
    const plain = await gyre(folder, ['config'], broken);
    assert.equal(plain.code, exitCodes.internal);
    assert.match(plain.err, /error: a fault\nThis is a fault of Gyre’s own; --debug shows where\.\n$/);
    assert.match((await gyre(folder, ['config', '--debug'], broken)).err, /at .*cli\.test\.ts/);
  });
});

describe('verbs over HTTP', () => {
  type Answer = (request: IncomingMessage, body: string) => readonly [number, unknown];
  let answer: Answer = () => [404, {}];
  let server: ReturnType<typeof createServer>;
  let address = '';
  beforeEach(async () => {
    server = createServer((request: IncomingMessage, response: ServerResponse) => {
      let body = '';
      request
        .setEncoding('utf8')
        .on('data', (chunk: string) => (body += chunk))
        .on('end', () => {
          const [status, value] = answer(request, body);
          response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
        });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const bound = server.address();
    address = `http://127.0.0.1:${typeof bound === 'object' && bound !== null ? bound.port : 0}`;
  });
  afterEach(() => new Promise((resolve) => server.close(resolve)));
  const call = (words: readonly string[], more: Partial<CliHost> = {}): Promise<Ran> =>
    gyre(tmpdir(), ['--server', address, ...words], more);
  const identities = [{ id: '1', name: 'bea', roles: ['qa'], simulated: false, disabled: false, createdAt: '2026-01-01T00:00:00.000Z' }];

  test('say who calls, and print tables or JSON', async () => {
    const seen: unknown[] = [];
    answer = (request) => {
      seen.push([request.method, request.url, request.headers.authorization]);
      return [200, { items: identities }];
    };
    const environment = { GYRE_TOKEN: 'gyre_secret' };
    const table = await call(['identity', 'ls'], { environment });
    assert.equal(table.out, 'IDENTITY  ROLES  STATE   SINCE                 ID\nbea       qa     active  2026-01-01 00:00:00Z  1\n');
    assert.deepEqual(JSON.parse((await call(['identity', 'ls', '--json'], { environment })).out), identities);
    assert.deepEqual(seen[0], ['GET', '/api/v1/identities', 'Bearer gyre_secret']);
    assert.deepEqual(
      JSON.parse((await gyre(tmpdir(), ['--json', 'identity', 'ls'], { environment: { GYRE_SERVER: address } })).out),
      identities,
    );
  });

  test('turn problems into messages and exit codes', async () => {
    const codes = [
      ['PERMISSION_DENIED', 403, exitCodes.refused],
      ['FAILED_PRECONDITION', 409, exitCodes.refused],
      ['NOT_FOUND', 404, exitCodes.notFound],
      ['INVALID_ARGUMENT', 400, exitCodes.usage],
      ['UNAVAILABLE', 503, exitCodes.unavailable],
      ['INTERNAL', 500, exitCodes.internal],
    ] as const;
    for (const [code, status, expected] of codes) {
      answer = () => [status, { type: 'about:blank', title: code, status, code, detail: `it is ${code}` }];
      const { code: actual, err } = await call(['identity', 'ls']);
      assert.deepEqual([actual, err.split('\n')[0]], [expected, `error: it is ${code}`]);
    }
    const json = JSON.parse((await call(['identity', 'ls', '--json'])).err) as { error: { code: string } };
    assert.equal(json.error.code, 'INTERNAL');
  });

  test('say that nothing answers where nothing listens', async () => {
    const { code, err } = await gyre(tmpdir(), ['--server', 'http://127.0.0.1:9', 'whoami']);
    assert.equal(code, exitCodes.unavailable);
    assert.match(err, /nothing answers at http:\/\/127\.0\.0\.1:9[\s\S]*gyre up/);
    assert.equal((await gyre(tmpdir(), ['--server', 'http://', 'whoami'])).code, exitCodes.usage);
  });

  test('end with 1 when a verdict is no', async () => {
    answer = () => [200, { entries: 3, intact: false, firstBroken: 2, head: 'f'.repeat(64), message: 'entry 2 was changed' }];
    assert.deepEqual(await call(['audit', 'verify']), { code: exitCodes.failed, out: 'broken: entry 2 was changed\n', err: '' });
  });

  test('follow a pipeline run to its end, a line for each step', async () => {
    const step = { id: 's1', pipelineRun: 'r1', step: 'prepare', kind: 'features.fit', after: [], attempt: 1, inputs: {} };
    const run = {
      id: 'r1',
      pipeline: 'churn',
      parameters: {},
      reason: 'why',
      createdBy: { identity: '1', name: 'bea' },
      createdAt: '2026-01-01T00:00:00.000Z',
    };
    const bodies: string[] = [];
    let polls = 0;
    answer = (request, body) => {
      if (request.method === 'POST') {
        bodies.push(body);
        return [200, { ...run, state: 'running', steps: [{ ...step, state: 'running' }] }];
      }
      polls += 1;
      const ended = {
        ...run,
        state: 'failed',
        steps: [{ ...step, state: 'failed', error: 'no rows' }],
        endedAt: '2026-01-01T00:00:02.500Z',
      };
      return [200, polls < 2 ? { ...run, state: 'running', steps: [{ ...step, state: 'running' }] } : ended];
    };
    const { code, out } = await call(['run', '--fresh', '--reason', 'why']);
    assert.equal(code, exitCodes.failed);
    assert.equal(out, 'pipeline run r1\n  failed prepare: no rows\nfailed (2.5 s)\n');
    assert.deepEqual(JSON.parse(bodies[0]), { reason: 'why', fresh: true });
  });

  test('read rows from JSON, JSON Lines and standard input, and refuse what is no row', async () => {
    const rows: unknown[] = [];
    answer = (request, body) => {
      if (request.url?.startsWith('/predict/') === true) {
        rows.push(JSON.parse(body));
        assert.equal(request.headers.authorization, undefined, 'our token stays ours');
        return [200, { model: 'churn', version: '1', predictions: [{ id: 'p', label: 'Yes', probabilities: { Yes: 0.75, No: 0.25 } }] }];
      }
      if (request.url?.startsWith('/api/v1/model-versions/') === true)
        return [200, { signature: { inputs: [{ name: 'tenure', type: 'number', datatype: 'FP64', required: true }] } }];
      const live = { modelVersion: 'v1' };
      return [200, { items: [{ name: 'production', position: 1, endpoint: 'churn', ready: true, address, live }] }];
    };
    const given = (text: string): Promise<Ran> =>
      call(['predict', '--rows', '-'], { readStdin: () => Promise.resolve(text), environment: { GYRE_TOKEN: 'gyre_x' } });
    const one = await given('{"tenure": 3}');
    assert.match(one.out, /p +Yes +Yes 0\.7500, No 0\.2500/);
    await given('[{"tenure": 3}, {"tenure": 4}]');
    await given('{"tenure": 3}\n{"tenure": 4}\n');
    assert.deepEqual(rows, [{ rows: [{ tenure: 3 }] }, { rows: [{ tenure: 3 }, { tenure: 4 }] }, { rows: [{ tenure: 3 }, { tenure: 4 }] }]);
    for (const [text, words] of [
      ['7', /no object/],
      ['[]', /no row/],
      ['{"a": [1]}', /no single value/],
      ['{"a": 1}\nb', /:2: not JSON/],
    ] as const) {
      const refused = await given(text);
      assert.equal(refused.code, exitCodes.usage);
      assert.match(refused.err, words);
    }
  });
});
