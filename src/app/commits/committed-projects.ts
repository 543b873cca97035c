import { existsSync } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { GyreError, messageOf } from '#core';
import { git, gitWords, hasCommit, loadProject, repositoryOf, type LoadedProject } from '#project';

export interface CommittedProjectsOptions {
  /** The project's folder: absolute, in a git repository where commits are asked for. */
  readonly projectFolder: string;
  /** Where folders of commits are made. */
  readonly folder: string;
  /** The file that the project is written in: only where that is code, a commit's may be. */
  readonly file: () => string;
}

/** The project as commits have it, each in a folder of its own beside the one that people work in. */
export interface CommittedProjects {
  /** Whether the project's folder itself is at this commit, and no file that git knows differs from it. */
  isHere(commit: string): Promise<boolean>;
  /** The commit of the project's folder; undefined outside of a repository. */
  head(): Promise<string | undefined>;
  /**
   * The project of a commit, which is fetched from `origin` where the repository does not have it.
   * @throws GyreError FAILED_PRECONDITION without a repository, and for a gyre.ts where this project has none; NOT_FOUND for a commit that is nowhere; INVALID_ARGUMENT when its gyre.yaml is wrong
   */
  open(commit: string): Promise<LoadedProject>;
  /** Takes away the folders of all commits but these. */
  keepOnly(commits: ReadonlySet<string>): Promise<void>;
}

/** A commit may bring hooks of its own, and is not to run any of the repository's. */
const noHooks = ['-c', 'core.hooksPath=/dev/null'];
const fetchMs = 120_000;

export function committedProjects({ projectFolder, folder, file }: CommittedProjectsOptions): CommittedProjects {
  const opening = new Map<string, Promise<LoadedProject>>();
  let turn: Promise<unknown> = Promise.resolve();

  const requireRepository = async (): Promise<string> => {
    const root = await repositoryOf(projectFolder);
    if (root !== undefined) return root;
    throw new GyreError('FAILED_PRECONDITION', `${projectFolder} is in no git repository: commits cannot be checked there`);
  };

  const openOnce = async (commit: string): Promise<LoadedProject> => {
    const root = await requireRepository();
    if (!(await hasCommit(projectFolder, commit))) await fetchCommit(root, commit);
    const place = join(folder, commit);
    const head = await git(place, ['rev-parse', 'HEAD', '--show-toplevel']).then((out) => out.toString('utf8').trim().split('\n'), () => []); // prettier-ignore
    if (head[0] !== commit || head[1] !== place) {
      await rm(place, { recursive: true, force: true });
      await mkdir(folder, { recursive: true });
      await git(root, ['worktree', 'prune']);
      try {
        await git(root, [...noHooks, 'worktree', 'add', '--quiet', '--force', '--detach', place, commit]);
      } catch (error) {
        throw new GyreError('FAILED_PRECONDITION', `commit ${commit.slice(0, 12)} could not be laid out: ${gitWords(error) ?? messageOf(error)}`, {}, { cause: error }); // prettier-ignore
      }
    }
    const laidOut = join(place, relative(resolve(root), resolve(projectFolder)));
    // It is executed where it is read, which is here, and whoever may commit is not whoever runs this platform.
    if (file() !== 'gyre.ts' && existsSync(join(laidOut, 'gyre.ts')))
      throw new GyreError('FAILED_PRECONDITION', `commit ${commit.slice(0, 12)} has a gyre.ts, whose code would run in the server: this project is written in ${file()}`); // prettier-ignore
    return loadProject(laidOut);
  };

  return {
    head: () => git(projectFolder, ['rev-parse', 'HEAD']).then((out) => out.toString('utf8').trim(), () => undefined), // prettier-ignore
    isHere: async (commit) => {
      const head = await git(projectFolder, ['rev-parse', 'HEAD']).then((out) => out.toString('utf8').trim(), () => ''); // prettier-ignore
      if (head !== commit) return false;
      return (await git(projectFolder, ['status', '--porcelain', '--untracked-files=no', '--', '.'])).length === 0;
    },
    open: (commit) => {
      const known = opening.get(commit);
      if (known !== undefined) return known;
      // One after another: git locks what it writes about work trees.
      const opened = turn.then(() => openOnce(commit));
      turn = opened.catch(() => undefined);
      opening.set(commit, opened);
      opened.catch(() => opening.delete(commit));
      return opened;
    },
    keepOnly: async (commits) => {
      const there = await readdir(folder).catch(() => []);
      const gone = there.filter((name) => !commits.has(name));
      if (gone.length === 0) return;
      for (const commit of gone) {
        opening.delete(commit);
        await rm(join(folder, commit), { recursive: true, force: true });
      }
      await git(projectFolder, ['worktree', 'prune']).catch(() => undefined);
    },
  };
}

/** Kept under a name of its own, so that the repository's clean-up leaves it for whoever wants the run's code again. */
async function fetchCommit(root: string, commit: string): Promise<void> {
  const words = ['fetch', '--quiet', '--no-tags', '--no-recurse-submodules', 'origin', `${commit}:refs/gyre/ci/${commit}`];
  try {
    await git(root, [...noHooks, '-c', 'credential.interactive=false', ...words], { signal: AbortSignal.timeout(fetchMs) });
  } catch (error) {
    throw new GyreError(
      'NOT_FOUND',
      `commit ${commit.slice(0, 12)} is not in the repository of this project, and its origin does not give it: ${gitWords(error) ?? messageOf(error)}`,
      { commit },
      { cause: error },
    );
  }
}
