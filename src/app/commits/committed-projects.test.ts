import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { committedProjects, type CommittedProjects } from './committed-projects.ts';

const run = (folder: string, ...args: readonly string[]): string =>
  execFileSync('git', ['-C', folder, '-c', 'user.name=a', '-c', 'user.email=a@example.org', ...args], { encoding: 'utf8', stdio: 'pipe' }).trim(); // prettier-ignore
const refusal = (code: string) => (error: unknown) => error instanceof Error && 'code' in error && error.code === code;

describe('projects of commits', () => {
  let root: string;
  let work: string;
  let server: string;
  let commits: CommittedProjects;
  let folder: string;
  let first: string;

  const commit = (message: string): string => {
    run(work, 'commit', '-q', '--allow-empty', '-m', message);
    return run(work, 'rev-parse', 'HEAD');
  };

  before(async () => {
    root = await mkdtemp(join(tmpdir(), 'gyre-commits-'));
    [work, server] = [join(root, 'work'), join(root, 'server')];
    run(root, 'init', '-q', '--bare', '-b', 'main', 'origin.git');
    run(join(root, 'origin.git'), 'config', 'uploadpack.allowAnySHA1InWant', 'true');
    run(root, 'clone', '-q', 'origin.git', 'work');
    run(work, 'checkout', '-q', '-B', 'main');
    await mkdir(join(work, 'shop'));
    await writeFile(join(work, 'shop', 'gyre.yaml'), 'project: shop\ncharter: { problem: Who?, owner: Test }\ndata: { customers: { source: customers.csv } }\n'); // prettier-ignore
    await writeFile(join(work, 'shop', 'customers.csv'), 'x,y\n1,a\n2,b\n');
    run(work, 'add', '.');
    first = commit('first');
    run(work, 'push', '-q', 'origin', 'main');
    run(root, 'clone', '-q', 'origin.git', 'server');
    await mkdir(join(root, 'data'));
    await symlink(join(root, 'data'), join(root, 'linked-data'));
    await symlink(join(server, 'shop'), join(root, 'linked-shop'));
    folder = join(root, 'linked-data', 'commits');
    commits = open();
  });
  after(() => rm(root, { recursive: true, force: true }));

  const open = (): CommittedProjects =>
    committedProjects({ projectFolder: join(root, 'linked-shop'), folder, file: () => 'gyre.yaml', closing: new AbortController().signal }); // prettier-ignore

  test('are laid out from linked folders, and again where laying out was cut off', async () => {
    await commits.open(first);
    const file = join(folder, first, 'shop', 'customers.csv');
    await writeFile(join(folder, first, 'kept'), '');
    await open().open(first);
    assert.ok(existsSync(join(folder, first, 'kept')), 'a whole one stays');
    await rm(file);
    await rm(join(run(join(folder, first), 'rev-parse', '--absolute-git-dir'), 'gyre-laid-out'));
    await open().open(first);
    assert.ok(existsSync(file));
  });

  test('are made over the locked entry of a folder that is gone', async () => {
    run(server, 'worktree', 'lock', join(folder, first));
    await rm(join(folder, first), { recursive: true });
    await open().open(first);
    assert.ok(existsSync(join(folder, first, 'shop', 'gyre.yaml')));
  });

  test('are refused for a commit that no branch has, given by the origin or fetched before', async () => {
    run(work, 'checkout', '-q', '--detach');
    const fork = commit('of a fork');
    run(work, 'push', '-q', 'origin', `${fork}:refs/pull/1/head`);
    await assert.rejects(commits.open(fork), refusal('NOT_FOUND'));
    run(server, 'fetch', '-q', 'origin', 'refs/pull/1/head');
    await assert.rejects(commits.open(fork), refusal('PERMISSION_DENIED'));
    run(work, 'push', '-q', 'origin', `${fork}:refs/heads/taken`);
    await commits.open(fork);
    assert.equal(await commits.isOnBranch(fork, 'taken'), true);
    assert.equal(await commits.isOnBranch(fork, 'main'), false, 'whatever its caller says');
  });

  test('keep the folder of a commit that begins while others are taken away', async () => {
    const gone = commits.keepOnly(async () => new Set());
    const begun = commits.open(first);
    await Promise.all([gone, begun]);
    assert.ok(existsSync(join(folder, first, 'shop', 'gyre.yaml')));
  });
});
