import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { openBench } from './testing.ts';
import type { Bench } from './testing.ts';
import { ingestImages } from './testing-images.ts';
import type { ImageRecords } from './testing-images.ts';

describe('images over HTTP', () => {
  let bench: Bench;
  let images: ImageRecords;
  before(async () => {
    bench = await openBench();
    images = await ingestImages(bench);
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
});
