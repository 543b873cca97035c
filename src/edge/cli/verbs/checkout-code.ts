import { readdir, writeFile } from 'node:fs/promises';
import { isAbsolute, join, relative } from 'node:path';
import type { SourceCode } from '#contract';
import { GyreError } from '#core';
import { git, gitWords, hasCommit, isCommitName, repositoryOf } from '#project';

/** Where a run's code was put. */
export interface RestoredCode {
  /** The project's folder, absolute: data go to places below it. */
  readonly project: string;
  /** What was done, for people; undefined when there was nothing to do. */
  readonly done?: string;
  /** Takes the code back to what it was before. */
  readonly undo?: () => Promise<void>;
}

export interface CodeToRestore {
  readonly code: SourceCode;
  /** The changes beside the commit. */
  readonly patch?: Uint8Array;
  /** A folder, or an address that git can clone; the project's own repository without it. */
  readonly repository?: string;
  /** The project's folder, absolute. */
  readonly projectFolder: string;
  readonly signal: AbortSignal;
}

/**
 * Clones the commit of a run into an empty folder, and applies the changes that it was made with.
 * @param into absolute, there, and empty
 * @throws GyreError FAILED_PRECONDITION when the commit is not in the repository, or the changes do not fit it
 */
export async function cloneCode(into: string, { code, patch, repository, projectFolder, signal }: CodeToRestore): Promise<RestoredCode> {
  const { commit } = code;
  if (commit === null || !isCommitName(commit)) return { project: into };
  const own = await repositoryOf(projectFolder);
  const from = repository ?? own;
  if (from === undefined) throw noRepository(code, `${projectFolder} is in no git repository`);
  if (repository === undefined && !(await hasCommit(from, commit))) throw noRepository(code, `${from} has no commit ${commit}`);
  await said(() => git(into, ['clone', '--quiet', '--no-checkout', '--', from, '.'], { signal }), `git clone ${from}`);
  if (!(await hasCommit(into, commit))) throw noRepository(code, `${from} has no commit ${commit}`);
  await said(() => git(into, ['checkout', '--quiet', '--detach', commit], { signal }), `git checkout ${commit}`);
  if (patch !== undefined) await applyPatch(into, patch);
  const inside = own === undefined ? '' : relative(own, projectFolder);
  const isThere = inside !== '' && !inside.startsWith('..') && !isAbsolute(inside) && (await hasEntries(join(into, inside)));
  return { project: isThere ? join(into, inside) : into, done: wordsOf(commit, patch) };
}

/**
 * Puts the commit of a run into the project's own working folder, detached from its branch, with the changes that the run was made with.
 * @throws GyreError FAILED_PRECONDITION when something there is not committed, the commit is not in the repository, or the changes do not fit;
 * then all is as it was
 */
export async function switchCode({ code, patch, projectFolder, signal }: CodeToRestore): Promise<RestoredCode> {
  const { commit } = code;
  if (commit === null || !isCommitName(commit)) return { project: projectFolder };
  const root = await repositoryOf(projectFolder);
  if (root === undefined) throw noRepository(code, `${projectFolder} is in no git repository`);
  if (!(await hasCommit(root, commit))) throw noRepository(code, `${root} has no commit ${commit}`);
  await requireClean(root);
  const before = (await git(root, ['rev-parse', 'HEAD'])).toString('utf8').trim();
  const branch = (await git(root, ['rev-parse', '--abbrev-ref', 'HEAD'])).toString('utf8').trim();
  // git itself refuses to overwrite files that it does not know
  await said(() => git(root, ['checkout', '--quiet', '--detach', commit], { signal }), `git checkout ${commit}`);
  const leave = async (): Promise<void> => {
    await git(root, branch === 'HEAD' ? ['checkout', '--quiet', '--detach', before] : ['checkout', '--quiet', branch]);
  };
  try {
    if (patch !== undefined) await applyPatch(root, patch);
  } catch (error) {
    await leave();
    throw error;
  }
  const back = `${patch === undefined ? '' : 'git stash -u && '}git switch ${branch === 'HEAD' ? `--detach ${before.slice(0, 12)}` : branch}`;
  const undo = async (): Promise<void> => {
    if (patch !== undefined) await git(root, ['apply', '--whitespace=nowarn', '--reverse', await patchFile(root)]);
    await leave();
  };
  return { project: projectFolder, done: `${wordsOf(commit, patch)}; "${back}" goes back`, undo };
}

function wordsOf(commit: string, patch: Uint8Array | undefined): string {
  return `commit ${commit.slice(0, 12)}${patch === undefined ? '' : ' with the changes that were not committed'}`;
}

async function requireClean(root: string): Promise<void> {
  const changed = (await git(root, ['status', '--porcelain', '--untracked-files=no', '-z'])).toString('utf8').split('\0').filter(Boolean);
  if (changed.length === 0) return;
  const paths = changed.map((line) => line.slice(3));
  throw new GyreError(
    'FAILED_PRECONDITION',
    `${root} has changes that are not committed (${paths.slice(0, 3).join(', ')}${paths.length > 3 ? ', …' : ''}): commit or stash them, or take the run elsewhere with --to FOLDER`,
    { paths: paths.slice(0, 100) },
  );
}

/** Where a patch lies, in the repository's own folder. */
async function patchFile(root: string): Promise<string> {
  return join((await git(root, ['rev-parse', '--absolute-git-dir'])).toString('utf8').trim(), 'gyre-run.patch');
}

async function applyPatch(root: string, patch: Uint8Array): Promise<void> {
  const file = await patchFile(root);
  await writeFile(file, patch);
  await said(() => git(root, ['apply', '--whitespace=nowarn', file]), 'applying the changes that were not committed');
}

/** Runs git, and says its words as ours when it does not do what was asked. */
async function said(act: () => Promise<unknown>, what: string): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (error instanceof Error && error.name === 'AbortError') throw new GyreError('CANCELLED', 'stopped', {}, { cause: error });
    const words = gitWords(error);
    if (words === undefined) throw error;
    throw new GyreError('FAILED_PRECONDITION', `${what}: ${words}`, {}, { cause: error });
  }
}

function noRepository({ repository }: SourceCode, why: string): GyreError {
  const known = repository === undefined ? '' : `; the run names ${repository}`;
  return new GyreError('FAILED_PRECONDITION', `${why}${known}: name the repository of the run's code with --repository, beside --to`, {});
}

async function hasEntries(folder: string): Promise<boolean> {
  return readdir(folder).then(
    (names) => names.length > 0,
    () => false,
  );
}
