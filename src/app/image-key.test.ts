import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { hasCode } from '#core';
import { imageKey } from './image-key.ts';

describe('the key that an image is signed with', () => {
  let projectFolder = '';
  beforeEach(async () => {
    projectFolder = await mkdtemp(join(tmpdir(), 'gyre-key-'));
  });
  afterEach(() => rm(projectFolder, { recursive: true }));

  const keyOf = (options: { readonly key?: string; readonly environment?: Readonly<Record<string, string>> } = {}) =>
    imageKey({ projectFolder, flags: {}, environment: {}, ...options });

  test('is that of the data folder, or the one that is named', async () => {
    await mkdir(join(projectFolder, 'kept/secrets'), { recursive: true });
    await writeFile(join(projectFolder, 'kept/secrets/manifest-key.pem'), 'of the folder');
    await writeFile(join(projectFolder, 'other.pem'), 'another');
    assert.equal(await keyOf({ environment: { GYRE_DATA: 'kept' } }), 'of the folder');
    assert.equal(await keyOf({ key: join(projectFolder, 'other.pem'), environment: { GYRE_DATA: 'kept' } }), 'another');
    assert.equal(await keyOf({ key: 'off', environment: { GYRE_DATA: 'kept' } }), undefined);
  });

  test('is none where there is no project, or one that has never been up', async () => {
    assert.equal(await keyOf(), undefined);
    await mkdir(join(projectFolder, '.gyre'));
    assert.equal(await keyOf(), undefined);
  });

  test('that cannot be read leaves no image unsigned: it is an error', async () => {
    await mkdir(join(projectFolder, '.gyre/secrets/manifest-key.pem'), { recursive: true });
    await assert.rejects(keyOf(), (error) => hasCode(error, 'PERMISSION_DENIED') && /manifest-key\.pem cannot be read/.test(String(error)));
    await assert.rejects(keyOf({ key: projectFolder }), (error) => hasCode(error, 'PERMISSION_DENIED'));
    await assert.rejects(keyOf({ key: join(projectFolder, 'gone.pem') }), (error) => hasCode(error, 'NOT_FOUND'));
  });

  test('is not done without because the project is wrong', async () => {
    await writeFile(join(projectFolder, 'gyre.yaml'), 'project: [');
    await assert.rejects(keyOf(), (error) => hasCode(error, 'INVALID_ARGUMENT') && String(error).includes('gyre.yaml'));
    assert.equal(await keyOf({ key: 'off' }), undefined);
  });
});
