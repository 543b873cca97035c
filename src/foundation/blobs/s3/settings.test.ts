import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { hasCode } from '#core';
import { s3ConnectionFrom } from './settings.ts';

describe('how S3 is reached', () => {
  let home: string;
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'gyre-aws-'));
    await mkdir(join(home, '.aws'));
    await writeFile(
      join(home, '.aws/credentials'),
      '# keys\n[default]\naws_access_key_id = one\naws_secret_access_key = first secret\n\n[team]\naws_access_key_id=two\naws_secret_access_key=second\naws_session_token=token\n',
    );
    await writeFile(
      join(home, '.aws/config'),
      '[default]\nregion = eu-central-1 ; near\n[profile team]\nregion = us-west-2\nendpoint_url = https://s3.team.example\ns3 =\n  addressing_style = virtual\n  max_queue_size = 10\n[profile role]\nrole_arn = arn:aws:iam::1:role/x\n',
    );
  });
  afterEach(() => rm(home, { recursive: true }));

  test('is read from the shared files, by profile', async () => {
    assert.deepEqual(await s3ConnectionFrom({ HOME: home }), {
      region: 'eu-central-1',
      credentials: { accessKeyId: 'one', secretAccessKey: 'first secret' },
    });
    assert.deepEqual(await s3ConnectionFrom({ HOME: home, AWS_PROFILE: 'team' }), {
      endpoint: 'https://s3.team.example',
      region: 'us-west-2',
      pathStyle: false,
      credentials: { accessKeyId: 'two', secretAccessKey: 'second', sessionToken: 'token' },
    });
  });

  test('variables win over files, and what is said for one place over both', async () => {
    const environment = {
      HOME: home,
      AWS_ACCESS_KEY_ID: 'three',
      AWS_SECRET_ACCESS_KEY: 'third',
      AWS_REGION: 'ap-south-1',
      AWS_ENDPOINT_URL: 'http://any',
      AWS_ENDPOINT_URL_S3: 'http://s3',
    };
    assert.deepEqual(await s3ConnectionFrom(environment), {
      endpoint: 'http://s3',
      region: 'ap-south-1',
      credentials: { accessKeyId: 'three', secretAccessKey: 'third' },
    });
    const said = await s3ConnectionFrom(environment, { profile: 'team', endpoint: 'http://mine', region: 'moon-1' });
    assert.deepEqual([said.endpoint, said.region, said.credentials?.accessKeyId], ['http://mine', 'moon-1', 'two']);
    const credentials = { accessKeyId: 'four', secretAccessKey: 'fourth' };
    assert.deepEqual((await s3ConnectionFrom(environment, { credentials })).credentials, credentials);
  });

  test('without any file or variable requests are not signed', async () => {
    assert.deepEqual(await s3ConnectionFrom({ HOME: join(home, 'nobody') }), {});
  });

  test('says what is missing, and never a secret', async () => {
    await assert.rejects(
      s3ConnectionFrom({ HOME: home, AWS_PROFILE: 'other' }),
      (error) => hasCode(error, 'NOT_FOUND') && /"other"/.test(error.message),
    );
    await assert.rejects(
      s3ConnectionFrom({ HOME: home, AWS_PROFILE: 'role' }),
      (error) => hasCode(error, 'UNIMPLEMENTED') && /role_arn/.test(error.message),
    );
    await assert.rejects(
      s3ConnectionFrom({ HOME: home, AWS_SECRET_ACCESS_KEY: 'hush' }),
      (error) => hasCode(error, 'INVALID_ARGUMENT') && !error.message.includes('hush'),
    );
  });
});
