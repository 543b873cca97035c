import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { hasCode } from '#core';
import { changesBetween } from './changes.ts';
import { parseConfig, withValue, withoutSection } from './config-file.ts';
import { parseDvcFile, writeDvcFile } from './dvc-file.ts';
import { ignoreEntry } from './git-ignore.ts';
import { ignoreTest } from './ignored-paths.ts';
import { isInnerPath, manifestBytes, manifestName, parseManifest, sortedManifest } from './manifest.ts';
import { loadStatCache, openKnown, saveStatCache } from './stat-cache.ts';

const md5 = (digit: string): string => digit.repeat(32);

describe('the listing of a folder', () => {
  // Written by DVC 3.67.1 for these very files.
  const byDvc =
    '[{"md5": "764efa883dda1e11db47671c4a3bbd9e", "relpath": "a.txt"}, {"md5": "66ddcd97cfdeabb2f6fb8a999b4bc76f", "relpath": "cafe\\u0301.txt"}, {"md5": "66ddcd97cfdeabb2f6fb8a999b4bc76f", "relpath": "caf\\u00e9.txt"}, {"md5": "8277e0910d750195b448797616e091ad", "relpath": "del\\u007f.txt"}, {"md5": "c3be117041a113540deb0ff532b19543", "relpath": "q\\"uo\'te.txt"}, {"md5": "2a02eac39d716a70ecf37579185927b6", "relpath": "\\ud83d\\ude00.txt"}]';

  test('has the bytes that DVC writes, whatever the order the files were found in', () => {
    const read = parseManifest(Buffer.from(byDvc), 'x.dir');
    assert.equal(manifestBytes(read).toString(), byDvc);
    const order = [5, 3, 1, 0, 4, 2];
    const shuffled = sortedManifest(
      order.map((i) => read.paths[i]),
      Buffer.concat(order.map((i) => read.md5s.subarray(i * 16, i * 16 + 16))),
    );
    assert.equal(manifestBytes(shuffled).toString(), byDvc);
    assert.equal(manifestName(Buffer.from('[]')), 'd751713988987e9331980363e24189ce.dir');
  });

  test('is in the order of code points where that differs from the order of UTF-16 units', () => {
    const { paths } = sortedManifest(['\u{1f600}', '\uff41', 'a'], Buffer.alloc(48));
    assert.deepEqual(paths, ['a', '\uff41', '\u{1f600}']);
  });

  test('is refused when a path leaves the folder or would command git', () => {
    for (const path of ['../x', '/etc/passwd', 'a/../../x', 'a//b', '', '.', 'a/.git/hooks/post-checkout', '.dvc/config', 'a\0b']) {
      assert.equal(isInnerPath(path), false, path);
      const bytes = Buffer.from(JSON.stringify([{ md5: md5('a'), relpath: path }]));
      assert.throws(
        () => parseManifest(bytes, 'x.dir'),
        (error) => hasCode(error, 'PERMISSION_DENIED') && error.message.includes('entry 1'),
      );
    }
    for (const path of ['a', '..a', 'a/b.dvc', 'ä/ö', '.gitkeep']) assert.equal(isInnerPath(path), true, path);
  });

  test('is refused when it is no listing, or names a path twice', () => {
    for (const text of ['{', '{}', '[1]', '[{"md5": "x", "relpath": "a"}]']) {
      assert.throws(
        () => parseManifest(Buffer.from(text), 'x.dir'),
        (error) => hasCode(error, 'DATA_LOSS'),
      );
    }
    const twice = JSON.stringify([
      { md5: md5('a'), relpath: 'a' },
      { md5: md5('b'), relpath: 'a' },
    ]);
    assert.throws(() => parseManifest(Buffer.from(twice), 'x.dir'), /twice/);
  });

  test('differs from another by files added, removed, changed and renamed, each once', () => {
    const of = (files: Readonly<Record<string, string>>) =>
      sortedManifest(Object.keys(files), Buffer.concat(Object.values(files).map((digit) => Buffer.from(md5(digit), 'hex'))));
    const changes = changesBetween(of({ a: '1', b: '2', c: '3', d: '4', e: '4' }), of({ a: '1', b: '5', x: '3', y: '4', z: '6' }));
    assert.deepEqual(changes, {
      added: ['z'],
      removed: ['e'],
      modified: ['b'],
      renamed: [
        { from: 'c', to: 'x' },
        { from: 'd', to: 'y' },
      ],
    });
  });
});

describe('a .dvc file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gyre-dvc-file-'));
  after(() => rmSync(folder, { recursive: true }));

  test('keeps comments, keys that nobody knows, and their order', () => {
    const file = join(folder, 'kept.dvc');
    writeFileSync(
      file,
      `# the photographs\nouts:\n- md5: ${md5('a')}.dir  # was\n  size: 1\n  nfiles: 1\n  hash: md5\n  path: kept\n  desc: by hand\n  meta:\n    owner: ada\nmeta:\n  x: [1, 2]\n`,
    );
    writeDvcFile(file, { name: 'kept', object: `${md5('b')}.dir`, size: 20, files: 3, executable: false });
    const text = readFileSync(file, 'utf8');
    assert.match(text, /^# the photographs\nouts:\n- md5: b{32}\.dir *# was\n {2}size: 20\n {2}nfiles: 3\n {2}hash: md5\n {2}path: kept\n/);
    assert.match(text, /desc: by hand\n {2}meta:\n {4}owner: ada\nmeta:\n {2}x: \[ ?1, 2 ?\]\n$/);
  });

  test('of DVC before 3 gets `hash: md5` before its path', () => {
    const file = join(folder, 'old.dvc');
    writeFileSync(file, `outs:\n- md5: ${md5('a')}\n  size: 1\n  path: old\n`);
    assert.equal(parseDvcFile(readFileSync(file, 'utf8'), file).outs[0].legacy, true);
    writeDvcFile(file, { name: 'old', object: md5('b'), size: 2, executable: true });
    assert.equal(
      readFileSync(file, 'utf8').replace(md5('b'), 'M'),
      'outs:\n- md5: M\n  size: 2\n  isexec: true\n  hash: md5\n  path: old\n',
    );
  });

  test('quotes names and digests that YAML would take for something else', () => {
    for (const name of [
      'yes',
      'null',
      '2024-01-01',
      '1e5',
      "it's #1: [x].csv",
      ' padded ',
      '"quoted"',
      'tab\there',
      '~',
      'a: b',
      '-',
      'ä ö',
      '*x',
    ]) {
      const file = join(folder, 'names.dvc');
      rmSync(file, { force: true });
      writeDvcFile(file, { name, object: '12345678901234567890123456789012', size: 1, executable: false });
      const [out] = parseDvcFile(readFileSync(file, 'utf8'), file).outs;
      assert.deepEqual([out.path, out.object], [name, '12345678901234567890123456789012']);
    }
  });

  test('is refused with its line when it is no YAML, and when it names what lies elsewhere', () => {
    assert.throws(() => parseDvcFile('outs:\n- md5: "x\n', 'a.dvc'), /a\.dvc:\d+ is no YAML/);
    assert.throws(() => parseDvcFile('outs: 1', 'a.dvc'), /"outs" is needed/);
    assert.throws(() => parseDvcFile('outs:\n- md5: zz\n  path: x\n', 'a.dvc'), /is no MD5/);
    for (const path of ['../x', '/etc/passwd', '.git/hooks', 'x/../..']) {
      assert.throws(
        () => parseDvcFile(`outs:\n- md5: ${md5('a')}\n  path: ${path}\n`, 'a.dvc'),
        (error) => hasCode(error, 'PERMISSION_DENIED'),
      );
    }
  });
});

describe('configuration and patterns', () => {
  test('the configuration is read as DVC writes it, and edits leave the rest alone', () => {
    const text = `[core]\n    remote = origin\n    no_scm = True\n# ours\n['remote "origin"']\n    url = ../remote # near\n    secret_access_key = "a#b"\n`;
    const sections = parseConfig(text);
    assert.deepEqual(
      sections.map(({ name, values }) => [name, Object.fromEntries(values)]),
      [
        ['core', { remote: 'origin', no_scm: 'True' }],
        ['remote "origin"', { url: '../remote', secret_access_key: 'a#b' }],
      ],
    );
    const changed = withValue(text, 'remote "origin"', 'region', 'eu, west');
    assert.match(changed, /secret_access_key = "a#b"\n {4}region = "eu, west"\n$/);
    assert.equal(withoutSection(changed, 'remote "origin"'), '[core]\n    remote = origin\n    no_scm = True\n# ours\n');
  });

  test('.gitignore lines are escaped as DVC escapes them', () => {
    assert.deepEqual(["it's #1: [x].csv", 'a[1]!b*c?', '!x '].map(ignoreEntry), [
      String.raw`/it's \#1: \[x\].csv`,
      String.raw`/a\[1\]\!b\*c\?`,
      String.raw`/\!x `,
    ]);
  });

  test('an inner .dvcignore may take back what an outer one said; git’s and DVC’s own folders never count', () => {
    const ignored = ignoreTest([
      { folder: '/w', patterns: '*.tmp\nbuild/\n' },
      { folder: '/w/data', patterns: '!keep.tmp\n' },
    ]);
    assert.deepEqual(
      (
        [
          ['/w/data/a.tmp', false],
          ['/w/data/keep.tmp', false],
          ['/w/data/build', true],
          ['/w/data/build', false],
          ['/w/data/.git', true],
          ['/w/data/a.jpg', false],
        ] as const
      ).map(([path, isFolder]) => ignored(path, isFolder)),
      [true, false, true, false, true, false],
    );
  });

  test('a damaged stat cache is as good as none', () => {
    const root = mkdtempSync(join(tmpdir(), 'gyre-stat-'));
    try {
      const folders = [
        { folder: '', names: ['a', 'ä'], stats: new Float64Array(8).fill(1.5), md5s: Buffer.alloc(32, 7), flags: new Uint8Array([0, 1]) },
        { folder: 'b/c', names: [], stats: new Float64Array(), md5s: Buffer.alloc(0), flags: new Uint8Array() },
      ];
      saveStatCache(root, 'data', folders, md5('a'));
      const loaded = loadStatCache(root, 'data');
      assert.equal(loaded?.object, md5('a'));
      assert.deepEqual(
        [...(loaded?.folders ?? [])].map(([folder, known]) => ({ ...openKnown(folder, known) })),
        folders,
      );
      assert.equal(loadStatCache(root, 'other'), undefined);
      const kept = join(root, '.dvc/tmp/gyre/stat');
      const file = join(kept, readdirSync(kept)[0]);
      const bytes = readFileSync(file);
      bytes[bytes.length - 3] ^= 1;
      writeFileSync(file, bytes);
      assert.equal(loadStatCache(root, 'data'), undefined);
      writeFileSync(file, '');
      assert.equal(loadStatCache(root, 'data'), undefined);
    } finally {
      rmSync(root, { recursive: true });
    }
  });
});
