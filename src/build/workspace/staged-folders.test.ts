import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { noFiles } from './stat-cache.ts';
import { moveStaged } from './staged-folders.ts';
import { isA, openBench, textOf as text } from './testing.ts';
import type { Bench } from './testing.ts';

/** Folders with many files and with few, in one another. */
const counts = { data: 9, 'data/few': 2, 'data/few/many': 12, 'data/many': 10, 'data/many/few': 1, 'data/many/many/many': 300 };

describe('files of folders that are not there yet', () => {
  async function added(bench: Bench): Promise<Record<string, string>> {
    const files = Object.fromEntries(
      Object.entries(counts).flatMap(([folder, count]) => Array.from({ length: count }, (_, i) => [`${folder}/${i}`, `${folder} ${i}`])),
    );
    bench.files(files);
    await bench.workspace.add(['data'], bench.options);
    rmSync(join(bench.folder, 'data'), { recursive: true });
    return files;
  }
  const filesOf = (bench: Bench): Record<string, string> =>
    Object.fromEntries(
      readdirSync(join(bench.folder, 'data'), { recursive: true, encoding: 'utf8' })
        .filter((name) => statSync(join(bench.folder, 'data', name)).isFile())
        .map((name) => [`data/${name}`, text(bench, `data/${name}`)]),
    );

  test('are placed with their folders, and nothing is left beside them', async () => {
    await using bench = openBench();
    const files = await added(bench);
    const [done] = await bench.workspace.checkout([], bench.options);
    assert.equal(done.placed, Object.keys(files).length);
    assert.deepEqual(filesOf(bench), files);
    assert.deepEqual(readdirSync(join(bench.folder, '.dvc/tmp/gyre/incoming')), []);
    assert.equal((await bench.workspace.status([], bench.options))[0].state, 'clean');
  });

  test('are placed for several tracked paths at the same time', async () => {
    await using bench = openBench();
    const files = Object.fromEntries(
      ['a', 'b', 'c/d'].flatMap((folder) => Array.from({ length: 20 }, (_, i) => [`${folder}/${i % 2}/${i}`, `${folder} ${i}`])),
    );
    bench.files(files);
    await bench.workspace.add(['a', 'b', 'c/d'], bench.options);
    for (const folder of ['a', 'b', 'c/d']) rmSync(join(bench.folder, folder), { recursive: true });
    await bench.workspace.checkout([], bench.options);
    for (const [path, content] of Object.entries(files)) assert.equal(text(bench, path), content);
    assert.equal(statSync(join(bench.folder, 'a/1')).mode & 0o777, 0o777 & ~process.umask());
  });

  test('leave a folder that is there as it is', async () => {
    await using bench = openBench();
    bench.files({ '.dvcignore': '*.note\n' });
    const files = await added(bench);
    mkdirSync(join(bench.folder, 'data/many'), { recursive: true });
    writeFileSync(join(bench.folder, 'data/many/mine.note'), 'mine');
    chmodSync(join(bench.folder, 'data/many'), 0o700);
    await bench.workspace.checkout([], bench.options);
    assert.deepEqual(filesOf(bench), { ...files, 'data/many/mine.note': 'mine' });
    assert.equal(statSync(join(bench.folder, 'data/many')).mode & 0o777, 0o700);
  });

  test('give new folders the group of the folder above, where that is its way', async () => {
    await using bench = openBench();
    const files = await added(bench);
    chmodSync(bench.folder, 0o2755);
    await bench.workspace.checkout([], bench.options);
    assert.deepEqual(filesOf(bench), files);
    assert.notEqual(statSync(join(bench.folder, 'data/many/many')).mode & 0o2000, 0);
  });

  test('never go through a link', async () => {
    await using bench = openBench();
    await added(bench);
    bench.files({ 'elsewhere/x': 'mine', 'data/many/0': 'data/many 0' });
    symlinkSync('../../elsewhere', join(bench.folder, 'data/many/many'));
    await assert.rejects(bench.workspace.checkout([], bench.options), isA('PERMISSION_DENIED', /data\/many\/many is a link/));
    assert.deepEqual(readdirSync(join(bench.folder, 'elsewhere')), ['x']);
  });

  test('whose objects are damaged are named, and their neighbours are placed', async () => {
    await using bench = openBench();
    const files = await added(bench);
    const cache = join(bench.folder, '.dvc/cache/files/md5');
    const name = readdirSync(cache, { recursive: true, encoding: 'utf8' }).find(
      (each) => statSync(join(cache, each)).isFile() && readFileSync(join(cache, each), 'utf8') === 'data/many 7',
    );
    assert.ok(name !== undefined);
    chmodSync(join(cache, name), 0o644);
    writeFileSync(join(cache, name), 'damaged');
    await assert.rejects(bench.workspace.checkout([], bench.options), isA('DATA_LOSS', /1 file is .*data\/many\/7 .*damaged/));
    const { 'data/many/7': _damaged, ...others } = files;
    assert.deepEqual(filesOf(bench), others);
  });

  test('move in one by one, where somebody made the folder meanwhile', async () => {
    await using bench = openBench();
    bench.files({ 'staged/a': 'new', 'staged/b': 'new', 'data/sub/b': 'old', 'data/sub/c': 'theirs' });
    const found = noFiles(2);
    found.known.fill(1);
    found.stats.set([1, 3, 0, 0, 2, 3, 0, 0]);
    moveStaged(
      join(bench.folder, 'staged'),
      { folder: 'sub', positions: [0, 1] },
      { root: join(bench.folder, 'data'), paths: ['sub/a', 'sub/b'], made: new Set(), found, racyAfterMs: 0 },
    );
    assert.deepEqual(filesOf(bench), { 'data/sub/a': 'new', 'data/sub/b': 'new', 'data/sub/c': 'theirs' });
    assert.equal(found.stats[3], statSync(join(bench.folder, 'data/sub/a')).ctimeMs);
    assert.equal(found.stats[4], -1, 'a file that somebody could have changed since is read again');
  });
});
