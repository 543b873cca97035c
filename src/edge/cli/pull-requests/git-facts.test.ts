import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { gitFacts } from './git-facts.ts';

describe('what git says of a checkout', () => {
  let folder: string;
  const git = (...words: readonly string[]): string =>
    execFileSync('git', ['-C', folder, '-c', 'user.name=t', '-c', 'user.email=t@example.org', ...words], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim(); // prettier-ignore
  const commit = async (name: string): Promise<string> => {
    await writeFile(join(folder, name), name);
    git('add', '-A');
    git('commit', '-q', '-m', name);
    return git('rev-parse', 'HEAD');
  };
  let one: string;
  let two: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'gyre-git-'));
    git('init', '-q', '-b', 'main');
    one = await commit('one');
    two = await commit('two');
  });
  after(() => rm(folder, { recursive: true }));

  test('of the base branch itself offers the commits before this one', async () => {
    assert.deepEqual(await gitFacts(folder, 'main', undefined), { commit: two, dirty: false, branch: 'main', base: [one], notes: [] });
  });

  test('of another branch offers those from where it left the base, along first parents alone', async () => {
    git('checkout', '-q', '-b', 'side', one);
    await commit('side');
    git('checkout', '-q', 'main');
    git('merge', '-q', '--no-ff', '-m', 'merged', 'side');
    const merged = git('rev-parse', 'HEAD');
    git('checkout', '-q', '-b', 'feature');
    const own = await commit('feature');
    const facts = await gitFacts(folder, 'main', undefined);
    assert.deepEqual([facts?.commit, facts?.branch, facts?.base], [own, 'feature', [merged, two, one]]);
  });

  test('takes the later of the branch here and at its origin', async () => {
    git('update-ref', 'refs/remotes/origin/main', two);
    assert.equal((await gitFacts(folder, 'main', undefined))?.base.length, 3, 'the one here is ahead');
    git('update-ref', 'refs/remotes/origin/main', 'refs/heads/main');
    git('update-ref', 'refs/heads/main', two);
    assert.equal((await gitFacts(folder, 'main', undefined))?.base.length, 3, 'the one at the origin is ahead');
  });

  test('is that files differ, though not those that git does not know', async () => {
    await writeFile(join(folder, 'unknown'), 'x');
    assert.equal((await gitFacts(folder, 'main', undefined))?.dirty, false);
    await writeFile(join(folder, 'one'), 'other');
    assert.equal((await gitFacts(folder, 'main', undefined))?.dirty, true);
  });

  test('is said where a base is missing, and where the history was cut off', async () => {
    assert.deepEqual((await gitFacts(folder, 'nowhere', undefined))?.notes, [
      'there is no branch nowhere here, nor at its origin, that this commit comes from',
    ]);
    const shallow = await mkdtemp(join(tmpdir(), 'gyre-git-'));
    try {
      git('checkout', '-q', '--force', 'feature');
      execFileSync('git', ['clone', '-q', '--depth', '1', `file://${folder}`, shallow], { stdio: 'ignore' });
      const facts = await gitFacts(shallow, 'feature', 'feature');
      assert.match(facts?.notes.join() ?? '', /holds a part of the history only: fetch all of it \(fetch-depth: 0, GIT_DEPTH: 0\)/);
      assert.deepEqual(facts?.base, []);
    } finally {
      await rm(shallow, { recursive: true });
    }
    assert.equal(await gitFacts(tmpdir(), 'main', undefined), undefined, 'outside of a repository');
  });
});
