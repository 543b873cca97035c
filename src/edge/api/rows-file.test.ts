import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { sha256 } from '#core';
import { readCsv, readParquet, toRecords } from '#tables';
import type { Frame } from '#tables';
import { ingestCustomers } from './testing-data.ts';
import { openBench } from './testing.ts';
import type { Bench } from './testing.ts';

describe('the rows of a version as a Parquet file', () => {
  let bench: Bench;
  let digest = '';
  const path = (name = digest): string => `/api/v1/datasets/${name}/rows.parquet`;
  const ask = (
    role: keyof Bench['tokens'],
    options: { readonly headers?: Record<string, string>; readonly method?: string } = {},
    of = digest,
  ) => bench.ask(path(of), { token: bench.tokens[role], ...options });
  before(async () => {
    bench = await openBench();
    digest = await ingestCustomers(bench);
  });
  after(() => bench[Symbol.asyncDispose]());
  const frameOf = async (bytes: Uint8Array): Promise<Frame> => {
    const folder = await mkdtemp(join(tmpdir(), 'gyre-file-'));
    try {
      await writeFile(join(folder, 'rows.parquet'), bytes);
      return await readParquet(join(folder, 'rows.parquet'));
    } finally {
      await rm(folder, { recursive: true });
    }
  };

  test('is masked for whoever may not see personal data, in the same bytes each time; its ETag is the SHA-256 of its bytes', async () => {
    const whole = new Uint8Array(await (await ask('data-steward')).arrayBuffer());
    const [version] = (await bench.deps.data.list({ dataset: 'customers', part: null })).items;
    assert.equal(sha256(whole), version.rowsDigest);
    const response = await ask('data-scientist');
    assert.equal(response.headers.get('content-type'), 'application/vnd.apache.parquet');
    const masked = new Uint8Array(await response.arrayBuffer());
    assert.equal(response.headers.get('etag'), `"${sha256(masked)}"`);
    assert.deepEqual(new Uint8Array(await (await ask('stakeholder', {}, 'customers')).arrayBuffer()), masked);
    assert.deepEqual(new Uint8Array(await (await ask('admin', {}, `customers@${digest.slice(0, 8)}`)).arrayBuffer()), masked);
    const [seen, hidden] = [await frameOf(whole), await frameOf(masked)];
    assert.deepEqual(hidden.schema, seen.schema);
    assert.deepEqual([...new Set(hidden.texts('customerID').dictionary)], ['***']);
    assert.ok(hidden.numbers('SeniorCitizen').every((value) => Number.isNaN(value)));
    assert.deepEqual(hidden.numbers('tenure'), seen.numbers('tenure'));
    assert.ok(!Buffer.from(masked).includes('7590-VHVEG'));
    const page = (await (await bench.ask('/api/v1/events?first=newest&limit=100', { token: bench.tokens.stakeholder })).json()) as {
      items: readonly { readonly type: string; readonly data: { readonly how?: string } }[];
    };
    assert.equal(page.items.filter(({ type, data }) => type === 'dev.gyre.personal_data.seen.v1' && data.how === 'file').length, 1);
  });

  test('answers HEAD, parts, and that nothing has changed', async () => {
    const whole = Buffer.from(await (await ask('data-scientist')).arrayBuffer());
    const head = await ask('data-scientist', { method: 'HEAD' });
    assert.deepEqual(
      [head.status, head.headers.get('content-length'), head.headers.get('accept-ranges')],
      [200, String(whole.length), 'bytes'],
    );
    assert.equal((await head.arrayBuffer()).byteLength, 0);
    const etag = head.headers.get('etag') ?? '';
    const part = async (range: string, more: Record<string, string> = {}) => {
      const response = await ask('data-scientist', { headers: { range, ...more } });
      return [response.status, response.headers.get('content-range'), Buffer.from(await response.arrayBuffer())] as const;
    };
    const size = whole.length;
    assert.deepEqual(await part('bytes=4-9'), [206, `bytes 4-9/${size}`, whole.subarray(4, 10)]);
    assert.deepEqual(await part('bytes=-8'), [206, `bytes ${size - 8}-${size - 1}/${size}`, whole.subarray(-8)]);
    assert.deepEqual(await part(`bytes=${size}-`), [416, `bytes */${size}`, Buffer.alloc(0)]);
    assert.deepEqual((await part('bytes=0-3', { 'if-range': etag }))[0], 206);
    assert.deepEqual((await part('bytes=0-3', { 'if-range': '"other"' }))[0], 200);
    assert.equal((await ask('data-scientist', { headers: { 'if-none-match': `"x", ${etag}` } })).status, 304);
  });

  test('takes a token as the password of Basic, of what is read alone', async () => {
    const basic = { authorization: `Basic ${Buffer.from(`gyre:${bench.tokens['data-scientist']}`).toString('base64')}` };
    assert.equal((await bench.ask(path(), { headers: basic, method: 'HEAD' })).status, 200);
    const wrong = { authorization: `Basic ${Buffer.from('gyre:gyre_wrong').toString('base64')}` };
    assert.equal((await bench.ask(path(), { headers: wrong })).status, 401);
    const changed = await bench.ask('/api/v1/datasets', { method: 'POST', headers: basic, body: { dataset: 'customers' } });
    assert.equal(changed.status, 401);
  });

  test('of what is not there says so, also after a sweep took a masked file', async () => {
    assert.equal((await ask('data-scientist', {}, 'custmers')).status, 404);
    assert.equal((await ask('data-scientist', {}, 'customers@123456789')).status, 404);
    const etag = (await ask('data-scientist', { method: 'HEAD' })).headers.get('etag');
    const masked = etag?.replaceAll('"', '') ?? '';
    await bench.blobs.delete(masked as Parameters<typeof bench.blobs.delete>[0]);
    const again = await ask('data-scientist');
    assert.deepEqual([again.status, again.headers.get('etag')], [200, etag]);
    assert.equal(sha256(new Uint8Array(await again.arrayBuffer())), masked);
  });
});

describe('the rows of a version as text', () => {
  let bench: Bench;
  let digest = '';
  before(async () => {
    bench = await openBench();
    digest = await ingestCustomers(bench);
  });
  after(() => bench[Symbol.asyncDispose]());
  const ask = (role: keyof Bench['tokens'], format: string): Promise<Response> =>
    bench.ask(`/api/v1/datasets/customers/rows.${format}`, { token: bench.tokens[role] });

  test('are the same rows as in the Parquet file, masked in the same way', async () => {
    const version = await bench.deps.data.named(digest);
    const own = await readParquet(await bench.deps.data.rowsPath(digest));
    const csv = await ask('data-steward', 'csv');
    assert.equal(csv.headers.get('content-type'), 'text/csv; charset=utf-8');
    const { frame } = readCsv(new Uint8Array(await csv.arrayBuffer()));
    assert.deepEqual(toRecords(frame), toRecords(own));
    const lines = (await (await ask('data-steward', 'jsonl')).text()).trimEnd().split('\n');
    assert.deepEqual(
      lines.map((line) => JSON.parse(line) as unknown),
      toRecords(own),
    );
    const masked = await (await ask('data-scientist', 'csv')).text();
    assert.ok(!masked.includes('7590-VHVEG'));
    assert.equal(masked.split('\n').length, version.manifest.rows + 2);
    assert.match(masked, /^\*\*\*,/m);
    assert.equal((await ask('data-scientist', 'xlsx')).status, 404);
  });
});
