import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { fetchSource } from '#blobs';
import type { FetchedSource } from '#blobs';
import { seeded, sha256, systemClock } from '#core';
import type { DataDeps } from '../port.ts';
import { ada, openBench } from '../testing.ts';

const table = (rows: number): string => `id,t\n${Array.from({ length: rows }, (_, i) => `${i},text ${i}\n`).join('')}`;

const fetchFrom =
  (hosts: string): NonNullable<DataDeps['fetch']> =>
  async (address, path, options): Promise<FetchedSource> =>
    fetchSource(
      address,
      path,
      {
        hosts,
        hostsSetting: 'GYRE_FETCH_HOSTS',
        world: { clock: systemClock, random: seeded(1) },
        maxBytes: 1e9,
        timeoutMs: 30_000,
        attempts: 3,
      },
      options,
    );

async function serving(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<AsyncDisposable & { url: string }> {
  const server: Server = createServer(answer);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

describe('an address as a source', () => {
  test('is fetched once for each ETag, and recorded without its secrets', async () => {
    let content = Buffer.from(gzipSync(table(3)));
    const asked: (string | undefined)[] = [];
    await using server = await serving((request, response) => {
      const etag = `"${sha256(content).slice(0, 8)}"`;
      asked.push(request.headers['if-none-match']);
      if (request.headers['if-none-match'] === etag) return void response.writeHead(304, { etag }).end();
      response.writeHead(200, { etag, 'content-length': content.length }).end(content);
    });
    await using bench = await openBench(undefined, undefined, { fetch: fetchFrom('127.0.0.1'), environment: { TOKEN: 'hunter2' } });
    const from = { kind: 'url', address: `${server.url}/people.csv.gz?token=\${env:TOKEN}` } as const;
    const first = await bench.data.ingest({ dataset: 'people', from, by: ada });
    assert.deepEqual([first.version.manifest.rows, first.ingestion.kind], [3, 'url']);
    const second = await bench.data.ingest({ dataset: 'people', from, by: ada });
    assert.deepEqual([second.created, second.ingestion.outcome], [false, 'unchanged']);
    content = Buffer.from(gzipSync(table(4)));
    const third = await bench.data.ingest({ dataset: 'people', from, by: ada });
    assert.deepEqual([third.created, third.version.manifest.rows], [true, 4]);
    assert.deepEqual(asked, [undefined, `"${first.ingestion.found.etag}"`, `"${first.ingestion.found.etag}"`]);
    const kept = JSON.stringify([(await bench.data.ingestions.list()).items, (await bench.data.list()).items]);
    assert.doesNotMatch(kept, /hunter2/);
    assert.match(kept, /people\.csv\.gz/);
  });

  test('that breaks off is gone on with, or leaves nothing', async () => {
    const content = Buffer.from(table(50_000));
    let canResume = true;
    const ranges: (string | undefined)[] = [];
    await using server = await serving((request, response) => {
      const start = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0);
      ranges.push(request.headers.range);
      if (start > 0 && !canResume) return void response.destroy();
      const headers = { etag: '"one"', 'accept-ranges': 'bytes', 'content-length': content.length - start };
      if (start > 0) response.writeHead(206, { ...headers, 'content-range': `bytes ${start}-${content.length - 1}/${content.length}` });
      else response.writeHead(200, headers);
      if (start > 0) return void response.end(content.subarray(start));
      response.write(content.subarray(start, start + 100_000), () => setTimeout(() => response.destroy(), 50));
    });
    await using bench = await openBench(undefined, undefined, { fetch: fetchFrom('127.0.0.1') });
    const ingest = (name: string) =>
      bench.data.ingest({ dataset: name, from: { kind: 'url', address: `${server.url}/${name}.csv` }, by: ada });
    assert.equal((await ingest('whole')).version.manifest.rows, 50_000);
    assert.match(String(ranges[1]), /^bytes=\d+-$/);
    canResume = false;
    await assert.rejects(ingest('half'), { code: 'UNAVAILABLE' });
    assert.deepEqual((await bench.data.list({ dataset: 'half' })).items, []);
    assert.equal((await bench.data.ingestions.list({ dataset: 'half' })).items[0].outcome, 'failed');
  });

  test('is refused where it is not allowed, not there, or of no format', async () => {
    await using server = await serving((_, response) => void response.writeHead(404).end());
    await using bench = await openBench(undefined, undefined, { fetch: fetchFrom('public') });
    const ingest = (address: string) => bench.data.ingest({ dataset: 'd', from: { kind: 'url', address }, by: ada });
    await assert.rejects(ingest(`${server.url}/a.csv`), { code: 'PERMISSION_DENIED', message: /GYRE_FETCH_HOSTS/ });
    await assert.rejects(ingest('http://169.254.169.254/a.csv'), { code: 'PERMISSION_DENIED' });
    await assert.rejects(ingest(`${server.url}/a.exe`), { code: 'INVALID_ARGUMENT', message: /a\.exe: the format cannot be told/ });
    await assert.rejects(ingest(`${server.url}/\${env:NOT_SET}.csv`), { code: 'INVALID_ARGUMENT', message: /NOT_SET is not set/ });
    await using allowed = await openBench(undefined, undefined, { fetch: fetchFrom('127.0.0.1') });
    const missing = allowed.data.ingest({ dataset: 'd', from: { kind: 'url', address: `${server.url}/a.csv` }, by: ada });
    await assert.rejects(missing, { code: 'NOT_FOUND' });
  });
});
