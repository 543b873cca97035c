import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { DatasetIngestion } from '#contract';
import { hasCode } from '#core';
import type { ImageIngestRequest } from '../image-sets/image-port.ts';
import { photo, relabelled, writeImages } from '../image-sets/testing.ts';
import { ada, openBench } from '../testing.ts';
import type { Bench } from '../testing.ts';

describe('an ingestion in the background', () => {
  let bench: Bench;
  before(async () => {
    bench = await openBench();
  });
  after(() => bench[Symbol.asyncDispose]());
  const images = async (name: string, count: number): Promise<ImageIngestRequest> => {
    const files = Array.from({ length: count }, (_, at) => [`c${at % 2}/${at}.jpg`, relabelled(photo('hat'), `${name} ${at}`)]);
    await writeImages(join(bench.folder, name), Object.fromEntries(files) as Record<string, Uint8Array>);
    return { dataset: name, folder: join(bench.folder, name), source: `${name}/`, by: ada };
  };

  test('is recorded before it has read anything, tells how far it is, and ends with version and quality report', async () => {
    const told: DatasetIngestion[] = [];
    const stop = bench.data.ingestions.watch((ingestion) => told.push(ingestion));
    const request = await images('shirts', 4);
    const started = await bench.data.ingestions.start({ images: request, quality: { by: ada } });
    assert.deepEqual([started.dataset, started.kind, started.address], ['shirts', 'images', 'shirts/']);
    assert.deepEqual([started.outcome, started.progress], [undefined, { phase: 'reading' }]);
    assert.deepEqual((await bench.data.ingestions.list({ dataset: 'shirts' })).items[0].id, started.id);
    const { version, created } = await bench.data.ingestions.wait(started.id);
    stop();
    assert.equal(created, true);
    const ended = await bench.data.ingestions.get(started.id);
    assert.deepEqual(
      [ended.outcome, ended.version, ended.rows, ended.progress, ended.found.files],
      ['new', version.digest, 4, undefined, 4],
    );
    assert.deepEqual(ended.images, { found: 4, read: 4, decoded: 4, unreadable: 0, missing: 0, ignored: {}, links: 0 });
    assert.equal((await bench.data.getQuality(version.digest)).dataset, version.digest);
    assert.deepEqual(
      [...new Set(told.map(({ progress }) => progress?.phase))],
      ['reading', 'judging', undefined],
      'judged before it counts as ended',
    );
    const again = await bench.data.ingestImages(request);
    assert.deepEqual([again.ingestion.outcome, again.ingestion.version, again.ingestion.newRows], ['unchanged', version.digest, 0]);
  });

  test('stops when it is asked to, says so, and the next one does not read again what was read', async () => {
    const request = await images('many', 40);
    const stopAt = Promise.withResolvers<void>();
    const { id } = await bench.data.ingestions.start({
      images: { ...request, onProgress: (done) => (done === 10 ? stopAt.resolve() : undefined) },
    });
    await stopAt.promise;
    const asked = await bench.data.ingestions.cancel(id);
    assert.notEqual(asked.progress, undefined);
    await assert.rejects(bench.data.ingestions.wait(id), (error) => hasCode(error, 'CANCELLED'));
    const ended = await bench.data.ingestions.get(id);
    assert.deepEqual([ended.outcome, ended.progress, ended.version], ['cancelled', undefined, undefined]);
    assert.deepEqual(await bench.data.ingestions.cancel(id), ended, 'one that has ended stays as it is');
    const { images: counts } = await bench.data.ingestImages(request);
    assert.ok(counts.read <= 30, `${counts.read} were read again`);
  });

  test('of a table is the same, and one that fails says why', async () => {
    const path = await bench.file('people.csv', 'id,name\n1,Ada\n');
    const { id, kind } = await bench.data.ingestions.start({ table: { dataset: 'people', path, by: ada } });
    assert.equal(kind, 'file');
    await bench.data.ingestions.wait(id);
    assert.equal((await bench.data.ingestions.get(id)).outcome, 'new');
    const broken = await bench.file('broken.csv', 'id,name\n1,Ada,more\n');
    const failing = await bench.data.ingestions.start({ table: { dataset: 'people', path: broken, by: ada } });
    await assert.rejects(bench.data.ingestions.wait(failing.id), (error) => hasCode(error, 'INVALID_ARGUMENT'));
    const { outcome, code, error } = await bench.data.ingestions.get(failing.id);
    assert.deepEqual([outcome, code], ['failed', 'INVALID_ARGUMENT']);
    assert.match(error ?? '', /line 2: 3 fields/);
    await assert.rejects(bench.data.ingestions.get('nothing'), (problem) => hasCode(problem, 'NOT_FOUND'));
  });

  test('whose quality cannot be judged keeps its version and says what is missing', async () => {
    const path = await bench.file('things.csv', 'id,name\n7,Bob\n');
    const quality = { key: 'nowhere', by: ada };
    const { id } = await bench.data.ingestions.start({ table: { dataset: 'things', path, by: ada }, quality });
    await assert.rejects(bench.data.ingestions.wait(id), { message: /nowhere/ });
    const { outcome, version, error } = await bench.data.ingestions.get(id);
    assert.equal(outcome, 'new');
    assert.equal((await bench.data.get(version ?? '')).dataset, 'things');
    assert.match(error ?? '', /the version is recorded; its quality was not judged: .*nowhere/);
  });
});
