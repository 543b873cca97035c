import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { hasCode, manualClock, seeded } from '#core';
import type { ErrorCode } from '#core';
import { openObjectStore } from '../objects/open.ts';
import type { ObjectStore } from '../objects/port.ts';
import type { S3Connection, S3World } from './connection.ts';
import { backoffMs } from './connection.ts';
import { versionOf } from './download.ts';
import { startFaultProxy } from './fault-proxy.ts';
import type { FaultProxy } from './fault-proxy.ts';
import { renewObject } from './renew.ts';
import { s3Missing, testBucket, testWorld } from './testing.ts';

const mebibyte = 1024 * 1024;
const refusal = (status: string, word: string, headers = '', more = ''): { readonly answer: string } => {
  const body = `<?xml version="1.0"?><Error><Code>${word}</Code><Message>not now</Message>${more}</Error>`;
  return { answer: `HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: ${body.length}\r\n${headers}\r\n${body}` };
};
const fails =
  (code: ErrorCode, ...words: readonly RegExp[]) =>
  (error: unknown): boolean => {
    assert.ok(hasCode(error, code), String(error));
    for (const word of words) assert.match(error.message, word);
    assert.ok(!/gyre-test-secret|hush/.test(`${error.message} ${JSON.stringify(error.details)}`));
    return true;
  };

const random = seeded(3);

test('waits between attempts double up to a bound, and each is anything up to it', () => {
  const most = { next: () => 1, int: () => 0, normal: () => 0, shuffle: () => undefined };
  assert.deepEqual(
    [1, 2, 3, 9, 30].map((attempt) => backoffMs(attempt, most)),
    [100, 200, 400, 20_000, 20_000],
  );
  const waits = Array.from({ length: 1000 }, () => backoffMs(3, random));
  assert.ok(Math.min(...waits) < 20 && Math.max(...waits) > 380);
});

describe('a bucket behind a bad connection', { skip: s3Missing ?? false }, () => {
  let place: Awaited<ReturnType<typeof testBucket>>;
  let proxy: FaultProxy;
  let folder: string;
  let waits: number[];
  const opened: ObjectStore[] = [];
  const large = Buffer.alloc(40 * mebibyte);
  for (let i = 0; i < large.length; i += 4096) large.writeUInt32LE(i, i);
  const sha256 = createHash('sha256').update(large).digest('hex');
  beforeEach(async () => {
    place = await testBucket();
    proxy = await startFaultProxy(place.connection.endpoint ?? '');
    folder = await mkdtemp(join(tmpdir(), 'gyre-s3-faults-'));
    waits = [];
  });
  afterEach(async () => {
    for (const store of opened.splice(0)) await store[Symbol.asyncDispose]();
    await proxy[Symbol.asyncDispose]();
    await place[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });
  const open = (connection: Partial<S3Connection> = {}, world: Partial<S3World> = {}, bucket = place.bucket): ObjectStore => {
    const sleep = (ms: number): Promise<void> => Promise.resolve(void waits.push(ms));
    const s3 = { connection: { ...place.connection, endpoint: proxy.endpoint, ...connection }, world: { ...testWorld, sleep, ...world } };
    const store = openObjectStore(`s3://${bucket}`, { s3 });
    opened.push(store);
    return store;
  };
  const putLarge = async (): Promise<void> => {
    await writeFile(join(folder, 'large'), large);
    await open({ endpoint: place.connection.endpoint ?? '' }).putFile('large', join(folder, 'large'));
  };

  test('trouble that passes is met by trying again, later and later; a refusal never', async () => {
    const objects = open();
    proxy.faults.push(
      refusal('503 Slow Down', 'SlowDown'),
      refusal('500 Oh', 'InternalError'),
      { breakUpAfter: 0 },
      refusal('429 Too Many', ''),
    );
    await objects.put('key', Buffer.from('bytes'));
    assert.equal(Buffer.from(await objects.read('key')).toString(), 'bytes');
    assert.equal(waits.length, 4);
    for (const status of ['400 Bad', '403 No', '405 Never', '501 Never']) {
      // A connection of its own, so that the fault meets it.
      const own = open();
      const { connections } = proxy.seen;
      proxy.faults.push(refusal(status, 'Whatever'));
      await assert.rejects(own.put('key', Buffer.from('x')));
      assert.equal(proxy.seen.connections, connections + 1, status);
    }
    assert.equal(waits.length, 4);
  });

  test('a service that stays away is UNAVAILABLE after the last attempt', async () => {
    const objects = open({ attempts: 4 });
    for (let i = 0; i < 4; i++) proxy.faults.push(refusal('503 Slow Down', 'SlowDown'));
    await assert.rejects(objects.put('key', Buffer.from('x')), fails('UNAVAILABLE', /503 SlowDown/));
    await proxy.close();
    await assert.rejects(Array.fromAsync(objects.list()), fails('UNAVAILABLE', /nobody answers/));
    assert.equal(waits.length, 6);
  });

  test('an upload whose connections break comes through whole', async () => {
    const path = join(folder, 'large');
    await writeFile(path, large);
    // The first connection asks for what is there, begins the upload, and sends parts.
    proxy.faults.push(
      { breakUpAfter: 3 * mebibyte },
      { breakUpAfter: 5 * mebibyte },
      { breakUpAfter: 9 * mebibyte },
      { breakUpAfter: 100 },
    );
    await open().putFile('large', path, { sha256 });
    const objects = open();
    assert.equal((await objects.stat('large'))?.size, large.length);
    assert.ok(large.equals(await objects.read('large')));
    assert.ok(waits.length >= 3);
  });

  test('a download whose connection breaks goes on where it broke', async () => {
    await putLarge();
    proxy.faults.push({ breakDownAfter: 10 * mebibyte }, { breakDownAfter: 5 * mebibyte }, { breakDownAfter: mebibyte });
    const objects = open();
    await objects.getFile('large', join(folder, 'out'), { sha256 });
    assert.ok(large.equals(await readFile(join(folder, 'out'))));
    assert.equal(waits.length, 3);
    proxy.faults.push({ breakDownAfter: 20 * mebibyte });
    assert.ok(large.equals(Buffer.concat(await Array.fromAsync(await open().open('large')))));
  });

  test('a part of a download that a process left is gone on with, and checked whole', async () => {
    await putLarge();
    for (const spoil of [false, true]) {
      proxy.faults.push({ breakDownAfter: 30 * mebibyte });
      await assert.rejects(open({ attempts: 1 }).getFile('large', join(folder, 'out'), { sha256 }), fails('UNAVAILABLE'));
      const [part] = (await readdir(folder)).filter((name) => name.endsWith('.part'));
      const bytes = await readFile(join(folder, part));
      assert.ok(bytes.length > mebibyte && bytes.length < large.length);
      if (spoil) await writeFile(join(folder, part), bytes.fill(9));
      await open().getFile('large', join(folder, 'out'), { sha256 });
      assert.ok(large.equals(await readFile(join(folder, 'out'))));
      assert.deepEqual((await readdir(folder)).toSorted(), ['large', 'out']);
    }
  });

  test('an object that changes while it is read is not mixed', async () => {
    await putLarge();
    const stream = await open().open('large');
    await open().put('large', Buffer.from('another'));
    await assert.rejects(Array.fromAsync(stream), fails('ABORTED', /changed/));
  });

  test('killed while it sends parts, the next attempt sends only what is missing', async () => {
    const path = join(folder, 'large');
    await writeFile(path, large);
    const program = `
      import { openObjectStore } from ${JSON.stringify(fileURLToPath(import.meta.resolve('../objects/open.ts')))};
      import { seeded, systemClock } from ${JSON.stringify(fileURLToPath(import.meta.resolve('#core')))};
      const [address, path, connection] = process.argv.slice(1);
      const s3 = { connection: JSON.parse(connection), world: { clock: systemClock, random: seeded(1) } };
      await openObjectStore(address, { s3 }).putFile('large', path, { onBytes: () => console.log('a part is there') });
    `;
    const args = [
      '--input-type=module',
      '-e',
      program,
      `s3://${place.bucket}`,
      path,
      JSON.stringify({ ...place.connection, endpoint: proxy.endpoint }),
    ];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await once(child, 'exit');
    const objects = open();
    assert.equal(await objects.stat('large'), undefined, 'half an object is none');
    const before = proxy.seen.up;
    let told = 0;
    await objects.putFile('large', path, { sha256, onBytes: (bytes) => (told += bytes) });
    assert.equal(told, large.length);
    const sent = proxy.seen.up - before;
    assert.ok(sent < large.length - 7 * mebibyte, `${sent} bytes were sent again`);
    assert.ok(large.equals(await objects.read('large')));
    // Nothing is left of it: neither parts nor uploads.
    const { text } = await place.client.text({ method: 'GET', query: { uploads: '' } });
    assert.ok(!text.includes('<UploadId>'));
  });

  test('parts of other bytes are not taken for those of this file', async () => {
    const other = join(folder, 'other');
    await writeFile(other, Buffer.alloc(large.length, 5));
    const stopping = new AbortController();
    const half = { signal: stopping.signal, onBytes: () => stopping.abort() };
    await assert.rejects(open().putFile('large', other, half), fails('CANCELLED'));
    await writeFile(join(folder, 'large'), large);
    await open().putFile('large', join(folder, 'large'), { sha256 });
    assert.ok(large.equals(await open().read('large')));
  });

  test('an object beyond what one copy takes is renewed in parts', async () => {
    await putLarge();
    const { headers, body } = await place.client.send({ method: 'HEAD', key: 'large' });
    body.resume();
    const version = versionOf('large', headers);
    assert.equal(await renewObject(place.client, version, { single: 1, part: 16 * mebibyte }), true);
    assert.ok(large.equals(await open().read('large')));
    assert.equal(await renewObject(place.client, { ...version, key: 'nothing' }), false);
  });

  test('says which setting is wrong, and never a secret', async () => {
    const accessKeyId = place.connection.credentials?.accessKeyId ?? '';
    const wrong = (credentials: S3Connection['credentials'], world: Partial<S3World> = {}, bucket = place.bucket) =>
      open(credentials === undefined ? {} : { credentials }, world, bucket);
    const put = (objects: ObjectStore) => objects.put('key', Buffer.from('x'));
    await assert.rejects(put(wrong({ accessKeyId, secretAccessKey: 'hush' })), fails('UNAUTHENTICATED', /AWS_SECRET_ACCESS_KEY/));
    await assert.rejects(wrong({ accessKeyId, secretAccessKey: 'hush' }).stat('key'), fails('UNAUTHENTICATED', /AWS_SECRET_ACCESS_KEY/));
    await assert.rejects(put(wrong({ accessKeyId: 'nobody', secretAccessKey: 'hush' })), fails('UNAUTHENTICATED', /AWS_ACCESS_KEY_ID/));
    for (const ask of [
      put,
      (objects: ObjectStore) => objects.stat('key'),
      (objects: ObjectStore) => Array.fromAsync(objects.list()),
      (objects: ObjectStore) => objects.delete('key'),
    ]) {
      await assert.rejects(ask(wrong(undefined, {}, 'no-such-bucket-of-gyre')), fails('NOT_FOUND', /no bucket "no-such-bucket-of-gyre"/));
    }
    await assert.rejects(put(wrong(undefined, { clock: manualClock(Date.now() - 3_600_000) })), fails('FAILED_PRECONDITION', /clock/));
    const anonymous = openObjectStore(`s3://${place.bucket}`, { s3: { connection: { endpoint: proxy.endpoint }, world: testWorld } });
    opened.push(anonymous);
    await assert.rejects(put(anonymous), fails('PERMISSION_DENIED', /without credentials: set AWS_ACCESS_KEY_ID/));
    proxy.faults.push(refusal('301 Moved', 'PermanentRedirect', 'x-amz-bucket-region: eu-west-1\r\n'));
    await assert.rejects(put(open()), fails('FAILED_PRECONDITION', /region eu-west-1, not in us-east-1: .*AWS_REGION=eu-west-1/));
    proxy.faults.push(refusal('400 Bad Request', 'AuthorizationHeaderMalformed', '', '<Region>ap-south-1</Region>'));
    await assert.rejects(put(open()), fails('FAILED_PRECONDITION', /region ap-south-1/));
  });
});
