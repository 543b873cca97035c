import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { objectPath } from './layout.ts';
import { openWorkspace } from './open-workspace.ts';
import { isA, openBench, textOf as text } from './testing.ts';
import type { Bench } from './testing.ts';

describe('pushing and pulling', () => {
  async function withRemote(bench: Bench): Promise<Bench['workspace']> {
    bench.files({ 'a/data/x': '1', 'a/data/y': '2', 'a/data/sub/z': '3', 'a/file': 'f' });
    const here = openWorkspace(join(bench.folder, 'a'));
    mkdirSync(join(bench.folder, 'b'));
    await here.add(['data', 'file'], bench.options);
    here.addRemote({ name: 'store', url: '../remote', isDefault: true, settings: {}, force: false });
    return here;
  }
  const clone = (bench: Bench): Bench['workspace'] => {
    for (const name of ['.dvc/config', 'data.dvc', 'file.dvc']) {
      bench.files({ [`b/${name}`]: text(bench, `a/${name}`) });
    }
    return openWorkspace(join(bench.folder, 'b'));
  };

  test('a push brings what the remote lacks, the listing last; a pull brings it into a clone', async () => {
    await using bench = openBench();
    const here = await withRemote(bench);
    assert.equal((await here.push([], bench.options)).pushed, 5);
    assert.deepEqual([(await here.push([], bench.options)).pushed, readdirSync(join(bench.folder, 'remote'))], [0, ['files']]);
    const there = clone(bench);
    const done = await there.pull([], bench.options);
    assert.deepEqual(
      done.map(({ path, placed, fetched }) => [path, placed, fetched]),
      [
        ['data', 3, 3],
        ['file', 1, 1],
      ],
    );
    assert.equal(text(bench, 'b/data/sub/z') + text(bench, 'b/file'), '3f');
    const status = await there.status([], bench.options);
    assert.ok(status.every(({ state, missing }) => state === 'clean' && missing.length === 0));
  });

  test('damaged and missing objects are refetched, also where the workspace needs nothing', async () => {
    await using bench = openBench();
    const here = await withRemote(bench);
    await here.push([], bench.options);
    rmSync(join(bench.folder, 'a/.dvc/cache'), { recursive: true });
    const [data] = await here.status(['data'], bench.options);
    assert.equal(data.missing.length, 4);
    await here.pull([], bench.options);
    const status = await here.status([], bench.options);
    assert.ok(status.every(({ state, missing }) => state === 'clean' && missing.length === 0));
    const x = objectPath(join(bench.folder, 'a/.dvc/cache'), 'c4ca4238a0b923820dcc509a6f75849b');
    // Of another size, and of the same one.
    for (const damage of ['damaged', '2']) {
      chmodSync(x, 0o644);
      writeFileSync(x, damage);
      rmSync(join(bench.folder, 'a/data/x'));
      const [done] = await here.checkout(['data'], bench.options);
      assert.deepEqual([done.fetched, text(bench, 'a/data/x'), readFileSync(x, 'utf8')], [1, '1', '1']);
    }
  });

  test('looks and other pushes go on at the same time, in this process and in others', async () => {
    await using bench = openBench();
    const many = Object.fromEntries(Array.from({ length: 900 }, (_, i) => [`a/data/${i % 10}/${i}`, `file ${i}`]));
    bench.files({ ...many, 'c/data/x': 'another workspace' });
    const [here, other] = ['a', 'c'].map((name) => openWorkspace(join(bench.folder, name)));
    const looks: Promise<unknown>[] = [];
    const looking = (look: () => Promise<unknown>): Bench['options'] => {
      let begun = false;
      const onProgress = (): void => {
        if (!begun) looks.push(look());
        begun = true;
      };
      return { ...bench.options, onProgress };
    };
    await other.add(['data'], bench.options);
    await here.add(['data'], bench.options);
    for (const each of [here, other])
      each.addRemote({ name: 'store', url: join(bench.folder, 'remote'), isDefault: true, settings: {}, force: false });
    rmSync(join(bench.folder, 'a/.dvc/cache/files'), { recursive: true });
    await here.add(
      ['data'],
      looking(() => here.status([], bench.options)),
    );
    assert.equal(
      (
        await here.push(
          [],
          looking(() => other.push([], bench.options)),
        )
      ).pushed,
      901,
    );
    rmSync(join(bench.folder, 'a/data'), { recursive: true });
    await here.checkout(
      [],
      looking(() => here.status([], bench.options)),
    );
    await Promise.all(looks);
    assert.equal(looks.length, 3);
    assert.equal((await here.status([], bench.options))[0].state, 'clean');
    assert.deepEqual(readdirSync(join(bench.folder, 'remote')), ['files']);
  });

  test('a damaged object is not spread, and holds back only the listing that names it', async () => {
    await using bench = openBench();
    const here = await withRemote(bench);
    const x = objectPath(join(bench.folder, 'a/.dvc/cache'), 'c4ca4238a0b923820dcc509a6f75849b');
    chmodSync(x, 0o644);
    writeFileSync(x, '!');
    await assert.rejects(
      here.push([], bench.options),
      isA('DATA_LOSS', /1 object could not be pushed.*c4ca4238a0b923820dcc509a6f75849b is damaged/),
    );
    const pushed = readdirSync(join(bench.folder, 'remote/files/md5'), { recursive: true }).map(String);
    assert.deepEqual([pushed.filter((name) => name.endsWith('.dir')).length, pushed.filter((name) => name.includes('/')).length], [0, 3]);
  });

  test('what neither cache nor remote has is named, and the rest comes', async () => {
    await using bench = openBench();
    const here = await withRemote(bench);
    await here.push([], bench.options);
    rmSync(objectPath(join(bench.folder, 'remote'), 'c4ca4238a0b923820dcc509a6f75849b'));
    const there = clone(bench);
    await assert.rejects(there.pull([], bench.options), isA('DATA_LOSS', /1 file is .*data\/x .*missing in the remote/));
    assert.equal(text(bench, 'b/data/y'), '2');
  });

  test('credentials of a remote go where git does not see them; a remote that is not mounted is none that is empty', async () => {
    await using bench = openBench();
    const here = await withRemote(bench);
    here.addRemote({
      name: 's',
      url: 's3://bucket/x',
      isDefault: false,
      settings: { region: 'eu', secret_access_key: 'hush' },
      force: false,
    });
    assert.doesNotMatch(text(bench, 'a/.dvc/config'), /hush/);
    assert.match(text(bench, 'a/.dvc/config.local'), /secret_access_key = hush/);
    assert.equal(statSync(join(bench.folder, 'a/.dvc/config.local')).mode & 0o077, 0);
    assert.deepEqual(
      here.remotes().map(({ name, isDefault }) => [name, isDefault]),
      [
        ['store', true],
        ['s', false],
      ],
    );
    assert.throws(
      () => here.addRemote({ name: 's', url: '/x', isDefault: false, settings: {}, force: false }),
      isA('ALREADY_EXISTS', /--force/),
    );
    assert.throws(
      () => here.addRemote({ name: 't', url: 'gs://x', isDefault: false, settings: {}, force: false }),
      isA('INVALID_ARGUMENT', /s3:\/\//),
    );
    here.removeRemote('s');
    here.addRemote({ name: 'gone', url: '/nowhere/at/all', isDefault: true, settings: {}, force: false });
    await assert.rejects(here.push([], bench.options), isA('UNAVAILABLE', /is it mounted/));
    assert.throws(() => here.removeRemote('other'), isA('NOT_FOUND', /there are "store", "gone"/));
  });
});
