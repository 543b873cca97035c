import assert from 'node:assert/strict';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { seeded } from '#core';
import type { GarbageSweep } from '#contract';
import { addOrphan, ageAll, blobsOf } from '../harness/blob-files-fixture.ts';
import { facts, gyre, type Place, start, temporaryFolder } from '../harness/gyre-fixture.ts';
import { smallProject } from '../harness/projects-fixture.ts';
import { checkStore, query } from '../harness/store-check-fixture.ts';

const orphans = 400;

describe('gyre gc killed with -9', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let project = '';
  let built = '';
  let needed: readonly string[] = [];

  before(async () => {
    folder = await temporaryFolder();
    project = await smallProject(folder.path);
    built = join(folder.path, 'built');
    const ended = await gyre(['run'], placeOf(built));
    assert.equal(ended.code, 0, ended.stderr);
    needed = await blobsOf(built);
    for (let i = 0; i < orphans; i++) await addOrphan(built, `nothing refers to blob ${i}`);
    await ageAll(built);
  });
  after(() => folder[Symbol.asyncDispose]());

  const placeOf = (data: string, fault?: string): Place => ({
    cwd: project,
    env: { GYRE_DATA: data, ...(fault === undefined ? {} : { GYRE_FAULT: fault }) },
  });
  const copy = async (name: string): Promise<string> => {
    const data = join(folder.path, name);
    await cp(built, data, { recursive: true, preserveTimestamps: true });
    return data;
  };
  const check = async (data: string): Promise<number> => {
    await checkStore(data);
    const left = new Set(await blobsOf(data));
    for (const digest of needed) assert.ok(left.has(digest), `blob ${digest}, which a record refers to, is gone`);
    return left.size - needed.length;
  };
  const complete = async (data: string): Promise<void> => {
    const before = await check(data);
    const sweep = await facts<GarbageSweep>(['gc', '--apply'], placeOf(data));
    assert.deepEqual([sweep.state, sweep.deleted.count], ['finished', before]);
    assert.equal(await check(data), 0, 'nothing is left that nothing refers to');
    const again = await gyre(['run'], placeOf(data));
    assert.equal(again.code, 0, again.stderr);
    assert.deepEqual(
      [...again.stdout.matchAll(/^ {2}done (\S+)/gm)].map(([, step]) => step),
      [],
      'every step is still cached',
    );
  };

  test('a dry run shows what would go, and deletes nothing', async () => {
    const data = await copy('dry');
    const ended = await gyre(['gc'], placeOf(data));
    assert.equal(ended.code, 0, ended.stderr);
    assert.match(ended.stdout, new RegExp(`^garbage +${orphans}, `, 'm'));
    assert.match(ended.stdout, /nothing: a dry run; --apply deletes/);
    assert.equal(await check(data), orphans);
  });

  for (const fault of ['blob.delete:1', 'blob.delete:2', `blob.delete:${orphans / 2}`, `blob.delete:${orphans}`]) {
    test(`at ${fault} nothing is lost, and the next sweep completes it`, async () => {
      const data = await copy(fault.replace(/\W/g, '-'));
      const ended = await gyre(['gc', '--apply'], placeOf(data, fault));
      assert.equal(ended.signal, 'SIGKILL', ended.stdout);
      assert.equal(await check(data), orphans - Number(fault.split(':')[1]) + 1);
      assert.deepEqual(query(data, "select count(*) from events where type like '%garbage_sweep.started%'"), [1], 'it has left its trace');
      await complete(data);
    });
  }

  test('at any moment nothing is lost', async () => {
    const random = seeded(29);
    const data = await copy('random');
    let cut = 0;
    for (let round = 0; round < 6; round++) {
      const running = start(['gc', '--apply'], placeOf(data));
      const timer = setTimeout(() => running.kill('SIGKILL'), 400 + random.int(1_600));
      const ended = await running.ended;
      clearTimeout(timer);
      if (ended.signal === 'SIGKILL') cut += 1;
      await check(data);
    }
    assert.ok(cut > 0, 'no round was cut off: the delays are too long for this machine');
    await complete(data);
  });
});
