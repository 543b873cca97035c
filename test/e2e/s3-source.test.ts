import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { done, gyre, start, temporaryFolder } from '../harness/gyre-fixture.ts';
import { people } from '../harness/projects-fixture.ts';
import { s3Missing, testBucket, type TestBucket } from '../harness/s3-bucket-fixture.ts';

describe('a dataset whose source is in a bucket', { skip: s3Missing }, () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let bucket: TestBucket;
  const place = (env: Readonly<Record<string, string>> = {}) => ({
    cwd: folder.path,
    env: {
      AWS_ACCESS_KEY_ID: bucket.accessKeyId,
      AWS_SECRET_ACCESS_KEY: bucket.secretAccessKey,
      AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
      AWS_CONFIG_FILE: '/dev/null',
      GYRE_S3_ENDPOINT: bucket.endpoint,
      ...env,
    },
  });
  const refused = async (code: number, said: RegExp, env: Readonly<Record<string, string>> = {}, dataset = 'people'): Promise<void> => {
    const ended = await gyre(['data', 'add', dataset], place(env));
    assert.match(ended.stderr, said);
    assert.equal(ended.code, code, ended.stderr);
    assert.ok(!`${ended.stdout}${ended.stderr}`.includes(bucket.secretAccessKey));
  };

  before(async () => {
    folder = await temporaryFolder();
    bucket = await testBucket();
    await bucket.ask('PUT', 'in/people.csv', '', people(120));
    await writeFile(
      join(folder.path, 'gyre.yaml'),
      `project: shop
charter: { problem: p, owner: o, success: { accuracy: ">= 0.5" } }
data:
  people: { source: 's3://${bucket.bucket}/in/people.csv', key: customer_id }
  gone: { source: 's3://${bucket.bucket}/in/gone.csv', key: customer_id }
  large: { source: 's3://${bucket.bucket}/in/large.csv', key: id }
steps: { show: { run: ls } }
`,
    );
  });
  after(() => folder[Symbol.asyncDispose]());

  test('is read, says where from, is not read again while its ETag stands, and read when the object is another', async () => {
    assert.match(await done(['data', 'add', 'people'], place()), /120 rows/);
    assert.match(await done(['data', 'add', 'people'], place()), /nothing new|unchanged/);
    await bucket.ask('PUT', 'in/people.csv', '', people(121));
    assert.match(await done(['data', 'add', 'people'], place()), /121 rows/);
    const records = await done(['data', 'ingestions', '--json'], place());
    assert.ok(records.includes(`s3://${bucket.bucket}/in/people.csv`));
    assert.match(records, /"etag": ?"[0-9a-f"\\]+"/);
    assert.ok(!records.includes(bucket.secretAccessKey) && !records.includes(bucket.accessKeyId));
  });

  test('with wrong keys or without the object, says so and leaves nothing', async () => {
    await refused(3, /credentials|signature|access/i, { AWS_SECRET_ACCESS_KEY: 'wrong' });
    await refused(4, /in\/gone\.csv/, {}, 'gone');
    assert.deepEqual(await readdir(join(folder.path, '.gyre/tmp')), []);
  });

  test('killed while it is fetched and read, leaves no half, and the next time brings it whole', async () => {
    const lines = Array.from({ length: 60_000 }, (_, id) => `${id},${randomBytes(60).toString('hex')}`);
    await bucket.ask('PUT', 'in/large.csv', '', `id,text\n${lines.join('\n')}\n`);
    for (const ms of [700, 900, 1100, 1300]) {
      const adding = start(['data', 'add', 'large'], place());
      await sleep(ms);
      adding.kill('SIGKILL');
      await adding.ended;
    }
    assert.match(await done(['data', 'add', 'large'], place()), /60,?000 rows|nothing new|unchanged/);
    assert.match(await done(['data', 'sql', 'select count(*) as n, max(id) as top from large'], place()), /60000\s+59999/);
    assert.deepEqual(await readdir(join(folder.path, '.gyre/blobs/incoming')), []);
  });
});
