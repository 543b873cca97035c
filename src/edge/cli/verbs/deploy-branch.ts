import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';
import type { ManifestFiles } from '#contract';
import { GyreError, messageOf } from '#core';
import { git as runGit, gitWords } from '#project';

/** What a target may write beside others: of these it says by each commit which there are. */
const manifestFiles = new Set(['ingress.yaml', 'service-monitor.yaml', 'route.yaml', 'deployment.yaml', 'service.yaml', 'autoscaler.yaml', 'disruption-budget.yaml', 'network-policy.yaml', 'inference-service.yaml', 'container-group.yaml', 'compose.yaml']); // prettier-ignore

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
  /** Where the files go, as `requireInside` lets it, from the repository's root. */
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
  const index = join(scratch, 'index');
  const git: Git = async (words, input) => {
    try {
      return (await runGit(folder, words, { index, ...(input === undefined ? {} : { input }) })).toString('utf8').trim();
    } catch (error) {
      throw new GyreError('FAILED_PRECONDITION', `git ${words[0]}: ${gitWords(error) ?? messageOf(error)}`, {}, { cause: error });
    }
  };
  const ref = `refs/heads/${branch}`;
  try {
    await git(['rev-parse', '--git-dir']).catch((error: unknown) => {
      throw new GyreError('FAILED_PRECONDITION', `${folder} is in no git repository: ${messageOf(error)}`, { folder }, { cause: error });
    });
    await git(['check-ref-format', '--branch', branch]);
    const checkedOut = (await git(['worktree', 'list', '--porcelain'])).split('\n').includes(`branch ${ref}`);
    if (checkedOut)
      throw new GyreError('FAILED_PRECONDITION', `the branch ${branch} is checked out: a commit behind your files would look like their undoing. Say --output, or another branch`, { branch }); // prettier-ignore
    const revision = (of: string): Promise<string> => git(['rev-parse', '--verify', '--quiet', of]).catch(() => '');
    const local = await revision(ref);
    // In a fresh clone the branch is known by its origin alone.
    const parent = local === '' ? await revision(`refs/remotes/origin/${branch}`) : local;
    if (parent !== '') await git(['read-tree', parent]);
    const entries = parent === '' ? [] : (await stale(git, parent, path, files)).map((file) => `0 ${'0'.repeat(parent.length)}\t${file}\n`);
    for (const { path: name, text } of files) {
      const blob = await git(['hash-object', '-w', '--stdin'], text);
      entries.push(`100644 ${blob}\t${posix.join(path, name)}\n`);
    }
    await git(['update-index', '--add', '--index-info'], entries.join(''));
    const tree = await git(['write-tree']);
    if (parent !== '' && tree === (await git(['rev-parse', `${parent}^{tree}`]))) {
      if (local === '') await git(['update-ref', ref, parent, '0'.repeat(parent.length)]);
      return { branch, commit: parent, changed: false };
    }
    const commit = await git(['commit-tree', tree, ...(parent === '' ? [] : ['-p', parent]), '-m', message]);
    await git(['update-ref', ref, commit, local === '' ? '0'.repeat(commit.length) : local]).catch((error: unknown) => {
      throw new GyreError('ABORTED', `somebody committed to ${branch} meanwhile: say it again`, { branch }, { cause: error });
    });
    return { branch, commit, changed: true };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

type Git = (words: readonly string[], input?: string) => Promise<string>;

/** Files that were written there for the same before, and are not any more: left behind they would be applied for ever. */
async function stale(git: Git, parent: string, path: string, files: ManifestFiles['files']): Promise<readonly string[]> {
  const folders = new Set(files.map(({ path: name }) => posix.join(path, posix.dirname(name))));
  const written = new Set(files.map(({ path: name }) => posix.join(path, name)));
  const there = (await git(['ls-tree', '-r', '--name-only', '-z', parent])).split('\0');
  return there.filter((file) => manifestFiles.has(posix.basename(file)) && folders.has(posix.dirname(file)) && !written.has(file));
}

/** @throws GyreError INVALID_ARGUMENT for what git would leave out without a word */
export function requireInside(path: string): void {
  if (/^[\w.-]+(?:\/[\w.-]+)*$/.test(path) && !path.split('/').some((part) => part === '.' || part === '..' || part === '.git')) return;
  throw new GyreError('INVALID_ARGUMENT', `--path "${path}" is no folder of the repository: one such as deploy/churn is wanted`, { path });
}
