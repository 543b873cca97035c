import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { objectPath } from './layout.ts';
import { isA, openBench } from './testing.ts';
import type { Bench } from './testing.ts';

function git(bench: Bench, ...words: string[]): string {
  return execFileSync('git', ['-C', bench.folder, '-c', 'user.name=Ada', '-c', 'user.email=ada@example.org', ...words], {
    encoding: 'utf8',
  });
}

async function addAndCommit(bench: Bench, text: string, ...more: string[]): Promise<string> {
  bench.files({ 'data/x': text, 'data/same': 'same' });
  const [{ object }] = await bench.workspace.add(['data'], bench.options);
  git(bench, 'add', '-A');
  git(bench, 'commit', '-q', '-m', text, ...more);
  return object;
}

const has = (bench: Bench, object: string): boolean => existsSync(objectPath(join(bench.folder, '.dvc/cache'), object));

/** No grace: what was stored a moment ago may go as well. */
const now = { graceMs: -1000 };

describe('collecting objects that no .dvc file names', () => {
  test('keeps every version that a branch, tag, stash, reflog, merge, index or the working folder names, and lists the rest before it deletes', async () => {
    await using bench = openBench();
    git(bench, 'init', '-q', '-b', 'main');
    bench.files({ 'readme.md': 'a workspace' });
    const kept = [await addAndCommit(bench, 'first')];
    git(bench, 'tag', 'v1');
    kept.push(await addAndCommit(bench, 'second'), await addAndCommit(bench, 'third'));
    // A side branch whose version a merge throws away, and whose branch is deleted.
    git(bench, 'checkout', '-q', '-b', 'side', 'v1');
    kept.push(await addAndCommit(bench, 'side'));
    git(bench, 'checkout', '-q', 'main');
    git(bench, 'merge', '-q', '-s', 'ours', '-m', 'merge', 'side');
    git(bench, 'branch', '-q', '-D', 'side');
    // A commit that only the reflog knows.
    kept.push(await addAndCommit(bench, 'amended'));
    git(bench, 'reset', '-q', '--hard', 'HEAD~1');
    // A stash, the index, and the folder itself.
    bench.files({ 'data/x': 'stashed' });
    kept.push((await bench.workspace.add(['data'], bench.options))[0].object);
    git(bench, 'stash', '-q');
    bench.files({ 'data/x': 'staged' });
    kept.push((await bench.workspace.add(['data'], bench.options))[0].object);
    git(bench, 'add', '-A');
    bench.files({ 'data/x': 'never committed, and replaced' });
    const [lost] = await bench.workspace.add(['data'], bench.options);
    bench.files({ 'data/x': 'now' });
    kept.push((await bench.workspace.add(['data'], bench.options))[0].object);
    bench.files({ 'dvc.lock': `stages:\n  train:\n    outs:\n    - path: model\n      md5: ${'0'.repeat(31)}1\n` });

    const young = await bench.workspace.garbage({ ...bench.options, graceMs: 3_600_000 });
    assert.deepEqual([young.garbage, young.young], [[], 2]);
    const found = await bench.workspace.garbage({ ...bench.options, ...now });
    assert.equal(found.deleted, false);
    assert.deepEqual(
      found.garbage.map(({ object }) => object.endsWith('.dir')),
      [true, false],
    );
    assert.equal(found.garbage[0].object, lost.object);
    assert.ok(has(bench, lost.object), 'a dry run deletes nothing');
    const done = await bench.workspace.garbage({ ...bench.options, ...now, apply: true });
    assert.deepEqual([done.garbage, done.deleted], [found.garbage, true]);
    for (const { object } of found.garbage) assert.ok(!has(bench, object));
    assert.equal(new Set(kept).size, 8);
    for (const object of kept) assert.ok(has(bench, object), object);
    assert.deepEqual((await bench.workspace.garbage({ ...bench.options, ...now })).garbage, []);
    for (const revision of ['v1', 'main~1', 'main']) {
      git(bench, 'checkout', '-q', '-f', revision);
      await bench.workspace.checkout([], { ...bench.options, force: true });
    }
    assert.equal(readFileSync(join(bench.folder, 'data/same'), 'utf8'), 'same');
  });

  test('with tips, what only older commits name goes as well', async () => {
    await using bench = openBench();
    git(bench, 'init', '-q', '-b', 'main');
    const first = await addAndCommit(bench, 'first');
    git(bench, 'tag', '-a', 'v1', '-m', 'v1');
    const second = await addAndCommit(bench, 'second');
    const third = await addAndCommit(bench, 'third');
    const { garbage } = await bench.workspace.garbage({ ...bench.options, ...now, tips: true, apply: true });
    assert.deepEqual([garbage.length, garbage[0].object], [2, second]);
    assert.ok(has(bench, first) && has(bench, third));
  });

  test('deletes nothing while it cannot know what a listing names, or others may share the cache', async () => {
    await using bench = openBench();
    git(bench, 'init', '-q', '-b', 'main');
    const first = await addAndCommit(bench, 'first');
    await addAndCommit(bench, 'second');
    const listing = objectPath(join(bench.folder, '.dvc/cache'), first);
    const bytes = readFileSync(listing);
    rmSync(listing);
    const collect = () => bench.workspace.garbage({ ...bench.options, ...now, apply: true });
    await assert.rejects(collect(), isA('DATA_LOSS', /listing .* cannot be had.*nothing is deleted/));
    // With a remote that has it, it is fetched.
    const remote = join(bench.folder, '..', `${bench.folder.split('/').at(-1)}-remote`);
    try {
      mkdirSync(join(objectPath(remote, first), '..'), { recursive: true });
      writeFileSync(objectPath(remote, first), bytes);
      bench.workspace.addRemote({ name: 'store', url: remote, isDefault: true, settings: {}, force: false });
      assert.deepEqual((await collect()).garbage, []);
      writeFileSync(join(bench.folder, '.dvc/config'), `[cache]\n    dir = ${remote}\n`);
      await assert.rejects(collect(), isA('FAILED_PRECONDITION', /other workspaces may keep their objects there/));
    } finally {
      rmSync(remote, { recursive: true, force: true });
    }
  });

  test('outside of git, what the .dvc files say now is all there is', async () => {
    await using bench = openBench();
    bench.files({ 'data/x': 'old' });
    const [old] = await bench.workspace.add(['data'], bench.options);
    bench.files({ 'data/x': 'new' });
    await bench.workspace.add(['data'], bench.options);
    const { garbage, bytes } = await bench.workspace.garbage({ ...bench.options, ...now, apply: true });
    assert.deepEqual([garbage.length, garbage[0].object, bytes > 3], [2, old.object, true]);
    assert.deepEqual((await bench.workspace.status([], bench.options))[0].missing, []);
  });
});
