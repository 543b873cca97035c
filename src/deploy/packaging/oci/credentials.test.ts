import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { inspect } from 'node:util';
import { hasCode } from '#core';
import { registryCredentials } from './credentials.ts';

describe('a login that another tool left', () => {
  let folder = '';
  let file = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gyre-login-'));
    file = join(folder, 'auth.json');
  });
  after(() => rm(folder, { recursive: true }));

  const auth = Buffer.from('pusher:a:secret').toString('base64');

  test('is that of the registry alone, and comes after what the environment says', async () => {
    await writeFile(file, JSON.stringify({ auths: { 'registry.example.org': { auth }, 'empty.example.org': {} }, credsStore: 'desktop' }));
    const environment = { REGISTRY_AUTH_FILE: file };
    assert.deepEqual(await registryCredentials('registry.example.org', environment), { user: 'pusher', password: 'a:secret' });
    for (const host of ['empty.example.org', 'other.example.org']) assert.equal(await registryCredentials(host, environment), undefined);
    assert.deepEqual(
      await registryCredentials('registry.example.org', { ...environment, GYRE_REGISTRY_USER: 'me', GYRE_REGISTRY_PASSWORD: 'word' }),
      { user: 'me', password: 'word' },
    );
    await mkdir(join(folder, '.docker'));
    await writeFile(join(folder, '.docker/config.json'), JSON.stringify({ auths: { 'docker.example.org': { auth } } }));
    assert.equal((await registryCredentials('docker.example.org', { ...environment, HOME: folder }))?.user, 'pusher');
  });

  test('that cannot be read is refused by the name of its file, and nothing of it is told', async () => {
    for (const text of [
      `{"auths":{"registry.example.org":{"auth":${auth}}}}`,
      auth,
      `"${auth}"`,
      'null',
      '{"auths":{"registry.example.org":{"auth":1234567}}}',
      `{"auths":["${auth}"]}`,
    ]) {
      await writeFile(file, text);
      await assert.rejects(registryCredentials('registry.example.org', { REGISTRY_AUTH_FILE: file }), (error) => {
        const told = inspect(error, { depth: 9 });
        return hasCode(error, 'INVALID_ARGUMENT') && told.includes(file) && !told.includes(auth.slice(0, 6)) && !told.includes('1234567');
      });
    }
  });
});
