import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { request } from 'node:http';
import { mkdtemp, rm, writeFile, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { hasCode } from '#core';
import { openApi } from './api.ts';
import { openBench } from './testing.ts';
import type { Bench } from './testing.ts';

interface ProblemBody {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly instance: string;
  readonly details?: Record<string, unknown>;
}

describe('bad requests', () => {
  let bench: Bench;
  before(async () => {
    bench = await openBench();
  });
  after(() => bench[Symbol.asyncDispose]());

  async function refused(response: Response, status: number): Promise<ProblemBody> {
    assert.equal(response.headers.get('content-type'), 'application/problem+json');
    const problem = (await response.json()) as ProblemBody;
    assert.equal(response.status, status, problem.detail);
    assert.equal(problem.status, status);
    assert.equal(problem.instance, response.headers.get('x-request-id'));
    assert.doesNotMatch(JSON.stringify(problem), /\.ts:\d+|node_modules|at .*\(/);
    return problem;
  }
  const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
    bench.ask(path, { method: 'POST', token: bench.tokens['data-scientist'], body, headers });

  const faults: readonly (readonly [string, unknown, RegExp])[] = [
    [
      'a missing member',
      { labels: [{ value: 1 }] },
      /^body\.labels\[0\]: "prediction" is missing, "prediction", "value", "observedAt" \(optional\) are wanted/,
    ],
    ['an unknown member', { labels: [{ prediction: 'a', value: 1, valeu: 2 }] }, /^body\.labels\[0\]: there is an unknown "valeu"/],
    ['a value of another type', { labels: 7 }, /^body\.labels: the number 7 was found, a list is wanted/],
    [
      'a number as text',
      { labels: [{ prediction: 7, value: 1 }] },
      /^body\.labels\[0\]\.prediction: the number 7 was found, a string is wanted/,
    ],
    [
      'a value that fits no form',
      { labels: [{ prediction: 'a', value: [] }] },
      /a list of 0 was found, a number or a string or true or false or null is wanted/,
    ],
    [
      'an instant that is none',
      { labels: [{ prediction: 'a', value: 1, observedAt: 'yesterday' }] },
      /observedAt: the string "yesterday" was found, an instant as ISO 8601/,
    ],
    ['an empty list', { labels: [] }, /^body\.labels: a list of 0 was found, must NOT have fewer than 1 items/],
  ];
  for (const [name, body, words] of faults) {
    test(`${name} is named with its place, what was found and what is wanted`, async () => {
      const problem = await refused(await post('/api/v1/labels', body), 400);
      assert.equal(problem.code, 'INVALID_ARGUMENT');
      assert.match(problem.detail, words);
    });
  }

  test('malformed JSON, another media type and a body over the limit are refused as such', async () => {
    assert.match((await refused(await post('/api/v1/labels', '{"labels": ['), 400)).detail, /no valid JSON/);
    assert.match((await refused(await post('/api/v1/labels', '', { 'content-type': 'application/json' }), 400)).detail, /empty/);
    assert.match(
      (await refused(await post('/api/v1/labels', 'a=1', { 'content-type': 'text/plain' }), 415)).detail,
      /Content-Type: application\/json/,
    );
    assert.match(
      (await refused(await post('/api/v1/datasets', { dataset: 'x'.repeat(2_000_000) }), 413)).detail,
      /larger than this route takes/,
    );
    assert.match((await refused(await post('/api/v1/labels', '{"__proto__": {"a": 1}}'), 400)).detail, /JSON|proto/);
  });

  test('a query that does not fit is refused, and one that fits is read as what it is', async () => {
    const get = (query: string) => bench.ask(`/api/v1/runs${query}`, { token: bench.tokens.qa });
    assert.match(
      (await refused(await get('?limit=many'), 400)).detail,
      /^query\.limit: the string "many" was found, a whole number is wanted/,
    );
    assert.match((await refused(await get('?limit=0'), 400)).detail, /query\.limit: the number 0 was found, must be >= 1/);
    assert.match((await refused(await get('?limt=5'), 400)).detail, /there is an unknown "limt"/);
    assert.match((await refused(await get('?status=DONE'), 400)).detail, /one of "RUNNING", "SCHEDULED"/);
    assert.equal((await get('?limit=5')).status, 200);
  });

  test('an unknown address, a wrong method and an address that cannot be decoded are problems too', async () => {
    assert.match((await refused(await bench.ask('/api/v1/nothing'), 404)).detail, /there is no \/api\/v1\/nothing/);
    const method = await bench.ask('/api/v1/whoami', { method: 'POST', token: bench.tokens.qa, body: {} });
    assert.equal(method.headers.get('allow'), 'GET');
    assert.match((await refused(method, 405)).detail, /POST is not answered at \/api\/v1\/whoami: GET is/);
    assert.match((await refused(await bench.ask('/api/v1/runs/%E0%A4%A'), 400)).detail, /percent signs/);
  });

  test('a record that is not there is said by the room that would have it', async () => {
    const problem = await refused(await bench.ask('/api/v1/runs/none', { token: bench.tokens.qa }), 404);
    assert.equal(problem.code, 'NOT_FOUND');
  });

  test('what fails inside is answered without its inside, and logged with its stack', async () => {
    const broken = await openBench();
    await using closing = new AsyncDisposableStack();
    closing.use(broken);
    const api = closing.use(
      await openApi({ ...broken.deps, charters: { ...broken.deps.charters, list: () => Promise.reject(new TypeError('secret inside')) } }),
    );
    const response = await fetch(`${api.address}/api/v1/charter-versions`, { headers: { authorization: `Bearer ${broken.tokens.qa}` } });
    const problem = await refused(response, 500);
    assert.doesNotMatch(problem.detail, /secret inside/);
    const line = broken.logged.find((known) => known.includes(problem.instance) && known.includes('secret inside'));
    assert.match(line ?? '', /"stack":/);
  });

  test('a password never comes back in an error', async () => {
    const response = await bench.ask('/api/v1/sessions', { method: 'POST', body: { name: 'the-qa', password: ['hunter2'] } });
    assert.doesNotMatch(await response.text(), /hunter2/);
  });
});

describe('who is asking', () => {
  let bench: Bench;
  before(async () => {
    bench = await openBench({ hostNames: ['gyre.example'], allowLocal: true });
  });
  after(() => bench[Symbol.asyncDispose]());

  /** A request with a Host header of our own, which fetch does not allow. */
  function withHost(host: string, path = '/health'): Promise<number> {
    const { port } = new URL(bench.address);
    return new Promise((resolve, reject) => {
      request({ host: '127.0.0.1', port, path, headers: { host } }, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      })
        .on('error', reject)
        .end();
    });
  }

  test('a name that somebody pointed to this machine is refused, on every route and page', async () => {
    for (const path of ['/health', '/', '/api/v1/whoami', '/api/v1/nothing', '/assets/x.js']) {
      assert.equal(await withHost('evil.example', path), 403, path);
    }
    for (const host of ['localhost', 'localhost:7070', '127.0.0.1:1', '[::1]:7070', 'gyre.example', 'GYRE.example:443', 'x.localhost']) {
      assert.equal(await withHost(host), 200, host);
    }
  });

  test('a page of another origin is refused, whatever it brings', async () => {
    for (const origin of ['https://evil.example', 'null', bench.address.replace('http:', 'https:').replace(/\d+$/, '1')]) {
      const response = await bench.ask('/api/v1/whoami', { token: bench.tokens.qa, headers: { origin } });
      assert.equal(response.status, 403, origin);
    }
    assert.equal((await bench.ask('/api/v1/whoami', { token: bench.tokens.qa, headers: { origin: bench.address } })).status, 200);
  });

  test('a one-time link becomes a session by cookie, once', async () => {
    const made = await bench.ask('/api/v1/one-time-codes', { method: 'POST', token: bench.tokens['data-scientist'] });
    const { path } = (await made.json()) as { path: string };
    const login = await bench.ask(path, { redirect: 'manual' });
    assert.equal(login.status, 303);
    assert.equal(login.headers.get('location'), '/');
    const cookie = login.headers.get('set-cookie') ?? '';
    assert.match(cookie, /^gyre_session=gyres_[\w-]+; Path=\/; HttpOnly; SameSite=Strict; Max-Age=604800$/);
    assert.equal((await bench.ask(path, { redirect: 'manual' })).status, 401);

    const [pair] = cookie.split(';');
    const who = (await (await bench.ask('/api/v1/whoami', { headers: { cookie: `other=1; ${pair}` } })).json()) as {
      via: string;
      identity: { name: string };
    };
    assert.deepEqual({ via: who.via, name: who.identity.name }, { via: 'session', name: 'the-data-scientist' });

    const build = (headers: Record<string, string>) =>
      bench.ask('/api/v1/pipeline-runs', { method: 'POST', body: { reason: 'by hand' }, headers: { cookie: pair, ...headers } });
    assert.equal((await build({})).status, 403);
    assert.equal((await build({ origin: 'https://evil.example' })).status, 403);
    assert.equal((await build({ origin: bench.address })).status, 202);
    assert.equal((await build({ 'sec-fetch-site': 'same-origin' })).status, 202);
    assert.equal((await build({ 'sec-fetch-site': 'cross-site' })).status, 403);

    const ended = await bench.ask('/api/v1/sessions', { method: 'DELETE', headers: { cookie: pair, origin: bench.address } });
    assert.match(ended.headers.get('set-cookie') ?? '', /^gyre_session=; .*Max-Age=0$/);
    assert.equal((await bench.ask('/api/v1/whoami', { headers: { cookie: pair } })).status, 401);
  });

  test('name and password open a session; wrong ones do not, and too many tries have to wait', async () => {
    const set = await bench.ask('/api/v1/identities/the-approver/password', {
      method: 'PUT',
      token: bench.tokens.admin,
      body: { password: 'correct horse battery' },
    });
    assert.equal(set.status, 200);
    const login = (password: string) => bench.ask('/api/v1/sessions', { method: 'POST', body: { name: 'the-approver', password } });
    assert.equal((await login('correct horse battery')).status, 201);
    let last = await login('wrong');
    assert.equal(last.status, 401);
    for (let tries = 0; tries < 20 && last.status === 401; tries++) last = await login('wrong');
    assert.equal(last.status, 429);
    assert.match(last.headers.get('retry-after') ?? '', /^\d+$/);
  });

  test('a disabled identity is nobody at once', async () => {
    const { id } = (await (
      await bench.ask('/api/v1/identities', { method: 'POST', token: bench.tokens.admin, body: { name: 'leaver', roles: ['stakeholder'] } })
    ).json()) as { id: string };
    const issued = await bench.ask(`/api/v1/identities/leaver/tokens`, { method: 'POST', token: bench.tokens.admin, body: { label: 'x' } });
    const { secret } = (await issued.json()) as { secret: string };
    assert.equal((await bench.ask('/api/v1/whoami', { token: secret })).status, 200);
    await bench.ask(`/api/v1/identities/${id}/disable`, { method: 'POST', token: bench.tokens.admin });
    assert.equal((await bench.ask('/api/v1/whoami', { token: secret })).status, 401);
  });
});

describe('starting and stopping', () => {
  test('a port in use is said with what would be right', async () => {
    await using bench = await openBench();
    const port = Number(new URL(bench.address).port);
    await assert.rejects(openApi({ ...bench.deps, port }), (error) => {
      assert.ok(hasCode(error, 'ALREADY_EXISTS'));
      assert.match(error.message, new RegExp(`port ${port} of 127\\.0\\.0\\.1 is in use.*--port`));
      return true;
    });
  });

  test('an address of another machine is refused by name', async () => {
    await using bench = await openBench();
    await assert.rejects(openApi({ ...bench.deps, host: '203.0.113.1' }), (error) => hasCode(error, 'INVALID_ARGUMENT'));
  });

  test('stopping ends event streams, finishes what is in flight, and takes nothing new', async () => {
    await using bench = await openBench();
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    let started = (): void => undefined;
    const reached = new Promise<void>((resolve) => (started = resolve));
    const api = await openApi({
      ...bench.deps,
      charters: {
        ...bench.deps.charters,
        list: async () => {
          started();
          await held;
          return [];
        },
      },
    });
    const headers = { authorization: `Bearer ${bench.tokens.qa}` };
    const stream = await fetch(`${api.address}/api/v1/events/stream`, { headers });
    const slow = fetch(`${api.address}/api/v1/charter-versions`, { headers });
    await reached;
    const stopped = api[Symbol.asyncDispose]();
    assert.match(await stream.text(), /^retry: /);
    release();
    assert.equal((await slow).status, 200);
    await stopped;
    await assert.rejects(fetch(`${api.address}/health`));
  });

  test('a caller that goes away leaves nothing behind', async () => {
    await using bench = await openBench();
    const { hostname, port } = new URL(bench.address);
    const socket = connect(Number(port), hostname);
    socket.write(`GET /api/v1/events/stream HTTP/1.1\r\nHost: ${hostname}\r\nAuthorization: Bearer ${bench.tokens.qa}\r\n\r\n`);
    await new Promise((resolve) => socket.once('data', resolve));
    socket.destroy();
    await bench.stop();
  });
});

describe('web pages', () => {
  let folder: string;
  let bench: Bench;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gyre-pages-'));
    await mkdir(join(folder, 'assets'));
    await writeFile(join(folder, 'index.html'), `<!doctype html><title>Gyre</title>${' '.repeat(600)}`);
    await writeFile(join(folder, 'assets', 'main-ABCD1234.js'), `console.log(${JSON.stringify('x'.repeat(5000))})`);
    await writeFile(join(folder, '.sources'), 'not to be served');
    bench = await openBench({ uiFolder: Promise.resolve(folder) });
  });
  after(async () => {
    await bench[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  test('every address that the pages’ router may know answers with the page', async () => {
    for (const path of ['/', '/models/churn/2', '/models/churn.v2', '/alerts?state=open', '/health', '/health/some-window']) {
      const response = await bench.ask(path, { headers: { accept: 'text/html,*/*;q=0.8' } });
      assert.equal(response.status, 200);
      assert.equal(response.headers.get('content-type'), 'text/html; charset=utf-8');
      assert.equal(response.headers.get('cache-control'), 'no-cache');
      assert.match(response.headers.get('content-security-policy') ?? '', /default-src 'self'.*frame-ancestors 'none'/);
      assert.match(await response.text(), /<title>Gyre/);
    }
  });

  test('whoever asks for no page at /health hears whether the server works', async () => {
    assert.deepEqual(await (await bench.ask('/health')).json(), { status: 'ok' });
  });

  test('what is named by its content is kept for ever, compressed, and not sent twice', async () => {
    const path = '/assets/main-ABCD1234.js';
    const response = await bench.ask(path, { headers: { 'accept-encoding': 'gzip, br' } });
    assert.equal(response.headers.get('content-encoding'), 'br');
    assert.match(response.headers.get('cache-control') ?? '', /immutable/);
    assert.match(await response.text(), /^console\.log\("x{5000}"\)$/);
    const again = await bench.ask(path, { headers: { 'if-none-match': response.headers.get('etag') ?? '' } });
    assert.equal(again.status, 304);
    assert.equal((await bench.ask(path, { headers: { 'accept-encoding': 'identity' } })).headers.get('content-encoding'), null);
  });

  test('a file that is none, a hidden one, and one outside of the folder are not answered with a page', async () => {
    for (const path of ['/assets/other-ABCD1234.js', '/.sources', '/..%2f..%2fetc%2fpasswd.txt', '/assets/../../package.json']) {
      assert.equal((await bench.ask(path)).status, 404, path);
    }
  });

  test('without pages, the API says where it is described', async () => {
    await using bare = await openBench();
    const response = await bare.ask('/');
    assert.equal(response.status, 404);
    assert.match(await response.text(), /\/api\/docs/);
  });
});
