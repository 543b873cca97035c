import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { objectPath } from './layout.ts';
import { openWorkspaceObjects } from './recorded-files.ts';
import { isA, openBench } from './testing.ts';

const digest = (algorithm: string, text: string): string => createHash(algorithm).update(text).digest('hex');
/** No grace: what was stored a moment ago may go as well. */
const now = { graceMs: -1000, apply: true };

describe('the files of a tracked path', () => {
  test('come with size and both digests, without being read again', async () => {
    await using bench = openBench();
    bench.files({ 'docs/a.txt': 'one', 'docs/deep/ünï.pdf': 'two', 'docs/same.txt': 'one', 'docs/empty': '', 'alone.csv': 'a,b\n' });
    const [folder, file] = await bench.workspace.add(['docs', 'alone.csv'], bench.options);
    const objects = openWorkspaceObjects(bench.folder);
    const found = await objects.keep(join(bench.folder, 'docs'), bench.options);
    const of = (path: string, text: string) => ({
      path,
      size: Buffer.byteLength(text),
      md5: digest('md5', text),
      sha256: digest('sha256', text),
    });
    assert.deepEqual(found, {
      object: folder.object,
      files: [of('a.txt', 'one'), of('deep/ünï.pdf', 'two'), of('empty', ''), of('same.txt', 'one')],
    });
    assert.deepEqual(await objects.keep(join(bench.folder, 'alone.csv'), bench.options), {
      object: file.object,
      files: [of('alone.csv', 'a,b\n')],
    });
    assert.equal(await objects.keep(join(bench.folder, 'docs/deep'), bench.options), undefined, 'a part is not tracked by itself');
    assert.equal(objects.finder()(digest('md5', 'three')), undefined);
    assert.equal(readFileSync(objects.finder()(digest('md5', 'two')) ?? '', 'utf8'), 'two');
    // DVC's own objects are not in the index: they are read once
    const index = join(bench.folder, '.dvc/cache/gyre/sha256.index');
    rmSync(index);
    assert.deepEqual(await objects.keep(join(bench.folder, 'docs'), bench.options), found);
    assert.equal(readFileSync(index).length, 48 * 3);
  });

  test('must be as they were added, and their objects there', async () => {
    await using bench = openBench();
    bench.files({ 'docs/a.txt': 'one', 'docs/b.txt': 'two' });
    await bench.workspace.add(['docs'], bench.options);
    const objects = openWorkspaceObjects(bench.folder);
    const keep = () => objects.keep(join(bench.folder, 'docs'), bench.options);
    bench.files({ 'docs/b.txt': 'changed', 'docs/c.txt': 'new' });
    await assert.rejects(
      keep(),
      isA('FAILED_PRECONDITION', /docs has changed since docs\.dvc was written \(1 added, 1 changed\): "gyre data add docs\/"/),
    );
    await bench.workspace.add(['docs'], bench.options);
    rmSync(objectPath(join(bench.folder, '.dvc/cache'), digest('md5', 'new')));
    await assert.rejects(keep(), isA('DATA_LOSS', /the cache lacks an object of docs .*gyre data pull/));
    writeFileSync(join(bench.folder, 'other'), 'x');
    assert.equal(await objects.keep(join(bench.folder, 'other'), bench.options), undefined);
  });

  test('stay in the cache from then on, whatever no .dvc file names any more', async () => {
    await using bench = openBench();
    bench.files({ 'docs/a.txt': 'one', 'docs/b.txt': 'two' });
    await bench.workspace.add(['docs'], bench.options);
    const kept = await openWorkspaceObjects(bench.folder).keep(join(bench.folder, 'docs'), bench.options);
    bench.files({ 'docs/b.txt': 'never recorded' });
    await bench.workspace.add(['docs'], bench.options);
    bench.files({ 'docs/b.txt': 'now' });
    await bench.workspace.add(['docs'], bench.options);
    const swept = await bench.workspace.garbage({ ...bench.options, ...now });
    const cache = join(bench.folder, '.dvc/cache');
    assert.equal(swept.kept, 1);
    assert.equal(existsSync(objectPath(cache, digest('md5', 'never recorded'))), false);
    for (const name of [kept?.object ?? '', ...(kept?.files ?? []).map(({ md5 }) => md5)])
      assert.ok(existsSync(objectPath(cache, name)), name);
    // whose listing cannot be had keeps objects that nobody knows
    rmSync(objectPath(cache, kept?.object ?? ''));
    bench.files({ 'docs/b.txt': 'later' });
    await bench.workspace.add(['docs'], bench.options);
    await assert.rejects(bench.workspace.garbage({ ...bench.options, ...now }), isA('DATA_LOSS', /recorded dataset version/));
  });
});
