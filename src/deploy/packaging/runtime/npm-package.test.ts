import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { licenceFiles, npmFiles } from './npm-package.ts';

describe('what of a package of npm goes into an image', () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gyre-npm-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const write = async (...paths: readonly string[]): Promise<void> => {
    for (const path of paths) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), path);
    }
  };
  const packed = async (): Promise<readonly string[]> => (await npmFiles(folder, 'app/it')).map(({ path }) => path).sort();
  const code = ['package.json', 'dist/index.js'];
  const ofDevelopers = ['dist/index.d.ts', 'dist/index.js.map', 'CHANGELOG.md', 'src/index.c', 'docs/LICENSE'];

  test('is its code, with licences and notices whatever they end in', async () => {
    const texts = ['LICENSE.md', 'licence.markdown', 'COPYING', 'NOTICE.txt', 'THIRD-PARTY-NOTICES.md'];
    await write(...code, ...ofDevelopers, ...texts, 'README.md', 'third-party/other.md');
    assert.deepEqual(await packed(), [...code, ...texts].map((path) => `app/it/${path}`).sort());
    const licences = (await licenceFiles(folder, 'app/licences/it')).map(({ path }) => path).sort();
    assert.deepEqual(licences, texts.map((path) => `app/licences/it/${path}`).sort());
  });

  test('is with its README where that alone says the licence', async () => {
    await write(...code, ...ofDevelopers, 'README.md');
    assert.deepEqual(await packed(), [...code, 'README.md'].map((path) => `app/it/${path}`).sort());
  });
});
