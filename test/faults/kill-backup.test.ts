import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Backup, BackupList } from '#contract';
import { seeded, sha256 } from '#core';
import { blobsOf } from '../harness/blob-files-fixture.ts';
import { done, eventually, facts, gyre, start, temporaryFolder, type Place, up } from '../harness/gyre-fixture.ts';
import { post, untilGone } from '../harness/mlflow-calls-fixture.ts';
import { smallProject } from '../harness/projects-fixture.ts';
import { checkStore, query } from '../harness/store-check-fixture.ts';

const files = 120;
const kills = 6;

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
  /** How many files lie there by now. */
  const filesIn = async (data: string): Promise<number> => (await blobsOf(data).catch(() => [])).length;
  /** Runs a verb and ends it once so many files are there; it may have been quicker. */
  const cut = async (words: readonly string[], data: string, count: number, restMs: number): Promise<boolean> => {
    const running = start(words, place);
    let over = false;
    const ended = running.ended.finally(() => (over = true));
    await eventually('it has begun', async () => over || (await filesIn(data)) >= count);
    await sleep(restMs);
    running.kill('SIGKILL');
    return (await ended).signal === 'SIGKILL';
  };
  const restored = async (data: string, words: readonly string[] = []): Promise<void> => {
    await done(['restore', backups, '--data', data, ...words], place);
    await checkStore(data);
  };

  test('a backup that was cut off is never taken for whole, spoils no earlier one, and the next one goes on', async () => {
    const random = seeded(3);
    await using house = await up(place);
    const whole = await facts<Backup>(['backup', backups], place);
    const earlier = [...digests];
    await log(house.address, files);
    let wasCut = 0;
    for (let kill = 0; kill < kills; kill++) {
      const wanted = (await filesIn(backups)) + 1 + random.int(30);
      wasCut += (await cut(['backup', backups], backups, wanted, random.int(60))) ? 1 : 0;
      const found = await list();
      assert.equal(found.at(-1)?.id, whole.id);
      for (const { id, state } of found) {
        if (state === 'whole') continue;
        assert.equal(state, 'cut_off');
        const refused = await gyre(['restore', backups, '--backup', id, '--data', join(folder.path, 'refused')], place);
        assert.deepEqual([refused.code, /is not whole/.test(refused.stderr)], [3, true], refused.stderr);
      }
    }
    assert.ok(wasCut > 0, 'no backup was cut off: this machine is too fast for that');
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
    const random = seeded(4);
    const data = join(folder.path, 'again');
    await mkdir(data);
    let wasCut = 0;
    for (let kill = 0; kill < kills; kill++) {
      const wasKilled = await cut(['restore', backups, '--data', data], data, (await filesIn(data)) + 1 + random.int(40), random.int(60));
      wasCut += wasKilled ? 1 : 0;
      const isWhole = existsSync(join(data, 'gyre.db'));
      if (isWhole) await checkStore(data);
      const again = await gyre(['restore', backups, '--data', data], place);
      assert.equal(again.code, isWhole ? 3 : 0, again.stderr);
      await checkStore(data);
      assert.deepEqual(query(data, 'select count(*) from artifacts where digest is not null'), [digests.length]);
      await rm(data, { recursive: true });
      await mkdir(data);
    }
    assert.ok(wasCut > 0, 'no restore was cut off: this machine is too fast for that');
  });
});
