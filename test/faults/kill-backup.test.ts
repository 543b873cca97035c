import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Backup, BackupList } from '#contract';
import { sha256 } from '#core';
import { blobsOf } from '../harness/blob-files-fixture.ts';
import { done, facts, gyre, temporaryFolder, type Place, up } from '../harness/gyre-fixture.ts';
import { post, untilGone } from '../harness/mlflow-calls-fixture.ts';
import { smallProject } from '../harness/projects-fixture.ts';
import { checkStore, query } from '../harness/store-check-fixture.ts';

const files = 120;

describe('backups under kill -9', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let place: Place;
  let backups = '';
  const digests: string[] = [];

  before(async () => {
    folder = await temporaryFolder();
    place = { cwd: await smallProject(folder.path) };
    backups = join(folder.path, 'backups');
    await done(['check'], place);
    await using house = await up(place);
    await log(house.address, 0);
    assert.equal((await house.stop()).code, 0);
  });
  after(() => folder[Symbol.asyncDispose]());

  const log = async (address: string, from: number): Promise<void> => {
    const { run } = await post<{ run: { info: { run_id: string } } }>(address, 'runs/create', { experiment_id: '0' });
    for (let at = from; at < from + files; at++) {
      const bytes = randomBytes(20_000);
      const path = `0/${run.info.run_id}/artifacts/${at}.bin`;
      const { status } = await untilGone(`${address}/api/2.0/mlflow-artifacts/artifacts/${path}`, { method: 'PUT', body: bytes });
      assert.equal(status, 200);
      digests.push(sha256(bytes));
    }
  };
  const list = async (): Promise<readonly Backup[]> => (await facts<BackupList>(['backups', 'ls', backups], place)).items;
  /** Runs a verb that ends itself at a fault. */
  const cut = async (words: readonly string[], fault: string): Promise<void> => {
    const ended = await gyre(words, { ...place, env: { GYRE_FAULT: fault } });
    assert.equal(ended.signal, 'SIGKILL', `${fault}: ${ended.stdout}${ended.stderr}`);
  };
  const restored = async (data: string, words: readonly string[] = []): Promise<void> => {
    await done(['restore', backups, '--data', data, ...words], place);
    await checkStore(data);
  };

  test('a backup that was cut off is never taken for whole, spoils no earlier one, and the next one goes on', async () => {
    await using house = await up(place);
    const whole = await facts<Backup>(['backup', backups], place);
    const earlier = [...digests];
    await log(house.address, files);
    const secrets = (await readdir(join(place.cwd, '.gyre/secrets'))).length;
    // Blobs; the records before they have their name and after it; secrets; what says that it is whole, written and without its name.
    const later = ['file.fsync:1', 'file.rename:1', 'file.rename:2', `file.fsync:${secrets + 2}`];
    for (const fault of ['blob.rename:1', `blob.rename:${files / 4}`, ...later]) {
      await cut(['backup', backups], fault);
      const [newest, ...rest] = await list();
      assert.deepEqual([newest.state, rest.map(({ id }) => id)], ['cut_off', [whole.id]], fault);
      const refused = await gyre(['restore', backups, '--backup', newest.id, '--data', join(folder.path, 'refused')], place);
      assert.deepEqual([refused.code, /is not whole/.test(refused.stderr)], [3, true], refused.stderr);
    }
    await restored(join(folder.path, 'older'), ['--backup', whole.id]);
    assert.deepEqual(query(join(folder.path, 'older'), 'select count(*) from artifacts where digest is not null'), [earlier.length]);

    await done(['backup', backups], place);
    await done(['backups', 'verify', backups], place);
    await restored(join(folder.path, 'newest'));
    const blobs = new Set(await blobsOf(join(folder.path, 'newest')));
    for (const digest of digests) assert.ok(blobs.has(digest));
    assert.equal((await house.stop()).code, 0);
  });

  test('a restore that was cut off leaves no records, and the next one completes it', async () => {
    const secrets = (await readdir(join(place.cwd, '.gyre/secrets'))).length;
    for (const [at, fault] of ['blob.rename:1', 'blob.rename:100', 'file.rename:1', `file.fsync:${secrets + 1}`].entries()) {
      const data = join(folder.path, `again-${at}`);
      await cut(['restore', backups, '--data', data], fault);
      assert.equal(existsSync(join(data, 'gyre.db')), false, fault);
      await restored(data);
      assert.deepEqual(query(data, 'select count(*) from artifacts where digest is not null'), [digests.length]);
      const again = await gyre(['restore', backups, '--data', data], place);
      assert.equal(again.code, 3, again.stderr);
    }
  });
});
