import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, test } from 'node:test';
import { objectPath } from './layout.ts';
import { openWorkspace } from './open-workspace.ts';
import { isA, openBench, textOf as text } from './testing.ts';

const md5OfA = '764efa883dda1e11db47671c4a3bbd9e'; // md5 of "hi\n"

/** Longer than the instant in which a file that was just written counts as not yet settled. */
const settled = (): Promise<void> => sleep(120);

describe('adding data files', () => {
  test('the first add makes the .dvc folder; without git it says so', async () => {
    await using bench = openBench();
    assert.equal(bench.workspace.root, undefined);
    bench.files({ 'a.txt': 'hi\n' });
    const [added] = await bench.workspace.add(['a.txt'], bench.options);
    assert.deepEqual([added.object, added.size, added.dvcFile, added.stored], [md5OfA, 3, 'a.txt.dvc', 1]);
    assert.equal(text(bench, 'a.txt.dvc'), `outs:\n- md5: ${md5OfA}\n  size: 3\n  hash: md5\n  path: a.txt\n`);
    assert.equal(text(bench, '.dvc/config'), '[core]\n    no_scm = True\n');
    assert.equal(existsSync(join(bench.folder, '.gitignore')), false);
    const object = objectPath(join(bench.folder, '.dvc/cache'), md5OfA);
    assert.equal(statSync(object).mode & 0o777, 0o444);
    assert.equal(readFileSync(object, 'utf8'), 'hi\n');
  });

  test('in a git repository the path is ignored once, also when it is added again', async () => {
    await using bench = openBench();
    execFileSync('git', ['init', '-q', bench.folder]);
    bench.files({ 'in/data/x': '1', '.gitignore': '*.pyc' });
    await bench.workspace.add(['in/data'], bench.options);
    await bench.workspace.add(['in/data'], bench.options);
    assert.equal(text(bench, 'in/.gitignore'), '/data\n');
    assert.equal(text(bench, '.gitignore'), '*.pyc');
    assert.equal(text(bench, '.dvc/.gitignore'), '/config.local\n/tmp\n/cache\n');
    const seen = execFileSync('git', ['-C', bench.folder, 'status', '--porcelain', '-uall'], { encoding: 'utf8' });
    assert.doesNotMatch(seen, /cache|tmp|data\/x/);
    execFileSync('git', ['-C', bench.folder, 'add', '.gitignore']);
    await assert.rejects(bench.workspace.add(['.gitignore'], bench.options), isA('FAILED_PRECONDITION', /git tracks .gitignore already/));
  });

  test('a file that did not change is not read again, in folders of any shape', async () => {
    await using bench = openBench();
    const many = Object.fromEntries(Array.from({ length: 1100 }, (_, i) => [`data/flat/${i}`, `file ${i}`]));
    bench.files({ ...many, 'data/a/b/c': 'deep', 'data/top': 'top' });
    mkdirSync(join(bench.folder, 'data/empty'));
    await settled();
    const [first] = await bench.workspace.add(['data'], bench.options);
    assert.deepEqual([first.files, first.hashed, first.stored], [1102, 1102, 1102]);
    const [again] = await bench.workspace.add(['data'], bench.options);
    assert.deepEqual([again.hashed, again.changed, again.object], [0, false, first.object]);
    writeFileSync(join(bench.folder, 'data/flat/77'), 'other');
    const [changed] = await bench.workspace.add(['data'], bench.options);
    assert.deepEqual([changed.hashed, changed.stored, changed.files], [1, 1, 1102]);
    rmSync(join(bench.folder, 'data/flat/78'));
    const [fewer] = await bench.workspace.add(['data'], bench.options);
    assert.equal(fewer.files, 1101);
    // What a whole new look says is what the short ways said.
    rmSync(join(bench.folder, '.dvc/tmp'), { recursive: true });
    const [fresh] = await bench.workspace.add(['data'], bench.options);
    assert.deepEqual([fresh.object, fresh.hashed, fresh.stored], [fewer.object, 1101, 0]);
  });

  test('a look at few files that did not change starts no thread, and sees what came, went and changed', async () => {
    await using bench = openBench();
    const many = Object.fromEntries(Array.from({ length: 1100 }, (_, i) => [`data/flat/${String(i).padStart(4, '0')}`, `file ${i}`]));
    bench.files({ ...many, 'data/top': 'top' });
    await settled();
    await bench.workspace.add(['data'], bench.options);
    let threads = 0;
    const onWorker = (): void => {
      threads += 1;
    };
    process.on('worker', onWorker);
    try {
      const [clean] = await bench.workspace.status([], bench.options);
      assert.deepEqual([clean.state, clean.files, threads], ['clean', 1101, 0]);
      rmSync(join(bench.folder, 'data/flat/0005'));
      const [fewer] = await bench.workspace.status([], bench.options);
      assert.deepEqual([fewer.changes.removed, threads], [['flat/0005'], 0]);
      bench.files({ 'data/flat/0006': 'other', 'data/new/x': 'new' });
      const [changed] = await bench.workspace.status([], bench.options);
      assert.deepEqual([changed.changes.added, changed.changes.modified], [['new/x'], ['flat/0006']]);
      assert.ok(threads > 0);
    } finally {
      process.off('worker', onWorker);
    }
  });

  test('a change that leaves size and time of change as they were is seen', async () => {
    await using bench = openBench();
    bench.files({ 'data/x': 'one', 'data/y': 'two' });
    await settled();
    const path = join(bench.folder, 'data/x');
    const { atime, mtime } = statSync(path);
    const [before] = await bench.workspace.add(['data'], bench.options);
    writeFileSync(path, 'eno');
    utimesSync(path, atime, mtime);
    const [status] = await bench.workspace.status([], bench.options);
    assert.deepEqual([status.state, status.changes.modified], ['modified', ['x']]);
    const [after] = await bench.workspace.add(['data'], bench.options);
    assert.notEqual(after.object, before.object);
  });

  test('a file written in the very instant in which it is read is read again the next time', async () => {
    await using bench = openBench();
    for (let i = 0; i < 6; i++) {
      bench.files({ 'data/x': `a${i}` });
      await bench.workspace.add(['data'], bench.options);
      bench.files({ 'data/x': `b${i}` });
      const [status] = await bench.workspace.status([], bench.options);
      assert.equal(status.state, 'modified', `round ${i}`);
    }
  });

  test('what a status has hashed but nobody stored is stored by the next add', async () => {
    await using bench = openBench();
    bench.files({ 'data/x': '1', 'data/y': '2' });
    await bench.workspace.add(['data'], bench.options);
    bench.files({ 'data/z': 'new' });
    await settled();
    await bench.workspace.status([], bench.options);
    const [added] = await bench.workspace.add(['data'], bench.options);
    assert.equal(added.stored, 1);
    rmSync(join(bench.folder, '.dvc/cache'), { recursive: true });
    const [again] = await bench.workspace.add(['data'], bench.options);
    assert.deepEqual([again.stored, again.object], [3, added.object]);
  });

  test('empty files, links, executables and names of every kind are kept as DVC keeps them', async () => {
    await using bench = openBench();
    bench.files({
      'data/empty': '',
      'data/caf\u00e9': 'nfc',
      'data/cafe\u0301': 'nfd',
      'data/q"uo\'te': 'q',
      'data/sub/x': 'x',
      run: '#!',
    });
    symlinkSync('empty', join(bench.folder, 'data/link'));
    symlinkSync('sub', join(bench.folder, 'data/to-folder'));
    chmodSync(join(bench.folder, 'run'), 0o755);
    const [data, run] = await bench.workspace.add(['data', 'run'], bench.options);
    assert.equal(data.files, 6);
    assert.match(text(bench, 'run.dvc'), /size: 2\n {2}isexec: true\n {2}hash: md5\n {2}path: run\n$/);
    const listing = readFileSync(objectPath(join(bench.folder, '.dvc/cache'), data.object), 'utf8');
    assert.match(listing, /"caf\\u00e9".*"empty".*"link".*"q\\"uo'te".*"sub\/x"/);
    assert.ok(listing.indexOf('cafe\\u0301') < listing.indexOf('caf\\u00e9'));
    assert.equal(run.isFolder, false);
    mkdirSync(join(bench.folder, 'nothing'));
    const [nothing] = await bench.workspace.add(['nothing'], bench.options);
    assert.deepEqual([nothing.object, nothing.files], ['d751713988987e9331980363e24189ce.dir', 0]);
  });

  test('.dvcignore leaves files out; one inside of what is tracked is refused', async () => {
    await using bench = openBench();
    bench.files({ '.dvcignore': '*.tmp\n/data/cache/\n', 'data/a.tmp': '1', 'data/b': '2', 'data/cache/c': '3' });
    const [added] = await bench.workspace.add(['data'], bench.options);
    assert.equal(added.files, 1);
    bench.files({ 'data/.dvcignore': 'b' });
    await assert.rejects(bench.workspace.add(['data'], bench.options), isA('INVALID_ARGUMENT', /\.dvcignore must not lie inside/));
  });

  test('what cannot be versioned is refused with its name, and nothing is written', async () => {
    await using bench = openBench();
    bench.files({ 'data/x': '1', 'outer/inner/y': '2', 'real/z': '3' });
    symlinkSync('nowhere', join(bench.folder, 'data/broken'));
    await assert.rejects(
      bench.workspace.add(['data'], bench.options),
      isA('INVALID_ARGUMENT', /data\/broken is a link that leads nowhere/),
    );
    assert.equal(existsSync(join(bench.folder, 'data.dvc')), false);
    rmSync(join(bench.folder, 'data/broken'));
    execFileSync('mkfifo', [join(bench.folder, 'data/pipe')]);
    await assert.rejects(bench.workspace.add(['data'], bench.options), isA('INVALID_ARGUMENT', /data\/pipe is no file but a pipe/));
    await assert.rejects(bench.workspace.add(['absent'], bench.options), isA('NOT_FOUND', /no file or folder .*absent/));
    await assert.rejects(bench.workspace.add(['..'], bench.options), isA('PERMISSION_DENIED', /not inside of the workspace/));
    await assert.rejects(bench.workspace.add(['.dvc/config'], bench.options), isA('INVALID_ARGUMENT', /belongs to DVC or git/));
    await bench.workspace.add(['outer/inner'], bench.options);
    await assert.rejects(
      bench.workspace.add(['outer'], bench.options),
      isA('FAILED_PRECONDITION', /tracked by outer\/inner\.dvc on its own/),
    );
    await assert.rejects(
      bench.workspace.add(['outer/inner/y'], bench.options),
      isA('FAILED_PRECONDITION', /"gyre data add outer\/inner" takes it along/),
    );
    await assert.rejects(bench.workspace.add(['outer/inner.dvc'], bench.options), isA('INVALID_ARGUMENT', /is a \.dvc file/));
    symlinkSync('real', join(bench.folder, 'alias'));
    await assert.rejects(bench.workspace.add(['alias/z'], bench.options), isA('INVALID_ARGUMENT', /behind the link alias/));
  });

  test('large files are kept whole', async () => {
    await using bench = openBench();
    const large = Buffer.alloc(17 * 1024 * 1024 + 3, 'large ');
    bench.files({ 'data/small': 's' });
    writeFileSync(join(bench.folder, 'data/large'), large);
    writeFileSync(join(bench.folder, 'data/middling'), large.subarray(0, 3_000_000));
    await settled();
    const [added] = await bench.workspace.add(['data'], bench.options);
    assert.deepEqual([added.files, added.stored], [3, 3]);
    rmSync(join(bench.folder, 'data'), { recursive: true });
    await bench.workspace.checkout([], bench.options);
    assert.ok(readFileSync(join(bench.folder, 'data/large')).equals(large));
    assert.ok(readFileSync(join(bench.folder, 'data/middling')).equals(large.subarray(0, 3_000_000)));
    const [again] = await bench.workspace.status([], bench.options);
    assert.equal(again.state, 'clean');
  });

  test('two that add the same folder at once both end well, one after the other', async () => {
    await using bench = openBench();
    bench.files(Object.fromEntries(Array.from({ length: 400 }, (_, i) => [`data/${i}`, `file ${i}`])));
    const other = openWorkspace(bench.folder);
    const waited: string[] = [];
    const options = { ...bench.options, onWait: () => void waited.push('waited') };
    const [one, two] = await Promise.all([bench.workspace.add(['data'], options), other.add(['data'], options)]);
    assert.equal(one[0].object, two[0].object);
    assert.deepEqual(waited, ['waited']);
    const [status] = await bench.workspace.status([], bench.options);
    assert.deepEqual([status.state, status.missing], ['clean', []]);
  });

  test('stopped in the middle, nothing half-done is left, and the next add completes it', async () => {
    await using bench = openBench();
    bench.files(Object.fromEntries(Array.from({ length: 2600 }, (_, i) => [`data/${i}`, `file ${i}`])));
    const stopping = new AbortController();
    const onProgress = (): void => stopping.abort();
    await assert.rejects(
      bench.workspace.add(['data'], { ...bench.options, signal: stopping.signal, onProgress }),
      isA('CANCELLED', /stopped/),
    );
    assert.equal(existsSync(join(bench.folder, 'data.dvc')), false);
    const [added] = await bench.workspace.add(['data'], bench.options);
    assert.equal(added.files, 2600);
    assert.ok(added.hashed < 2600 || added.stored < 2600, 'what was done before is not done again');
  });
});

describe('checking data files out', () => {
  test('brings back what was recorded: files that went, changed, came and moved', async () => {
    await using bench = openBench();
    bench.files({ 'data/keep': 'k', 'data/change': 'c', 'data/go/away': 'a', 'data/move': 'm' });
    await bench.workspace.add(['data'], bench.options);
    const before = text(bench, 'data.dvc');
    rmSync(join(bench.folder, 'data/go'), { recursive: true });
    renameSync(join(bench.folder, 'data/move'), join(bench.folder, 'data/moved'));
    bench.files({ 'data/change': 'C', 'data/sub/new': 'n' });
    await bench.workspace.add(['data'], bench.options);
    writeFileSync(join(bench.folder, 'data.dvc'), before);
    const [done] = await bench.workspace.checkout([], bench.options);
    assert.deepEqual([done.placed, done.removed], [3, 2]);
    assert.equal(text(bench, 'data/change') + text(bench, 'data/go/away') + text(bench, 'data/move'), 'cam');
    assert.deepEqual(readdirSync(join(bench.folder, 'data')).sort(), ['change', 'go', 'keep', 'move']);
    const [status] = await bench.workspace.status([], bench.options);
    assert.equal(status.state, 'clean');
  });

  test('a file where a folder was, and a folder where a file was', async () => {
    await using bench = openBench();
    bench.files({ 'data/a/b': '1', 'data/c': '2' });
    await bench.workspace.add(['data'], bench.options);
    const before = text(bench, 'data.dvc');
    rmSync(join(bench.folder, 'data'), { recursive: true });
    bench.files({ 'data/a': '3', 'data/c/d': '4' });
    await bench.workspace.add(['data'], bench.options);
    writeFileSync(join(bench.folder, 'data.dvc'), before);
    await bench.workspace.checkout([], bench.options);
    assert.equal(text(bench, 'data/a/b') + text(bench, 'data/c'), '12');
  });

  test('refuses to lose what the cache does not hold, unless forced', async () => {
    await using bench = openBench();
    bench.files({ 'data/x': '1' });
    await bench.workspace.add(['data'], bench.options);
    bench.files({ 'data/x': 'precious', 'data/y': 'also' });
    await assert.rejects(bench.workspace.checkout([], bench.options), isA('FAILED_PRECONDITION', /data\/x, data\/y would be lost/));
    assert.equal(text(bench, 'data/x'), 'precious');
    await bench.workspace.checkout([], { ...bench.options, force: true });
    assert.deepEqual([text(bench, 'data/x'), existsSync(join(bench.folder, 'data/y'))], ['1', false]);
  });

  test('names objects that are missing or damaged, and places all others', async () => {
    await using bench = openBench();
    bench.files({ 'data/x': '1', 'data/y': '2', 'data/z': '3' });
    await bench.workspace.add(['data'], bench.options);
    const cache = join(bench.folder, '.dvc/cache');
    const [x, y] = ['c4ca4238a0b923820dcc509a6f75849b', 'c81e728d9d4c2f636f067f89cc14862c'].map((md5) => objectPath(cache, md5));
    rmSync(x);
    chmodSync(y, 0o644);
    writeFileSync(y, 'X');
    rmSync(join(bench.folder, 'data'), { recursive: true });
    await assert.rejects(
      bench.workspace.checkout([], bench.options),
      isA('DATA_LOSS', /2 files.*data\/x \(c4ca4238a0b923820dcc509a6f75849b: missing\).*data\/y .*damaged/),
    );
    assert.deepEqual(readdirSync(join(bench.folder, 'data')), ['z']);
    const [status] = await bench.workspace.status([], bench.options);
    assert.deepEqual(status.changes.removed, ['x', 'y']);
  });

  test('does not write through a link that lies where a folder belongs', async () => {
    await using bench = openBench();
    bench.files({ 'data/sub/x': '1', 'elsewhere/x': 'mine' });
    await bench.workspace.add(['data'], bench.options);
    rmSync(join(bench.folder, 'data/sub'), { recursive: true });
    symlinkSync('../elsewhere', join(bench.folder, 'data/sub'));
    await assert.rejects(bench.workspace.checkout([], bench.options), isA('PERMISSION_DENIED', /data\/sub is a link/));
    assert.equal(text(bench, 'elsewhere/x'), 'mine');
  });

  for (const type of ['hardlink', 'symlink', 'copy', 'reflink,copy'] as const) {
    test(`cache.type ${type} decides how files come to their bytes`, async () => {
      await using bench = openBench();
      bench.files({ 'data/x': 'one', 'data/empty': '', single: 'two' });
      await bench.workspace.add(['single'], bench.options);
      writeFileSync(join(bench.folder, '.dvc/config'), `[core]\n    no_scm = True\n[cache]\n    type = "${type}"\n`);
      const look = (): string => {
        const found = lstatSync(join(bench.folder, 'data/x'));
        return found.isSymbolicLink() ? 'symlink' : found.nlink > 1 ? 'hardlink' : 'own';
      };
      const wanted = type === 'hardlink' || type === 'symlink' ? type : 'own';
      const [added] = await bench.workspace.add(['data'], bench.options);
      assert.equal(look(), wanted);
      const [status] = await bench.workspace.status(['data'], bench.options);
      assert.deepEqual([status.state, status.files], ['clean', 2]);
      rmSync(join(bench.folder, 'data'), { recursive: true });
      await bench.workspace.checkout(['data'], bench.options);
      assert.deepEqual([look(), text(bench, 'data/x'), text(bench, 'data/empty')], [wanted, 'one', '']);
      const [again] = await bench.workspace.add(['data'], bench.options);
      assert.equal(again.object, added.object);
      if (wanted === 'hardlink')
        assert.equal(statSync(join(bench.folder, 'data/x')).mode & 0o222, 0, 'a link into the store is never writable');
    });
  }
});

describe('history', () => {
  test('differences and versions come from git’s history of the .dvc file', async () => {
    await using bench = openBench();
    const git = (...words: string[]): void => {
      execFileSync('git', ['-C', bench.folder, '-c', 'user.name=Ada', '-c', 'user.email=a@b', ...words], { stdio: 'ignore' });
    };
    git('init');
    bench.files({ 'data/x': '1', 'data/y': '2' });
    await bench.workspace.add(['data'], bench.options);
    git('add', '-A');
    git('commit', '-m', 'first');
    bench.files({ 'data/x': 'one', 'data/z': '3', single: 's' });
    rmSync(join(bench.folder, 'data/y'));
    const [now] = await bench.workspace.diff({}, bench.options);
    assert.deepEqual(
      [now.path, now.change, now.changes],
      ['data', 'modified', { added: ['z'], removed: ['y'], modified: ['x'], renamed: [] }],
    );
    await bench.workspace.add(['data', 'single'], bench.options);
    git('add', '-A');
    git('commit', '-m', 'second');
    const between = await bench.workspace.diff({ from: 'HEAD~1', to: 'HEAD' }, bench.options);
    assert.deepEqual(
      between.map(({ path, change }) => [path, change]),
      [
        ['data', 'modified'],
        ['single', 'added'],
      ],
    );
    assert.deepEqual(await bench.workspace.diff({}, bench.options), []);
    const log = await bench.workspace.log('data', 10);
    assert.deepEqual(
      log.map(({ subject, author, tracked }) => [subject, author, tracked?.out.files]),
      [
        ['second', 'Ada', 2],
        ['first', 'Ada', 2],
      ],
    );
    await assert.rejects(bench.workspace.diff({ from: 'nothing' }, bench.options), isA('INVALID_ARGUMENT', /no revision "nothing"/));
    await assert.rejects(bench.workspace.diff({ from: '--output=x' }, bench.options), isA('INVALID_ARGUMENT', /no revision/));
    await assert.rejects(bench.workspace.status(['nope'], bench.options), isA('NOT_FOUND', /tracked are "data", "single"/));
  });
});
