import assert from 'node:assert/strict';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { hasCode } from '#core';
import { fetchSource } from '../fetch/fetch-source.ts';
import { s3Missing, testBucket, testWorld } from './testing.ts';

describe('fetching a source from S3', { skip: s3Missing ?? false }, () => {
  test('tells whether anything is new, and what is missing', async () => {
    await using place = await testBucket();
    const folder = await mkdtemp(join(tmpdir(), 'gyre-fetch-s3-'));
    try {
      const path = join(folder, 'file');
      const settings = {
        hosts: '',
        hostsSetting: 'GYRE_FETCH_HOSTS',
        s3: place.connection,
        world: testWorld,
        maxBytes: 10,
        timeoutMs: 60_000,
      };
      const key = "table+of ä 'all'.csv";
      const address = `s3://${place.bucket}/${key}`;
      await place.client.text({ method: 'PUT', key, body: Buffer.from('1,2') });
      const first = await fetchSource(address, path, settings);
      assert.ok(first.isNew);
      assert.equal(first.version.size, 3);
      assert.equal(await readFile(path, 'utf8'), '1,2');
      assert.deepEqual(await fetchSource(address, path, settings, { known: first.version }), { isNew: false, address });
      await place.client.text({ method: 'PUT', key, body: Buffer.from('1,2,3') });
      assert.ok((await fetchSource(address, path, settings, { known: first.version })).isNew);
      assert.equal(await readFile(path, 'utf8'), '1,2,3');
      await place.client.text({ method: 'PUT', key, body: Buffer.alloc(11) });
      await assert.rejects(fetchSource(address, path, settings), (error) => hasCode(error, 'RESOURCE_EXHAUSTED'));
      await assert.rejects(
        fetchSource(`${address}x`, path, settings),
        (error) => hasCode(error, 'NOT_FOUND') && error.message.includes(key),
      );
      assert.deepEqual(await readdir(folder), ['file']);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
