import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BlobStorage, DatasetVersion } from '#contract';
import { done, facts, gyre, start, temporaryFolder, up } from '../harness/gyre-fixture.ts';
import { smallProject } from '../harness/projects-fixture.ts';

const key = Buffer.alloc(32, 1).toString('base64');
const other = Buffer.alloc(32, 2).toString('base64');

describe('blobs encrypted with a key of the environment', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let cwd = '';
  const place = (keys?: string) => ({ cwd, env: keys === undefined ? {} : { GYRE_BLOBS_KEY: keys } });
  const storage = (keys?: string): Promise<BlobStorage> => facts<BlobStorage>(['blobs'], place(keys));
  const files = async (kind: 'sha256' | 'sealed'): Promise<readonly string[]> =>
    (await readdir(join(cwd, '.gyre/blobs', kind), { recursive: true, withFileTypes: true }).catch(() => []))
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name));

  before(async () => {
    folder = await temporaryFolder();
    cwd = await smallProject(folder.path);
    await done(['run'], place());
  });
  after(() => folder[Symbol.asyncDispose]());

  test('what is there is sealed when that is asked for; killed again and again it goes on, and every byte is read as before', async () => {
    const { key: none, clear } = await storage();
    assert.equal(none, undefined);
    assert.ok(clear.count > 10);
    for (const more of [1, 5, 10]) {
      const before = (await files('sealed')).length;
      const sealing = start(['blobs', 'seal'], place(key));
      const ended = sealing.ended.then(() => true);
      while ((await files('sealed')).length < before + more && !(await Promise.race([ended, sleep(1, false)])));
      sealing.kill('SIGKILL');
      await sealing.ended;
      const { sealed, clear: left } = await storage(key);
      assert.ok(sealed.count + left.count >= clear.count, 'killed, nothing is lost');
    }
    await done(['blobs', 'seal'], place(key));
    assert.deepEqual(await files('sha256'), []);
    const sealed = await files('sealed');
    assert.equal(sealed.length, clear.count);
    for (const file of sealed) assert.equal((await readFile(file)).subarray(0, 8).toString('latin1'), 'GYSEAL01');
    assert.match(await done(['blobs', 'seal'], place(key)), /every blob was sealed with this key already/);
    assert.match(await done(['reproduce', 'shop/1'], place(key)), /identical/);
    assert.match(await done(['data', 'sql', 'select count(*) as n from people'], place(key)), /400/);
    assert.match(await done(['run'], place(key)), /cached/);
  });

  test('without the key, or with another one, nothing starts and nothing is written', async () => {
    const before = await files('sealed');
    const without = await gyre(['run'], place());
    assert.equal(without.code, 3);
    assert.match(without.stderr, /are sealed .*GYRE_BLOBS_KEY/);
    const wrong = await gyre(['run'], place(other));
    assert.equal(wrong.code, 3);
    assert.match(wrong.stderr, /is sealed with the key [0-9a-f]{16}, and given is [0-9a-f]{16}/);
    const broken = await gyre(['run'], place('c2hvcnQ='));
    assert.equal(broken.code, 2);
    assert.match(broken.stderr, /the key has 5 bytes; 32 random bytes are needed/);
    assert.ok(!broken.stderr.includes('c2hvcnQ='));
    assert.deepEqual(await files('sealed'), before);
  });

  test('the platform serves what is sealed, a new key takes over, and the old one can go', async () => {
    {
      await using server = await up(place(`${other},${key}`));
      const { items } = await server.get<{ readonly items: readonly DatasetVersion[] }>('datasets?limit=100');
      const whole = items.find(({ part }) => part === undefined);
      assert.ok(whole !== undefined);
      const rows = await server.get<{ readonly rows: readonly unknown[] }>(`datasets/${whole.digest}/rows?limit=5`);
      assert.equal(rows.rows.length, 5);
      const sealing = await gyre(['blobs', 'seal'], place(`${other},${key}`));
      assert.equal(sealing.code, 3);
      assert.match(sealing.stderr, /the platform runs on .*: stop it first/);
    }
    assert.match(await done(['blobs', 'seal'], place(`${other},${key}`)), /\d+ blobs sealed/);
    assert.match(await done(['reproduce', 'shop/1'], place(other)), /identical/);
  });
});
