import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { type BlobStore, openFsBlobs } from '#blobs';
import type { CodeVersion } from '#contract';
import { asSha256 } from '#core';
import { codeVersion } from './code-version.ts';

describe('the version of the code', () => {
  let root = '';
  let repository = '';
  let project = '';
  let blobs: BlobStore;
  const git = (folder: string, ...args: string[]): string =>
    execFileSync('git', ['-C', folder, '-c', 'user.name=Test', '-c', 'user.email=test@example.org', ...args], { encoding: 'utf8' });
  const versionOf = (folder: string): Promise<CodeVersion> =>
    codeVersion(folder, { blobs, temporary: root, ignored: join(folder, '.gyre') });

  beforeEach(async () => {
    root = mkdtempSync(join(tmpdir(), 'gyre-code-'));
    repository = join(root, 'repository');
    project = join(repository, 'models', 'churn');
    mkdirSync(project, { recursive: true });
    blobs = await openFsBlobs({ dir: join(root, 'blobs') });
    git(root, 'init', '-q', '-b', 'main', repository);
    writeFileSync(join(project, 'gyre.yaml'), 'project: churn\n');
    writeFileSync(join(project, 'train.py'), 'print(1)\n');
    writeFileSync(join(repository, 'elsewhere.txt'), 'one\n');
    git(repository, 'add', '.');
    git(repository, 'commit', '-q', '-m', 'first');
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));
  const head = (): string => git(repository, 'rev-parse', 'HEAD').trim();

  test('is the commit, where nothing under the project differs from it', async () => {
    assert.deepEqual(await versionOf(project), { commit: head(), dirty: false });
    writeFileSync(join(repository, 'elsewhere.txt'), 'two\n');
    assert.deepEqual(await versionOf(project), { commit: head(), dirty: false }, 'what lies beside the project is not its code');
  });

  test('is unknown outside of a repository, and in one without a commit', async () => {
    const outside = join(root, 'outside');
    mkdirSync(outside);
    assert.deepEqual(await versionOf(outside), { commit: null, dirty: false });
    git(root, 'init', '-q', outside);
    assert.deepEqual(await versionOf(outside), { commit: null, dirty: false });
  });

  test('leaves the data folder out', async () => {
    mkdirSync(join(project, '.gyre'));
    writeFileSync(join(project, '.gyre', 'gyre.db'), 'state');
    assert.deepEqual(await versionOf(project), { commit: head(), dirty: false });
  });

  test('of a dirty tree has a patch that brings back every byte: changes, new files, binary files, deleted ones', async () => {
    const latin = Buffer.from('caf\xe9\n', 'latin1');
    const binary = Buffer.from([0, 1, 2, 255, 0]);
    writeFileSync(join(project, 'gyre.yaml'), latin);
    writeFileSync(join(project, 'new file.py'), 'print(2)\n');
    writeFileSync(join(project, 'image.bin'), binary);
    rmSync(join(project, 'train.py'));
    mkdirSync(join(project, '.gyre'));
    writeFileSync(join(project, '.gyre', 'owner-token'), 'a secret');
    const index = join(repository, '.git', 'index');
    const before = readFileSync(index);
    const version = await versionOf(project);
    assert.deepEqual([version.commit, version.dirty], [head(), true]);
    assert.deepEqual(readFileSync(index), before, 'the user’s index is not touched');
    const patch = await blobs.read(asSha256(version.patch ?? ''));
    assert.equal(Buffer.from(patch).includes('a secret'), false);
    const clone = join(root, 'clone');
    git(root, 'clone', '-q', repository, clone);
    writeFileSync(join(root, 'patch'), patch);
    git(clone, 'apply', join(root, 'patch'));
    const there = join(clone, 'models', 'churn');
    assert.deepEqual(readFileSync(join(there, 'gyre.yaml')), latin);
    assert.deepEqual(readFileSync(join(there, 'image.bin')), binary);
    assert.equal(readFileSync(join(there, 'new file.py'), 'utf8'), 'print(2)\n');
    assert.throws(() => statSync(join(there, 'train.py')));
  });

  test('of the same dirty tree is the same patch', async () => {
    writeFileSync(join(project, 'new.py'), 'print(2)\n');
    const first = await versionOf(project);
    assert.ok(first.patch !== undefined);
    assert.deepEqual(await versionOf(project), first);
  });

  test('takes no data into its patch: a large new file makes the tree dirty, and no more', async () => {
    writeFileSync(join(project, 'data.csv'), Buffer.alloc(2 * 1024 * 1024, 'a'));
    assert.deepEqual(await versionOf(project), { commit: head(), dirty: true });
  });
});
