import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { AuditVerification } from '#contract';
import { s3Missing, testBucket } from '../harness/bucket-fixture.ts';
import { done, facts, type Place, temporaryFolder } from '../harness/gyre-fixture.ts';
import { type Narration, narration } from '../harness/narration-fixture.ts';
import { copyOfExample, fewTrials } from '../harness/projects-fixture.ts';

/** What hangs on data and seeds alone. */
const verdictOf = (told: Narration): unknown =>
  ['data', 'evaluation', 'comparison', 'before', 'during', 'after', 'same rows'].map((station) => told.station(station));

describe('the demo with its blobs in a bucket', { skip: s3Missing }, () => {
  test('comes to the same figures as on files, keeps nothing of its own on this machine, and reproduces a model from there', async () => {
    await using folder = await temporaryFolder();
    await using server = await testBucket();
    const { credentials, endpoint } = server.connection;
    assert.ok(credentials !== undefined && endpoint !== undefined);
    const example = await copyOfExample(folder.path);
    await fewTrials(example.folder);
    const onFiles: Place = { cwd: example.folder, env: { GYRE_PORT: '0', GYRE_DATA: '.gyre-files' } };
    const inBucket: Place = {
      cwd: example.folder,
      env: {
        GYRE_PORT: '0',
        GYRE_DATA: '.gyre-s3',
        GYRE_BLOBS: `s3://${server.bucket}/store`,
        GYRE_S3_ENDPOINT: endpoint,
        AWS_ACCESS_KEY_ID: credentials.accessKeyId,
        AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      },
    };
    const words = ['demo', '--exit', '-C', example.folder];
    const there = narration(await done(words, inBucket));
    assert.deepEqual(verdictOf(there), verdictOf(narration(await done(words, onFiles))));
    assert.ok(!(await readdir(join(example.folder, '.gyre-s3'))).includes('blobs'), 'no blobs in the data folder');
    const audit = await facts<AuditVerification>(['audit', 'verify'], inBucket);
    assert.ok(audit.intact && audit.entries > 100, audit.message);
    await done(['reproduce', 'churn/2'], inBucket);
  });
});
