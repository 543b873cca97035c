import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { sha256 } from '#core';
import { openBench } from './testing.ts';
import type { AskOptions, Bench } from './testing.ts';

interface ObjectAnswer {
  readonly oid: string;
  readonly size: number;
  readonly actions?: Readonly<Record<string, { readonly href: string }>>;
  readonly error?: { readonly code: number; readonly message: string };
}

const mediaType = 'application/vnd.git-lfs+json';
const basic = (token: string): string => `Basic ${Buffer.from(`anyone:${token}`).toString('base64')}`;
const objectOf = (words: string): { oid: string; size: number } => ({ oid: sha256(words), size: Buffer.byteLength(words) });

describe('the Git LFS API', () => {
  let bench: Bench;
  let scientist: string;
  before(async () => {
    bench = await openBench();
    scientist = bench.tokens['data-scientist'];
  });
  after(() => bench[Symbol.asyncDispose]());

  const ask = (path: string, options: AskOptions = {}): Promise<Response> =>
    bench.ask(`/lfs/${path}`, { token: scientist, ...options, headers: { accept: mediaType, ...options.headers } });
  const post = (path: string, body: unknown, options: AskOptions = {}): Promise<Response> =>
    ask(path, { method: 'POST', body, ...options, headers: { 'content-type': `${mediaType}; charset=utf-8`, ...options.headers } });
  const batch = async (repository: string, operation: string, objects: readonly object[]): Promise<readonly ObjectAnswer[]> => {
    const response = await post(`${repository}/objects/batch`, { operation, transfers: ['basic'], objects });
    assert.equal(response.status, 200, await response.clone().text());
    assert.equal(response.headers.get('content-type'), mediaType);
    const answer = (await response.json()) as { transfer: string; objects: readonly ObjectAnswer[] };
    assert.equal(answer.transfer, 'basic');
    return answer.objects;
  };
  const put = (repository: string, oid: string, body: string): Promise<Response> =>
    fetch(`${bench.address}/lfs/${repository}/objects/${oid}`, {
      method: 'PUT',
      headers: { authorization: basic(scientist), 'content-type': 'application/octet-stream' },
      body,
    });
  const refused = async (response: Response, status: number): Promise<string> => {
    const body = (await response.json()) as { message: string; documentation_url: string; request_id: string };
    assert.equal(response.status, status, body.message);
    assert.equal(response.headers.get('content-type'), mediaType);
    assert.equal(body.request_id, response.headers.get('x-request-id'));
    assert.equal(body.documentation_url, `${bench.address}/lfs`);
    return body.message;
  };

  test('takes an object by the address that its batch gave, verifies it, and gives it back', async () => {
    const object = objectOf('ten bytes!');
    const [{ actions }] = await batch('vision', 'upload', [object]);
    assert.deepEqual(Object.keys(actions ?? {}), ['upload', 'verify']);
    const uploaded = await fetch(actions?.['upload'].href ?? '', {
      method: 'PUT',
      headers: { authorization: basic(scientist) },
      body: 'ten bytes!',
    });
    assert.equal(uploaded.status, 200);
    const verified = await fetch(actions?.['verify'].href ?? '', {
      method: 'POST',
      headers: { authorization: basic(scientist), accept: mediaType, 'content-type': mediaType },
      body: JSON.stringify(object),
    });
    assert.equal(verified.status, 200);
    assert.deepEqual(await batch('vision', 'upload', [object]), [object], 'nothing is to be done for what is there');
    const [{ actions: down }] = await batch('vision', 'download', [object]);
    const got = await fetch(down?.['download'].href ?? '', { headers: { authorization: `Bearer ${bench.tokens.stakeholder}` } });
    assert.equal(await got.text(), 'ten bytes!');
    assert.equal(got.headers.get('content-length'), '10');
  });

  test('says of each object of a batch what is the matter with it', async () => {
    const here = objectOf('here');
    await put('mixed', here.oid, 'here');
    const answers = await batch('mixed', 'download', [
      here,
      objectOf('not here'),
      { ...here, size: 5 },
      { oid: 'HERE', size: 4 },
      objectOf('ten bytes!'),
    ]);
    assert.deepEqual(
      answers.map(({ error }) => error?.code),
      [undefined, 404, 422, 422, 404],
    );
    assert.match(answers[1].error?.message ?? '', /the repository "mixed" has no object/);
    assert.match(answers[2].error?.message ?? '', /has 4 bytes, not 5/);
  });

  test('an object of another repository is neither in a batch nor to be had by its address', async () => {
    const secret = objectOf('of one repository');
    await put('one', secret.oid, 'of one repository');
    const [{ error }] = await batch('two', 'download', [secret]);
    assert.equal(error?.code, 404);
    await refused(await ask(`two/objects/${secret.oid}`), 404);
    const [{ actions }] = await batch('two', 'upload', [secret]);
    assert.ok(actions?.['upload'] !== undefined, 'whoever says to have it has to show it');
  });

  test('gives the part that is still missing', async () => {
    const { oid } = objectOf('0123456789');
    await put('ranges', oid, '0123456789');
    const part = async (range: string): Promise<readonly [number, string | null, string]> => {
      const response = await ask(`ranges/objects/${oid}`, { headers: { range } });
      return [response.status, response.headers.get('content-range'), response.status === 416 ? '' : await response.text()];
    };
    assert.deepEqual(await part('bytes=4-9'), [206, 'bytes 4-9/10', '456789']);
    assert.deepEqual(await part('bytes=4-'), [206, 'bytes 4-9/10', '456789']);
    assert.deepEqual(await part('bytes=8-400'), [206, 'bytes 8-9/10', '89']);
    assert.deepEqual(await part('bytes=-3'), [206, 'bytes 7-9/10', '789']);
    assert.deepEqual(await part('bytes=10-'), [416, 'bytes */10', '']);
    assert.deepEqual(await part('bytes=0-1,4-5'), [200, null, '0123456789']);
    assert.deepEqual(await part('lines=1-2'), [200, null, '0123456789']);
  });

  test('bytes that are not what their address says are refused and leave nothing', async () => {
    const { oid } = objectOf('what was announced');
    assert.match(await refused(await put('vision', oid, 'something else'), 422), /have the SHA-256 .*, not /);
    const [{ actions }] = await batch('vision', 'upload', [objectOf('what was announced')]);
    assert.ok(actions !== undefined, 'it has still to come');
    assert.match(await refused(await put('vision', 'nonsense', 'x'), 422), /is no oid/);
    assert.match(await refused(await post('vision/objects/verify', objectOf('what was announced')), 404), /has not arrived/);
  });

  test('whoever is refused in the middle of a large upload reads why', async () => {
    const { oid } = objectOf('small');
    // More than the buffers of both sides hold, to a caller that sends all before it reads.
    const refusedEarly = await fetch(`${bench.address}/lfs/vision/objects/${oid}`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${bench.tokens.stakeholder}` },
      body: new Uint8Array(32 * 1024 * 1024),
    });
    assert.match(await refused(refusedEarly, 403), /"build"/);
  });

  test('an upload that ends early leaves nothing', async () => {
    const { oid } = objectOf('a long object');
    const { hostname, port } = new URL(bench.address);
    const socket = connect(Number(port), hostname);
    const head = `PUT /lfs/vision/objects/${oid} HTTP/1.1\r\nhost: ${hostname}:${port}\r\nauthorization: Bearer ${scientist}\r\n`;
    await new Promise((resolve) => socket.write(`${head}content-length: 13\r\n\r\na long`, resolve));
    socket.destroy();
    const [{ actions }] = await batch('vision', 'upload', [objectOf('a long object')]);
    assert.ok(actions?.['upload'] !== undefined);
    assert.equal((await put('vision', oid, 'a long object')).status, 200);
  });

  test('who brings no token is asked for one; who brings a wrong one, or may not push, is told', async () => {
    const object = objectOf('x');
    const upload = { operation: 'upload', objects: [object] };
    const batchAs = (authorization: string | undefined): Promise<Response> => {
      const headers = { accept: mediaType, 'content-type': mediaType, ...(authorization === undefined ? {} : { authorization }) };
      return fetch(`${bench.address}/lfs/vision/objects/batch`, { method: 'POST', headers, body: JSON.stringify(upload) });
    };
    const asked = await batchAs(undefined);
    assert.equal(asked.headers.get('lfs-authenticate'), 'Basic realm="Gyre"');
    await refused(asked, 401);
    for (const authorization of [basic('gyre_nonsense'), 'Basic !!!', 'Bearer gyre_nonsense']) {
      // With 401, git-lfs would ask its helper again without end.
      assert.match(await refused(await batchAs(authorization), 403), /git credential reject/);
    }
    assert.match(
      await refused(await post('vision/objects/batch', upload, { token: bench.tokens.stakeholder }), 403),
      /permission "build" is needed/,
    );
    assert.match(await refused(await post('vision/locks/verify', {}, { token: bench.tokens.stakeholder }), 403), /"build"/);
    const denied = await bench.ask(`/lfs/vision/objects/${object.oid}`, {
      method: 'PUT',
      token: bench.tokens.stakeholder,
      headers: { 'content-type': 'a/b' },
      body: 'x',
    });
    assert.match(await refused(denied, 403), /"build"/);
  });

  test('what cannot be understood is said in the words of the protocol', async () => {
    assert.match(await refused(await post('vision/objects/batch', '{"operation":'), 422), /no JSON/);
    assert.match(await refused(await post('vision/objects/batch', { operation: 'destroy', objects: [] }), 422), /^body\/operation/);
    assert.match(await refused(await post('vision/objects/batch', { operation: 'upload', objects: [{ oid: 'x' }] }), 422), /size/);
    const sha512 = { operation: 'upload', objects: [], hash_algo: 'sha512' };
    assert.match(await refused(await post('vision/objects/batch', sha512), 409), /sha256 here, not by sha512/);
    const many = { operation: 'download', objects: Array.from({ length: 1001 }, () => objectOf('x')) };
    assert.match(await refused(await post('vision/objects/batch', many), 413), /at most 1000/);
    assert.match(await refused(await post('vision/objects/batch', {}, { headers: { accept: 'text/html' } }), 406), /git-lfs\+json/);
    assert.match(await refused(await post(`${'x'.repeat(129)}/objects/batch`, {}), 404), /no name of a repository/);
    assert.match(await refused(await ask('vision/nothing'), 404), /Git LFS has no GET \/lfs\/vision\/nothing/);
    assert.match(await refused(await ask('vision/locks', { headers: { origin: 'http://elsewhere.example' } }), 403), /elsewhere/);
  });

  test('lists no locks where nobody holds one', async () => {
    assert.deepEqual(await (await ask('vision/locks')).json(), { locks: [] });
    assert.deepEqual(await (await post('vision/locks/verify', {})).json(), { ours: [], theirs: [] });
  });

  test('a lock is held by one, listed in pages, known as ours or theirs, and released by its owner or by force', async () => {
    interface Lock {
      readonly id: string;
      readonly path: string;
      readonly owner: { readonly name: string };
    }
    const engineer = { token: bench.tokens['ml-engineer'] };
    const taken = await post('locked/locks', { path: 'data/a.bin', ref: { name: 'refs/heads/main' } });
    assert.equal(taken.status, 201);
    const { lock } = (await taken.json()) as { lock: Lock };
    assert.deepEqual([lock.path, lock.owner.name], ['data/a.bin', 'the-data-scientist']);
    const second = await post('locked/locks', { path: 'data/a.bin' }, engineer);
    assert.equal(second.status, 409);
    const answer = (await second.json()) as { lock: Lock; message: string };
    assert.equal(answer.lock.id, lock.id);
    assert.match(answer.message, /"data\/a\.bin" is locked by the-data-scientist since/);
    await post('locked/locks', { path: 'data/b.bin' }, engineer);

    const paths = async (query: string): Promise<readonly string[]> =>
      ((await (await ask(`locked/locks?${query}`)).json()) as { locks: readonly Lock[] }).locks.map(({ path }) => path);
    assert.deepEqual(await paths(''), ['data/a.bin', 'data/b.bin']);
    assert.deepEqual(await paths('path=data/b.bin'), ['data/b.bin']);
    assert.deepEqual(await paths(`id=${lock.id}`), ['data/a.bin']);
    const { next_cursor } = (await (await ask('locked/locks?limit=1')).json()) as { next_cursor: string };
    assert.deepEqual(await paths(`limit=1&cursor=${next_cursor}`), ['data/b.bin']);
    assert.match(await refused(await ask('locked/locks?limit=none'), 422), /limit/);
    const { ours, theirs } = (await (await post('locked/locks/verify', {})).json()) as { ours: readonly Lock[]; theirs: readonly Lock[] };
    assert.deepEqual([ours.map(({ path }) => path), theirs.map(({ path }) => path)], [['data/a.bin'], ['data/b.bin']]);
    assert.deepEqual(await (await ask('unlocked/locks')).json(), { locks: [] }, 'locks of a repository are its own');

    const listed = await bench.ask('/api/v1/lfs-repositories/locked/locks?limit=1', { token: bench.tokens.stakeholder });
    const { items, next } = (await listed.json()) as { items: readonly Lock[]; next?: string };
    assert.deepEqual(
      [items.map(({ path, owner }) => [path, owner.name]), next !== undefined],
      [[['data/a.bin', 'the-data-scientist']], true],
    );

    assert.match(await refused(await post(`locked/locks/${lock.id}/unlock`, {}, engineer), 403), /only they may unlock it/);
    assert.match(await refused(await post(`locked/locks/${lock.id}/unlock`, { force: true }, engineer), 403), /"administer"/);
    assert.equal((await post(`locked/locks/${lock.id}/unlock`, {})).status, 200);
    assert.match(await refused(await post(`locked/locks/${lock.id}/unlock`, {}), 404), /has no lock/);
    assert.deepEqual(await paths(''), ['data/b.bin']);
  });

  test('repositories are listed with the number and the size of their objects', async () => {
    await put('counted', objectOf('one').oid, 'one');
    await put('counted', objectOf('three').oid, 'three');
    const response = await bench.ask('/api/v1/lfs-repositories', { token: bench.tokens.stakeholder });
    const { items } = (await response.json()) as { items: readonly { repository: string; objects: number; bytes: number }[] };
    const found = items.find(({ repository }) => repository === 'counted');
    assert.deepEqual([found?.objects, found?.bytes], [2, 8]);
    assert.match(await (await bench.ask('/lfs')).text(), /git config lfs\.url/);
  });

  test('answers with addresses that lead back the way that the caller came', async () => {
    const request = { operation: 'upload', objects: [objectOf('by another way')] };
    const response = await post('vision/objects/batch', request, { headers: { 'x-forwarded-proto': 'https' } });
    const { objects } = (await response.json()) as { objects: readonly ObjectAnswer[] };
    assert.equal(
      objects[0].actions?.['upload'].href,
      `${bench.address.replace('http:', 'https:')}/lfs/vision/objects/${objectOf('by another way').oid}`,
    );
  });
});

describe('Git LFS on loopback, without a token', () => {
  test('pulls, and is asked for a token when it pushes', async () => {
    await using bench = await openBench({ allowLocal: true });
    const object = objectOf('public');
    const url = `${bench.address}/lfs/vision/objects`;
    const headers = { authorization: `Bearer ${bench.tokens['ml-engineer']}` };
    assert.equal((await fetch(`${url}/${object.oid}`, { method: 'PUT', headers, body: 'public' })).status, 200);
    const batch = (operation: string): Promise<Response> =>
      fetch(`${url}/batch`, { method: 'POST', headers: { accept: mediaType }, body: JSON.stringify({ operation, objects: [object] }) });
    assert.equal((await batch('download')).status, 200);
    assert.equal(await (await fetch(`${url}/${object.oid}`)).text(), 'public');
    const pushed = await batch('upload');
    assert.equal(pushed.status, 401);
    assert.equal(pushed.headers.get('lfs-authenticate'), 'Basic realm="Gyre"');
    assert.equal((await fetch(`${url}/${sha256('mine')}`, { method: 'PUT', body: 'mine' })).status, 401);
  });
});

describe('bodies that come slowly', () => {
  test('are given up with 408 when time is out, but for uploads of Git LFS', async () => {
    await using bench = await openBench({ bodyTimeoutMs: 60 });
    const authorization = `Bearer ${bench.tokens['data-scientist']}`;
    const begin = (method: string, path: string, piece: string): { sending: ClientRequest; answer: Promise<IncomingMessage> } => {
      const sending = request(`${bench.address}${path}`, { method, headers: { authorization, 'content-type': 'application/json' } });
      sending.write(piece);
      // The assertions that follow read what only an answer has.
      return { sending, answer: once(sending, 'response').then(([answer]) => answer as IncomingMessage) };
    };
    const patient = begin('PUT', `/lfs/vision/objects/${sha256('abc')}`, 'a');
    const slow = await begin('POST', '/api/v1/labels', '{"labels":').answer;
    assert.equal(slow.statusCode, 408);
    assert.match(Buffer.concat(await slow.toArray()).toString(), /DEADLINE_EXCEEDED/);
    patient.sending.end('bc');
    assert.equal((await patient.answer).statusCode, 200);
  });
});
