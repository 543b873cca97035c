import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { DatasetVersion, VersionFiles } from '#contract';
import { openBench } from './testing.ts';
import type { Bench } from './testing.ts';
import { ingestImages } from './testing-images.ts';

describe('files of versions over HTTP', () => {
  let bench: Bench;
  let images: Awaited<ReturnType<typeof ingestImages>>;
  before(async () => {
    bench = await openBench();
    images = await ingestImages(bench, ['path', 'pixels']);
  });
  after(() => bench[Symbol.asyncDispose]());
  const ask = (path: string, headers: Record<string, string> = {}, token = bench.tokens.admin): Promise<Response> =>
    bench.ask(`/api/v1/datasets/${path}`, { token, headers });

  test('are named by digest, by its beginning and by name, and come as they were, to be kept', async () => {
    const { dataset } = (await (await ask(images.version)).json()) as DatasetVersion;
    for (const name of [images.version, images.version.slice(0, 8), dataset, `${dataset}@${images.version.slice(0, 8)}`]) {
      const { total, items } = (await (await ask(`${encodeURIComponent(name)}/files?extension=.svg`)).json()) as VersionFiles;
      assert.deepEqual([total, items[0].sha256, items[0].isPicture], [1, images.svg, false]);
    }
    const response = await ask(`${images.version}/files/${images.sha256}`);
    assert.equal(response.headers.get('content-type'), 'application/octet-stream');
    assert.match(response.headers.get('content-disposition') ?? '', /^attachment; filename\*=UTF-8''hat\.jpg$/);
    assert.match(response.headers.get('content-security-policy') ?? '', /^sandbox/);
    assert.equal((await response.arrayBuffer()).byteLength, 3784);
    const again = await ask(`${images.version}/files/${images.sha256}`, { 'if-none-match': response.headers.get('etag') ?? '' });
    assert.equal(again.status, 304);
  });

  test('that are none of the version are not given, whatever is stored, and thumbnails are of pictures alone', async () => {
    assert.equal((await ask(`${images.version}/files/${'0'.repeat(64)}`)).status, 404);
    const rows = ((await (await ask(images.version)).json()) as DatasetVersion).rowsDigest;
    assert.equal((await ask(`${images.version}/files/${rows}`)).status, 404);
    assert.equal((await ask(`${images.version}/files/${images.svg}/thumbnail`)).status, 409);
    assert.equal((await ask(`${images.version}/files/${images.sha256}/thumbnail?size=60`)).headers.get('content-type'), 'image/jpeg');
  });

  test('whose paths or contents are personal are hidden from whoever may not see them, and who saw them is in the audit log', async () => {
    const may = bench.tokens['data-steward'];
    const mayNot = bench.tokens.qa;
    const hidden = (await (await ask(`${images.secret}/files`, {}, mayNot)).json()) as VersionFiles;
    assert.deepEqual([hidden.items[0].path, hidden.masked, hidden.extensions], ['***', ['path', 'pixels'], []]);
    assert.equal((await ask(`${images.secret}/files?match=hat`, {}, mayNot)).status, 403);
    assert.equal((await ask(`${images.secret}/files/${images.sha256}`, {}, mayNot)).status, 403);
    const seen = (await (await ask(`${images.secret}/files`, {}, may)).json()) as VersionFiles;
    assert.match(seen.items[0].path, /\.jpg$/);
    assert.equal((await ask(`${images.secret}/files/${images.sha256}`, {}, may)).status, 200);
    const events = await bench.deps.events.read({ types: ['dev.gyre.personal_data.seen.v1'] });
    assert.ok(events.some(({ data }) => JSON.stringify(data).includes('"how":"files"')));
  });
});
