import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { sql } from 'kysely';
import type { AuditEntry, GarbageSweep, Trace } from '#contract';
import { asSha256, sha256 } from '#core';
import type { Sha256 } from '#core';
import { openGarbage } from '#governance';
import { openWorkspaceObjects } from '#workspace';
import { dayMs, openBench } from './testing.ts';
import { turnTheLoop } from './testing-loop.ts';
import type { Bench } from './testing.ts';
import type { Records } from './testing-loop.ts';

describe('garbage collection', () => {
  let bench: Bench;
  let records: Records;
  let stored: readonly Sha256[];
  before(async () => {
    bench = await openBench();
    records = await turnTheLoop(bench);
    stored = (await Array.fromAsync(bench.blobs.list())).map(({ digest }) => digest);
  });
  after(() => bench[Symbol.asyncDispose]());

  const ask = async (body: object, status = 202): Promise<GarbageSweep> => {
    const response = await bench.ask('/api/v1/garbage-sweeps', { method: 'POST', token: bench.tokens.admin, body });
    assert.equal(response.status, status, await response.clone().text());
    // The contract's own shape: routes.test.ts holds answers against it.
    return (await response.json()) as GarbageSweep;
  };
  const swept = async (body: object): Promise<GarbageSweep> => {
    const { id } = await ask(body);
    await bench.deps.garbage.wait(id);
    return (await (await bench.ask(`/api/v1/garbage-sweeps/${id}`, { token: bench.tokens.stakeholder })).json()) as GarbageSweep;
  };
  /** Blobs are as old as the machine's clock says: the platform's is set on from there. */
  const ageBy = (ms: number): void => bench.clock.set(Date.now() + ms);
  const orphans = async (...words: readonly string[]): Promise<readonly Sha256[]> => {
    for (const word of words) await bench.blobs.put(new TextEncoder().encode(word));
    return words.map((word) => sha256(word)).sort();
  };

  test('finds nothing after a whole turn of the loop but what nothing names, and a dry run deletes nothing', async () => {
    const expected = await orphans('nobody', 'names', 'these');
    ageBy(2 * dayMs);
    const sweep = await swept({ what: 'blobs' });
    assert.deepEqual([sweep.state, sweep.phase, sweep.apply], ['finished', 'done', false]);
    assert.deepEqual(
      sweep.items.map(({ digest }) => digest),
      expected,
    );
    assert.match(sweep.items[0].why, /no record refers to it; stored 20\d\d-/);
    assert.deepEqual(
      [sweep.garbage, sweep.deleted],
      [
        { count: 3, bytes: 16 },
        { count: 0, bytes: 0 },
      ],
    );
    assert.equal(sweep.kept.count, stored.length);
    for (const digest of expected) assert.ok(await bench.blobs.has(digest));
  });

  test('deletes exactly that, every claim still has its evidence, and the audit log says who did it', async () => {
    const traced = (): Promise<Trace> => bench.deps.governance.trace('prediction', records.prediction);
    const evidence = await traced();
    const gone = await orphans('nobody', 'names', 'these');
    ageBy(2 * dayMs);
    const sweep = await swept({ what: 'blobs', apply: true });
    assert.deepEqual(sweep.deleted, { count: 3, bytes: 16 });
    for (const digest of gone) assert.equal(await bench.blobs.has(digest), false);
    for (const digest of stored) await bench.blobs.verify(digest);
    const after = await traced();
    assert.deepEqual(after, evidence, 'every file of the chain was read again and compared with its digest');
    assert.ok(after.links.filter(({ verified }) => verified === true).length > 5);
    await bench.deps.governance.caughtUp();
    const { items } = (await (await bench.ask(`/api/v1/audit?subject=${sweep.id}`, { token: bench.tokens.qa })).json()) as {
      items: readonly AuditEntry[];
    };
    assert.deepEqual(
      items.map(({ action, actor, data }) => [action, actor.name, data['blobs']]),
      [
        ['dev.gyre.garbage_sweep.started.v1', 'the-admin', undefined],
        ['dev.gyre.garbage_sweep.finished.v1', 'the-admin', 3],
      ],
    );
  });

  test('runs that were deleted long enough ago go for good, with their files, unless a model version needs them', async () => {
    const { training, registry } = bench.deps;
    const by = { identity: 'ada', name: 'Ada' };
    const { id: experiment } = await training.tracking.createExperiment({ name: 'to be cleared', by });
    const start = async (): Promise<string> => {
      const { id } = await training.tracking.createRun({ experiment, by });
      await training.logArtifact(id, 'a/big.txt', new TextEncoder().encode('12345'));
      return id;
    };
    const [gone, kept, alive] = [await start(), await start(), await start()];
    await training.logMetrics(gone, [{ key: 'loss', value: 1 }]);
    await registry.createModel({ name: 'kept', by });
    await registry.registerVersion({ model: 'kept', source: `runs:/${kept}/a`, run: kept, by });
    for (const id of [gone, kept]) await training.tracking.deleteRun({ id, by });
    const early = await swept({ what: 'runs', apply: true });
    assert.equal(early.looked.count, 0, 'they stay for thirty days');
    bench.clock.set(bench.clock.now() + 31 * dayMs);
    const dry = await swept({ what: 'runs' });
    assert.deepEqual(
      dry.items.map(({ kind, record, bytes }) => [kind, record, bytes]),
      [['run', gone, 5]],
    );
    assert.match(dry.items[0].why, /^deleted 20\d\d-.*nothing needs it$/);
    assert.deepEqual([dry.kept.count, dry.deleted.count], [1, 0]);
    const sweep = await swept({ what: 'runs', apply: true });
    assert.deepEqual([sweep.state, sweep.deleted], ['finished', { count: 1, bytes: 5 }]);
    await assert.rejects(training.tracking.getRun(gone), { code: 'NOT_FOUND' });
    assert.equal((await training.tracking.getRun(kept)).lifecycle, 'deleted');
    assert.equal((await training.tracking.getRun(alive)).lifecycle, 'active');
    assert.equal((await training.artifacts.files(experiment)).items.length, 2);
    const [point] = (
      await bench.store.read((db) => sql`select * from metric_points p where p.run not in (select position from runs)`.execute(db.tables()))
    ).rows;
    assert.equal(point, undefined, 'no point without its run');
  });

  test('leaves alone what is younger than the grace period, whatever refers to it', async () => {
    const [young] = await orphans('being uploaded');
    ageBy(3_600_000);
    const sweep = await swept({ what: 'blobs', apply: true });
    assert.equal(sweep.garbage.count, 0);
    assert.ok(sweep.young.count >= 1);
    assert.ok(await bench.blobs.has(young));
    ageBy(2 * 3_600_000);
    const shorter = await swept({ what: 'blobs', apply: true, graceMs: 3_600_000 });
    assert.deepEqual(shorter.deleted, { count: 1, bytes: 14 });
  });

  test('spares a blob that is stored again between the look at it and its deletion', async () => {
    const words = ['first', 'again', 'last'];
    await orphans(...words);
    const { deps, blobs, store, clock } = bench;
    const newest = Math.max(...(await Promise.all(words.map(async (word) => (await blobs.stat(sha256(word)))?.storedAt ?? 0))));
    const graceMs = 3_600_000;
    clock.set(newest + 1 + graceMs);
    const watched: typeof blobs = {
      ...methodsOf(blobs),
      list: async function* () {
        for await (const stat of blobs.list()) {
          if (stat.digest === sha256('again')) await blobs.put(new TextEncoder().encode('again'));
          yield stat;
        }
      },
    };
    await using garbage = openGarbage({ ...deps, store, blobs: watched });
    const { id } = await garbage.start({ what: 'blobs', apply: true, graceMs, by: { identity: 'x', name: 'x' } });
    const sweep = await garbage.wait(id);
    assert.deepEqual([sweep.garbage.count, sweep.deleted.count], [3, 2]);
    assert.equal(await blobs.has(sha256('again')), true);
    assert.equal(await blobs.has(sha256('first')), false);
  });

  test('of the workspace’s cache goes what no .dvc file and no recorded version names', async () => {
    const folder = bench.deps.project.current().folder;
    const by = { identity: 'x', name: 'x' };
    const add = async (text: string): Promise<void> => {
      await writeFile(join(folder, 'notes.txt'), text);
      const { id } = await bench.deps.workspace.start({ verb: 'add', paths: ['notes.txt'], by });
      assert.equal((await bench.deps.workspace.wait(id)).state, 'finished');
    };
    await add('recorded');
    const stop = { apply: false, signal: new AbortController().signal };
    const kept = await openWorkspaceObjects(folder).keep(join(folder, 'notes.txt'), stop);
    await add('lost');
    await add('now');
    const sweepWith = async (workspace: Pick<typeof bench.deps.workspace, 'garbage'>, apply: boolean): Promise<GarbageSweep> => {
      const { store, blobs, deps } = bench;
      await using garbage = openGarbage({ ...deps, store, blobs, workspace });
      const { id } = await garbage.start({ what: 'cache', apply, by });
      return await garbage.wait(id);
    };
    const young = await sweepWith(bench.deps.workspace, true);
    assert.deepEqual([young.state, young.looked.count, young.young.count, young.deleted.count], ['finished', 3, 1, 0]);
    // as if days had gone by
    const later = { garbage: (asked: object) => bench.deps.workspace.garbage({ ...stop, ...asked, graceMs: -1000 }) };
    const dry = await sweepWith(later, false);
    assert.deepEqual([dry.garbage.count, dry.deleted.count, dry.referred], [1, 0, 1]);
    assert.deepEqual([dry.items[0].kind, dry.items[0].digest], ['object', undefined]);
    assert.notEqual(dry.items[0].object, kept?.object);
    assert.equal((await sweepWith(later, true)).deleted.count, 1);
    const left = await sweepWith(later, false);
    assert.deepEqual([left.looked.count, left.kept.count, left.garbage.count], [2, 2, 0]);
    assert.notEqual(openWorkspaceObjects(folder).finder()(kept?.object ?? ''), undefined);
  });

  test('images of a dataset stay, which only the list of its files names; without the list nothing goes', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'gyre-garbage-'));
    try {
      // A PNG of one pixel; what differs behind its end makes three images of it.
      const pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
      const images = ['one', 'two', 'three'].map((name) => Buffer.concat([Buffer.from(pixel, 'base64'), Buffer.from(name)]));
      await mkdir(join(folder, 'cats'));
      for (const [at, image] of images.entries()) await writeFile(join(folder, 'cats', `${at}.png`), image);
      const by = { identity: 'x', name: 'x' };
      const { version } = await bench.deps.data.ingestImages({ dataset: 'cats', folder, source: 'cats', by });
      const [orphan] = await orphans('not an image');
      ageBy(4 * dayMs);
      await swept({ what: 'blobs', apply: true });
      for (const image of images) assert.ok(await bench.blobs.has(sha256(image)));
      assert.equal(await bench.blobs.has(orphan), false);

      await orphans('not an image');
      const [list] = version.manifest.files.map(({ sha256: digest }) => asSha256(digest));
      const kept = await bench.blobs.read(list);
      await bench.blobs.delete(list);
      const sweep = await swept({ what: 'blobs', apply: true });
      assert.deepEqual([sweep.state, sweep.deleted.count], ['failed', 0]);
      assert.match(
        sweep.error ?? '',
        /the list .* of dataset version .* cats cannot be read, so what it names is not known and nothing may go/,
      );
      await bench.blobs.put(kept);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('objects of Git LFS stay as long as a repository has them', async () => {
    const oid = sha256('an object');
    const headers = { authorization: `Bearer ${bench.tokens['data-scientist']}` };
    await fetch(`${bench.address}/lfs/vision/objects/${oid}`, { method: 'PUT', headers, body: 'an object' });
    ageBy(3 * dayMs);
    await swept({ what: 'blobs', apply: true });
    assert.ok(await bench.blobs.has(oid));
  });

  test('goes one at a time, with a grace period that covers what is under way', async () => {
    assert.match(JSON.stringify(await ask({ what: 'blobs', graceMs: 1000 }, 400)), /at least an hour/);
    assert.equal((await ask({ what: 'everything' }, 400)).state, undefined);
    const { id } = await bench.deps.garbage.start({ what: 'blobs', apply: false, by: { identity: 'x', name: 'x' } });
    assert.match(JSON.stringify(await ask({ what: 'blobs' }, 409)), /another garbage sweep is under way/);
    const cancelled = await bench.ask(`/api/v1/garbage-sweeps/${id}`, { method: 'DELETE', token: bench.tokens.admin });
    assert.equal(((await cancelled.json()) as GarbageSweep).state, 'cancelled');
    const listed = (await (await bench.ask('/api/v1/garbage-sweeps', { token: bench.tokens.qa })).json()) as {
      items: readonly GarbageSweep[];
    };
    assert.equal(listed.items[0].id, id);
  });
});

/** A class's methods as members, so that one of them can be replaced. */
function methodsOf(blobs: Bench['blobs']): Bench['blobs'] {
  return {
    put: (bytes, options) => blobs.put(bytes, options),
    putFile: (path, options) => blobs.putFile(path, options),
    open: (digest, range) => blobs.open(digest, range),
    read: (digest) => blobs.read(digest),
    stat: (digest) => blobs.stat(digest),
    has: (digest) => blobs.has(digest),
    localPath: (digest, options) => blobs.localPath(digest, options),
    verify: (digest) => blobs.verify(digest),
    list: () => blobs.list(),
    renew: (digest) => blobs.renew(digest),
    delete: (digest, options) => blobs.delete(digest, options),
  };
}
