import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { DatasetImages } from '#contract';
import { openBench } from './testing.ts';
import type { Bench } from './testing.ts';
import { ingestImages } from './testing-images.ts';

describe('images over HTTP', () => {
  let bench: Bench;
  let images: Awaited<ReturnType<typeof ingestImages>>;
  const hidden = ['path', 'label', 'pixels'];
  before(async () => {
    bench = await openBench();
    images = await ingestImages(bench, hidden);
  });
  after(() => bench[Symbol.asyncDispose]());
  const ask = (path: string, headers: Record<string, string> = {}): Promise<Response> =>
    bench.ask(`/api/v1/datasets/${images.version}/images/${path}`, { token: bench.tokens.admin, headers });

  test('come under the type of their content, unchangeable, and in a sandbox', async () => {
    const response = await ask(images.sha256);
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('content-type'), 'image/jpeg');
    assert.equal(response.headers.get('x-content-type-options'), 'nosniff');
    assert.match(response.headers.get('content-security-policy') ?? '', /^sandbox; default-src 'none'/);
    assert.match(response.headers.get('cache-control') ?? '', /private.*immutable/);
    assert.equal((await response.arrayBuffer()).byteLength, 3784);
  });

  test('are not sent again to who has them', async () => {
    for (const path of [images.sha256, `${images.sha256}/thumbnail?size=60`]) {
      const etag = (await ask(path)).headers.get('etag') ?? '';
      const again = await ask(path, { 'if-none-match': etag });
      assert.deepEqual([again.status, (await again.text()).length], [304, 0]);
    }
  });

  test('that are programs are sent to be kept, never shown', async () => {
    const response = await ask(images.svg);
    assert.equal(response.headers.get('content-type'), 'application/octet-stream');
    assert.match(response.headers.get('content-disposition') ?? '', /^attachment/);
    assert.equal((await ask(`${images.svg}/thumbnail`)).status, 409);
  });

  test('of other versions, and other blobs, are not found; a thumbnail of no sensible size is refused', async () => {
    const { rowsDigest } = await bench.deps.data.get(images.version);
    assert.equal((await ask(rowsDigest)).status, 404);
    assert.equal((await ask('0'.repeat(64))).status, 404);
    assert.equal((await ask('..%2f..%2fsecrets')).status, 400);
    for (const size of ['0', '513', 'x']) assert.equal((await ask(`${images.sha256}/thumbnail?size=${size}`)).status, 400, size);
  });

  test('that are personal data are hidden from whoever may not see these, and whoever sees them is on record', async () => {
    const { deps, tokens } = bench;
    const digest = images.secret;
    const list = async (role: keyof Bench['tokens'], query = ''): Promise<Response> =>
      bench.ask(`/api/v1/datasets/${digest}/images${query}`, { token: tokens[role] });
    const seen = (await (await list('stakeholder')).json()) as DatasetImages;
    assert.deepEqual([seen.masked, seen.labels, seen.items[0]?.path, seen.items[0]?.label], [hidden, [], '***', '***']);
    assert.equal((await list('stakeholder', '?label=photo')).status, 403);
    const picture = (role: keyof Bench['tokens'], more = ''): Promise<Response> =>
      bench.ask(`/api/v1/datasets/${digest}/images/${images.sha256}${more}`, { token: tokens[role] });
    assert.deepEqual([(await picture('admin')).status, (await picture('admin', '/thumbnail')).status], [403, 403]);
    assert.equal((await picture('data-steward')).status, 200);
    const whole = (await (await list('data-steward', '?label=photo')).json()) as DatasetImages;
    assert.deepEqual([whole.masked, whole.total], [[], 3]);
    const looks = (await deps.events.read({ limit: 1000 })).filter(({ type }) => type === 'dev.gyre.personal_data.seen.v1');
    assert.deepEqual(
      looks.map(({ data }) => data),
      [['pixels'], ['path', 'label']].map((seenColumns) => ({ dataset: 'secret', digest, columns: seenColumns, how: 'images' })),
    );
  });
});
