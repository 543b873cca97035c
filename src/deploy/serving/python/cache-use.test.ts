import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { inUse, removeUnused, unusedMs } from './cache-use.ts';

describe('the cache of models in Python', () => {
  let cache: string;
  before(async () => {
    cache = await mkdtemp(join(tmpdir(), 'gyre-python-cache-'));
  });
  after(() => rm(cache, { recursive: true, force: true }));

  const made = async (kind: string, name: string, usedMs: number): Promise<string> => {
    const folder = join(cache, kind, name);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'MLmodel'), '');
    await writeFile(join(folder, '.used'), '');
    await utimes(join(folder, '.used'), usedMs / 1000, usedMs / 1000);
    return folder;
  };

  test('loses what nobody has used for 30 days, and keeps what somebody uses', async () => {
    const { mtimeMs: now } = await stat(cache);
    await made('packages', 'old', now - unusedMs - 1000);
    await made('packages', 'young', now - unusedMs / 2);
    await made('environments', 'older', now - 2 * unusedMs);
    const used = await made('environments', 'kept', now - 2 * unusedMs);
    using _ = inUse([used]);
    while ((await stat(join(used, '.used'))).mtimeMs < now - 1000) await new Promise((done) => setTimeout(done, 10));
    assert.equal(await removeUnused(cache, now), 2);
    assert.deepEqual(await readdir(join(cache, 'packages')), ['young']);
    assert.deepEqual(await readdir(join(cache, 'environments')), ['kept']);
  });

  test('loses what was cut off a day ago, and nothing where there is none', async () => {
    const { mtimeMs: now } = await stat(cache);
    await made('environments', '.fresh-cut', now - unusedMs / 15);
    await made('environments', '.fresh-new', now);
    assert.equal(await removeUnused(cache, now), 1);
    assert.deepEqual((await readdir(join(cache, 'environments'))).toSorted(), ['.fresh-new', 'kept']);
    assert.equal(await removeUnused(join(cache, 'nowhere'), now), 0);
  });
});
