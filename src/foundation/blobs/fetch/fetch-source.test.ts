import assert from 'node:assert/strict';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { hasCode } from '#core';
import type { ErrorCode } from '#core';
import { testWorld } from '../s3/testing.ts';
import { allowedHosts } from './allowed-hosts.ts';
import { fetchSource } from './fetch-source.ts';
import type { FetchOptions, FetchSettings } from './fetch-source.ts';
import { startSourceServer } from './source-server.ts';
import type { SourceServer } from './source-server.ts';

const large = Buffer.alloc(6_000_000);
for (let i = 0; i < large.length; i += 4000) large.writeUInt32LE(i, i);
const fails =
  (code: ErrorCode, ...words: readonly RegExp[]) =>
  (error: unknown) =>
    hasCode(error, code) && words.every((word) => word.test(error.message));

describe('fetching a source over HTTP', () => {
  let server: SourceServer;
  let folder: string;
  let path: string;
  beforeEach(async () => {
    server = await startSourceServer(large);
    folder = await mkdtemp(join(tmpdir(), 'gyre-fetch-'));
    path = join(folder, 'file');
  });
  afterEach(async () => {
    await server[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });
  const settings = (more: Partial<FetchSettings> = {}): FetchSettings => ({
    hosts: '127.0.0.1',
    hostsSetting: 'GYRE_FETCH_HOSTS',
    world: testWorld,
    maxBytes: 100_000_000,
    timeoutMs: 60_000,
    ...more,
  });
  const fetched = (more?: Partial<FetchSettings>, options?: FetchOptions) =>
    fetchSource(`${server.address}/data.csv`, path, settings(more), options);
  const holds = async (bytes: Buffer): Promise<void> => {
    assert.ok(bytes.equals(await readFile(path)));
    assert.deepEqual(await readdir(folder), ['file']);
  };
  const ranges = (): readonly unknown[] => server.asked.map(({ headers }) => headers.range);

  test('says the version, and afterwards that nothing is new, without fetching it again', async () => {
    const first = await fetched();
    const version = { etag: 'one', lastModified: 'Sat, 28 Nov 2026 10:00:00 GMT', size: 6_000_000 };
    assert.deepEqual(first, { isNew: true, address: `${server.address}/data.csv`, version });
    await holds(large);
    for (const etag of ['one', undefined]) {
      server.etag = etag;
      const known = etag === undefined ? { lastModified: version.lastModified, size: version.size } : version;
      assert.deepEqual(await fetched({}, { known }), { isNew: false, address: `${server.address}/data.csv` });
      assert.equal(server.asked.at(-1)?.status, 304);
    }
    server.content = Buffer.from('newer');
    server.etag = 'two';
    assert.ok((await fetched({}, { known: version })).isNew);
    await holds(server.content);
  });

  test('a server that forgets conditions is believed by its headers, one without versions never', async () => {
    server.etag = 'W/weak';
    const known = { etag: 'W/weak', lastModified: 'other' };
    assert.equal((await fetched({}, { known })).isNew, false);
    server.etag = undefined;
    server.lastModified = undefined;
    assert.equal((await fetched({}, { known: { size: large.length } })).isNew, true);
  });

  test('a connection that breaks is gone on with where it broke', async () => {
    server.mishaps.push({ breakAfter: 2_000_000 }, { breakAfter: 1_000_000 }, { status: 503 }, { breakAfter: 10 });
    await fetched();
    await holds(large);
    const [first, ...later] = server.asked;
    assert.equal(first.headers.range, undefined);
    assert.ok(
      later.length >= 4 && later.every(({ headers }) => headers['if-match'] === '"one"' && /^bytes=\d{4,}-$/.test(headers.range ?? '')),
    );
  });

  test('a part that a process left behind is gone on with by the next', async () => {
    server.mishaps.push({ breakAfter: 5_000_000 });
    await assert.rejects(fetched({ attempts: 1 }), fails('UNAVAILABLE', /cannot be reached/));
    const [part] = await readdir(folder);
    assert.match(part, /^file\.[0-9a-f]{12}\.part$/);
    const { length } = await readFile(join(folder, part));
    assert.ok(length > 0 && length <= 5_000_000);
    await fetched();
    await holds(large);
    assert.equal(ranges().at(-1), `bytes=${length}-`);
  });

  test('a part of another version is not gone on with', async () => {
    server.mishaps.push({ breakAfter: 5_000_000 });
    await assert.rejects(fetched({ attempts: 1 }), fails('UNAVAILABLE'));
    server.content = Buffer.from(large).fill(1, 100, 200);
    server.etag = 'two';
    await fetched();
    assert.ok(server.content.equals(await readFile(path)));
    assert.equal(ranges().at(-1), undefined);
  });

  test('what changes while it is fetched is begun anew, and never mixed', async () => {
    const next = Buffer.alloc(7_000_000, 2);
    server.mishaps.push({ breakAfter: 3_000_000, become: next });
    const result = await fetched();
    assert.equal(result.isNew && result.version.etag, 'one+');
    await holds(next);
  });

  test('what changes faster than it can be fetched fails whole', async () => {
    await writeFile(path, 'as it was');
    for (let i = 0; i < 3; i++) server.mishaps.push({ breakAfter: 3_000_000, become: Buffer.alloc(6_000_000, i) }, { status: 412 });
    await assert.rejects(fetched(), fails('ABORTED', /changed while it was fetched/));
    await holds(Buffer.from('as it was'));
  });

  test('without ranges or versions a broken connection fails whole', async () => {
    for (const [name, prepare] of [
      ['ignores ranges', () => (server.ranges = false)],
      ['has no version', () => ((server.etag = undefined), (server.lastModified = undefined))],
      ['says no length', () => (server.length = false)],
    ] as const) {
      prepare();
      for (let i = 0; i < 20; i++) server.mishaps.push({ breakAfter: 1_000_000 });
      await assert.rejects(fetched(), (error) => hasCode(error, 'UNAVAILABLE') || hasCode(error, 'ABORTED'), name);
      assert.deepEqual(await readdir(folder), [], name);
      server.mishaps.length = 0;
      await fetched();
      await holds(large);
      await rm(path);
    }
  });

  test('the size is bounded, said or not', async () => {
    for (const length of [true, false]) {
      server.length = length;
      await assert.rejects(fetched({ maxBytes: 5_999_999 }), fails('RESOURCE_EXHAUSTED', /at most 5999999/));
      assert.deepEqual(await readdir(folder), []);
    }
    await fetched({ maxBytes: 6_000_000 });
  });

  test('the time is bounded', async () => {
    const waits = {
      world: {
        ...testWorld,
        sleep: (_ms: number, signal?: AbortSignal) =>
          new Promise<void>((_, reject) => signal?.addEventListener('abort', () => reject(new Error('stopped')))),
      },
    };
    server.mishaps.push({ status: 503 });
    await assert.rejects(fetched({ timeoutMs: 50, ...waits }), fails('DEADLINE_EXCEEDED', /data\.csv did not come within/));
    await assert.rejects(fetched({}, { signal: AbortSignal.abort() }), fails('CANCELLED'));
  });

  test('says what the server answered', async () => {
    for (const [status, code] of [
      [404, 'NOT_FOUND'],
      [401, 'UNAUTHENTICATED'],
      [403, 'PERMISSION_DENIED'],
      [418, 'FAILED_PRECONDITION'],
    ] as const) {
      server.mishaps.push({ status });
      await assert.rejects(fetched(), fails(code, /data\.csv/, new RegExp(String(status))));
    }
    for (let i = 0; i < 5; i++) server.mishaps.push({ status: 503 });
    await assert.rejects(fetched(), fails('UNAVAILABLE', /503/));
    assert.equal(server.asked.length, 9);
    await server[Symbol.asyncDispose]();
    await assert.rejects(fetched(), fails('UNAVAILABLE', /nobody answers/));
    assert.deepEqual(await readdir(folder), []);
  });

  test('follows redirects, but takes credentials to no other origin, and leaves the web for nothing', async () => {
    await using other = await startSourceServer(Buffer.from('elsewhere'));
    const to = (location: string) => ({ status: 302, headers: { location } });
    const credentials = { authorization: 'Bearer hush' };
    server.mishaps.push(to('/moved'), to(`${other.address}/there`));
    await fetched({}, { credentials });
    await holds(Buffer.from('elsewhere'));
    assert.deepEqual(
      server.asked.map(({ headers }) => headers.authorization),
      ['Bearer hush', 'Bearer hush'],
    );
    assert.deepEqual(
      other.asked.map(({ headers }) => headers.authorization),
      [undefined],
    );
    for (const [location, code] of [
      ['file:///etc/passwd', 'FAILED_PRECONDITION'],
      ['http://169.254.169.254/latest/meta-data', 'PERMISSION_DENIED'],
      [`http://localhost:${other.port}/`, 'PERMISSION_DENIED'],
    ] as const) {
      server.mishaps.push(to(location));
      await assert.rejects(fetched(), fails(code));
    }
    assert.equal(other.asked.length, 1);
    for (let i = 0; i < 6; i++) server.mishaps.push(to('/again'));
    await assert.rejects(fetched(), fails('FAILED_PRECONDITION', /more than 5 times/));
  });

  test('goes to the public internet only, unless the setting names a host', async () => {
    const private_ = [
      'http://127.0.0.1/',
      'http://2130706433/',
      'http://localhost/',
      'http://[::1]/',
      'http://[::ffff:127.0.0.1]/',
      'http://10.0.0.1/',
      'http://172.16.3.4/',
      'http://192.168.1.1/',
      'http://169.254.169.254/latest/meta-data/',
      'http://100.64.0.1/',
      'http://[fd00::1]/',
      'http://[fe80::1]/',
      'http://[64:ff9b::7f00:1]/',
      'http://0.0.0.0/',
    ];
    for (const address of private_) {
      await assert.rejects(
        fetchSource(address, path, settings({ hosts: 'public' })),
        fails('PERMISSION_DENIED', /GYRE_FETCH_HOSTS \(now "public"\)/),
        address,
      );
    }
    const hosts = allowedHosts('public', 'GYRE_FETCH_HOSTS');
    for (const host of ['example.org', '8.8.8.8', '172.32.0.1', '[2606:4700:4700::1111]']) hosts.require(host, '443');
    const name = `http://localhost:${server.port}/x`;
    for (const hosts of ['public, localhost', `localhost:${server.port}`, 'public,127.0.0.0/8', '::1,127.0.0.0/8']) {
      assert.ok((await fetchSource(name, path, settings({ hosts }))).isNew, hosts);
    }
    for (const hosts of ['', 'localhost:1', '*.localhost', 'example.org', '10.0.0.0/8']) {
      await assert.rejects(fetchSource(name, path, settings({ hosts })), fails('PERMISSION_DENIED', /localhost/), hosts);
    }
    await assert.rejects(fetchSource(name, path, settings({ hosts: 'http://x' })), fails('INVALID_ARGUMENT', /GYRE_FETCH_HOSTS/));
  });

  test('what is secret in an address is neither recorded nor said', async () => {
    const secret = `${server.address}/data.csv?part=1&X-Amz-Signature=hush&token=hush#hush`;
    const result = await fetchSource(secret, path, settings());
    assert.equal(result.address, `${server.address}/data.csv?part=1&X-Amz-Signature=***&token=***`);
    assert.equal(server.asked.at(-1)?.path, '/data.csv?part=1&X-Amz-Signature=hush&token=hush');
    server.mishaps.push({ status: 404 });
    const silent = (error: unknown): boolean => error instanceof Error && !error.message.includes('hush');
    await assert.rejects(fetchSource(secret, path, settings()), silent);
    for (const address of [
      `http://me:hush@127.0.0.1:${server.port}/`,
      'ftp://me:hush@host/',
      'hush',
      's3://me:hush@bucket/key',
      's3://bucket',
    ]) {
      await assert.rejects(fetchSource(address, path, settings()), (error) => silent(error) && hasCode(error, 'INVALID_ARGUMENT'), address);
    }
  });
});
