import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';
import type { ManifestFiles } from '#contract';
import { GyreError, messageOf } from '#core';
import { gitEnvironment } from '#project';

export interface Committed {
  readonly branch: string;
  readonly commit: string;
  /** False where the branch said the same already. */
  readonly changed: boolean;
}

interface BranchRequest {
  /** In the repository, or below it. */
  readonly folder: string;
  readonly branch: string;
  /** Where the files go, from the repository's root. */
  readonly path: string;
  readonly message: string;
}

/**
 * Commits files to a branch, which is made where it is not there, without a look at the work tree or the index. Either all of them are on the
 * branch afterwards, or it is as before.
 * @throws GyreError FAILED_PRECONDITION outside of a repository, or for a branch that is checked out; ABORTED when somebody committed to it meanwhile
 */
export async function commitFiles(files: ManifestFiles['files'], { folder, branch, path, message }: BranchRequest): Promise<Committed> {
  const scratch = await mkdtemp(join(tmpdir(), 'gyre-branch-'));
  const env = { ...gitEnvironment(), GIT_INDEX_FILE: join(scratch, 'index') };
  const git = (words: readonly string[], input?: string): Promise<string> => gitSays(folder, words, env, input);
  const ref = `refs/heads/${branch}`;
  try {
    await git(['rev-parse', '--git-dir']).catch((error: unknown) => {
      throw new GyreError('FAILED_PRECONDITION', `${folder} is in no git repository: ${messageOf(error)}`, { folder }, { cause: error });
    });
    await git(['check-ref-format', '--branch', branch]);
    const checkedOut = (await git(['worktree', 'list', '--porcelain'])).split('\n').includes(`branch ${ref}`);
    if (checkedOut)
      throw new GyreError('FAILED_PRECONDITION', `the branch ${branch} is checked out: a commit behind your files would look like their undoing. Say --output, or another branch`, { branch }); // prettier-ignore
    const parent = await git(['rev-parse', '--verify', '--quiet', ref]).catch(() => '');
    if (parent !== '') await git(['read-tree', parent]);
    const entries: string[] = [];
    for (const { path: name, text } of files) {
      const blob = await git(['hash-object', '-w', '--stdin'], text);
      entries.push(`100644 ${blob}\t${posix.join(path, name)}\n`);
    }
    await git(['update-index', '--add', '--index-info'], entries.join(''));
    const tree = await git(['write-tree']);
    if (parent !== '' && tree === (await git(['rev-parse', `${parent}^{tree}`]))) return { branch, commit: parent, changed: false };
    const commit = await git(['commit-tree', tree, ...(parent === '' ? [] : ['-p', parent]), '-m', message]);
    await git(['update-ref', ref, commit, parent === '' ? '0'.repeat(commit.length) : parent]).catch((error: unknown) => {
      throw new GyreError('ABORTED', `somebody committed to ${branch} meanwhile: say it again`, { branch }, { cause: error });
    });
    return { branch, commit, changed: true };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

function gitSays(folder: string, words: readonly string[], env: NodeJS.ProcessEnv, input = ''): Promise<string> {
  return new Promise((done, fail) => {
    const child = spawn('git', ['-C', folder, ...words], { env, stdio: ['pipe', 'pipe', 'pipe'] });
    const [out, wrong]: [string[], string[]] = [[], []];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk.toString('utf8')));
    child.stderr.on('data', (chunk: Buffer) => wrong.push(chunk.toString('utf8')));
    child.on('error', (error) =>
      fail(new GyreError('FAILED_PRECONDITION', `git cannot be started: ${error.message}`, {}, { cause: error })),
    );
    child.on('close', (code) =>
      code === 0 ? done(out.join('').trim()) : fail(new GyreError('FAILED_PRECONDITION', `git ${words[0]}: ${wrong.join('').trim()}`)),
    );
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}
