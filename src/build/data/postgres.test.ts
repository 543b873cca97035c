import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { Client } from 'pg';
import { lfsContract } from './lfs/contract.ts';
import { photo, relabelled, writeImages } from './image-sets/testing.ts';
import { ada, openBench } from './testing.ts';

const url = process.env['GYRE_TEST_POSTGRES'] ?? 'postgres://postgres@127.0.0.1:5432/postgres';

async function answers(): Promise<boolean> {
  if (url === '') return false;
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 2000 });
  try {
    await client.connect();
    await client.end();
    return true;
  } catch {
    return false;
  }
}

const skip = (await answers()) ? undefined : 'no PostgreSQL answers; GYRE_TEST_POSTGRES names one';

async function dropSchema(schema: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query(`drop schema if exists ${schema} cascade`);
  await client.end();
}

lfsContract(
  'PostgreSQL',
  async (work) => {
    const schema = `gyre_lfs_${randomUUID().replaceAll('-', '')}`;
    try {
      await using bench = await openBench(url, schema);
      await work(bench);
    } finally {
      await dropSchema(schema);
    }
  },
  skip,
);

describe('datasets on PostgreSQL', { skip: skip ?? false }, () => {
  test('are ingested, split, profiled, judged and listed as on SQLite', async () => {
    const schema = `gyre_data_${process.pid}`;
    try {
      await using bench = await openBench(url, schema);
      const ingest = () => bench.data.ingest({ dataset: 'customers', path: 'examples/churn/data/telco-churn.csv', by: ada });
      const [one, two] = await Promise.all([ingest(), ingest()]);
      assert.equal(one.version.digest, two.version.digest);
      assert.equal(Number(one.created) + Number(two.created), 1, 'two at once make one record');
      const request = { dataset: 'customers', key: 'customerID', parts: { train: 0.6, test: 0.4 }, salt: 's', stratify: 'Churn', by: ada };
      const [split, twin] = await Promise.all([
        bench.data.split(one.version.digest, request),
        bench.data.split(one.version.digest, request),
      ]);
      assert.deepEqual(split, twin);
      assert.deepEqual(await bench.data.split(one.version.digest, request), split);
      assert.deepEqual(await bench.data.getSplit(split.id), split);
      const profile = await bench.data.profile(one.version.digest, 'Churn');
      assert.deepEqual(await bench.data.profile(one.version.digest, 'Churn'), profile);
      const report = await bench.data.quality(one.version.digest, { key: 'customerID', target: 'Churn', by: ada });
      assert.deepEqual(await bench.data.getQuality(one.version.digest), report);
      assert.equal((await bench.data.list({ part: null })).items.length, 1);
      assert.equal((await bench.data.list({ dataset: 'customers', part: 'test' })).items[0].digest, split.parts[1].version);
      assert.deepEqual((await bench.data.get(one.version.digest.slice(0, 10))).manifest, one.version.manifest);

      await using embedded = await openBench();
      const there = await embedded.data.ingest({ dataset: 'customers', path: 'examples/churn/data/telco-churn.csv', by: ada });
      assert.deepEqual(there.version, one.version, 'the same version, whatever the database');
    } finally {
      await dropSchema(schema);
    }
  });

  test('of images remember their files as on SQLite, and are the same version', async () => {
    const schema = `gyre_images_${process.pid}`;
    await using embedded = await openBench();
    const folder = join(embedded.folder, 'images');
    await writeImages(folder, { 'hat/a.jpg': photo('hat'), 'shirt/b.jpg': photo('shirt') });
    const request = { dataset: 'd', folder, source: 'images/', by: ada };
    try {
      await using bench = await openBench(url, schema);
      const first = await bench.data.ingestImages(request);
      const again = await bench.data.ingestImages(request);
      assert.deepEqual([first.images.read, again.images.read], [2, 0]);
      await rm(join(folder, 'hat/a.jpg'));
      await writeImages(folder, { 'shirt/b.jpg': relabelled(photo('shirt'), 'x') });
      const later = await bench.data.ingestImages(request);
      assert.deepEqual([later.images.found, later.images.read], [1, 1]);
      assert.equal((await embedded.data.ingestImages(request)).version.digest, later.version.digest);
    } finally {
      await dropSchema(schema);
    }
  });
});
