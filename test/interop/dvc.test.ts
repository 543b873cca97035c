import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { dvcMissing, openRepository } from './dvc.ts';
import type { Ran, Repository } from './dvc.ts';

const oddFiles: Readonly<Record<string, string>> = {
  'data/a.txt': 'hi\n',
  'data/same.txt': 'hi\n',
  'data/empty': '',
  'data/no-rows.csv': 'id,label\n',
  'data/caf\u00e9.txt': 'nfc',
  'data/cafe\u0301.txt': 'nfd',
  'data/\u{1f600}.txt': 'beyond the basic plane',
  'data/\uff41.txt': 'fullwidth',
  'data/q"uo\'te #1: [x].csv': 'q',
  'data/del\u007f': 'd',
  'data/back\\slash': 'b',
  'data/sub/deep/er/x': 'x',
  'data/sub.txt': 'sorts beside sub/',
  'data/crlf.txt': 'one\r\ntwo\r\n',
};

function write(repository: Repository, files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    const file = join(repository.folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
}

/** Paths and contents below a folder. */
function contents(repository: Repository, path: string): Record<string, string> {
  const root = join(repository.folder, path);
  const names = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => statSync(join(root, name)).isFile());
  return Object.fromEntries(names.sort().map((name) => [name, readFileSync(join(root, name), 'utf8')]));
}

const read = (repository: Repository, path: string): string => readFileSync(join(repository.folder, path), 'utf8');

function well(ran: Ran): string {
  assert.equal(ran.code, 0, ran.out);
  return ran.out;
}

/** The repository's objects, for a copy beside it. */
async function commit(repository: Repository): Promise<void> {
  well(await repository.git('add', '-A'));
  well(await repository.git('commit', '-q', '-m', 'data'));
}

describe('the real dvc', { skip: dvcMissing }, () => {
  test('finds clean what gyre added, byte for byte as it writes it itself, whatever the names', async () => {
    await using ours = await openRepository();
    await using theirs = await openRepository();
    const single = "it's #1: [x] a.csv";
    for (const repository of [ours, theirs]) {
      write(repository, { ...oddFiles, [single]: '1\n', 'run.sh': '#!/bin/sh\n', yes: 'y', 'n e/2024-01-01': 'date' });
      mkdirSync(join(repository.folder, 'data/empty-folder'));
      mkdirSync(join(repository.folder, 'nothing'));
      chmodSync(join(repository.folder, 'run.sh'), 0o755);
      chmodSync(join(repository.folder, 'data/sub/deep/er/x'), 0o755);
      symlinkSync('a.txt', join(repository.folder, 'data/link'));
      symlinkSync('sub', join(repository.folder, 'data/folder-link'));
    }
    const paths = ['data', single, 'run.sh', 'yes', 'n e/2024-01-01', 'nothing'];
    well(await theirs.dvc('init', '-q'));
    well(await theirs.dvc('add', '-q', ...paths));
    well(await ours.gyre('data', 'add', ...paths));
    for (const path of ['data', 'run.sh', 'nothing']) assert.equal(read(ours, `${path}.dvc`), read(theirs, `${path}.dvc`), path);
    assert.equal(read(ours, '.gitignore'), read(theirs, '.gitignore'));
    const objects = (repository: Repository): string[] =>
      readdirSync(join(repository.folder, '.dvc/cache/files/md5'), { recursive: true, encoding: 'utf8' }).sort();
    assert.deepEqual(objects(ours), objects(theirs));
    const dir = join('.dvc/cache/files/md5', objects(ours).find((name) => name.endsWith('.dir') && !name.startsWith('d7')) ?? '');
    assert.equal(read(ours, dir), read(theirs, dir));
    assert.match(well(await ours.dvc('status')), /up to date/);
    assert.match(well(await ours.dvc('data', 'status')), /No changes|uncommitted|git/i);
    // And the other way round.
    const [status] = JSON.parse(well(await theirs.gyre('data', 'status', '--json', 'data'))) as { state: string; missing: string[] }[];
    assert.deepEqual([status.state, status.missing], ['clean', []]);
    assert.match(well(await theirs.gyre('data', 'add', ...paths)), /as before/);
    assert.match(well(await theirs.dvc('status')), /up to date/);
  });

  test('adds what becomes a dataset version without a copy, is checked out again whatever the names, and stays clean', async () => {
    await using repository = await openRepository();
    write(repository, {
      ...oddFiles,
      'gyre.yaml': 'project: odd\ncharter: { problem: What is in it?, owner: Ada }\ndata: { odd: { source: { files: data } } }\n',
    });
    well(await repository.dvc('init', '-q'));
    well(await repository.dvc('add', '-q', 'data'));
    await commit(repository);
    const recorded = JSON.parse(well(await repository.gyre('data', 'add', 'odd', '--json'))) as {
      readonly version: { readonly digest: string };
      readonly ingestion: { readonly kept: number; readonly rows: number };
    };
    const count = Object.keys(oddFiles).length;
    assert.deepEqual([recorded.ingestion.kept, recorded.ingestion.rows], [count, count]);
    assert.match(well(await repository.dvc('status')), /up to date/);
    const before = contents(repository, 'data');
    rmSync(join(repository.folder, 'data'), { recursive: true });
    write(repository, { 'data/other': 'another state' });
    well(await repository.dvc('add', '-q', 'data'));
    well(await repository.gyre('data', 'checkout', recorded.version.digest, '--to', 'then'));
    assert.deepEqual(contents(repository, 'then'), before);
    assert.match(well(await repository.dvc('status')), /up to date/);
  });

  test('pulls and checks out in a fresh clone what gyre pushed', async () => {
    await using ours = await openRepository();
    await using store = await openRepository();
    write(ours, { ...oddFiles, 'table.csv': 'a,b\n' });
    well(await ours.gyre('data', 'add', 'data', 'table.csv'));
    well(await ours.gyre('data', 'remote', 'add', '--default', 'store', join(store.folder, 'objects')));
    well(await ours.gyre('data', 'push'));
    assert.match(well(await ours.dvc('status', '-c')), /in sync/);
    await commit(ours);
    await using clone = await ours.clone();
    well(await clone.dvc('pull', '-q'));
    assert.deepEqual(contents(clone, 'data'), contents(ours, 'data'));
    assert.equal(read(clone, 'table.csv'), 'a,b\n');
    assert.match(well(await clone.dvc('status')), /up to date/);
    rmSync(join(clone.folder, 'data'), { recursive: true });
    well(await clone.gyre('data', 'checkout'));
    assert.deepEqual(contents(clone, 'data'), contents(ours, 'data'));
    assert.match(well(await clone.dvc('status')), /up to date/);
  });

  test('adds and pushes what gyre reads, pulls, checks out, changes and pushes', async () => {
    await using theirs = await openRepository();
    await using store = await openRepository();
    write(theirs, oddFiles);
    well(await theirs.dvc('init', '-q'));
    well(await theirs.dvc('remote', 'add', '-q', '-d', 'store', join(store.folder, 'objects')));
    well(await theirs.dvc('add', '-q', 'data'));
    well(await theirs.dvc('push', '-q'));
    await commit(theirs);
    await using clone = await theirs.clone();
    well(await clone.gyre('data', 'pull'));
    assert.deepEqual(contents(clone, 'data'), contents(theirs, 'data'));
    assert.match(well(await clone.dvc('status')), /up to date/);
    write(clone, { 'data/new/file': 'new' });
    rmSync(join(clone.folder, 'data/a.txt'));
    assert.equal((await clone.gyre('data', 'status')).code, 1);
    well(await clone.gyre('data', 'add', 'data'));
    well(await clone.gyre('data', 'push'));
    assert.match(well(await clone.dvc('status', '-c')), /in sync/);
    await commit(clone);
    well(await theirs.git('pull', '-q', clone.folder, 'HEAD'));
    well(await theirs.dvc('pull', '-q'));
    assert.deepEqual(contents(theirs, 'data'), contents(clone, 'data'));
    const [diff] = JSON.parse(well(await theirs.gyre('data', 'diff', '--json', 'HEAD~1', 'HEAD'))) as {
      changes: { added: string[]; removed: string[] };
    }[];
    // The content of a.txt is that of same.txt: nothing says that it was renamed.
    assert.deepEqual([diff.changes.added, diff.changes.removed], [['new/file'], ['a.txt']]);
  });

  test('reads .dvcignore as gyre does, and keeps what its own files say besides', async () => {
    await using repository = await openRepository();
    well(await repository.dvc('init', '-q'));
    const names = ['a.tmp', 'keep.tmp', 'b.log', 'sub/c.tmp', 'sub/build/x', 'build/y', 'build.txt', '#hash', 'deep/a/b/c.dat', 'space '];
    write(repository, Object.fromEntries(names.map((name) => [`data/${name}`, name])));
    write(repository, { '.dvcignore': '# ours\n*.tmp\n!keep.tmp\n/data/build/\n**/deep/**/c.dat\n\\#hash\n*.log\n!/data/b.log\n' });
    well(await repository.dvc('add', '-q', 'data'));
    const theirs = read(repository, 'data.dvc');
    writeFileSync(join(repository.folder, 'data.dvc'), `# by hand\n${theirs}  desc: photographs\n  meta:\n    owner: ada\n`);
    rmSync(join(repository.folder, '.dvc/cache'), { recursive: true });
    well(await repository.gyre('data', 'add', 'data'));
    assert.equal(read(repository, 'data.dvc'), `# by hand\n${theirs}  desc: photographs\n  meta:\n    owner: ada\n`);
    write(repository, { 'data/more': '1' });
    well(await repository.gyre('data', 'add', 'data'));
    assert.match(
      read(repository, 'data.dvc'),
      /^# by hand\nouts:\n- md5: .*\n.*\n.*\n {2}hash: md5\n {2}path: data\n {2}desc: photographs\n {2}meta:\n {4}owner: ada\n$/,
    );
    assert.match(well(await repository.dvc('status')), /up to date/);
  });

  test('understands links of every cache.type that gyre made, and the other way round', async () => {
    for (const type of ['hardlink', 'symlink']) {
      await using repository = await openRepository();
      well(await repository.dvc('init', '-q'));
      well(await repository.dvc('config', 'cache.type', type));
      write(repository, { 'data/x': '1', 'data/empty': '', 'other/y': '2' });
      well(await repository.gyre('data', 'add', 'data'));
      well(await repository.dvc('add', '-q', 'other'));
      assert.match(well(await repository.dvc('status')), /up to date/);
      assert.equal((await repository.gyre('data', 'status')).code, 0);
      const look = (path: string): string => {
        const found = lstatSync(join(repository.folder, path));
        return found.isSymbolicLink() ? 'symlink' : found.nlink > 1 ? 'hardlink' : 'own';
      };
      assert.deepEqual([look('data/x'), look('other/y')], [type, type]);
      rmSync(join(repository.folder, 'data'), { recursive: true });
      rmSync(join(repository.folder, 'other'), { recursive: true });
      well(await repository.gyre('data', 'checkout'));
      assert.deepEqual([look('data/x'), look('other/y')], [type, type]);
      assert.match(well(await repository.dvc('status')), /up to date/);
    }
  });

  test('outside of git: its --no-scm workspace is ours, and ours is its', async () => {
    await using one = await openRepository();
    await using two = await openRepository();
    for (const { folder } of [one, two]) rmSync(join(folder, '.git'), { recursive: true });
    write(one, { 'data/x': '1' });
    write(two, { 'data/x': '1' });
    well(await one.dvc('init', '-q', '--no-scm'));
    well(await one.gyre('data', 'add', 'data'));
    well(await two.gyre('data', 'add', 'data'));
    assert.equal(existsSync(join(one.folder, '.gitignore')), false);
    assert.equal(read(one, '.dvc/config'), read(two, '.dvc/config'));
    assert.equal(read(one, 'data.dvc'), read(two, 'data.dvc'));
    for (const repository of [one, two]) assert.match(well(await repository.dvc('status')), /up to date/);
  });

  test('what DVC before 3 added is read where those versions kept it', async () => {
    await using repository = await openRepository();
    well(await repository.dvc('init', '-q'));
    // As DVC 2 wrote them: no `hash`, objects right below the cache, a text's MD5 taken with its line ends turned.
    const md5 = createHash('md5').update('one\ntwo\n').digest('hex');
    write(repository, {
      'table.csv': 'one\r\ntwo\r\n',
      'table.csv.dvc': `outs:\n- md5: ${md5}\n  size: 10\n  path: table.csv\n`,
      [`.dvc/cache/${md5.slice(0, 2)}/${md5.slice(2)}`]: 'one\r\ntwo\r\n',
    });
    assert.match(well(await repository.dvc('status')), /up to date/);
    well(await repository.gyre('data', 'status'));
    rmSync(join(repository.folder, 'table.csv'));
    well(await repository.gyre('data', 'checkout'));
    assert.equal(read(repository, 'table.csv'), 'one\r\ntwo\r\n');
    assert.match(well(await repository.dvc('status')), /up to date/);
    well(await repository.gyre('data', 'add', 'table.csv'));
    assert.match(read(repository, 'table.csv.dvc'), /hash: md5/);
    assert.match(well(await repository.dvc('status')), /up to date/);
  });
});
